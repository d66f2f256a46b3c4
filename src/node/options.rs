//! The options of a run: the signal that stops it, the listener that follows it.

use std::sync::Arc;

use napi::bindgen_prelude::{
    FnArgs, FromNapiValue, Function, FunctionRef, JsObjectValue, Object, Unknown,
};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Env, JsValue, ValueType};

use crate::error::{Code, Error, nearest};
use crate::quote;
use crate::request::Issues;
use crate::service::{CallControl, Cancellation, Progress};

use super::error;
use super::input::Reader;
use super::runtime::Runtime;
use super::types::JsProgress;

/// What the caller's options came to.
pub(super) struct Followed<'env> {
    pub(super) control: CallControl,
    pub(super) signal: Option<Object<'env>>,
    /// Takes the listener off the signal again.
    pub(super) unlisten: Option<FunctionRef<(), Unknown<'static>>>,
    pub(super) listener: Option<FunctionRef<FnArgs<(JsProgress,)>, Unknown<'static>>>,
}

/// Reads `{ signal, onProgress }`. What a getter or a look-alike of a signal throws refuses them, as its cause.
pub(super) fn read_options<'env>(
    env: &'env Env,
    options: Option<Unknown<'env>>,
) -> napi::Result<crate::Result<Followed<'env>>> {
    let mut read =
        Followed { control: CallControl::default(), signal: None, unlisten: None, listener: None };
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
    let fields =
        Reader::new(env).record(options, |_, key, value| Ok(read_option(env, key, value)?));
    let fields = match fields {
        Ok(fields) => fields,
        Err(unread) => return Ok(Err(unread.into_error(env, "options"))),
    };
    let mut issues = Issues::default();
    let mut signal = None;
    let mut listener = None;
    for (key, option) in fields {
        match option {
            Given::Nothing => {}
            Given::Signal(value) => signal = Some(value),
            Given::ProgressCallback(value) => listener = Some(value),
            Given::Mistyped(message) => {
                let path = format!("options.{key}");
                issues.add(path.clone(), "type", format!("{path} {message}"));
            }
            Given::Unknown => issues.add_with("unknown", || {
                let hint = nearest(&key, KNOWN).map_or_else(
                    || "; known fields: onProgress, signal".to_owned(),
                    |near| format!(", did you mean {near}?"),
                );
                let path = format!("options.{}", quote::name(&key));
                let message = format!("unknown field {path}{hint}");
                (path, message)
            }),
        }
    }
    if let Err(refused) = issues.into_result(Code::InvalidArgument) {
        return Ok(Err(refused));
    }
    if let Some(signal) = signal {
        match follow_signal(env, &signal, &read.control.cancellation) {
            Ok(unlisten) => read.unlisten = unlisten,
            Err(failure) => return Ok(Err(error::unread(env, "options.signal", &failure))),
        }
        read.signal = Some(signal);
    }
    if let Some(listener) = listener {
        follow_progress(env, listener, &mut read)?;
    }
    Ok(Ok(read))
}

/// The options that there are.
const KNOWN: [&str; 2] = ["signal", "onProgress"];

/// An option as it was given.
enum Given<'env> {
    Nothing,
    Signal(Object<'env>),
    ProgressCallback(Unknown<'env>),
    /// One of the wrong type; the rest of a sentence that begins with its name.
    Mistyped(String),
    Unknown,
}

fn read_option<'env>(env: &Env, key: &str, value: Unknown<'env>) -> napi::Result<Given<'env>> {
    let kind = value.get_type()?;
    Ok(match (key, kind) {
        ("signal" | "onProgress", ValueType::Undefined | ValueType::Null) => Given::Nothing,
        ("signal", ValueType::Object) if is_signal(env, &value)? => {
            Given::Signal(Object::from_raw(env.raw(), value.raw()))
        }
        ("signal", _) => Given::Mistyped("must be an AbortSignal".to_owned()),
        ("onProgress", ValueType::Function) => Given::ProgressCallback(value),
        ("onProgress", _) => Given::Mistyped(format!("must be a function, was a {kind}")),
        _ => Given::Unknown,
    })
}

fn is_signal(env: &Env, value: &Unknown<'_>) -> napi::Result<bool> {
    let object = Object::from_raw(env.raw(), value.raw());
    let aborted: Unknown = object.get_named_property("aborted")?;
    let listen: Unknown = object.get_named_property("addEventListener")?;
    Ok(aborted.get_type()? == ValueType::Boolean && listen.get_type()? == ValueType::Function)
}

/// Listens to a signal; returns what ends that, or nothing where it is aborted already.
fn follow_signal(
    env: &Env,
    signal: &Object<'_>,
    cancel: &Cancellation,
) -> napi::Result<Option<FunctionRef<(), Unknown<'static>>>> {
    let canceller = cancel.clone();
    let abort: Function<Unknown, ()> = env.create_function_from_closure("abort", move |_| {
        canceller.cancel();
        Ok(())
    })?;
    let listen = Runtime::of(env)?.helper::<(Unknown, Unknown), Unknown<'static>>(env, "listen")?;
    // Applied, so that an exception stays what it is.
    let unlisten = listen.apply((), (signal.to_unknown(), abort.to_unknown()).into())?;
    if unlisten.get_type()? != ValueType::Function {
        cancel.cancel();
        return Ok(None);
    }
    Function::<(), Unknown<'static>>::from_unknown(unlisten)?.create_ref().map(Some)
}

fn follow_progress(env: &Env, listener: Unknown<'_>, read: &mut Followed<'_>) -> napi::Result<()> {
    let guard = Runtime::of(env)?
        .helper::<(Unknown,), Function<FnArgs<(JsProgress,)>, Unknown<'static>>>(env, "guard")?;
    let guarded = guard.apply((), (listener,).into())?;
    read.listener = Some(guarded.create_ref()?);
    // Weak, so that it does not keep the process alive; reports that find the queue full are left out.
    let queue = guarded
        .build_threadsafe_function::<Progress>()
        .weak::<true>()
        .max_queue_size::<64>()
        .build_callback(|context| Ok(FnArgs::from((JsProgress::from(context.value),))))?;
    read.control.on_progress = Some(Arc::new(move |progress| {
        queue.call(progress, ThreadsafeFunctionCallMode::NonBlocking);
    }));
    Ok(())
}
