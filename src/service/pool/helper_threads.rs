//! A pool of threads that help with the parts of a computation.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Threads that take parts of the caller's work. They are only used while the caller takes parts, too.
#[derive(Debug)]
pub(super) struct HelperThreads(ThreadPool);

impl HelperThreads {
    /// Starts threads; `None` if there are to be none or they cannot be started. The caller then works alone.
    pub(super) fn start(name: &'static str, count: usize) -> Option<Self> {
        let builder = ThreadPoolBuilder::new().num_threads(count);
        let named = builder.thread_name(move |index| format!("{name}-{index}"));
        (count > 0).then(|| named.build().ok()).flatten().map(Self)
    }

    /// Returns the number of threads.
    pub(super) fn count(&self) -> usize {
        self.0.current_num_threads()
    }

    /// Returns whether the calling thread is one of these.
    pub(super) fn is_current(&self) -> bool {
        self.0.current_thread_index().is_some()
    }

    /// Executes the parts `0..parts` on the calling thread and on one helper for each guard, which is dropped as the helper
    /// ends.
    pub(super) fn share<G: Send>(
        &self,
        parts: usize,
        work: &(dyn Fn(usize) + Sync),
        guards: impl IntoIterator<Item = G>,
    ) {
        let next = AtomicUsize::new(0);
        let take_parts = || {
            loop {
                let part = next.fetch_add(1, Ordering::Relaxed);
                if part >= parts {
                    break;
                }
                work(part);
            }
        };
        self.0.in_place_scope(|scope| {
            for guard in guards {
                scope.spawn(move |_| {
                    let _guard = guard;
                    take_parts();
                });
            }
            take_parts();
        });
    }

    /// Runs one task on the calling thread and one on a helper. The guard is dropped as the helper ends.
    pub(super) fn join<G: Send>(
        &self,
        first: &mut (dyn FnMut() + Send),
        second: &mut (dyn FnMut() + Send),
        guard: G,
    ) {
        self.0.in_place_scope(|scope| {
            scope.spawn(move |_| {
                let _guard = guard;
                second();
            });
            first();
        });
    }
}
