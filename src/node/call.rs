//! Calls: from the arguments on the JavaScript thread to the promise.

use std::pin::Pin;
use std::time::Duration;

use napi::bindgen_prelude::{PromiseRaw, ToNapiValue, Unknown, within_runtime_if_available};
use napi::{Env, JsError, JsValue};
use tokio::runtime::Handle;

use crate::compute::allocator;
use crate::service::pool::{self, InlineOutcome};
use crate::service::{CallControl, Cancellation, Progress};

use super::error;
use super::exception::take_exception;
use super::options::{CallOptions, Callbacks, read_options};
use super::runtime::{ErrorFactory, Runtime};
use super::types::JsProgress;

/// The JavaScript references of a call, held until it settles.
pub(super) struct Call {
    /// Creates its error. Small calls on the JavaScript thread create it when they fail.
    error_factory: Option<ErrorFactory>,
    callbacks: Callbacks,
    cancellation: Cancellation,
}

impl Call {
    /// Sends the last progress report. The listener may abort the call.
    pub(super) fn report(&self, env: &Env, last_report: Progress) -> napi::Result<()> {
        let Some(on_progress) = &self.callbacks.on_progress else { return Ok(()) };
        // Called directly instead of through the queue, so that it never runs after the promise settled.
        on_progress.borrow_back(env)?.apply((), (JsProgress::from(last_report),).into())?;
        Ok(())
    }

    /// Returns whether the call may resolve. From then on, aborting has no effect. Otherwise it was aborted and must reject.
    pub(super) fn settle(&self) -> bool {
        self.cancellation.settle()
    }

    /// Returns a promise that rejects with the error of this call, which has what a sweep did before as its property `sweep`.
    pub(super) fn reject_with(
        &self,
        env: &Env,
        failure: &crate::Error,
        partial: Unknown<'static>,
    ) -> napi::Result<Unknown<'static>> {
        let runtime = Runtime::of(env)?;
        let Some(error_factory) = &self.error_factory else {
            return Err(napi::Error::from_reason(failure.message.clone()));
        };
        let error = error::build(env, failure.clone(), error_factory)?;
        runtime
            .helper::<(Unknown<'_>, Unknown<'_>), Unknown<'static>>(env, "rejectWithPartial")?
            .apply((), (error, partial).into())
    }

    /// Returns a promise that rejects with the error of this call when `undoing`, which returns that error, has ended.
    pub(super) fn reject_later(
        &self,
        env: &Env,
        undoing: impl Future<Output = crate::Error> + Send + 'static,
    ) -> napi::Result<Unknown<'static>> {
        let runtime = Runtime::of(env)?;
        let error_factory = match &self.error_factory {
            Some(error_factory) => error_factory.borrow_back(env)?.create_ref()?,
            None => runtime.error_factory(env, None)?,
        };
        let call = Self {
            error_factory: Some(error_factory),
            callbacks: Callbacks::default(),
            cancellation: Cancellation::default(),
        };
        let work = Box::pin(async move { Err::<(), _>(undoing.await) });
        let promise = settle_later(env, runtime, call, Ok(work), |_, _, ()| Ok(()))?;
        runtime
            .helper::<(Unknown<'_>,), Unknown<'static>>(env, "same")?
            .apply((), (promise.to_unknown(),).into())
    }
}

/// Settles a promise on the JavaScript thread.
type Settle<V> = Box<dyn FnOnce(Env) -> napi::Result<V> + Send>;

/// Returns a promise of a use case without options.
pub(super) fn promise<'env, T, V, F>(
    env: &'env Env,
    work: crate::Result<F>,
    convert: impl FnOnce(&Env, T) -> napi::Result<V> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, V>>
where
    T: Send + 'static,
    V: ToNapiValue + 'static,
    F: Future<Output = crate::Result<T>> + Send + 'static,
{
    promise_with_options(env, None, false, |_| work, |env, _, value| convert(env, value))
}

/// Returns a promise of a use case that its caller can observe and cancel.
///
/// Small work runs on this thread unless it has to wait: it takes a few microseconds, and two thread switches cost a hundred.
/// Promises that settle here keep the event loop from turning, so this is limited to a few milliseconds per turn.
pub(super) fn promise_with_options<'env, T, V, F>(
    env: &'env Env,
    options: Option<Unknown<'env>>,
    is_small: bool,
    start: impl FnOnce(CallControl) -> crate::Result<F>,
    convert: impl FnOnce(&Env, &Call, T) -> napi::Result<V> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, V>>
where
    T: Send + 'static,
    V: ToNapiValue + 'static,
    F: Future<Output = crate::Result<T>> + Send + 'static,
{
    let runtime = Runtime::of(env)?;
    let mut call = Call {
        error_factory: None,
        callbacks: Callbacks::default(),
        cancellation: Cancellation::default(),
    };
    let (signal, work) = match read_options(env, options)? {
        Ok(CallOptions { control, signal, callbacks }) => {
            call.callbacks = callbacks;
            call.cancellation = control.cancellation.clone();
            (signal, start(control))
        }
        Err(invalid) => (None, Err(invalid)),
    };
    // A call with a signal must not end before its caller can abort it.
    let is_inline = is_small && signal.is_none() && call.callbacks.on_progress.is_none();
    let work = match work {
        Ok(work) if is_inline && runtime.has_time(env) => {
            match within_runtime_if_available(|| pool::run_inline(work)) {
                InlineOutcome::Finished(Ok(value)) => {
                    return match convert(env, &call, value) {
                        Ok(value) => PromiseRaw::resolve(env, value),
                        Err(failure) => {
                            PromiseRaw::reject(env, JsError::from(failure).into_unknown(*env))
                        }
                    };
                }
                InlineOutcome::Finished(Err(failure)) => {
                    let error_factory = runtime.error_factory(env, signal)?;
                    return PromiseRaw::reject(env, error::build(env, failure, &error_factory)?);
                }
                InlineOutcome::Pending(work) => Ok(work),
            }
        }
        work => work.map(Box::pin),
    };
    call.error_factory = Some(runtime.error_factory(env, signal)?);
    settle_later(env, runtime, call, work, convert)
}

/// Returns a promise of one step of a call that JavaScript makes step by step.
pub(super) fn continue_call<'env, T, V, F>(
    env: &'env Env,
    error_factory: ErrorFactory,
    work: crate::Result<F>,
    convert: impl FnOnce(&Env, T) -> napi::Result<V> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, V>>
where
    T: Send + 'static,
    V: ToNapiValue + 'static,
    F: Future<Output = crate::Result<T>> + Send + 'static,
{
    let call = Call {
        error_factory: Some(error_factory),
        callbacks: Callbacks::default(),
        cancellation: Cancellation::default(),
    };
    let work = work.map(Box::pin);
    settle_later(env, Runtime::of(env)?, call, work, |env, _, value| convert(env, value))
}

/// Returns a promise of work that starts on an idle simulation thread, or as an I/O task if none is idle, so it never waits
/// for another simulation. Few promises settle at a time, so that many results that are ready at once do not block the
/// event loop.
fn settle_later<'env, T, V, F>(
    env: &'env Env,
    runtime: &Runtime,
    call: Call,
    work: crate::Result<Pin<Box<F>>>,
    convert: impl FnOnce(&Env, &Call, T) -> napi::Result<V> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, V>>
where
    T: Send + 'static,
    V: ToNapiValue + 'static,
    F: Future<Output = crate::Result<T>> + Send + 'static,
{
    let (deferred, promise) = env.create_deferred::<V, Settle<V>>()?;
    let promise = PromiseRaw::new(env.raw(), promise.raw());
    let deliveries = runtime.deliveries();
    let future = async move {
        let result = match work {
            Ok(work) => pool::catch_panics(work).await,
            Err(error) => Err(error),
        };
        // There is no permit when the environment has ended, and then the promise is gone, too.
        let permit = deliveries.acquire_owned().await.ok();
        deferred.resolve(Box::new(move |env: Env| {
            let settled = settle(&env, &call, result, convert);
            if let (Some(permit), Ok(runtime)) = (permit, Runtime::of(&env)) {
                runtime.release_delivery(&env, permit);
            }
            settled
        }));
        release_memory_when_idle(&Handle::current());
    };
    within_runtime_if_available(|| pool::spawn(future, &Handle::current()));
    Ok(promise)
}

/// Cached blocks of memory are released after this long without a request for a large block. The check runs at this
/// interval, so a release can take up to twice as long.
const IDLE_INTERVAL: Duration = Duration::from_secs(5);

/// Schedules the release of cached memory for when no large block has been requested for some seconds.
fn release_memory_when_idle(runtime: &Handle) {
    let Some(mut idle_watch) = allocator::IdleWatch::start() else { return };
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(IDLE_INTERVAL).await;
            if idle_watch.release_if_idle() {
                break;
            }
        }
    });
}

/// Converts the result of a call to the value or error that its promise settles with.
fn settle<T, V>(
    env: &Env,
    call: &Call,
    result: crate::Result<T>,
    convert: impl FnOnce(&Env, &Call, T) -> napi::Result<V>,
) -> napi::Result<V> {
    let settled = match result {
        Ok(value) => convert(env, call, value).map_err(|failure| error::or_exception(env, failure)),
        Err(failure) => Err(match &call.error_factory {
            Some(error_factory) => error::to_js(env, failure, error_factory),
            None => napi::Error::from_reason(failure.message),
        }),
    };
    remove_abort_listener(env, &call.callbacks);
    settled
}

fn remove_abort_listener(env: &Env, callbacks: &Callbacks) {
    if let Some(remove) = &callbacks.remove_abort_listener
        && remove.borrow_back(env).and_then(|remove| remove.apply((), ())).is_err()
    {
        let _ = take_exception(env);
    }
}
