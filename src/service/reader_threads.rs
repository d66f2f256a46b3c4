//! The threads that read files and decode what is in them: a few for the whole process, none of them for anything else.
//!
//! A read may block for as long as the file system likes, as of a server that is away. So it is given a thread of its own,
//! which nobody has to wait for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tokio::sync::{Semaphore, oneshot};

use crate::error::{Error, Result};

/// How many files are read at once; one more waits.
const MOST: usize = 4;

/// The stack of a thread, bytes. Decoders of nested formats recurse; pages that are not used are not taken.
const STACK: usize = 64 << 20;

static PLACES: Semaphore = Semaphore::const_new(MOST);

/// Runs work on a thread of its own. Whoever stops waiting for it leaves it behind: it ends when it can.
///
/// # Errors
/// The work's own; `INTERNAL` for a panic, or where there is no thread to be had.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let place = PLACES.acquire().await.map_err(|_| Error::internal("the reading threads ended"))?;
    let (sender, receiver) = oneshot::channel();
    let work = move || {
        let _place = place;
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
            Err(Error::internal("a defect of the engine: reading a file panicked"))
        });
        // Nobody waits for the answer of work that was cancelled.
        let _ = sender.send(result);
    };
    thread::Builder::new()
        .name("backtest-reader".to_owned())
        .stack_size(STACK)
        .spawn(work)
        .map_err(|error| Error::internal(format!("a thread cannot be started: {error}")))?;
    receiver.await.map_err(|_| Error::internal("a reading thread ended before it answered"))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[tokio::test]
    async fn a_panic_and_a_waiter_that_leaves_free_the_place() {
        for _ in 0..2 * MOST {
            let error = run(|| -> Result<()> { panic!("on purpose") }).await.unwrap_err();
            assert_eq!(error.code, Code::Internal);
        }
        let (sender, blocked) = std::sync::mpsc::channel::<()>();
        let slow = run(move || Ok(blocked.recv().is_ok()));
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), slow).await.is_err());
        drop(sender);
        for _ in 0..2 * MOST {
            assert_eq!(run(|| Ok(7)).await.unwrap(), 7);
        }
    }
}
