//! One call: the place it came from, its signal and listener on the way in; the promise on the way out.

use std::sync::Arc;

use napi::bindgen_prelude::{
    FnArgs, Function, FunctionRef, JsObjectValue, Object, ObjectRef, PromiseRaw, ToNapiValue,
    Unknown,
};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Env, JsValue, ValueType};

use crate::error::{Code, Error, Issue, nearest};
use crate::service::{Cancel, Control, Progress};

use super::error;
use super::runtime::Runtime;
use super::types::JsProgress;

/// What a call holds on to in JavaScript until it is answered.
struct Held {
    site: ObjectRef<false>,
    signal: Option<ObjectRef<false>>,
    unlisten: Option<FunctionRef<(), Unknown<'static>>>,
    listener: Option<FunctionRef<FnArgs<(JsProgress,)>, Unknown<'static>>>,
}

/// What the caller's options came to.
struct Options {
    control: Control,
    signal: Option<ObjectRef<false>>,
    unlisten: Option<FunctionRef<(), Unknown<'static>>>,
    listener: Option<FunctionRef<FnArgs<(JsProgress,)>, Unknown<'static>>>,
}

/// Makes a promise of a use case without options.
pub(super) fn call<'env, T, V, F>(
    env: &'env Env,
    work: crate::Result<F>,
    convert: impl FnOnce(&'env Env, T) -> napi::Result<V> + 'static,
) -> napi::Result<PromiseRaw<'env, V>>
where
    T: Send + 'static,
    V: ToNapiValue,
    F: Future<Output = crate::Result<T>> + Send + 'static,
{
    let site = Runtime::of(env)?.site(env)?.create_ref::<false>()?;
    let held = Held { site, signal: None, unlisten: None, listener: None };
    answer(env, work, held, |env, value| convert(env, value).map(|value| (value, None)))
}

/// Makes a promise of a use case that can be followed and stopped.
pub(super) fn call_with_options<'env, T, V, F>(
    env: &'env Env,
    options: Option<Unknown<'env>>,
    start: impl FnOnce(Control) -> crate::Result<F>,
    convert: impl FnOnce(&'env Env, T) -> napi::Result<(V, Option<Progress>)> + 'static,
) -> napi::Result<PromiseRaw<'env, V>>
where
    T: Send + 'static,
    V: ToNapiValue,
    F: Future<Output = crate::Result<T>> + Send + 'static,
{
    let site = Runtime::of(env)?.site(env)?.create_ref::<false>()?;
    match read_options(env, options)? {
        Ok(options) => {
            let held = Held {
                site,
                signal: options.signal,
                unlisten: options.unlisten,
                listener: options.listener,
            };
            answer(env, start(options.control), held, convert)
        }
        Err(refused) => {
            let held = Held { site, signal: None, unlisten: None, listener: None };
            answer(env, Err::<F, _>(refused), held, convert)
        }
    }
}

fn answer<'env, T, V, F>(
    env: &'env Env,
    work: crate::Result<F>,
    held: Held,
    convert: impl FnOnce(&'env Env, T) -> napi::Result<(V, Option<Progress>)> + 'static,
) -> napi::Result<PromiseRaw<'env, V>>
where
    T: Send + 'static,
    V: ToNapiValue,
    F: Future<Output = crate::Result<T>> + Send + 'static,
{
    let future = async move {
        let work = match work {
            Ok(work) => work,
            Err(refused) => return Ok(Err(refused)),
        };
        // A task of its own, so that a panic ends this call and nothing else.
        Ok(tokio::spawn(work).await.unwrap_or_else(|failure| {
            Err(Error::internal(format!("a defect of the engine: {failure}")))
        }))
    };
    env.spawn_future_with_callback(future, move |env, result: crate::Result<T>| {
        let converted = match result {
            Ok(value) => convert(env, value).and_then(|(value, last)| {
                if let (Some(last), Some(listener)) = (last, &held.listener) {
                    // Told here and not through the queue, so that nobody hears of the end after the answer.
                    listener.borrow_back(env)?.call((JsProgress::from(last),).into())?;
                }
                Ok(value)
            }),
            Err(failure) => {
                let site = held.site.get_value(env).ok();
                let signal = held.signal.as_ref().and_then(|signal| signal.get_value(env).ok());
                Err(error::to_js(env, &failure, site, signal))
            }
        };
        release(env, held);
        converted
    })
}

fn release(env: &Env, held: Held) {
    if let Some(unlisten) = held.unlisten {
        let _ = unlisten.borrow_back(env).and_then(|unlisten| unlisten.call(()));
    }
    let _ = held.site.unref(env);
    if let Some(signal) = held.signal {
        let _ = signal.unref(env);
    }
}

/// Reads `{ signal, onProgress }`.
fn read_options<'env>(
    env: &'env Env,
    options: Option<Unknown<'env>>,
) -> napi::Result<crate::Result<Options>> {
    let mut read =
        Options { control: Control::default(), signal: None, unlisten: None, listener: None };
    let Some(options) = options else { return Ok(Ok(read)) };
    match options.get_type()? {
        ValueType::Undefined | ValueType::Null => return Ok(Ok(read)),
        ValueType::Object => {}
        other => {
            return Ok(Err(Error::invalid(
                "options",
                "type",
                format!("options must be an object, was a {other}"),
            )));
        }
    }
    let options = Object::from_raw(env.raw(), options.raw());
    let mut issues = Vec::new();
    let mut signal = None;
    let mut listener = None;
    for key in Object::keys(&options)? {
        let value: Unknown = options.get_named_property(&key)?;
        let kind = value.get_type()?;
        match (key.as_str(), kind) {
            ("signal" | "onProgress", ValueType::Undefined | ValueType::Null) => {}
            ("signal", ValueType::Object) if is_signal(env, &value)? => {
                signal = Some(Object::from_raw(env.raw(), value.raw()));
            }
            ("signal", _) => issues.push(Issue::new(
                "options.signal",
                "type",
                "options.signal must be an AbortSignal",
            )),
            ("onProgress", ValueType::Function) => listener = Some(value),
            ("onProgress", _) => {
                issues.push(Issue::new(
                    "options.onProgress",
                    "type",
                    format!("options.onProgress must be a function, was a {kind}"),
                ));
            }
            (unknown, _) => {
                let hint = nearest(unknown, ["signal", "onProgress"]).map_or_else(
                    || "; known fields: onProgress, signal".to_owned(),
                    |near| format!(", did you mean {near}?"),
                );
                issues.push(Issue::new(
                    format!("options.{unknown}"),
                    "unknown",
                    format!("unknown field options.{unknown}{hint}"),
                ));
            }
        }
    }
    if !issues.is_empty() {
        return Ok(Err(Error::with_issues(Code::InvalidArgument, issues)));
    }
    if let Some(signal) = signal {
        follow_signal(env, &signal, &read.control.cancel)
            .map(|unlisten| read.unlisten = unlisten)?;
        read.signal = Some(signal.create_ref::<false>()?);
    }
    if let Some(listener) = listener {
        follow_progress(env, listener, &mut read)?;
    }
    Ok(Ok(read))
}

fn is_signal(env: &Env, value: &Unknown<'_>) -> napi::Result<bool> {
    let object = Object::from_raw(env.raw(), value.raw());
    let aborted: Unknown = object.get_named_property("aborted")?;
    let listen: Unknown = object.get_named_property("addEventListener")?;
    Ok(aborted.get_type()? == ValueType::Boolean && listen.get_type()? == ValueType::Function)
}

fn follow_signal(
    env: &Env,
    signal: &Object<'_>,
    cancel: &Cancel,
) -> napi::Result<Option<FunctionRef<(), Unknown<'static>>>> {
    if signal.get_named_property::<bool>("aborted")? {
        cancel.cancel();
        return Ok(None);
    }
    let cancel = cancel.clone();
    let abort: Function<Unknown, ()> = env.create_function_from_closure("abort", move |_| {
        cancel.cancel();
        Ok(())
    })?;
    let listen = Runtime::of(env)?
        .helper::<(Unknown, Unknown), Function<(), Unknown<'static>>>(env, "listen")?;
    let unlisten = listen.call((signal.to_unknown(), abort.to_unknown()).into())?;
    unlisten.create_ref().map(Some)
}

fn follow_progress(env: &Env, listener: Unknown<'_>, read: &mut Options) -> napi::Result<()> {
    let guard = Runtime::of(env)?
        .helper::<(Unknown,), Function<FnArgs<(JsProgress,)>, Unknown<'static>>>(env, "guard")?;
    let guarded = guard.call((listener,).into())?;
    read.listener = Some(guarded.create_ref()?);
    // Weak, so that it does not keep the process alive; reports that find the queue full are left out.
    let queue = guarded
        .build_threadsafe_function::<Progress>()
        .weak::<true>()
        .max_queue_size::<64>()
        .build_callback(|context| Ok(FnArgs::from((JsProgress::from(context.value),))))?;
    read.control.listener = Some(Arc::new(move |progress| {
        queue.call(progress, ThreadsafeFunctionCallMode::NonBlocking);
    }));
    Ok(())
}
