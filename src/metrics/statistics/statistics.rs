//! Everything that metrics read.

use super::drawdowns::DrawdownStatistics;
use super::equity::EquityStatistics;
use super::exposure::ExposureStatistics;
use super::quantiles::TailStatistics;
use super::returns::ReturnStatistics;
use super::trades::TradeStatistics;
use super::trading::TradingStatistics;

/// Everything that metrics read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// Money at the start.
    pub initial_capital: f64,
    /// Money at the end; the initial capital without bars.
    pub final_capital: f64,
    /// Mean of the equity, money; `None` without bars.
    pub mean_equity: Option<f64>,
    /// Whether equity stays above zero.
    pub is_solvent: bool,
    /// The last close divided by the first; `None` without bars.
    pub benchmark_growth: Option<f64>,
    /// Bars per year.
    pub bars_per_year: f64,
    /// Years between the first and the last bar; `None` if they are bars ÷ bars per year.
    pub years: Option<f64>,
    /// Length of a bar, days.
    pub bar_days: f64,
    /// Risk-free rate of one bar, a fraction.
    pub risk_free: f64,
    /// The returns of the bars and of the benchmark.
    pub returns: ReturnStatistics,
    /// Both tails of the distribution of the returns; `None` without bars.
    pub tails: Option<TailStatistics>,
    /// The drawdowns of the equity.
    pub drawdowns: DrawdownStatistics,
    /// Costs, traded value and exposure.
    pub exposure: ExposureStatistics,
    /// The trades.
    pub trades: TradeStatistics,
    /// Signals that made no order.
    pub rejected_signals: usize,
}

impl Statistics {
    /// Combines the statistics of the equity and of the orders.
    #[must_use]
    pub fn new(equity: EquityStatistics, trading: TradingStatistics) -> Self {
        let EquityStatistics { totals, returns, tails, drawdowns, .. } = equity;
        let mut statistics = Self {
            initial_capital: totals.initial_capital,
            final_capital: totals.final_capital,
            mean_equity: totals.mean_equity,
            is_solvent: totals.is_solvent,
            benchmark_growth: totals.benchmark_growth,
            bars_per_year: totals.bars_per_year,
            years: totals.years,
            bar_days: totals.bar_days,
            risk_free: totals.risk_free,
            returns,
            tails,
            drawdowns,
            exposure: trading.exposure,
            trades: trading.trades,
            rejected_signals: trading.rejected_signals,
        };
        statistics.mark_overflows();
        statistics
    }

    /// Replaces infinite statistics by NaN, so that a metric that divides by one has no value instead of being 0. Whoever fills
    /// the statistics calls it.
    pub fn mark_overflows(&mut self) {
        let mark = |value: &mut f64| {
            if value.is_infinite() {
                *value = f64::NAN;
            }
        };
        // Without these there is no rate per bar either.
        if self.bars_per_year.is_infinite() || !self.risk_free.is_finite() {
            (self.bars_per_year, self.risk_free) = (f64::NAN, f64::NAN);
            self.years = None;
            (self.returns.gains, self.returns.losses) = (f64::NAN, f64::NAN);
        }
        self.mean_equity.as_mut().map(mark);
        self.benchmark_growth.as_mut().map(mark);
        let ExposureStatistics { fees, slippage, traded_value, max_gross, time_in_market: _ } =
            &mut self.exposure;
        [fees, slippage, traded_value].into_iter().chain(max_gross).for_each(mark);
        let TradeStatistics { closed, wins, losses, squares, open_pnl, best: _, worst: _, .. } =
            &mut self.trades;
        [squares, open_pnl].into_iter().for_each(mark);
        for group in [closed, wins, losses] {
            [&mut group.pnl, &mut group.percent].into_iter().for_each(mark);
        }
        let returns = &mut self.returns;
        [&mut returns.benchmark_mean, &mut returns.benchmark_squares].into_iter().for_each(mark);
        // From an equity of zero on, returns are infinite by definition.
        if !self.is_solvent {
            return;
        }
        self.returns.numbers_mut().into_iter().for_each(mark);
        if let Some(TailStatistics { low, high, low_mean }) = &mut self.tails {
            [low, high, low_mean].into_iter().for_each(mark);
        }
        let DrawdownStatistics { deepest, sum, squares, .. } = &mut self.drawdowns;
        [deepest, sum, squares].into_iter().for_each(mark);
    }
}
