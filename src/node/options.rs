//! The options of a run: the signal that stops it, the listener that follows it.

use std::sync::Arc;

use napi::bindgen_prelude::{FnArgs, Function, FunctionRef, JsObjectValue, Object, Unknown};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Env, JsValue, ValueType};

use crate::error::{Code, Error, Issue, nearest};
use crate::service::{Cancel, Control, Progress};

use super::runtime::Runtime;
use super::types::JsProgress;

/// What the caller's options came to.
pub(super) struct Followed<'env> {
    pub(super) control: Control,
    pub(super) signal: Option<Object<'env>>,
    /// Takes the listener off the signal again.
    pub(super) unlisten: Option<FunctionRef<(), Unknown<'static>>>,
    pub(super) listener: Option<FunctionRef<FnArgs<(JsProgress,)>, Unknown<'static>>>,
}

/// Reads `{ signal, onProgress }`.
pub(super) fn read_options<'env>(
    env: &'env Env,
    options: Option<Unknown<'env>>,
) -> napi::Result<crate::Result<Followed<'env>>> {
    let mut read =
        Followed { control: Control::default(), signal: None, unlisten: None, listener: None };
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
        read.signal = Some(signal);
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

fn follow_progress(env: &Env, listener: Unknown<'_>, read: &mut Followed<'_>) -> napi::Result<()> {
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
