//! From the signals of a combination to its statistics and the sums that judging needs.
//!
//! | path | which combinations | how |
//! |---|---|---|
//! | [`Path::AllIn`] | long, every order all in or all out; with stops if they fill at closes | words of signals to statistics in one go |
//! | [`Path::Segments`] | any settings | orders one at a time (with stops: those of a simulation), the curve from order to order |
//! | [`Path::Plain`] | whatever the others leave | [`crate::backtest::Pipeline`], which defines what is right |
//!
//! A fast path never guesses: as soon as an amount is unusual, a metric does not compose, or the error bound of a sum is more
//! than 1e-10 of its value, the combination goes to the next path. Which path it takes depends on the combination alone.

mod all_in;
mod bar_block;
mod chunks;
mod curve;
mod events;
mod exact;
mod falls;
mod first_hits;
mod order_sums;
mod plain;
mod return_sums;
mod scratch;
mod segments;
mod stops;
mod tables;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod timing_tests;
mod trade_block;
mod trial_sums;
mod wanted;

pub use chunks::{BLOCKS, BenchmarkSums, BlockSums, Chunk};
pub use scratch::Scratch;
pub use tables::Tables;
pub use trial_sums::TrialSums;
pub use wanted::Wanted;

use all_in::Measures;
use tables::risk_free_of;

use super::swept_signals::SweptSignals;
use crate::backtest::BacktestInput;
use crate::error::Result;
use crate::market::time::DAY;
use crate::metrics::{StatisticSet, Statistics};
use crate::numbers::millis_to_f64;
use crate::observer::ProgressObserver;

/// How a combination was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// From words of signals to statistics in one go.
    AllIn,
    /// Orders one at a time, and the curve from order to order.
    Segments,
    /// As a single run.
    Plain,
}

/// The statistics of a combination.
#[derive(Debug)]
pub struct Measured {
    /// How they were computed.
    pub path: Path,
    /// The statistics that the wanted metrics need.
    pub statistics: Statistics,
}

/// Measures one combination: the orders that its signals make on the bars of `input`, with its settings.
///
/// `tables` are of the same bars. The sums of the combination, if they are wanted, are in `scratch` afterwards.
///
/// # Errors
/// Those of [`crate::backtest::Pipeline::run`]; `LIMIT_EXCEEDED` if the memory cannot be allocated.
pub fn measure(
    tables: &Tables,
    input: &BacktestInput<'_>,
    signals: SweptSignals<'_>,
    wanted: &Wanted<'_>,
    scratch: &mut Scratch,
    observer: &dyn ProgressObserver,
) -> Result<Measured> {
    scratch.sums = None;
    scratch.chunk_sums.clear();
    let is_fast = wanted.composes()
        && tables.are_usable
        && tables.bars == input.prices.len()
        && signals.bars == tables.bars
        && tables.risk_free.to_bits() == risk_free_of(input).to_bits()
        && !(wanted.counts_falls && tables.has_near_records);
    if is_fast {
        if all_in::applies(input.settings, &signals)
            && let Some(found) = all_in::measure(tables, input, &signals, wanted, scratch)?
        {
            let statistics = statistics(tables, input, wanted, found);
            return Ok(Measured { path: Path::AllIn, statistics });
        }
        if let Some(found) = segments::measure(tables, input, &signals, wanted, scratch, observer)?
        {
            let statistics = statistics(tables, input, wanted, found);
            return Ok(Measured { path: Path::Segments, statistics });
        }
    }
    let statistics = plain::measure(tables, input, &signals, wanted, scratch, observer)?;
    Ok(Measured { path: Path::Plain, statistics })
}

/// Returns the statistics of a run whose equity stays above zero.
fn statistics(
    tables: &Tables,
    input: &BacktestInput<'_>,
    wanted: &Wanted<'_>,
    found: Measures,
) -> Statistics {
    let close = input.prices.close();
    let bar_days = input
        .bar_milliseconds
        .map_or(f64::NAN, |length| millis_to_f64(length) / millis_to_f64(DAY));
    let wants_returns = wanted.set.contains(StatisticSet::RETURNS);
    let mut statistics = Statistics {
        initial_capital: input.initial_capital,
        final_capital: found.final_capital,
        mean_equity: wants_returns.then_some(found.mean_equity),
        is_solvent: true,
        benchmark_growth: close.first().zip(close.last()).map(|(first, last)| last / first),
        bars_per_year: input.annualization.bars_per_year.unwrap_or(f64::NAN),
        years: input.annualization.years,
        bar_days,
        risk_free: tables.risk_free,
        returns: found.returns,
        tails: None,
        drawdowns: found.drawdowns,
        exposure: found.exposure,
        trades: found.trades,
        rejected_signals: found.rejected_signals,
    };
    statistics.mark_overflows();
    statistics
}
