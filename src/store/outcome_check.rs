//! Checks an outcome before it is written.

use super::record::Outcome;
use crate::error::Error;
use crate::portfolio::Trades;

/// Fails if no simulation can have produced an outcome.
///
/// # Errors
/// `INTERNAL` if columns differ in length, a trade is outside of the bars, or a number is not finite.
pub(super) fn check_outcome(outcome: &Outcome) -> Result<(), Error> {
    let (trades, bars) = (&outcome.trades, outcome.timestamps.len());
    if bars != outcome.equity.len() && outcome.summary.parts.equity {
        return Err(Error::internal("an equity curve must have one value per bar"));
    }
    let columns = float_columns(trades);
    let lengths = [trades.exit_bar.len(), trades.direction.len(), trades.status.len()];
    if lengths
        .into_iter()
        .chain(columns.iter().map(|column| column.len()))
        .any(|len| len != trades.len())
        || !(trades.are_detailed() || trades.have_no_details())
    {
        return Err(Error::internal("the columns of the trades differ in length"));
    }
    // Bars are stored as signed integers.
    let is_out_of_range = |bar: &u32| {
        usize::try_from(*bar).is_ok_and(|bar| bar >= bars) || i32::try_from(*bar).is_err()
    };
    let mut trade_bars = trades.entry_bar.iter().chain(&trades.exit_bar);
    if let Some(bar) = trade_bars.find(|bar| is_out_of_range(bar)) {
        return Err(Error::internal(format!("a trade is at bar {bar}, after the last one")));
    }
    let summary = [outcome.summary.final_capital, outcome.summary.total_return];
    let mut all = summary.iter().chain(&outcome.equity).chain(columns.into_iter().flatten());
    if all.all(|value| value.is_finite()) && trades.excursions_are_finite() {
        Ok(())
    } else {
        Err(Error::internal("results must be finite numbers"))
    }
}

/// Returns the columns of numbers, in the order in which tables have them.
pub(super) fn float_columns(trades: &Trades) -> [&Vec<f64>; 7] {
    [
        &trades.size,
        &trades.entry_price,
        &trades.exit_price,
        &trades.entry_fees,
        &trades.exit_fees,
        &trades.pnl,
        &trades.pnl_percent,
    ]
}
