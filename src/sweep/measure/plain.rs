//! The plain path, which defines what is right, and the sums of judging from its curve.

use super::exact::Exact;
use super::scratch::Scratch;
use super::tables::Tables;
use super::trial_sums::TrialSums;
use super::wanted::Wanted;
use crate::backtest::{BacktestInput, Pipeline};
use crate::compute::parallel::Sequential;
use crate::error::Result;
use crate::metrics::Statistics;
use crate::observer::ProgressObserver;
use crate::signals::{Bits, Signals};
use crate::sweep::swept_signals::SweptSignals;

/// Runs a combination through the pipeline.
///
/// # Errors
/// Those of [`Pipeline::run`].
pub(super) fn measure(
    tables: &Tables,
    input: &BacktestInput<'_>,
    signals: &SweptSignals<'_>,
    wanted: &Wanted<'_>,
    scratch: &mut Scratch,
    observer: &dyn ProgressObserver,
) -> Result<Statistics> {
    let set = |words: &[u64]| Bits::from_words(words.to_vec(), signals.bars);
    let signals = Signals {
        entries: set(signals.entries),
        exits: set(signals.exits),
        short_entries: signals.short_entries.map(set),
        short_exits: signals.short_exits.map(set),
    };
    let pipeline = Pipeline { executor: &Sequential, observer };
    let statistics = pipeline.statistics(input, &signals, wanted.metrics, &mut scratch.buffers)?;
    if wanted.sums {
        add_sums(tables, input, scratch);
    }
    Ok(statistics)
}

/// Sums up the curve that the last run left in the buffers. Where equity is at or below zero, returns and exposure are those
/// of its magnitude, and 0 at zero.
fn add_sums(tables: &Tables, input: &BacktestInput<'_>, scratch: &mut Scratch) {
    let (simulation, equity) = scratch.buffers.last_run();
    let mut sums = [Exact::default(); 4];
    let (mut before, mut position, mut orders) = (input.initial_capital, 0.0, 0);
    let mut held_before = 0.0;
    let mut boundaries = tables.boundaries.bars.iter().peekable();
    scratch.marks.clear();
    let rows = equity.iter().zip(&tables.benchmark).zip(input.prices.close());
    for (bar, ((&equity, &m), &close)) in rows.enumerate() {
        while simulation.orders.bar.get(orders).is_some_and(|&order| order as usize <= bar) {
            position = simulation.holdings.position.get(orders).copied().unwrap_or(0.0);
            orders += 1;
        }
        let share = |amount: f64, of: f64| if of == 0.0 { 0.0 } else { amount / of.abs() };
        let r = share(equity - before, before);
        let terms = [r, r * r, r * m, if bar > 0 { held_before } else { 0.0 }];
        sums.iter_mut().zip(terms).for_each(|(sum, term)| sum.add(term));
        held_before = share(position * close, equity);
        before = equity;
        while boundaries.next_if(|&&boundary| boundary as usize == bar + 1).is_some() {
            scratch.marks.push([sums[0].value(), sums[1].value()]);
        }
    }
    let [returns, squares, products, exposure] = sums.each_ref().map(Exact::value);
    let sums = TrialSums {
        bars: tables.bars,
        returns,
        squares,
        products,
        exposure,
        ..TrialSums::default()
    };
    scratch.finish_sums(&tables.boundaries, &sums);
}
