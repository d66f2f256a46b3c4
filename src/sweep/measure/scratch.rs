//! Memory of one worker.

use super::bar_block::BarBlock;
use super::chunks::Boundaries;
use super::order_sums::Held;
use super::trade_block::TradeBlock;
use super::trial_sums::TrialSums;
use crate::backtest::Buffers;
use crate::compute::reserve;
use crate::error::Result;
use crate::simulation::Simulation;
use crate::sweep::swept_signals::SweptSignals;

/// Events of a word are written this many at a time, also beyond the last one.
pub(super) const EVENT_SLACK: usize = 64;

/// Memory of one worker, reused for each combination.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The bars of entries and exits by turns.
    pub(super) events: Vec<u32>,
    /// For each word: which of its bars are events, and how many events there are before it.
    pub(super) event_words: Vec<(u64, u32)>,
    /// Sums of r and r² before each event, in a form that a row of the tables completes.
    pub(super) event_sums: Vec<[f64; 2]>,
    /// The price before slippage, and the slippage, of the exit of each trade; only of runs with stops.
    pub(super) exits: Vec<[f64; 2]>,
    /// The amounts of trades that are measured together.
    pub(super) block: TradeBlock,
    /// The results of the closed trades, money.
    pub(super) results: Vec<f64>,
    /// What is held after each order.
    pub(super) held: Vec<Held>,
    /// The results of closed trades, money; not of all-in runs.
    pub(super) closed: Vec<f64>,
    pub(super) bars: BarBlock,
    pub(super) simulation: Simulation,
    pub(super) moved: [Vec<u64>; 4],
    pub(super) buffers: Buffers,
    /// Sums of r and r² up to each boundary.
    pub(super) marks: Vec<[f64; 2]>,
    pub(super) sums: Option<TrialSums>,
    pub(super) chunk_sums: Vec<f64>,
}

impl Scratch {
    /// Returns the sums of the last combination, if they were wanted.
    #[must_use]
    pub fn sums(&self) -> Option<&TrialSums> {
        self.sums.as_ref()
    }

    /// Returns the sum of the returns of the last combination in each of the chunks of [`super::Tables::chunks`]; empty if they
    /// were not wanted.
    #[must_use]
    pub fn chunk_sums(&self) -> &[f64] {
        &self.chunk_sums
    }

    /// Makes room for a number of bars.
    pub(super) fn prepare(&mut self, bars: usize) -> Result<()> {
        if self.events.len() < bars + EVENT_SLACK {
            let more = |have: usize, want: usize| want.saturating_sub(have);
            let want = bars + EVENT_SLACK;
            let have = self.events.len();
            reserve::additional(&mut self.events, more(have, want), "events")?;
            self.events.resize(want, 0);
            let (have, want) = (self.results.len(), bars / 2 + EVENT_SLACK);
            reserve::additional(&mut self.results, more(have, want), "results of trades")?;
            self.results.resize(want, 0.0);
        }
        Ok(())
    }

    /// Makes room for the orders of signals; returns the number of signals.
    pub(super) fn prepare_orders(&mut self, signals: &SweptSignals<'_>) -> Result<usize> {
        let sets = [Some(signals.entries), Some(signals.exits)].into_iter();
        let sets = sets.chain([signals.short_entries, signals.short_exits]).flatten().flatten();
        let given: usize = sets.map(|word| word.count_ones() as usize).sum();
        let orders = given.min(signals.bars);
        reserve::cleared(&mut self.held, orders, "orders")?;
        reserve::cleared(&mut self.closed, orders, "results of trades")?;
        Ok(given)
    }

    /// Makes room for the exits of a number of bars.
    pub(super) fn prepare_exits(&mut self, bars: usize) -> Result<()> {
        let want = bars / 2 + 1;
        let have = self.exits.capacity();
        self.exits.clear();
        if have < want {
            reserve::additional(&mut self.exits, want, "exits")?;
        }
        Ok(())
    }

    /// Makes room for the sums of a number of bars.
    pub(super) fn prepare_sums(&mut self, bars: usize) -> Result<()> {
        let words = bars.div_ceil(64);
        if self.event_words.len() < words {
            let (have, want) = (self.event_words.len(), words);
            reserve::additional(&mut self.event_words, want - have, "words of events")?;
            self.event_words.resize(want, (0, 0));
        }
        let want = bars + EVENT_SLACK;
        if self.event_sums.len() < want {
            let have = self.event_sums.len();
            reserve::additional(&mut self.event_sums, want - have, "sums of events")?;
            self.event_sums.resize(want, [0.0; 2]);
        }
        Ok(())
    }

    /// Completes the sums of a combination from the sums up to each boundary, which are in `marks`.
    pub(super) fn finish_sums(&mut self, boundaries: &Boundaries, sums: &TrialSums) {
        let blocks = boundaries.block_sums(&self.marks);
        boundaries.chunk_sums(&self.marks, &mut self.chunk_sums);
        self.sums = Some(TrialSums { blocks, ..*sums });
    }
}
