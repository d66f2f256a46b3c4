//! The threads that simulate: as many as the machine has cores, shared by all engines of the process.

use std::any::Any;
use std::cell::Cell;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::hands::{Alone, Hands};

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
    if HERE.get() {
        return catch(work);
    }
    let pool = pool()?;
    if pool.current_thread_index().is_some() {
        return catch(work);
    }
    let (sender, receiver) = oneshot::channel();
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    pool.spawn(move || {
        let result = catch(|| tracing::dispatcher::with_default(&dispatch, work));
        // Nobody waits for the answer of work that was cancelled.
        let _ = sender.send(result);
    });
    receiver
        .await
        .map_err(|_| Error::internal("the simulation's thread ended before it answered"))?
}

/// Begins work on one of the threads, and ends it there if it never waits; work that has to wait goes on among the tasks
/// of `runtime`. `answer` gets the result, on whichever thread it is there.
pub fn start<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
    answer: impl FnOnce(Result<T>) + Send + 'static,
    runtime: &Handle,
) {
    let pool = match pool() {
        Ok(pool) => pool,
        Err(error) => return answer(Err(error)),
    };
    let runtime = runtime.clone();
    pool.spawn(move || {
        let _entered = runtime.enter();
        let mut work = Box::pin(work);
        // Whoever polls next brings a waker of its own, so nothing is missed by having none here.
        let first = catch(|| Ok(work.as_mut().poll(&mut Context::from_waker(Waker::noop()))));
        match first {
            Ok(Poll::Ready(result)) => answer(result),
            Ok(Poll::Pending) => {
                runtime.spawn(async move {
                    let ended = tokio::spawn(work).await;
                    answer(ended.unwrap_or_else(|failure| Err(defect(&failure.to_string()))));
                });
            }
            Err(error) => answer(Err(error)),
        }
    });
}

/// Fewer bars than this are not worth waking another thread for.
const WORTH_A_THREAD: usize = 1 << 16;

/// Does two things, at once where the bars are many and another thread is idle. Neither sees the other, so that nothing
/// depends on whether it was.
pub fn both<A: Send, B: Send>(
    bars: usize,
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    if bars < WORTH_A_THREAD || rayon::current_thread_index().is_none() {
        return (first(), second());
    }
    rayon::join(first, second)
}

/// The threads that simulate, for parts of one run: those that are idle help the one that asks.
#[derive(Debug, Clone, Copy)]
pub struct Crew;

impl Hands for Crew {
    fn each(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        if rayon::current_thread_index().is_none() {
            return Alone.each(parts, work);
        }
        (0..parts).into_par_iter().with_max_len(1).for_each(work);
    }
}

/// The thread that asks, and for long columns a few others that do nothing else: the JavaScript thread waits meanwhile, and
/// must not wait for a simulation to end.
#[derive(Debug, Clone, Copy)]
pub struct Carriers;

/// Parts of fewer than this are not worth waking them.
const WORTH_CARRIERS: usize = 8;

/// More than this carry no more: memory is what they wait for.
const MOST_CARRIERS: usize = 3;

impl Hands for Carriers {
    fn each(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        let carriers = if parts < WORTH_CARRIERS { None } else { carriers() };
        let Some(carriers) = carriers else { return Alone.each(parts, work) };
        let next = AtomicUsize::new(0);
        let take = || {
            loop {
                let part = next.fetch_add(1, Ordering::Relaxed);
                if part >= parts {
                    break;
                }
                work(part);
            }
        };
        carriers.in_place_scope(|scope| {
            for _ in 0..carriers.current_num_threads() {
                scope.spawn(|_| take());
            }
            take();
        });
    }
}

fn carriers() -> Option<&'static ThreadPool> {
    static CARRIERS: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let made = CARRIERS.get_or_init(|| {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let count = (cores - 1).min(MOST_CARRIERS);
        let builder = ThreadPoolBuilder::new().num_threads(count);
        let named = builder.thread_name(|index| format!("carrier-{index}"));
        // With one core there is nobody to help, and without threads it is done alone.
        (count > 0).then(|| named.build().ok()).flatten()
    });
    made.as_ref()
}

thread_local! {
    /// Whether work of this thread is so small that it stays here.
    static HERE: Cell<bool> = const { Cell::new(false) };
}

/// How far work came at once.
#[derive(Debug)]
pub enum Attempt<T, F> {
    /// To its end.
    Done(Result<T>),
    /// To where it had to wait.
    Begun(Pin<Box<F>>),
}

/// Begins work on this very thread: for work so small that waking another thread would take many times longer.
pub fn attempt<T, F: Future<Output = Result<T>>>(work: F) -> Attempt<T, F> {
    let mut work = Box::pin(work);
    HERE.set(true);
    let first = catch(|| Ok(work.as_mut().poll(&mut Context::from_waker(Waker::noop()))));
    HERE.set(false);
    match first {
        Ok(Poll::Ready(result)) => Attempt::Done(result),
        Ok(Poll::Pending) => Attempt::Begun(work),
        Err(error) => Attempt::Done(Err(error)),
    }
}

fn catch<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(&*panic)))
}

fn defect(what: &str) -> Error {
    Error::internal(format!("a defect of the engine: {what}"))
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    defect(text.as_deref().unwrap_or("panic"))
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
