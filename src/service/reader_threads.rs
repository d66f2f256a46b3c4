//! The threads that read and decode files: a few for the whole process, used for nothing else.
//!
//! A read may block for as long as the file system does, for example while a file server is down. Each file is therefore
//! read on a thread of its own, which can be abandoned.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tokio::sync::{Semaphore, oneshot};

use crate::error::{Error, Result};

/// The number of files that are read at the same time; further ones wait.
const MAX_READERS: usize = 4;

/// The stack size of a thread, bytes. Decoders of nested formats recurse; unused pages take no memory.
const STACK_BYTES: usize = 64 << 20;

static PERMITS: Semaphore = Semaphore::const_new(MAX_READERS);

/// Runs work on a thread of its own. If the future is dropped, the thread continues until the work ends.
///
/// # Errors
/// Those of the work; `INTERNAL` for a panic, or if no thread can be started.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let permit =
        PERMITS.acquire().await.map_err(|_| Error::internal("the reader threads were closed"))?;
    let (sender, receiver) = oneshot::channel();
    let work = move || {
        let _permit = permit;
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
            Err(Error::internal("a defect of the engine: reading a file panicked"))
        });
        // The receiver of cancelled work is gone.
        let _ = sender.send(result);
    };
    thread::Builder::new()
        .name("backtest-reader".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(work)
        .map_err(|error| Error::internal(format!("a reader thread could not be started: {error}")))?;
    receiver
        .await
        .map_err(|_| Error::internal("a reader thread ended before it returned a result"))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[tokio::test]
    async fn a_panic_and_a_dropped_future_release_the_permit() {
        for _ in 0..2 * MAX_READERS {
            let error = run(|| -> Result<()> { panic!("on purpose") }).await.unwrap_err();
            assert_eq!(error.code, Code::Internal);
        }
        let (sender, blocked) = std::sync::mpsc::channel::<()>();
        let slow = run(move || Ok(blocked.recv().is_ok()));
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), slow).await.is_err());
        drop(sender);
        for _ in 0..2 * MAX_READERS {
            assert_eq!(run(|| Ok(7)).await.unwrap(), 7);
        }
    }
}
