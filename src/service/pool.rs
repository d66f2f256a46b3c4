//! The threads that simulate: as many as the machine has cores, shared by all engines of the process, and one more that
//! takes only short work.
//!
//! Reading and checking of requests, ids and queueing happen elsewhere and never wait for these threads.

use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use crate::compute::parallel::{self, Executor, Sequential};
use crate::error::{Error, Result};

/// Work over at most this many bars is short: it takes a few milliseconds, and never waits for longer work. It is one
/// section of [`crate::metrics`], so that short work is not shared between threads either.
pub const SHORT_BARS: usize = 1 << 15;

/// Making bars of a wider timeframe of at most this many is short: it is one pass over them.
pub const SHORT_SOURCE_BARS: usize = 1 << 20;

/// How long work takes, roughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// A few milliseconds.
    Short,
    /// Unknown, up to minutes.
    Long,
}

impl Length {
    /// Returns the length of work over that many bars.
    pub fn of(bars: usize) -> Self {
        if bars <= SHORT_BARS { Self::Short } else { Self::Long }
    }

    /// Returns the length of making bars of a wider timeframe of that many.
    pub fn of_resampling(bars: usize) -> Self {
        if bars <= SHORT_SOURCE_BARS { Self::Short } else { Self::Long }
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Jobs by their order of arrival, and who is at them.
#[derive(Default)]
struct Jobs {
    next: u64,
    short: VecDeque<(u64, Job)>,
    long: VecDeque<(u64, Job)>,
    /// Threads that take any job.
    general: usize,
    /// Whether the thread that takes only short jobs is at work.
    is_express_running: bool,
}

impl Jobs {
    /// Takes the job that arrived first.
    fn take(&mut self) -> Option<Job> {
        let arrival = |queue: &VecDeque<(u64, Job)>| queue.front().map(|(number, _)| *number);
        let queue = match (arrival(&self.short), arrival(&self.long)) {
            (Some(short), Some(long)) if long < short => &mut self.long,
            (Some(_), _) => &mut self.short,
            (None, _) => &mut self.long,
        };
        queue.pop_front().map(|(_, job)| job)
    }
}

/// The simulation threads with their jobs.
struct SimulationThreads {
    /// One thread for each core and one for short jobs. Only loops over jobs run there, at most as many as threads, so that
    /// none of them waits for a thread. Parts of a job go to [`SimulationPool`]: rayon lets a thread that waits for a part begin
    /// other work of its pool, which must not be somebody else's long run.
    threads: ThreadPool,
    cores: usize,
    jobs: Mutex<Jobs>,
}

impl SimulationThreads {
    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(&'static self, length: Length, job: Job) {
        let mut jobs = self.jobs();
        let number = jobs.next;
        jobs.next += 1;
        let queue = if length == Length::Short { &mut jobs.short } else { &mut jobs.long };
        queue.push_back((number, job));
        if jobs.general < self.cores {
            jobs.general += 1;
            drop(jobs);
            self.threads.spawn(|| self.work());
        } else if length == Length::Short && !jobs.is_express_running {
            jobs.is_express_running = true;
            drop(jobs);
            self.threads.spawn(|| self.work_on_short());
        }
    }

    /// Takes a thread that has nothing to do; it is then to run [`Self::work`].
    fn take_idle(&self) -> bool {
        let mut jobs = self.jobs();
        let is_idle = jobs.general < self.cores;
        jobs.general += usize::from(is_idle);
        is_idle
    }

    /// Takes jobs until there are none.
    fn work(&self) {
        loop {
            let mut jobs = self.jobs();
            let Some(job) = jobs.take() else {
                jobs.general -= 1;
                return;
            };
            drop(jobs);
            let _core = Core::take();
            job();
        }
    }

    fn work_on_short(&self) {
        loop {
            let mut jobs = self.jobs();
            let Some((_, job)) = jobs.short.pop_front() else {
                jobs.is_express_running = false;
                return;
            };
            drop(jobs);
            let _core = Core::take();
            job();
        }
    }
}

fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZero::get))
}

fn simulation_threads() -> Result<&'static SimulationThreads> {
    static SIMULATORS: OnceLock<std::result::Result<SimulationThreads, String>> = OnceLock::new();
    SIMULATORS
        .get_or_init(|| {
            let builder = ThreadPoolBuilder::new().num_threads(cores() + 1);
            let threads = builder.thread_name(|index| format!("backtest-{index}")).build();
            let threads = threads.map_err(|error| error.to_string())?;
            Ok(SimulationThreads { threads, cores: cores(), jobs: Mutex::default() })
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
    length: Length,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    if HERE.get() {
        return catch(work);
    }
    let simulation_threads = simulation_threads()?;
    if simulation_threads.threads.current_thread_index().is_some() {
        return catch(work);
    }
    let (sender, receiver) = oneshot::channel();
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    let job = move || {
        let result = catch(|| tracing::dispatcher::with_default(&dispatch, work));
        // Nobody waits for the answer of work that was cancelled.
        let _ = sender.send(result);
    };
    simulation_threads.submit(length, Box::new(job));
    receiver
        .await
        .map_err(|_| Error::internal("the simulation's thread ended before it answered"))?
}

/// Begins work at once, on a simulation thread if one is idle, else among the tasks of `runtime`. There it goes on in any
/// case once it has to wait. Work that never waits ends on the thread where it began, which saves two changes of threads.
pub fn begin(work: impl Future<Output = ()> + Send + 'static, runtime: &Handle) {
    let idle =
        simulation_threads().ok().filter(|simulation_threads| simulation_threads.take_idle());
    let Some(simulation_threads) = idle else {
        runtime.spawn(work);
        return;
    };
    let runtime = runtime.clone();
    simulation_threads.threads.spawn(move || {
        let core = Core::take();
        let mut work = Box::pin(work);
        let entered = runtime.enter();
        // Whoever polls next brings a waker of its own, so nothing is missed by having none here.
        let first = catch(|| Ok(work.as_mut().poll(&mut Context::from_waker(Waker::noop()))));
        if matches!(first, Ok(Poll::Pending)) {
            runtime.spawn(work);
        }
        drop((entered, core));
        simulation_threads.work();
    });
}

/// Awaits work; a panic ends it with `INTERNAL`, and nothing else.
///
/// # Errors
/// The work's own; `INTERNAL` for a panic.
pub async fn caught<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&*panic)))
}

/// Does what may keep a thread for longer than a task should, such as reading a request with many values: where others
/// wait for this thread, they go on elsewhere.
pub fn reading<T>(is_long: bool, work: impl FnOnce() -> T) -> T {
    let is_shared = || {
        Handle::try_current()
            .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
    };
    if is_long && !HERE.get() && is_shared() { tokio::task::block_in_place(work) } else { work() }
}

/// How many cores are at work on simulations and their parts.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// A core that is at work.
struct Core;

impl Core {
    /// Notes one more core at work.
    fn take() -> Self {
        BUSY.fetch_add(1, Ordering::Relaxed);
        Self
    }

    /// Takes a core that is idle.
    fn take_idle() -> Option<Self> {
        let take = |busy| (busy < cores()).then_some(busy + 1);
        BUSY.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok().map(|_| Self)
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        BUSY.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns the threads that do parts of a run: as many as could be idle beside the one that asks. A part is only handed to
/// them after an idle core was taken, so that it begins at once and nobody waits for another run's part.
fn helpers() -> Option<&'static ThreadPool> {
    static HELPERS: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let made = HELPERS.get_or_init(|| {
        let count = cores() - 1;
        let builder = ThreadPoolBuilder::new().num_threads(count);
        let named = builder.thread_name(|index| format!("backtest-part-{index}"));
        // With one core there is nobody to help, and without threads it is done alone.
        (count > 0).then(|| named.build().ok()).flatten()
    });
    made.as_ref()
}

/// Takes up to `most` idle cores for parts of a run; none on threads that do not simulate.
fn idle_cores(most: usize) -> Option<(&'static ThreadPool, Vec<Core>)> {
    rayon::current_thread_index()?;
    let helpers = helpers()?;
    if helpers.current_thread_index().is_some() {
        return None;
    }
    let most = most.min(helpers.current_num_threads());
    let idle: Vec<Core> = (0..most).map_while(|_| Core::take_idle()).collect();
    (!idle.is_empty()).then_some((helpers, idle))
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
    if bars < WORTH_A_THREAD {
        return (first(), second());
    }
    parallel::join(&SimulationPool, first, second)
}

/// The threads that simulate, for parts of one run: those that are idle help the one that asks.
#[derive(Debug, Clone, Copy)]
pub struct SimulationPool;

impl Executor for SimulationPool {
    fn join(&self, first: &mut (dyn FnMut() + Send), second: &mut (dyn FnMut() + Send)) {
        let Some((helpers, cores)) = idle_cores(1) else {
            first();
            second();
            return;
        };
        helpers.in_place_scope(|scope| {
            scope.spawn(move |_| {
                let _cores = cores;
                second();
            });
            first();
        });
    }

    fn execute(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        let idle = if parts < 2 { None } else { idle_cores(parts - 1) };
        let Some((helpers, cores)) = idle else { return Sequential.execute(parts, work) };
        let next = AtomicUsize::new(0);
        let take = || take_parts(&next, parts, work);
        helpers.in_place_scope(|scope| {
            for core in cores {
                scope.spawn(move |_| {
                    let _core = core;
                    take();
                });
            }
            take();
        });
    }
}

/// Does parts until there are none left.
fn take_parts(next: &AtomicUsize, parts: usize, work: &(dyn Fn(usize) + Sync)) {
    loop {
        let part = next.fetch_add(1, Ordering::Relaxed);
        if part >= parts {
            break;
        }
        work(part);
    }
}

/// The thread that asks, and for long columns a few others that do nothing else: the JavaScript thread waits meanwhile, and
/// must not wait for a simulation to end.
#[derive(Debug, Clone, Copy)]
pub struct CopyPool;

/// Parts of fewer than this are not worth waking them.
const WORTH_CARRIERS: usize = 8;

/// More than this carry no more: memory is what they wait for.
const MOST_CARRIERS: usize = 3;

impl Executor for CopyPool {
    fn execute(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        let threads = if parts < WORTH_CARRIERS { None } else { copy_threads() };
        let Some(threads) = threads else { return Sequential.execute(parts, work) };
        let next = AtomicUsize::new(0);
        let take = || take_parts(&next, parts, work);
        threads.in_place_scope(|scope| {
            for _ in 0..threads.current_num_threads() {
                scope.spawn(|_| take());
            }
            take();
        });
    }
}

fn copy_threads() -> Option<&'static ThreadPool> {
    static CARRIERS: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let made = CARRIERS.get_or_init(|| {
        let count = (cores() - 1).min(MOST_CARRIERS);
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
        for length in [Length::Short, Length::Long] {
            let error = run(length, || -> Result<()> { panic!("boom {}", 1) }).await.unwrap_err();
            assert_eq!(
                (error.code, error.message.as_str()),
                (Code::Internal, "a defect of the engine: boom 1")
            );
            assert_eq!(run(length, || Ok(7)).await.unwrap(), 7);
        }
    }

    #[test]
    fn jobs_are_taken_in_order_of_arrival_whatever_their_length() {
        let mut jobs = Jobs::default();
        let (sender, receiver) = std::sync::mpsc::channel();
        for (number, is_short) in [(0, false), (1, true), (2, true), (3, false)] {
            let sender = sender.clone();
            let job: Job = Box::new(move || sender.send(number).unwrap());
            if is_short { &mut jobs.short } else { &mut jobs.long }.push_back((number, job));
        }
        while let Some(job) = jobs.take() {
            job();
        }
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    }

    #[tokio::test]
    async fn short_work_is_done_while_long_work_has_every_core() {
        let (release, gate) = std::sync::mpsc::channel::<()>();
        let gate = std::sync::Arc::new(Mutex::new(gate));
        let long: Vec<_> = (0..cores() + 2)
            .map(|_| {
                let gate = std::sync::Arc::clone(&gate);
                tokio::spawn(run(Length::Long, move || {
                    let _ = gate.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    Ok(())
                }))
            })
            .collect();
        tokio::task::yield_now().await;
        for number in 0..20 {
            assert_eq!(run(Length::Short, move || Ok(number)).await.unwrap(), number);
        }
        assert!(long.iter().all(|work| !work.is_finished()));
        drop(release);
        for work in long {
            work.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn parts_are_shared_with_idle_cores_and_each_is_done_once() {
        let work = || {
            let threads = Mutex::new(std::collections::BTreeSet::new());
            let done: Vec<AtomicUsize> = (0..64).map(|_| AtomicUsize::new(0)).collect();
            SimulationPool.execute(done.len(), &|part| {
                std::thread::sleep(std::time::Duration::from_millis(1));
                done[part].fetch_add(1, Ordering::Relaxed);
                threads.lock().unwrap().insert(std::thread::current().name().map(str::to_owned));
            });
            assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1));
            let (one, other) = both(WORTH_A_THREAD, || 1, || Ok::<_, ()>(2));
            assert_eq!((one, other), (1, Ok(2)));
            Ok(threads.into_inner().unwrap().len())
        };
        // Other tests use the same cores: sooner or later one of them is idle.
        for _ in 0..100 {
            if cores() == 1 || run(Length::Long, work).await.unwrap() > 1 {
                return;
            }
        }
        panic!("no other thread ever helped");
    }

    #[tokio::test]
    async fn a_panic_in_a_part_ends_the_run_and_gives_the_cores_back() {
        for _ in 0..3 * cores() {
            let work = || -> Result<()> {
                SimulationPool.execute(8, &|part| assert_ne!(part, 5, "part {part}"));
                Ok(())
            };
            assert_eq!(run(Length::Long, work).await.unwrap_err().code, Code::Internal);
            let second = || Ok(both(WORTH_A_THREAD, || 1, || panic!("second")).0);
            let error = run(Length::Long, second).await.unwrap_err();
            assert_eq!(error.code, Code::Internal);
        }
        assert!(run(Length::Long, || Ok(BUSY.load(Ordering::Relaxed))).await.unwrap() >= 1);
    }
}
