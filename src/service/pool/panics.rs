//! Panics as errors.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

use crate::error::{Error, Result};

/// Awaits a future. A panic becomes an error.
///
/// # Errors
/// Those of the future; `INTERNAL` for a panic.
pub async fn catch_panics<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(future).catch_unwind().await.unwrap_or_else(|panic| Err(to_error(&*panic)))
}

/// Does the same for a function.
pub(super) fn catch_panic<T>(function: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(function)).unwrap_or_else(|panic| Err(to_error(&*panic)))
}

fn to_error(panic: &(dyn Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic");
    Error::internal(format!("a defect of the engine: {message}"))
}
