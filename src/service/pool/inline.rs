//! Work on the calling thread.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::runtime::{Handle, RuntimeFlavor};

use super::panics::catch_panic;
use crate::error::Result;

thread_local! {
    /// Whether the current work of this thread stays on it.
    static IS_INLINE: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether the calling thread is inside [`run_inline`].
pub(super) fn is_inline() -> bool {
    IS_INLINE.get()
}

/// Continues elsewhere if the calling thread is inside [`run_inline`].
pub(super) async fn leave_inline() {
    // Without a wake-up: what is still pending is polled again elsewhere.
    poll_fn(|_| if is_inline() { Poll::Pending } else { Poll::Ready(()) }).await;
}

/// The outcome of [`run_inline`].
#[derive(Debug)]
pub enum InlineOutcome<T, F> {
    /// The work ended.
    Finished(Result<T>),
    /// The work has to wait and continues elsewhere.
    Pending(Pin<Box<F>>),
}

/// Polls work once on the calling thread. For small work, waking another thread would take many times longer.
pub fn run_inline<T, F: Future<Output = Result<T>>>(work: F) -> InlineOutcome<T, F> {
    let mut work = Box::pin(work);
    IS_INLINE.set(true);
    let first = catch_panic(|| Ok(work.as_mut().poll(&mut Context::from_waker(Waker::noop()))));
    IS_INLINE.set(false);
    match first {
        Ok(Poll::Ready(result)) => InlineOutcome::Finished(result),
        Ok(Poll::Pending) => InlineOutcome::Pending(work),
        Err(error) => InlineOutcome::Finished(Err(error)),
    }
}

/// Runs work that may block its thread longer than a task should, such as reading a request with many values. The other
/// tasks of this thread continue elsewhere meanwhile.
pub fn run_blocking<T>(is_long: bool, work: impl FnOnce() -> T) -> T {
    let is_shared = || {
        Handle::try_current()
            .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
    };
    if is_long && !is_inline() && is_shared() { tokio::task::block_in_place(work) } else { work() }
}
