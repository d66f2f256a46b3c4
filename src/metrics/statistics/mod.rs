//! What the metrics are made of: computed once a run, in one pass over the bars, one over the equity and one over orders
//! and trades.
//!
//! The statistics are plain numbers and own nothing of the run, so that a faster way to the same numbers (a sweep that steps
//! from order to order) may fill them and use every metric unchanged.

mod drawdowns;
mod equity_pass;
mod exposure;
mod extremes;
mod moments;
mod quantiles;
mod returns;
mod trades;

pub use drawdowns::DrawdownStatistics;
pub use exposure::ExposureStatistics;
pub use quantiles::TailStatistics;
pub use returns::ReturnStatistics;
pub use trades::TradeStatistics;

use crate::compute::parallel::{Executor, Sequential};
use crate::market::time::DAY;
use crate::portfolio::{Holdings, Trades, Valuation};
use crate::simulation::Orders;

/// The curve of a finished run, as the metrics see it.
#[derive(Debug, Clone, Copy)]
pub struct Curve<'a> {
    /// Money at the start.
    pub initial_capital: f64,
    /// The close of each bar.
    pub close: &'a [f64],
    /// The length of a bar, milliseconds.
    pub bar_milliseconds: i64,
    /// Days in a year for annualising.
    pub year_days: f64,
    /// Yearly risk-free rate as a fraction.
    pub risk_free: f64,
}

/// The orders of a finished run, as the metrics see them.
#[derive(Debug, Clone, Copy)]
pub struct Ledger<'a> {
    /// Money at the start.
    pub initial_capital: f64,
    /// The close of each bar.
    pub close: &'a [f64],
    /// The filled orders, in the order of their bars.
    pub orders: &'a Orders,
    /// Cash and position after each order.
    pub holdings: &'a Holdings,
    /// The exit trades.
    pub trades: &'a Trades,
    /// The fraction by which fills are worse than the price.
    pub slippage: f64,
    /// Positions in `orders` of the fills without slippage: stops filled at their own price (`stopLimit`).
    pub fills_without_slippage: &'a [u32],
    /// Signals that made no order.
    pub unexecuted_signals: u64,
}

/// Everything that a metric may look at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// Money at the start.
    pub initial_capital: f64,
    /// Money at the end; the initial capital where there are no bars.
    pub final_capital: f64,
    /// Mean of the equity, money; nothing without bars.
    pub mean_equity: Option<f64>,
    /// Whether equity stays above zero.
    pub is_solvent: bool,
    /// The last close by the first; nothing without bars.
    pub benchmark_growth: Option<f64>,
    /// Bars a year.
    pub bars_a_year: f64,
    /// Length of a bar, days.
    pub bar_days: f64,
    /// Risk-free rate of one bar, a fraction.
    pub risk_free: f64,
    /// The returns of the bars and of the benchmark.
    pub returns: ReturnStatistics,
    /// Both ends of the distribution of the returns; nothing without bars.
    pub tails: Option<TailStatistics>,
    /// The falls of the equity.
    pub drawdowns: DrawdownStatistics,
    /// Orders and the positions that they made.
    pub exposure: ExposureStatistics,
    /// The trades.
    pub trades: TradeStatistics,
    /// Signals that made no order.
    pub unexecuted_signals: u64,
}

impl Statistics {
    /// Computes all statistics of a run; `equity` is the money at the end of each bar. Columns of different lengths are read up
    /// to the end of the shorter one.
    pub fn new(curve: &Curve<'_>, equity: &[f64], ledger: &Ledger<'_>) -> Self {
        Self::of(
            EquityStatistics::new(curve, &equity, &Sequential).0,
            TradingStatistics::new(ledger),
        )
    }

    /// Puts the statistics of both halves together, which know nothing of each other.
    pub fn of(curve: EquityStatistics, ledger: TradingStatistics) -> Self {
        let mut statistics = Self {
            exposure: ledger.exposure,
            trades: ledger.trades,
            unexecuted_signals: ledger.unexecuted_signals,
            ..curve.statistics
        };
        statistics.mark_overflows();
        statistics
    }

    /// Makes NaN of statistics that overflowed, so that a metric that divides by one has no value instead of being 0.
    fn mark_overflows(&mut self) {
        let mark = |fact: &mut f64| {
            if fact.is_infinite() {
                *fact = f64::NAN;
            }
        };
        // Without these there is no rate of a bar either.
        if !(self.bars_a_year.is_finite() && self.risk_free.is_finite()) {
            (self.bars_a_year, self.risk_free) = (f64::NAN, f64::NAN);
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
        self.returns.numbers().into_iter().for_each(mark);
        if let Some(TailStatistics { low, high, low_mean }) = &mut self.tails {
            [low, high, low_mean].into_iter().for_each(mark);
        }
        let DrawdownStatistics { deepest, sum, squares, .. } = &mut self.drawdowns;
        [deepest, sum, squares].into_iter().for_each(mark);
    }
}

/// The equity of a run at the end of each bar, money.
pub trait EquitySource: Sync {
    /// Returns the number of bars.
    fn bars(&self) -> usize;

    /// Returns the equity of one bar; 0 for one that is not there.
    fn at(&self, bar: usize) -> f64;

    /// Gives the equity of bars that rise, each with that of the bar before it, where there is one.
    fn sample(
        &self,
        bars: &mut dyn Iterator<Item = usize>,
        take: &mut dyn FnMut(Option<f64>, f64),
    ) {
        for bar in bars {
            take(bar.checked_sub(1).map(|before| self.at(before)), self.at(bar));
        }
    }

    /// Writes the equity of the bars from `from` on, as many as there is room for.
    fn write(&self, from: usize, into: &mut [f64]);
}

/// One that is there already.
impl EquitySource for &[f64] {
    fn bars(&self) -> usize {
        self.len()
    }

    fn at(&self, bar: usize) -> f64 {
        self.get(bar).copied().unwrap_or(0.0)
    }

    fn write(&self, from: usize, into: &mut [f64]) {
        for (into, value) in into.iter_mut().zip(self.get(from..).unwrap_or(&[])) {
            *into = *value;
        }
    }
}

/// One that is made as it is measured.
impl EquitySource for Valuation<'_> {
    fn bars(&self) -> usize {
        self.bars()
    }

    fn at(&self, bar: usize) -> f64 {
        self.at(bar)
    }

    fn sample(
        &self,
        bars: &mut dyn Iterator<Item = usize>,
        take: &mut dyn FnMut(Option<f64>, f64),
    ) {
        self.sample(bars, take);
    }

    fn write(&self, from: usize, into: &mut [f64]) {
        self.write(from, into);
    }
}

/// What the curve of a run tells: statistics in which those of the ledger are missing.
#[derive(Debug)]
pub struct EquityStatistics {
    statistics: Statistics,
    /// Whether the equity of every bar is finite, if cash and position are.
    is_finite: bool,
}

impl EquityStatistics {
    /// Computes them along an equity; returns them and the equity itself.
    pub fn new(
        curve: &Curve<'_>,
        equity: &dyn EquitySource,
        executor: &dyn Executor,
    ) -> (Self, Vec<f64>) {
        let bars = equity.bars().min(curve.close.len());
        let close = curve.close.get(..bars).unwrap_or(&[]);
        let bar_days = milliseconds(curve.bar_milliseconds) / milliseconds(DAY);
        let bars_a_year = curve.year_days / bar_days;
        let risk_free = curve.risk_free / bars_a_year;
        let initial_capital = curve.initial_capital;
        let terms = equity_pass::CurveInput { initial_capital, close, risk_free };
        let (measured, equity) = equity_pass::measure(&terms, equity, executor);
        let statistics = Statistics {
            initial_capital,
            final_capital: equity.last().copied().unwrap_or(initial_capital),
            mean_equity: measured.mean_equity,
            benchmark_growth: close.first().zip(close.last()).map(|(first, last)| last / first),
            bars_a_year,
            bar_days,
            risk_free,
            returns: measured.statistics,
            tails: measured.tails,
            is_solvent: measured.lowest_equity.is_none_or(|lowest| lowest > 0.0),
            drawdowns: measured.drawdowns,
            ..Statistics::default()
        };
        let is_finite =
            measured.lowest_equity.into_iter().chain(measured.highest_equity).all(f64::is_finite);
        (Self { statistics, is_finite }, equity)
    }

    /// Returns whether the equity of every bar is finite, given that cash and position are after every order.
    pub fn equity_is_finite(&self) -> bool {
        self.is_finite
    }
}

/// What orders and trades of a run tell.
#[derive(Debug)]
pub struct TradingStatistics {
    exposure: ExposureStatistics,
    trades: TradeStatistics,
    unexecuted_signals: u64,
    /// The last trade's result, percent.
    last_percent: Option<f64>,
}

impl TradingStatistics {
    /// Computes them.
    pub fn new(ledger: &Ledger<'_>) -> Self {
        Self {
            exposure: ExposureStatistics::new(ledger),
            trades: TradeStatistics::new(ledger.trades),
            unexecuted_signals: ledger.unexecuted_signals,
            last_percent: ledger.trades.pnl_percent.last().copied(),
        }
    }

    /// Returns whether every amount of every trade is known to be finite: their results in percent, which no amount that
    /// overflows leaves finite, have a finite sum, and so have all fees. An open trade, which is in no sum, is the last one.
    pub fn trades_are_finite(&self) -> bool {
        self.trades.closed.percent.is_finite()
            && self.exposure.fees.is_finite()
            && self.last_percent.is_none_or(f64::is_finite)
    }
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts of bars and trades are far below 2^53")]
pub(crate) const fn float(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "lengths of bars are far below 2^53 milliseconds")]
const fn milliseconds(count: i64) -> f64 {
    count as f64
}
