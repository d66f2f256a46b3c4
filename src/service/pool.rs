//! The threads that simulate: as many as the machine has cores, shared by all engines of the process.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::oneshot;

use crate::error::{Error, Result};

fn pool() -> Result<&'static ThreadPool> {
    static POOL: OnceLock<std::result::Result<ThreadPool, String>> = OnceLock::new();
    POOL.get_or_init(|| {
        ThreadPoolBuilder::new()
            .thread_name(|index| format!("backtest-{index}"))
            .build()
            .map_err(|error| error.to_string())
    })
    .as_ref()
    .map_err(|error| {
        Error::internal(format!("the threads for simulations could not be started: {error}"))
    })
}

/// Runs work on one of the threads. A panic ends the work with `INTERNAL`, and nothing else.
///
/// # Errors
/// The work's own; `INTERNAL` for a panic.
pub async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = oneshot::channel();
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    pool()?.spawn(move || {
        let logged = || tracing::dispatcher::with_default(&dispatch, work);
        let result =
            catch_unwind(AssertUnwindSafe(logged)).unwrap_or_else(|panic| Err(panicked(&*panic)));
        // Nobody waits for the answer of work that was cancelled.
        let _ = sender.send(result);
    });
    receiver
        .await
        .map_err(|_| Error::internal("the simulation's thread ended before it answered"))?
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    Error::internal(format!("a defect of the engine: {}", text.unwrap_or_else(|| "panic".into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[tokio::test]
    async fn a_panic_fails_one_piece_of_work_and_no_other() {
        let error = run(|| -> Result<()> { panic!("boom {}", 1) }).await.unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str()),
            (Code::Internal, "a defect of the engine: boom 1")
        );
        assert_eq!(run(|| Ok(7)).await.unwrap(), 7);
    }
}
