//! Counts the cores that simulate.

use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The environment variable that sets the number of cores, as for every program that uses rayon.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Returns the number of cores that simulations use: `RAYON_NUM_THREADS`, or all that the process may use.
pub(super) fn core_count() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| {
        let wanted = std::env::var(VARIABLE).ok().and_then(|value| value.trim().parse().ok());
        let available = || std::thread::available_parallelism().map_or(1, NonZero::get);
        wanted.filter(|count| (1..=MAX_CORES).contains(count)).unwrap_or_else(available)
    })
}

/// More threads than this are a mistake.
const MAX_CORES: usize = 1024;

/// The number of cores that work on simulations and their parts.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// Marks one core as busy until it is dropped.
#[derive(Debug)]
pub(super) struct BusyCore(());

impl BusyCore {
    /// Marks one more core as busy.
    pub(super) fn new() -> Self {
        BUSY.fetch_add(1, Ordering::Relaxed);
        Self(())
    }

    /// Marks an idle core as busy; `None` if no core is idle.
    pub(super) fn claim_idle() -> Option<Self> {
        let claim = |busy| (busy < core_count()).then_some(busy + 1);
        BUSY.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claim).ok().map(|_| Self(()))
    }
}

impl Drop for BusyCore {
    fn drop(&mut self) {
        BUSY.fetch_sub(1, Ordering::Relaxed);
    }
}
