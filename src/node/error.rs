//! Errors of the crate as errors of JavaScript.

use napi::bindgen_prelude::{Array, FromNapiValue, JsObjectValue, Object, Unknown};
use napi::{Env, JsValue};

use crate::error::Error;

use super::function;
use super::runtime::{Fail, Runtime};

/// Returns the `BacktestError` (or `AbortError`) of an error, with the frames of the call that it answers.
pub(super) fn to_js(env: &Env, error: Error, fail: &Fail) -> napi::Error {
    build(env, error, fail)
        .map_or_else(|failure| failure, napi::Error::from_unknown_without_coercion)
}

/// Returns the same as a value.
pub(super) fn build(env: &Env, error: Error, fail: &Fail) -> napi::Result<Unknown<'static>> {
    let mut issues = env.create_array(0)?;
    for issue in &error.issues {
        let mut object = Object::new(env)?;
        object.set_named_property("path", issue.path.as_str())?;
        object.set_named_property("code", issue.code.as_str())?;
        object.set_named_property("message", issue.message.as_str())?;
        issues.insert(object)?;
    }
    let issues = Array::from_unknown(issues.to_unknown())?;
    let cause = function::thrown(env, &error);
    let made = fail
        .borrow_back(env)?
        .call((error.message, error.code.as_str(), error.retryable, issues).into())?;
    if let Some(cause) = cause {
        let runtime = Runtime::of(env)?;
        runtime.helper::<(Unknown, Unknown), ()>(env, "cause")?.call((made, cause).into())?;
    }
    Ok(made)
}
