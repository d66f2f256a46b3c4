//! The threads that copy long columns.

use std::sync::OnceLock;

use super::busy_cores::core_count;
use super::helper_threads::HelperThreads;
use crate::compute::parallel::{Executor, Sequential};

/// Fewer parts than this are not worth waking other threads.
const MIN_PARTS: usize = 8;

/// More threads than this do not copy faster: memory bandwidth is the limit.
const MAX_THREADS: usize = 3;

/// Copies on the calling thread, and for long columns on a few threads that do nothing else. The JavaScript thread waits
/// for the copy, so it must not depend on threads that simulate.
#[derive(Debug, Clone, Copy)]
pub struct CopyPool;

impl Executor for CopyPool {
    fn execute(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        let threads = if parts < MIN_PARTS { None } else { copy_threads() };
        match threads {
            Some(threads) => threads.share(parts, work, (0..threads.count()).map(|_| ())),
            None => Sequential.execute(parts, work),
        }
    }
}

fn copy_threads() -> Option<&'static HelperThreads> {
    static THREADS: OnceLock<Option<HelperThreads>> = OnceLock::new();
    let start = || HelperThreads::start("backtest-copy", (core_count() - 1).min(MAX_THREADS));
    THREADS.get_or_init(start).as_ref()
}
