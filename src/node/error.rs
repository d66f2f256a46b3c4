//! Errors of the crate as JavaScript errors, and JavaScript exceptions as errors of the crate.
//!
//! This folder uses `Function::apply`, never `Function::call`: napi's `call` converts an exception to a text, which runs code
//! of the caller, and follows its causes, which may be cyclic or exhaust the stack.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{
    Array, FromNapiValue, JsObjectValue, Object, PromiseRaw, ToNapiValue, Unknown,
};
use napi::{Env, JsError, JsValue};

use crate::error::{Error, Issue};
use crate::quote;

use super::exception::take_exception;
use super::runtime::{ErrorFactory, Runtime};

/// Converts an error to a `BacktestError` or `AbortError` with the stack of the call.
pub(super) fn to_js(env: &Env, error: Error, error_factory: &ErrorFactory) -> napi::Error {
    match build(env, error, error_factory) {
        Ok(js_error) => napi::Error::from_unknown_without_coercion(js_error),
        Err(failure) => or_exception(env, failure),
    }
}

/// Returns the pending exception as an error, or else `failure`. An exception that stays pending would end the process.
pub(super) fn or_exception(env: &Env, failure: napi::Error) -> napi::Error {
    take_exception(env).map_or(failure, napi::Error::from_unknown_without_coercion)
}

/// Does the same as [`to_js`], but returns a value.
pub(super) fn build(
    env: &Env,
    error: Error,
    error_factory: &ErrorFactory,
) -> napi::Result<Unknown<'static>> {
    let mut issues = env.create_array(0)?;
    for Issue { path, code, message } in error.issues {
        let mut object = Object::new(env)?;
        object.set_named_property("path", quote::path(path))?;
        object.set_named_property("code", code)?;
        object.set_named_property("message", quote::issue(message))?;
        issues.insert(object)?;
    }
    let issues = Array::from_unknown(issues.to_unknown())?;
    let cause = error.cause.as_ref().and_then(|cause| cause.downcast_ref()).and_then(Thrown::take);
    let message = quote::message(error.message);
    let js_error = error_factory
        .borrow_back(env)?
        .apply((), (message, error.code.as_str(), error.retryable, issues).into())?;
    if let Some(cause) = cause {
        let cause = JsError::from(cause).into_unknown(*env);
        let runtime = Runtime::of(env)?;
        runtime
            .helper::<(Unknown, Unknown), ()>(env, "setCause")?
            .apply((), (js_error, cause).into())?;
    }
    Ok(js_error)
}

/// Why a call could not start.
pub(super) enum CallFailure {
    /// The crate rejected its arguments.
    Rejected(Error),
    /// A napi call failed.
    Napi(napi::Error),
}

impl From<Error> for CallFailure {
    fn from(error: Error) -> Self {
        Self::Rejected(error)
    }
}

impl From<napi::Error> for CallFailure {
    fn from(error: napi::Error) -> Self {
        Self::Napi(error)
    }
}

/// Starts a call. Every failure to start it rejects the promise: an unreadable request, an exception of a getter, a panic. A
/// function that returns a promise must not throw.
pub(super) fn reject_on_failure<'env, V: ToNapiValue>(
    env: &'env Env,
    call: impl FnOnce() -> Result<PromiseRaw<'env, V>, CallFailure>,
) -> napi::Result<PromiseRaw<'env, V>> {
    let failure = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(promise)) => return Ok(promise),
        Ok(Err(failure)) => failure,
        Err(_) => CallFailure::Rejected(Error::internal("a defect of the engine: panic")),
    };
    PromiseRaw::reject(env, failure.into_js(env))
}

impl CallFailure {
    /// Converts the failure to a `BacktestError`. If that fails, for example because the stack is exhausted, returns the
    /// exception.
    pub(super) fn into_js(self, env: &Env) -> Unknown<'_> {
        let error = match self {
            Self::Rejected(error) => error,
            Self::Napi(failure) => unreadable(env, "", &failure),
        };
        let js_error = Runtime::of(env)
            .and_then(|runtime| runtime.error_factory(env, None))
            .and_then(|error_factory| build(env, error, &error_factory));
        js_error.unwrap_or_else(|failure| {
            take_exception(env).unwrap_or_else(|| JsError::from(failure).into_unknown(*env))
        })
    }
}

/// An error that wraps a thrown value, which becomes the `cause` of a `BacktestError`.
#[derive(Debug)]
pub(super) struct Thrown(Mutex<Option<napi::Error>>);

impl Thrown {
    /// Stores an error of `wrapThrown` in `runtime.js`. The thrown value may be of any type and is not read.
    pub(super) fn new(wrapper: Unknown<'_>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(napi::Error::from_unknown_without_coercion(wrapper)))))
    }

    /// Takes the error; `None` if it was already taken.
    fn take(&self) -> Option<napi::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Returns the error of a value that could not be read because a getter or a proxy threw. The thrown value becomes its cause.
pub(super) fn unreadable(env: &Env, path: &str, failure: &napi::Error) -> Error {
    let name = if path.is_empty() { "the request" } else { path };
    let Some(thrown) = take_exception(env) else {
        return Error::internal(format!("{name} could not be read: {}", failure.status));
    };
    from_thrown(env, path, &format!("{name} threw"), thrown)
}

/// Returns the error of caller code that threw. The message ends with a description of the thrown value.
pub(super) fn from_thrown(env: &Env, path: &str, message: &str, thrown: Unknown<'_>) -> Error {
    let (description, wrapper) = Runtime::of(env)
        .and_then(|runtime| {
            let describe = runtime.helper::<(Unknown,), String>(env, "describe")?;
            let description = describe.apply((), (thrown,).into())?;
            let wrap = runtime.helper::<(Unknown,), Unknown>(env, "wrapThrown")?;
            Ok((description, Some(Thrown::new(wrap.apply((), (thrown,).into())?))))
        })
        .unwrap_or_else(|_| {
            // The stack may be exhausted.
            let _ = take_exception(env);
            ("an error".to_owned(), None)
        });
    let mut error = Error::invalid(path, "threw", format!("{message} {description}"));
    if let Some(wrapper) = wrapper {
        error.cause = Some(wrapper);
    }
    error
}
