//! Parts of one run on cores that are idle.

use std::sync::OnceLock;

use super::busy_cores::{BusyCore, core_count};
use super::helper_threads::HelperThreads;
use crate::compute::parallel::{self, Executor, Sequential};

/// Fewer bars than this are not worth waking another thread.
const MIN_BARS: usize = 1 << 16;

/// Executes parts of a run on its simulation thread and on all idle cores.
#[derive(Debug, Clone, Copy)]
pub struct SimulationPool;

impl Executor for SimulationPool {
    fn execute(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        match claim_helpers(parts.saturating_sub(1)) {
            Some((helpers, cores)) => helpers.share(parts, work, cores),
            None => Sequential.execute(parts, work),
        }
    }

    fn join(&self, first: &mut (dyn FnMut() + Send), second: &mut (dyn FnMut() + Send)) {
        match claim_helpers(1) {
            Some((helpers, core)) => helpers.join(first, second, core),
            None => Sequential.join(first, second),
        }
    }
}

/// Executes parts as [`SimulationPool`] does, on a limited number of threads.
#[derive(Debug, Clone, Copy)]
pub struct LimitedPool {
    /// The most threads, at least 1.
    most: usize,
}

impl LimitedPool {
    /// Limits the number of threads; `None` for one on each core.
    pub fn new(threads: Option<u32>) -> Self {
        let most = threads.map_or(usize::MAX, |threads| threads as usize);
        Self { most: most.max(1) }
    }
}

impl Executor for LimitedPool {
    fn execute(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        match claim_helpers(parts.saturating_sub(1).min(self.most - 1)) {
            Some((helpers, cores)) => helpers.share(parts, work, cores),
            None => Sequential.execute(parts, work),
        }
    }

    fn join(&self, first: &mut (dyn FnMut() + Send), second: &mut (dyn FnMut() + Send)) {
        if self.most > 1 {
            SimulationPool.join(first, second);
        } else {
            Sequential.join(first, second);
        }
    }
}

/// Executes two functions, in parallel if there are many bars and another core is idle. They are independent, so the results
/// are the same either way.
pub fn join<A: Send, B: Send>(
    bars: usize,
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    if bars < MIN_BARS {
        return (first(), second());
    }
    parallel::join(&SimulationPool, first, second)
}

/// Claims up to `most` idle cores, with the threads that use them; `None` if there are none, or if the calling thread does
/// not simulate.
fn claim_helpers(most: usize) -> Option<(&'static HelperThreads, Vec<BusyCore>)> {
    if most == 0 {
        return None;
    }
    rayon::current_thread_index()?;
    let helpers = helper_threads().filter(|helpers| !helpers.is_current())?;
    let most = most.min(helpers.count());
    let cores: Vec<BusyCore> = (0..most).map_while(|_| BusyCore::claim_idle()).collect();
    (!cores.is_empty()).then_some((helpers, cores))
}

/// Returns the threads that help: as many as can be idle while one simulates. A helper is only woken after an idle core was
/// claimed for it. It thus begins at once, and no run waits for the parts of another.
fn helper_threads() -> Option<&'static HelperThreads> {
    static THREADS: OnceLock<Option<HelperThreads>> = OnceLock::new();
    THREADS.get_or_init(|| HelperThreads::start("backtest-part", core_count() - 1)).as_ref()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::super::{JobLength, run};
    use super::*;
    use crate::error::{Code, Result};

    #[tokio::test]
    async fn parts_are_shared_with_idle_cores_and_each_is_executed_once() {
        let work = || {
            let threads = Mutex::new(BTreeSet::new());
            let counts: Vec<AtomicUsize> = (0..64).map(|_| AtomicUsize::new(0)).collect();
            SimulationPool.execute(counts.len(), &|part| {
                std::thread::sleep(Duration::from_millis(1));
                counts[part].fetch_add(1, Ordering::Relaxed);
                threads.lock().unwrap().insert(std::thread::current().name().map(str::to_owned));
            });
            assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
            let (first, second) = join(MIN_BARS, || 1, || Ok::<_, ()>(2));
            assert_eq!((first, second), (1, Ok(2)));
            Ok(threads.into_inner().unwrap().len())
        };
        // Other tests use the same cores; sooner or later one of them is idle.
        for _ in 0..100 {
            if core_count() == 1 || run(JobLength::Long, work).await.unwrap() > 1 {
                return;
            }
        }
        panic!("no other thread ever helped");
    }

    #[tokio::test]
    async fn a_limit_of_one_thread_leaves_the_others_alone() {
        let work = || {
            let threads = Mutex::new(BTreeSet::new());
            LimitedPool::new(Some(1)).execute(16, &|_| {
                std::thread::sleep(Duration::from_millis(1));
                threads.lock().unwrap().insert(std::thread::current().name().map(str::to_owned));
            });
            Ok(threads.into_inner().unwrap().len())
        };
        for _ in 0..5 {
            assert_eq!(run(JobLength::Long, work).await.unwrap(), 1);
        }
    }

    #[tokio::test]
    async fn a_panic_in_a_part_ends_the_run_and_releases_the_cores() {
        for _ in 0..3 * core_count() {
            let work = || -> Result<()> {
                SimulationPool.execute(8, &|part| assert_ne!(part, 5, "part {part}"));
                Ok(())
            };
            assert_eq!(run(JobLength::Long, work).await.unwrap_err().code, Code::Internal);
            let second = || Ok(join(MIN_BARS, || 1, || panic!("second")).0);
            let error = run(JobLength::Long, second).await.unwrap_err();
            assert_eq!(error.code, Code::Internal);
        }
        // A core that was never released would never be idle again.
        let mut claimed = None;
        for _ in 0..1_000 {
            claimed = BusyCore::claim_idle();
            if claimed.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(claimed.is_some(), "no core is idle");
    }
}
