//! Errors of the crate as errors of JavaScript.

use napi::Env;
use napi::bindgen_prelude::{Array, JsObjectValue, Object, Unknown};

use crate::error::{Code, Error};

use super::function;
use super::runtime::Runtime;

/// Returns the `BacktestError` (or `AbortError`) of an error, with the frames of the call that it answers.
pub(super) fn to_js(
    env: &Env,
    error: &Error,
    site: Option<Object<'_>>,
    signal: Option<Object<'_>>,
) -> napi::Error {
    build(env, error, site, signal)
        .map_or_else(|failure| failure, napi::Error::from_unknown_without_coercion)
}

fn build<'env>(
    env: &'env Env,
    error: &Error,
    site: Option<Object<'_>>,
    signal: Option<Object<'_>>,
) -> napi::Result<Unknown<'env>> {
    let runtime = Runtime::of(env)?;
    if error.code == Code::Cancelled {
        let abortion =
            runtime.helper::<(Option<Object>, Option<Object>), Unknown>(env, "abortion")?;
        return abortion.call((site, signal).into());
    }
    let mut issues = env.create_array(0)?;
    for issue in &error.issues {
        let mut object = Object::new(env)?;
        object.set_named_property("path", issue.path.as_str())?;
        object.set_named_property("code", issue.code.as_str())?;
        object.set_named_property("message", issue.message.as_str())?;
        issues.insert(object)?;
    }
    let failure =
        runtime.helper::<(Option<Object>, &str, &str, bool, Array), Unknown>(env, "failure")?;
    let made = failure.call(
        (site, error.message.as_str(), error.code.as_str(), error.retryable, issues).into(),
    )?;
    if let Some(cause) = function::thrown(env, error) {
        runtime.helper::<(Unknown, Unknown), ()>(env, "cause")?.call((made, cause).into())?;
    }
    Ok(made)
}
