//! The options of a call: the signal that cancels it and the function that receives its progress.

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

/// The options of a call.
#[derive(Default)]
pub(super) struct CallOptions<'env> {
    pub(super) control: CallControl,
    pub(super) signal: Option<Object<'env>>,
    pub(super) callbacks: Callbacks,
}

/// Functions to call when a call ends.
#[derive(Default)]
pub(super) struct Callbacks {
    /// Removes the listener from the signal.
    pub(super) remove_abort_listener: Option<FunctionRef<(), Unknown<'static>>>,
    /// Receives the last progress report.
    pub(super) on_progress: Option<FunctionRef<FnArgs<(JsProgress,)>, Unknown<'static>>>,
}

/// Reads `{ signal, onProgress }`. A value that a getter or a fake signal throws becomes the cause of the error.
pub(super) fn read_options<'env>(
    env: &'env Env,
    options: Option<Unknown<'env>>,
) -> napi::Result<crate::Result<CallOptions<'env>>> {
    let mut read = CallOptions::default();
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
        Err(error) => return Ok(Err(error.into_error(env, "options"))),
    };
    let mut issues = Issues::default();
    let mut signal = None;
    let mut on_progress = None;
    for (key, option) in fields {
        match option {
            OptionValue::Absent => {}
            OptionValue::Signal(value) => signal = Some(value),
            OptionValue::OnProgress(value) => on_progress = Some(value),
            OptionValue::Mistyped(message) => {
                let path = format!("options.{key}");
                issues.add(path.clone(), "type", format!("{path} {message}"));
            }
            OptionValue::Unknown => issues.add_with("unknown", || {
                let hint = nearest(&key, NAMES).map_or_else(
                    || "; known fields: onProgress, signal".to_owned(),
                    |near| format!(", did you mean {near}?"),
                );
                let path = format!("options.{}", quote::name(&key));
                let message = format!("unknown field {path}{hint}");
                (path, message)
            }),
        }
    }
    if let Err(invalid) = issues.into_result(Code::InvalidArgument) {
        return Ok(Err(invalid));
    }
    if let Some(signal) = signal {
        match observe_signal(env, &signal, &read.control.cancellation) {
            Ok(remove) => read.callbacks.remove_abort_listener = remove,
            Err(failure) => return Ok(Err(error::unreadable(env, "options.signal", &failure))),
        }
        read.signal = Some(signal);
    }
    if let Some(on_progress) = on_progress {
        report_progress(env, on_progress, &mut read)?;
    }
    Ok(Ok(read))
}

/// The names of the options.
const NAMES: [&str; 2] = ["signal", "onProgress"];

/// The value of an option.
enum OptionValue<'env> {
    Absent,
    Signal(Object<'env>),
    OnProgress(Unknown<'env>),
    /// A value of the wrong type, with the end of a message that begins with the option's name.
    Mistyped(String),
    /// The value of an unknown option.
    Unknown,
}

fn read_option<'env>(
    env: &Env,
    key: &str,
    value: Unknown<'env>,
) -> napi::Result<OptionValue<'env>> {
    let kind = value.get_type()?;
    Ok(match (key, kind) {
        ("signal" | "onProgress", ValueType::Undefined | ValueType::Null) => OptionValue::Absent,
        ("signal", ValueType::Object) if is_signal(env, &value)? => {
            OptionValue::Signal(Object::from_raw(env.raw(), value.raw()))
        }
        ("signal", _) => OptionValue::Mistyped("must be an AbortSignal".to_owned()),
        ("onProgress", ValueType::Function) => OptionValue::OnProgress(value),
        ("onProgress", _) => OptionValue::Mistyped(format!("must be a function, was a {kind}")),
        _ => OptionValue::Unknown,
    })
}

fn is_signal(env: &Env, value: &Unknown<'_>) -> napi::Result<bool> {
    let object = Object::from_raw(env.raw(), value.raw());
    let aborted: Unknown = object.get_named_property("aborted")?;
    let listen: Unknown = object.get_named_property("addEventListener")?;
    Ok(aborted.get_type()? == ValueType::Boolean && listen.get_type()? == ValueType::Function)
}

/// Adds an abort listener to a signal. Returns the function that removes it; `None` if the signal is already aborted.
fn observe_signal(
    env: &Env,
    signal: &Object<'_>,
    cancellation: &Cancellation,
) -> napi::Result<Option<FunctionRef<(), Unknown<'static>>>> {
    let cancel = cancellation.clone();
    let abort: Function<Unknown, ()> = env.create_function_from_closure("abort", move |_| {
        cancel.cancel();
        Ok(())
    })?;
    let listen = Runtime::of(env)?
        .helper::<(Unknown, Unknown), Unknown<'static>>(env, "addAbortListener")?;
    // `apply` preserves the exception.
    let remove = listen.apply((), (signal.to_unknown(), abort.to_unknown()).into())?;
    if remove.get_type()? != ValueType::Function {
        cancellation.cancel();
        return Ok(None);
    }
    Function::<(), Unknown<'static>>::from_unknown(remove)?.create_ref().map(Some)
}

fn report_progress(
    env: &Env,
    on_progress: Unknown<'_>,
    options: &mut CallOptions<'_>,
) -> napi::Result<()> {
    let guard = Runtime::of(env)?
        .helper::<(Unknown,), Function<FnArgs<(JsProgress,)>, Unknown<'static>>>(
            env,
            "guardListener",
        )?;
    let guarded = guard.apply((), (on_progress,).into())?;
    options.callbacks.on_progress = Some(guarded.create_ref()?);
    // Weak, so it does not keep the process alive. Reports that do not fit into the queue are dropped.
    let queue = guarded
        .build_threadsafe_function::<Progress>()
        .weak::<true>()
        .max_queue_size::<64>()
        .build_callback(|context| Ok(FnArgs::from((JsProgress::from(context.value),))))?;
    options.control.on_progress = Some(Arc::new(move |progress| {
        queue.call(progress, ThreadsafeFunctionCallMode::NonBlocking);
    }));
    Ok(())
}
