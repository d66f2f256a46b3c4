//! One call: the place it came from on the way in, the promise on the way out.

use std::pin::Pin;

use napi::bindgen_prelude::{
    FnArgs, FunctionRef, PromiseRaw, ToNapiValue, Unknown, within_runtime_if_available,
};
use napi::{Env, JsError, JsValue};
use tokio::runtime::Handle;

use crate::service::pool::{self, InlineOutcome};
use crate::service::{CallControl, Progress};

use super::error;
use super::options::{Followed, read_options};
use super::runtime::{Fail, Runtime};
use super::types::JsProgress;
use crate::compute::allocator;

/// What a call holds on to in JavaScript until it is answered.
struct Held {
    fail: Fail,
    followers: Followers,
}

/// The caller's functions around a call.
#[derive(Default)]
struct Followers {
    /// Takes the listener off the signal.
    unlisten: Option<FunctionRef<(), Unknown<'static>>>,
    /// Hears of the end.
    listener: Option<FunctionRef<FnArgs<(JsProgress,)>, Unknown<'static>>>,
}

/// Makes a promise of a use case without options.
pub(super) fn call<'env, T, V, F>(
    env: &'env Env,
    work: crate::Result<F>,
    convert: impl FnOnce(&Env, T) -> napi::Result<V> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, V>>
where
    T: Send + 'static,
    V: ToNapiValue + 'static,
    F: Future<Output = crate::Result<T>> + Send + 'static,
{
    begin(env, None, false, |_| work, |env, value| Ok((convert(env, value)?, None)))
}

/// Makes what a promise settles with, on the JavaScript thread.
type Resolver<V> = Box<dyn FnOnce(Env) -> napi::Result<V> + Send>;

/// Makes a promise of a use case that its caller may follow and stop.
///
/// One that is `small` begins here, and is answered here unless it has to wait: two changes of threads cost a hundred
/// microseconds, and it takes a few. Promises that are answered here keep the event loop from turning, so that this is done
/// for some milliseconds between two turns and no longer.
pub(super) fn begin<'env, T, V, F>(
    env: &'env Env,
    options: Option<Unknown<'env>>,
    small: bool,
    start: impl FnOnce(CallControl) -> crate::Result<F>,
    convert: impl FnOnce(&Env, T) -> napi::Result<(V, Option<Progress>)> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, V>>
where
    T: Send + 'static,
    V: ToNapiValue + 'static,
    F: Future<Output = crate::Result<T>> + Send + 'static,
{
    let runtime = Runtime::of(env)?;
    let (signal, followers, work) = match read_options(env, options)? {
        Ok(Followed { control, signal, unlisten, listener }) => {
            (signal, Followers { unlisten, listener }, start(control))
        }
        Err(refused) => (None, Followers::default(), Err(refused)),
    };
    let work = match work {
        Ok(work) if small && followers.listener.is_none() && runtime.has_time(env) => {
            match within_runtime_if_available(|| pool::run_inline(work)) {
                InlineOutcome::Finished(Ok(value)) => {
                    return match followers.told(env, value, convert) {
                        Ok(value) => PromiseRaw::resolve(env, value),
                        Err(failure) => {
                            PromiseRaw::reject(env, JsError::from(failure).into_unknown(*env))
                        }
                    };
                }
                InlineOutcome::Finished(Err(failure)) => {
                    followers.leave(env);
                    let fail = runtime.begin(env, signal)?;
                    return PromiseRaw::reject(env, error::build(env, failure, &fail)?);
                }
                InlineOutcome::Pending(work) => Ok(work),
            }
        }
        work => work.map(Box::pin),
    };
    let held = Held { fail: runtime.begin(env, signal)?, followers };
    answer_later(env, runtime, held, work, convert)
}

/// Makes a promise of work that begins on an idle simulation thread, or else among the tasks for I/O, so that it never
/// waits for somebody else's simulation. Answers are delivered a few at a time, so that many that are ready at once do not hold up the event loop.
fn answer_later<'env, T, V, F>(
    env: &'env Env,
    runtime: &Runtime,
    held: Held,
    work: crate::Result<Pin<Box<F>>>,
    convert: impl FnOnce(&Env, T) -> napi::Result<(V, Option<Progress>)> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, V>>
where
    T: Send + 'static,
    V: ToNapiValue + 'static,
    F: Future<Output = crate::Result<T>> + Send + 'static,
{
    let (deferred, promise) = env.create_deferred::<V, Resolver<V>>()?;
    let promise = PromiseRaw::new(env.raw(), promise.raw());
    let deliveries = runtime.deliveries();
    let future = async move {
        let result = match work {
            Ok(work) => pool::catch_panics(work).await,
            Err(refused) => Err(refused),
        };
        // There is no permit once the environment ends, and nobody to answer to.
        let permit = deliveries.acquire_owned().await.ok();
        deferred.resolve(Box::new(move |env: Env| {
            let settled = settle(&env, held, result, convert);
            if let (Some(permit), Ok(runtime)) = (permit, Runtime::of(&env)) {
                runtime.delivered(&env, permit);
            }
            settled
        }));
        allocator::release_when_idle(&Handle::current());
    };
    within_runtime_if_available(|| pool::spawn(future, &Handle::current()));
    Ok(promise)
}

/// Turns the result of a call into what its promise settles with, on the JavaScript thread.
fn settle<T, V>(
    env: &Env,
    held: Held,
    result: crate::Result<T>,
    convert: impl FnOnce(&Env, T) -> napi::Result<(V, Option<Progress>)>,
) -> napi::Result<V> {
    match result {
        Ok(value) => {
            held.followers.told(env, value, convert).map_err(|failure| error::settled(env, failure))
        }
        Err(failure) => {
            held.followers.leave(env);
            Err(error::to_js(env, failure, &held.fail))
        }
    }
}

impl Followers {
    /// Lets go of the signal.
    fn leave(&self, env: &Env) {
        if let Some(unlisten) = &self.unlisten {
            let left = unlisten.borrow_back(env).and_then(|unlisten| unlisten.apply((), ()));
            if left.is_err() {
                let _ = error::exception(env);
            }
        }
    }

    /// Lets go of the signal, makes the answer, and reports the end.
    fn told<T, V>(
        self,
        env: &Env,
        value: T,
        convert: impl FnOnce(&Env, T) -> napi::Result<(V, Option<Progress>)>,
    ) -> napi::Result<V> {
        self.leave(env);
        let (value, last) = convert(env, value)?;
        if let (Some(last), Some(listener)) = (last, &self.listener) {
            // Told here and not through the queue, so that nobody hears of the end after the answer.
            listener.borrow_back(env)?.apply((), (JsProgress::from(last),).into())?;
        }
        Ok(value)
    }
}
