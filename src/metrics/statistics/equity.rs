//! The statistics of the equity curve.

use super::drawdowns::DrawdownStatistics;
use super::equity_pass::{self, PassInput};
use super::equity_source::EquitySource;
use super::quantiles::TailStatistics;
use super::returns::ReturnStatistics;
use super::set::StatisticSet;
use crate::compute::parallel::Executor;
use crate::market::Annualization;
use crate::market::time::DAY;
use crate::numbers::millis_to_f64;

/// What the statistics of an equity curve are computed with.
#[derive(Debug, Clone, Copy)]
pub struct EquityInput<'a> {
    /// Money at the start.
    pub initial_capital: f64,
    /// The close of each bar.
    pub close: &'a [f64],
    /// Length of a bar, milliseconds; `None` for bars at irregular times.
    pub bar_milliseconds: Option<i64>,
    /// Bars per year for annualized metrics, and the years that the curve spans.
    pub annualization: Annualization,
    /// Annual risk-free rate as a fraction.
    pub risk_free: f64,
}

/// The statistics of an equity curve.
#[derive(Debug)]
pub struct EquityStatistics {
    pub(super) totals: EquityTotals,
    pub(super) returns: ReturnStatistics,
    pub(super) tails: Option<TailStatistics>,
    pub(super) drawdowns: DrawdownStatistics,
    /// Whether the equity of every bar is finite, given that cash and position are.
    is_finite: bool,
}

/// What is known of a curve as a whole.
#[derive(Debug)]
pub(super) struct EquityTotals {
    pub(super) initial_capital: f64,
    pub(super) final_capital: f64,
    pub(super) mean_equity: Option<f64>,
    pub(super) is_solvent: bool,
    pub(super) benchmark_growth: Option<f64>,
    pub(super) bars_per_year: f64,
    pub(super) years: Option<f64>,
    pub(super) bar_days: f64,
    pub(super) risk_free: f64,
}

impl EquityStatistics {
    /// Computes the statistics that `set` names along a curve. Returns them and the equity of each bar, in the memory of
    /// `buffer`. The curve is read up to the last bar that has a close.
    pub fn new(
        input: &EquityInput<'_>,
        equity: &dyn EquitySource,
        set: StatisticSet,
        executor: &dyn Executor,
        buffer: Vec<f64>,
    ) -> (Self, Vec<f64>) {
        let bars = equity.bars().min(input.close.len());
        let close = input.close.get(..bars).unwrap_or(&[]);
        let bar_days = input
            .bar_milliseconds
            .map_or(f64::NAN, |length| millis_to_f64(length) / millis_to_f64(DAY));
        let bars_per_year = input.annualization.bars_per_year.unwrap_or(f64::NAN);
        // A rate of zero is zero per bar, however long that is.
        let risk_free = if input.risk_free == 0.0 { 0.0 } else { input.risk_free / bars_per_year };
        let initial_capital = input.initial_capital;
        let pass = PassInput { initial_capital, close, risk_free, set };
        let (measures, equity) = equity_pass::measure(&pass, equity, executor, buffer);
        let totals = EquityTotals {
            initial_capital,
            final_capital: equity.last().copied().unwrap_or(initial_capital),
            mean_equity: measures.mean_equity,
            is_solvent: measures.lowest_equity.is_none_or(|lowest| lowest > 0.0),
            benchmark_growth: close.first().zip(close.last()).map(|(first, last)| last / first),
            bars_per_year,
            years: input.annualization.years,
            bar_days,
            risk_free,
        };
        let extremes = measures.lowest_equity.into_iter().chain(measures.highest_equity);
        let statistics = Self {
            is_finite: extremes.into_iter().all(f64::is_finite),
            totals,
            returns: measures.returns,
            tails: measures.tails,
            drawdowns: measures.drawdowns,
        };
        (statistics, equity)
    }

    /// Returns whether the equity of every bar is finite, given that cash and position are finite after every order.
    #[must_use]
    pub fn equity_is_finite(&self) -> bool {
        self.is_finite
    }
}
