//! Errors of the crate as errors of JavaScript, and what JavaScript throws as errors of the crate.
//!
//! In this folder, functions of JavaScript are applied and not called: `Function::call` of napi turns an exception into a text,
//! which runs code of the caller, and follows its causes, which does not end where they lead back or where the stack does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{
    Array, FromNapiValue, JsObjectValue, Object, PromiseRaw, ToNapiValue, Unknown,
};
use napi::{Env, JsError, JsValue, sys};

use crate::error::{Error, Issue};
use crate::quote;

use super::runtime::{Fail, Runtime};

/// Returns the `BacktestError` (or `AbortError`) of an error, with the frames of the call that it answers.
pub(super) fn to_js(env: &Env, error: Error, fail: &Fail) -> napi::Error {
    match build(env, error, fail) {
        Ok(made) => napi::Error::from_unknown_without_coercion(made),
        Err(failure) => settled(env, failure),
    }
}

/// Returns what a promise rejects with where JavaScript could not make its answer, and takes the exception that says so: if it
/// went on waiting, it would end the process.
pub(super) fn settled(env: &Env, failure: napi::Error) -> napi::Error {
    exception(env).map_or(failure, napi::Error::from_unknown_without_coercion)
}

/// Returns the same as a value.
pub(super) fn build(env: &Env, error: Error, fail: &Fail) -> napi::Result<Unknown<'static>> {
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
    let made = fail
        .borrow_back(env)?
        .apply((), (message, error.code.as_str(), error.retryable, issues).into())?;
    if let Some(cause) = cause {
        let cause = JsError::from(cause).into_unknown(*env);
        let runtime = Runtime::of(env)?;
        runtime.helper::<(Unknown, Unknown), ()>(env, "cause")?.apply((), (made, cause).into())?;
    }
    Ok(made)
}

/// Why a call ends before it has begun.
pub(super) enum Failure {
    /// The crate refused it.
    Refused(Error),
    /// JavaScript did not do what was asked of it.
    Napi(napi::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<napi::Error> for Failure {
    fn from(error: napi::Error) -> Self {
        Self::Napi(error)
    }
}

/// Makes a call whose promise rejects with whatever keeps it from beginning: a request that cannot be read, what a getter of
/// the caller throws, a panic. A function that returns a promise does not throw.
pub(super) fn promised<'env, V: ToNapiValue>(
    env: &'env Env,
    call: impl FnOnce() -> Result<PromiseRaw<'env, V>, Failure>,
) -> napi::Result<PromiseRaw<'env, V>> {
    let failure = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(promise)) => return Ok(promise),
        Ok(Err(failure)) => failure,
        Err(_) => Failure::Refused(Error::internal("a defect of the engine: it panicked")),
    };
    PromiseRaw::reject(env, failure.into_js(env))
}

impl Failure {
    /// Returns the `BacktestError` of a failure; where none can be made, because the stack is exhausted for example, what was
    /// thrown.
    pub(super) fn into_js(self, env: &Env) -> Unknown<'_> {
        let error = match self {
            Self::Refused(error) => error,
            Self::Napi(failure) => unread(env, "", &failure),
        };
        let made = Runtime::of(env)
            .and_then(|runtime| runtime.begin(env, None))
            .and_then(|fail| build(env, error, &fail));
        made.unwrap_or_else(|failure| {
            exception(env).unwrap_or_else(|| JsError::from(failure).into_unknown(*env))
        })
    }
}

/// The error around what was thrown, on its way to become the `cause` of a `BacktestError`.
#[derive(Debug)]
pub(super) struct Thrown(Mutex<Option<napi::Error>>);

impl Thrown {
    /// Keeps what `hold` of `runtime.js` put into an error: a value of any type, which is read at no other time.
    pub(super) fn new(held: Unknown<'_>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(napi::Error::from_unknown_without_coercion(held)))))
    }

    /// Returns the error around what was thrown; it can be had once.
    fn take(&self) -> Option<napi::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Returns the error of a value of the caller that could not be read: a getter or a proxy threw. What was thrown becomes its
/// cause.
pub(super) fn unread(env: &Env, path: &str, failure: &napi::Error) -> Error {
    let name = if path.is_empty() { "the request" } else { path };
    let Some(thrown) = exception(env) else {
        return Error::internal(format!("{name} could not be read: {}", failure.status));
    };
    caught(env, path, &format!("{name} threw"), thrown)
}

/// Returns the error of code of the caller that threw; the message goes on with what it threw.
pub(super) fn caught(env: &Env, path: &str, message: &str, thrown: Unknown<'_>) -> Error {
    let (told, held) = Runtime::of(env)
        .and_then(|runtime| {
            let describe = runtime.helper::<(Unknown,), String>(env, "describe")?;
            let told = describe.apply((), (thrown,).into())?;
            let hold = runtime.helper::<(Unknown,), Unknown>(env, "hold")?;
            Ok((told, Some(Thrown::new(hold.apply((), (thrown,).into())?))))
        })
        .unwrap_or_else(|_| {
            // Where there is no stack left, nothing more is said of it.
            let _ = exception(env);
            ("an error".to_owned(), None)
        });
    let mut error = Error::invalid(path, "threw", format!("{message} {told}"));
    if let Some(held) = held {
        error.cause = Some(held);
    }
    error
}

/// Takes the exception that waits to be thrown, if there is one: until then, JavaScript cannot be called.
pub(super) fn exception(env: &Env) -> Option<Unknown<'_>> {
    let mut pending = false;
    let mut thrown = std::ptr::null_mut();
    #[expect(unsafe_code, reason = "napi has no safe function for this")]
    // SAFETY: both calls write to variables of this function, on the thread of the environment, which is alive.
    unsafe {
        let asked = sys::napi_is_exception_pending(env.raw(), &raw mut pending);
        if asked != sys::Status::napi_ok || !pending {
            return None;
        }
        let taken = sys::napi_get_and_clear_last_exception(env.raw(), &raw mut thrown);
        (taken == sys::Status::napi_ok && !thrown.is_null())
            .then(|| Unknown::from_raw_unchecked(env.raw(), thrown))
    }
}
