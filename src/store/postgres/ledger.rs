//! What an engine remembers of its own runs, so that it can settle them after the server has lost commits: a crash with
//! `synchronous_commit=off`, a failover to a replica that was behind, a restored backup.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::store::{Outcome, Run};

/// How much of the results of ended runs is kept in memory, bytes.
const BUDGET: usize = 16 * 1024 * 1024;

/// After how long an ended run counts as safe where the server has not been away. The server writes what it has committed
/// within a fraction of a second, a replica that is in use follows within a few.
const SAFE: Duration = Duration::from_secs(5);

/// A run that ended a short time ago.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The run as it ended.
    pub run: Run,
    /// What came out of it.
    pub outcome: Option<Arc<Outcome>>,
    at: Instant,
    bytes: usize,
    /// Whether the server was away since.
    doubtful: bool,
}

#[derive(Debug, Default)]
struct State {
    under_way: BTreeSet<String>,
    ended: VecDeque<Ended>,
    bytes: usize,
}

/// The runs of an engine.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<State>);

impl Ledger {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a run that is about to be created; returns false if one of that id is under way.
    pub fn begins(&self, id: &str) -> bool {
        self.state().under_way.insert(id.to_owned())
    }

    /// Forgets a run.
    pub fn forget(&self, id: &str) {
        let mut state = self.state();
        state.under_way.remove(id);
        state.ended.retain(|ended| ended.run.id != id);
        state.bytes = state.ended.iter().map(|ended| ended.bytes).sum();
    }

    /// Adds a run whose end was committed.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long ago a commit was decides how safe it is"
    )]
    pub fn ends(&self, run: Run, outcome: Option<Arc<Outcome>>) {
        let bytes = 2048 + outcome.as_deref().map_or(0, size);
        let mut state = self.state();
        state.under_way.remove(&run.id);
        if bytes > BUDGET {
            return;
        }
        state.bytes += bytes;
        state.ended.push_back(Ended { run, outcome, at: Instant::now(), bytes, doubtful: false });
        while state.bytes > BUDGET {
            let Some(oldest) = state.ended.pop_front() else { break };
            state.bytes -= oldest.bytes;
        }
    }

    /// Returns those of some runs of which nothing is remembered.
    pub fn unknown(&self, ids: Vec<String>) -> Vec<String> {
        let state = self.state();
        let is_known = |id: &String| {
            state.under_way.contains(id) || state.ended.iter().any(|ended| ended.run.id == *id)
        };
        ids.into_iter().filter(|id| !is_known(id)).collect()
    }

    /// Notes that the server was away: what ended a short time before may be lost.
    pub fn doubt(&self) {
        for ended in &mut self.state().ended {
            ended.doubtful = true;
        }
    }

    /// Returns the runs whose end may be lost, in the order of their ends.
    pub fn doubtful(&self) -> Vec<Ended> {
        self.state().ended.iter().filter(|ended| ended.doubtful).cloned().collect()
    }

    /// Forgets the runs whose end is safe by now.
    pub fn let_go(&self) {
        let mut state = self.state();
        state.ended.retain(|ended| ended.doubtful || ended.at.elapsed() < SAFE);
        state.bytes = state.ended.iter().map(|ended| ended.bytes).sum();
    }
}

/// Returns about how much memory the outcome of a run takes.
fn size(outcome: &Outcome) -> usize {
    (outcome.equity.len() * 2 + outcome.trades.len() * 10) * 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::behaviour::{outcome, run};

    #[test]
    fn ended_runs_are_remembered_within_a_budget_and_until_they_are_safe() {
        let ledger = Ledger::default();
        assert!(ledger.begins("bt-1"));
        assert!(ledger.begins("bt-2"));
        assert!(!ledger.begins("bt-2"));
        let ids = || vec!["bt-1".to_owned(), "bt-2".to_owned(), "bt-3".to_owned()];
        assert_eq!(ledger.unknown(ids()), ["bt-3"]);
        ledger.ends(run("bt-1"), None);
        assert_eq!(ledger.unknown(ids()), ["bt-3"]);
        ledger.forget("bt-2");
        assert_eq!(ledger.unknown(ids()), ["bt-2", "bt-3"]);
        let doubtful = || {
            let all = ledger.doubtful().into_iter().map(|ended| ended.run.id);
            all.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(doubtful(), "");
        ledger.doubt();
        assert_eq!(doubtful(), "bt-1");
        // Five of 5.6 MB do not fit; one that is larger than the budget is not remembered at all.
        let large = Arc::new(outcome(350_000, 0, 0.1));
        for number in 0..5 {
            ledger.ends(run(&format!("bt-large{number}")), Some(Arc::clone(&large)));
        }
        ledger.ends(run("bt-huge"), Some(Arc::new(outcome(1_100_000, 0, 0.1))));
        ledger.doubt();
        assert_eq!(doubtful(), "bt-large3 bt-large4");
        ledger.let_go();
        ledger.forget("bt-large3");
        assert_eq!(doubtful(), "bt-large4");
        assert!(ledger.state().bytes < 6_000_000);
    }

    #[test]
    fn what_is_safe_is_let_go() {
        let ledger = Ledger::default();
        ledger.ends(run("bt-1"), None);
        ledger.let_go();
        assert_eq!(ledger.state().ended.len(), 1);
        ledger.state().ended[0].at = Instant::now().checked_sub(SAFE * 2).unwrap();
        ledger.let_go();
        let state = ledger.state();
        assert_eq!((state.ended.len(), state.bytes), (0, 0));
    }
}
