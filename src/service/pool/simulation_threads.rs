//! The simulation threads and their jobs.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::busy_cores::{BusyCore, core_count};
use super::inline::{is_inline, leave_inline};
use super::job_queue::{Job, JobLength, JobQueue};
use super::panics::catch_panic;
use crate::error::{Error, Result};

/// Runs a job on a simulation thread, or on the calling one if that is inside [`super::run_inline`] and the job is brief. A panic
/// ends only this job.
///
/// # Errors
/// Those of the job; `INTERNAL` for a panic.
pub async fn run<T: Send + 'static>(
    length: JobLength,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    if is_inline() && length == JobLength::Brief {
        return catch_panic(work);
    }
    leave_inline().await;
    let simulation_threads = simulation_threads()?;
    if simulation_threads.threads.current_thread_index().is_some() {
        return catch_panic(work);
    }
    let (sender, receiver) = oneshot::channel();
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    let job = move || {
        let result = catch_panic(|| tracing::dispatcher::with_default(&dispatch, work));
        // The receiver of cancelled work is gone.
        let _ = sender.send(result);
    };
    simulation_threads.submit(length, Box::new(job));
    receiver
        .await
        .map_err(|_| Error::internal("the simulation thread ended before it returned a result"))?
}

/// Starts a future on an idle simulation thread, or as a task of `runtime` if none is idle. If it has to wait, it continues as
/// a task of `runtime`. A future that never waits ends on the thread where it began, which saves two thread switches.
pub fn spawn(future: impl Future<Output = ()> + Send + 'static, runtime: &Handle) {
    let idle =
        simulation_threads().ok().filter(|simulation_threads| simulation_threads.claim_idle());
    let Some(simulation_threads) = idle else {
        runtime.spawn(future);
        return;
    };
    let runtime = runtime.clone();
    simulation_threads.threads.spawn(move || {
        let core = BusyCore::new();
        let mut future = Box::pin(future);
        let entered = runtime.enter();
        // The runtime polls again with its own waker, so no wake-up is lost.
        let first =
            catch_panic(|| Ok(future.as_mut().poll(&mut Context::from_waker(Waker::noop()))));
        if matches!(first, Ok(Poll::Pending)) {
            runtime.spawn(future);
        }
        drop((entered, core));
        simulation_threads.work();
    });
}

/// The simulation threads.
struct SimulationThreads {
    /// One thread for each core and one for short jobs. They only run the loops over jobs below, at most as many loops as
    /// threads, so no loop waits for a thread. Parts of a job go to [`super::SimulationPool`]: a rayon thread that waits for a
    /// part may begin other work of its pool, and that must not be another long run.
    threads: ThreadPool,
    cores: usize,
    state: Mutex<PoolState>,
}

#[derive(Default)]
struct PoolState {
    queue: JobQueue,
    /// The number of active threads that take any job.
    general_threads: usize,
    /// Whether the thread that only takes short jobs is active.
    is_short_thread_active: bool,
}

impl SimulationThreads {
    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(&'static self, length: JobLength, job: Job) {
        let mut state = self.state();
        state.queue.push(length, job);
        if state.general_threads < self.cores {
            state.general_threads += 1;
            drop(state);
            self.threads.spawn(|| self.work());
        } else if length != JobLength::Long && !state.is_short_thread_active {
            state.is_short_thread_active = true;
            drop(state);
            self.threads.spawn(|| self.work_on_short());
        }
    }

    /// Claims an idle thread, which then has to run [`Self::work`].
    fn claim_idle(&self) -> bool {
        let mut state = self.state();
        let is_idle = state.general_threads < self.cores;
        state.general_threads += usize::from(is_idle);
        is_idle
    }

    /// Executes jobs until none is left.
    fn work(&self) {
        loop {
            let mut state = self.state();
            let Some(job) = state.queue.pop() else {
                state.general_threads -= 1;
                return;
            };
            drop(state);
            let _core = BusyCore::new();
            job();
        }
    }

    /// Executes short jobs until none is left.
    fn work_on_short(&self) {
        loop {
            let mut state = self.state();
            let Some(job) = state.queue.pop_short() else {
                state.is_short_thread_active = false;
                return;
            };
            drop(state);
            let _core = BusyCore::new();
            job();
        }
    }
}

fn simulation_threads() -> Result<&'static SimulationThreads> {
    static THREADS: OnceLock<std::result::Result<SimulationThreads, String>> = OnceLock::new();
    THREADS
        .get_or_init(|| {
            let builder = ThreadPoolBuilder::new().num_threads(core_count() + 1);
            let threads = builder.thread_name(|index| format!("backtest-{index}")).build();
            let threads = threads.map_err(|error| error.to_string())?;
            Ok(SimulationThreads { threads, cores: core_count(), state: Mutex::default() })
        })
        .as_ref()
        .map_err(|error| {
            Error::internal(format!("the simulation threads could not be started: {error}"))
        })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;
    use crate::error::Code;

    #[tokio::test]
    async fn a_panic_fails_one_job_and_no_other() {
        for length in [JobLength::Short, JobLength::Long] {
            let error = run(length, || -> Result<()> { panic!("boom {}", 1) }).await.unwrap_err();
            assert_eq!(
                (error.code, error.message.as_str()),
                (Code::Internal, "a defect of the engine: boom 1")
            );
            assert_eq!(run(length, || Ok(7)).await.unwrap(), 7);
        }
    }

    #[tokio::test]
    async fn short_jobs_run_while_long_jobs_occupy_every_core() {
        let (sender, receiver) = mpsc::channel::<()>();
        let receiver = Arc::new(Mutex::new(receiver));
        let long: Vec<_> = (0..core_count() + 2)
            .map(|_| {
                let receiver = Arc::clone(&receiver);
                tokio::spawn(run(JobLength::Long, move || {
                    let _ = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    Ok(())
                }))
            })
            .collect();
        tokio::task::yield_now().await;
        for number in 0..20 {
            assert_eq!(run(JobLength::Short, move || Ok(number)).await.unwrap(), number);
        }
        assert!(long.iter().all(|work| !work.is_finished()));
        drop(sender);
        for work in long {
            work.await.unwrap().unwrap();
        }
    }
}
