//! The data of a chart.

use crate::market::bars::median_step;
use crate::market::time::DAY;
use crate::market::{Bars, Interval, Timeframe};
use crate::portfolio::Trades;

/// A run to draw. All columns have one value per bar.
#[derive(Debug, Clone, Copy)]
pub struct ChartData<'a> {
    /// Name of the strategy.
    pub strategy: &'a str,
    /// Parameters of the strategy as text; may be empty.
    pub parameters: &'a str,
    /// Symbol of the asset.
    pub asset: &'a str,
    /// What a bar is.
    pub timeframe: Interval,
    /// Opening times of the bars, UTC milliseconds, increasing.
    pub timestamps: &'a [i64],
    /// Equity at each bar, money.
    pub equity: &'a [f64],
    /// Money at the start.
    pub initial_capital: f64,
    /// Trades of the run.
    pub trades: &'a Trades,
    /// Bars of the run, if known.
    pub bars: Option<&'a Bars>,
    /// Why there are no bars; may be empty.
    pub note: &'a str,
    /// Why the run proves nothing, in a line of its own; may be empty.
    pub alert: &'a str,
    /// Statistics in the subtitle.
    pub summary: ChartSummary,
}

/// Statistics in the subtitle. `None` if a statistic has no value.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ChartSummary {
    /// Percent.
    pub total_return: Option<f64>,
    /// Return of buy and hold, percent.
    pub benchmark_return: Option<f64>,
    /// Sharpe ratio.
    pub sharpe_ratio: Option<f64>,
    /// Percent, not negative.
    pub max_drawdown: Option<f64>,
    /// Number of trades.
    pub total_trades: Option<f64>,
    /// Share of closed trades with a profit, percent.
    pub win_rate: Option<f64>,
}

impl ChartData<'_> {
    /// Returns the length of a bar in milliseconds; the median distance of ticks.
    pub(super) fn bar_length(&self) -> i64 {
        let timeframe = self.timeframe.timeframe().map(Timeframe::milliseconds);
        timeframe.or_else(|| median_step(self.timestamps)).unwrap_or(DAY)
    }

    /// Returns the equity of buy and hold at each bar, or `None` without bars.
    pub(super) fn buy_and_hold(&self) -> Option<impl Fn(usize) -> f64 + use<'_>> {
        let close = self.bars?.close();
        let first = close.first().copied()?;
        let capital = self.initial_capital;
        // Values that overflow are drawn at the top of the panel.
        let equity = move |close: &f64| (capital * (close / first)).min(f64::MAX);
        Some(move |bar: usize| close.get(bar).map_or(f64::NAN, equity))
    }

    /// Returns the drawdown at each bar: equity relative to its highest value so far, percent, not positive.
    pub(super) fn drawdowns(&self) -> Vec<f64> {
        let mut peak = f64::NEG_INFINITY;
        let drawdowns = self.equity.iter().map(|&equity| {
            peak = peak.max(equity);
            if peak > 0.0 { ((equity / peak - 1.0) * 100.0).max(f64::MIN) } else { f64::NAN }
        });
        drawdowns.collect()
    }
}
