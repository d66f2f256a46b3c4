//! What an engine remembers of its own runs, so that it can restore them after the server has lost commits: after a crash with
//! `synchronous_commit=off`, a failover to a replica that lagged behind, or a restored backup.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::store::record::{Outcome, Run};

/// The memory limit for the results of ended runs, bytes.
const MEMORY_LIMIT: usize = 16 * 1024 * 1024;

/// How long a run is remembered after its end, unless the server was away meanwhile.
///
/// The server writes commits to disk within a fraction of a second, and a replica in use follows within a few seconds.
const RETENTION: Duration = Duration::from_secs(5);

/// A run that ended recently.
#[derive(Debug, Clone)]
pub(super) struct EndedRun {
    /// The run as it ended.
    pub run: Run,
    /// Its outcome.
    pub outcome: Option<Arc<Outcome>>,
    ended_at: Instant,
    bytes: usize,
    /// Whether the server was away since, so that the end may be lost.
    is_doubtful: bool,
}

#[derive(Debug, Default)]
struct Runs {
    under_way: BTreeSet<String>,
    ended: VecDeque<EndedRun>,
    /// The memory that the ended runs take.
    bytes: usize,
}

/// The runs of an engine that are under way or ended recently.
#[derive(Debug, Default)]
pub(super) struct RecentRuns(Mutex<Runs>);

impl RecentRuns {
    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a run that is about to be created. Returns false if one with that id is under way.
    pub fn begin(&self, id: &str) -> bool {
        self.runs().under_way.insert(id.to_owned())
    }

    /// Forgets a run.
    pub fn forget(&self, id: &str) {
        let mut runs = self.runs();
        runs.under_way.remove(id);
        runs.ended.retain(|ended| ended.run.id != id);
        runs.bytes = runs.ended.iter().map(|ended| ended.bytes).sum();
    }

    /// Adds a run whose end was committed.
    #[expect(clippy::disallowed_methods, reason = "recent commits may be lost")]
    pub fn end(&self, run: Run, outcome: Option<Arc<Outcome>>) {
        let bytes = 2048 + outcome.as_deref().map_or(0, memory_size);
        let mut runs = self.runs();
        runs.under_way.remove(&run.id);
        // A completed run may have become a cancelled one.
        runs.ended.retain(|ended| ended.run.id != run.id);
        runs.bytes = runs.ended.iter().map(|ended| ended.bytes).sum();
        if bytes > MEMORY_LIMIT {
            return;
        }
        let ended_at = Instant::now();
        runs.bytes += bytes;
        runs.ended.push_back(EndedRun { run, outcome, ended_at, bytes, is_doubtful: false });
        while runs.bytes > MEMORY_LIMIT {
            let Some(oldest) = runs.ended.pop_front() else { break };
            runs.bytes -= oldest.bytes;
        }
    }

    /// Returns the ids of runs that are not remembered.
    pub fn unknown(&self, ids: Vec<String>) -> Vec<String> {
        let runs = self.runs();
        let is_known = |id: &String| {
            runs.under_way.contains(id) || runs.ended.iter().any(|ended| ended.run.id == *id)
        };
        ids.into_iter().filter(|id| !is_known(id)).collect()
    }

    /// Notes that the server was away, so that the ends of recent runs may be lost.
    pub fn mark_doubtful(&self) {
        for ended in &mut self.runs().ended {
            ended.is_doubtful = true;
        }
    }

    /// Returns the runs whose end may be lost, in the order of their ends.
    pub fn doubtful(&self) -> Vec<EndedRun> {
        self.runs().ended.iter().filter(|ended| ended.is_doubtful).cloned().collect()
    }

    /// Forgets the runs whose end is safe.
    pub fn expire(&self) {
        let mut runs = self.runs();
        runs.ended.retain(|ended| ended.is_doubtful || ended.ended_at.elapsed() < RETENTION);
        runs.bytes = runs.ended.iter().map(|ended| ended.bytes).sum();
    }
}

/// Returns roughly how much memory an outcome takes, bytes.
fn memory_size(outcome: &Outcome) -> usize {
    (outcome.equity.len() * 2 + outcome.trades.len() * 12) * 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::{outcome, run};

    #[test]
    fn ended_runs_are_remembered_within_the_memory_limit() {
        let recent_runs = RecentRuns::default();
        assert!(recent_runs.begin("bt-1"));
        assert!(recent_runs.begin("bt-2"));
        assert!(!recent_runs.begin("bt-2"));
        let ids = || vec!["bt-1".to_owned(), "bt-2".to_owned(), "bt-3".to_owned()];
        assert_eq!(recent_runs.unknown(ids()), ["bt-3"]);
        recent_runs.end(run("bt-1"), None);
        assert_eq!(recent_runs.unknown(ids()), ["bt-3"]);
        recent_runs.forget("bt-2");
        assert_eq!(recent_runs.unknown(ids()), ["bt-2", "bt-3"]);
        let doubtful = || {
            let all = recent_runs.doubtful().into_iter().map(|ended| ended.run.id);
            all.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(doubtful(), "");
        recent_runs.mark_doubtful();
        assert_eq!(doubtful(), "bt-1");
        // Five runs of 5.6 MB exceed the limit. A run that exceeds it alone is not remembered.
        let large = Arc::new(outcome(350_000, 0, 0.1));
        for number in 0..5 {
            recent_runs.end(run(&format!("bt-large{number}")), Some(Arc::clone(&large)));
        }
        recent_runs.end(run("bt-huge"), Some(Arc::new(outcome(1_100_000, 0, 0.1))));
        recent_runs.mark_doubtful();
        assert_eq!(doubtful(), "bt-large3 bt-large4");
        recent_runs.expire();
        recent_runs.forget("bt-large3");
        assert_eq!(doubtful(), "bt-large4");
        assert!(recent_runs.runs().bytes < 6_000_000);
    }

    #[test]
    fn the_last_end_of_a_run_counts() {
        let recent_runs = RecentRuns::default();
        recent_runs.end(run("bt-1"), Some(Arc::new(outcome(10, 2, 0.1))));
        recent_runs.end(run("bt-1"), None);
        let runs = recent_runs.runs();
        assert_eq!((runs.ended.len(), runs.bytes), (1, 2048));
        assert!(runs.ended[0].outcome.is_none());
    }

    #[test]
    fn safe_runs_are_forgotten() {
        let recent_runs = RecentRuns::default();
        recent_runs.end(run("bt-1"), None);
        recent_runs.expire();
        assert_eq!(recent_runs.runs().ended.len(), 1);
        recent_runs.runs().ended[0].ended_at = Instant::now().checked_sub(RETENTION * 2).unwrap();
        recent_runs.expire();
        let runs = recent_runs.runs();
        assert_eq!((runs.ended.len(), runs.bytes), (0, 0));
    }
}
