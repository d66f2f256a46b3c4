//! Metrics: one metric per file, and one list of them, in the order of results.
//!
//! Formulas are those of vectorbt 1.2.0, on the returns of the bars with the initial capital as the first base. A metric
//! without a value (no closed trade, no deviation to divide by, an infinite result) is `None`, never NaN. To add one, write
//! its file and its line in [`METRICS`].

#![allow(
    clippy::unnecessary_wraps,
    reason = "every metric has the same signature, and most can lack a value"
)]

pub mod statistics;
#[cfg(test)]
mod testing;

mod alpha;
mod annualized_return;
mod annualized_volatility;
mod arithmetic;
mod avg_drawdown;
mod avg_drawdown_duration_days;
mod avg_loss;
mod avg_loss_duration_days;
mod avg_loss_percent;
mod avg_trade_duration_days;
mod avg_win;
mod avg_win_duration_days;
mod avg_win_percent;
mod benchmark_return;
mod best_trade;
mod beta;
mod calmar_ratio;
mod closed_trades;
mod conditional_value_at_risk;
mod expectancy;
mod final_capital;
mod information_ratio;
mod kurtosis;
mod long_trades;
mod losing_trades;
mod max_drawdown;
mod max_drawdown_duration_days;
mod max_gross_exposure;
mod max_loss_streak;
mod max_win_streak;
mod metric;
mod omega_ratio;
mod open_trade_pnl;
mod open_trades;
mod payoff_ratio;
mod profit_factor;
mod sharpe_ratio;
mod short_trades;
mod skew;
mod sortino_ratio;
mod sqn;
mod tail_ratio;
mod time_in_market;
mod total_fees_paid;
mod total_profit;
mod total_return;
mod total_slippage_paid;
mod total_trades;
mod turnover;
mod ulcer_index;
mod unexecuted_signals;
mod value_at_risk;
mod win_rate;
mod winning_trades;
mod worst_trade;

pub use final_capital::FINAL_CAPITAL;
pub use metric::{Metric, Unit};
pub use statistics::{
    EquityInput, EquitySource, EquityStatistics, StatisticSet, Statistics, TradingInput,
    TradingStatistics,
};
pub use total_return::TOTAL_RETURN;

use arithmetic::finite;

/// Every metric, in the order in which results list them.
pub const METRICS: &[&Metric] = &[
    &final_capital::FINAL_CAPITAL,
    &total_profit::TOTAL_PROFIT,
    &total_return::TOTAL_RETURN,
    &benchmark_return::BENCHMARK_RETURN,
    &annualized_return::ANNUALIZED_RETURN,
    &annualized_volatility::ANNUALIZED_VOLATILITY,
    &sharpe_ratio::SHARPE_RATIO,
    &sortino_ratio::SORTINO_RATIO,
    &calmar_ratio::CALMAR_RATIO,
    &omega_ratio::OMEGA_RATIO,
    &alpha::ALPHA,
    &beta::BETA,
    &information_ratio::INFORMATION_RATIO,
    &max_drawdown::MAX_DRAWDOWN,
    &avg_drawdown::AVG_DRAWDOWN,
    &max_drawdown_duration_days::MAX_DRAWDOWN_DURATION_DAYS,
    &avg_drawdown_duration_days::AVG_DRAWDOWN_DURATION_DAYS,
    &ulcer_index::ULCER_INDEX,
    &value_at_risk::VALUE_AT_RISK,
    &conditional_value_at_risk::CONDITIONAL_VALUE_AT_RISK,
    &skew::SKEW,
    &kurtosis::KURTOSIS,
    &tail_ratio::TAIL_RATIO,
    &max_gross_exposure::MAX_GROSS_EXPOSURE,
    &time_in_market::TIME_IN_MARKET,
    &total_fees_paid::TOTAL_FEES_PAID,
    &total_slippage_paid::TOTAL_SLIPPAGE_PAID,
    &turnover::TURNOVER,
    &total_trades::TOTAL_TRADES,
    &closed_trades::CLOSED_TRADES,
    &open_trades::OPEN_TRADES,
    &winning_trades::WINNING_TRADES,
    &losing_trades::LOSING_TRADES,
    &long_trades::LONG_TRADES,
    &short_trades::SHORT_TRADES,
    &win_rate::WIN_RATE,
    &avg_win::AVG_WIN,
    &avg_loss::AVG_LOSS,
    &avg_win_percent::AVG_WIN_PERCENT,
    &avg_loss_percent::AVG_LOSS_PERCENT,
    &best_trade::BEST_TRADE,
    &worst_trade::WORST_TRADE,
    &payoff_ratio::PAYOFF_RATIO,
    &profit_factor::PROFIT_FACTOR,
    &expectancy::EXPECTANCY,
    &sqn::SQN,
    &max_win_streak::MAX_WIN_STREAK,
    &max_loss_streak::MAX_LOSS_STREAK,
    &avg_trade_duration_days::AVG_TRADE_DURATION_DAYS,
    &avg_win_duration_days::AVG_WIN_DURATION_DAYS,
    &avg_loss_duration_days::AVG_LOSS_DURATION_DAYS,
    &open_trade_pnl::OPEN_TRADE_PNL,
    &unexecuted_signals::UNEXECUTED_SIGNALS,
];

/// The values of metrics.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ComputedMetrics {
    /// Names and values, in the order of the list they were computed from.
    pub values: Vec<(&'static str, Option<f64>)>,
    /// Metrics that have no value because a number on the way to it overflows.
    pub overflowed: Vec<&'static str>,
}

/// Computes metrics of a run, whose statistics must include what they need.
pub fn compute(metrics: &[&Metric], statistics: &Statistics) -> ComputedMetrics {
    let mut overflowed = Vec::new();
    let values = metrics.iter().map(|metric| {
        let value = (metric.compute)(statistics);
        // From an equity of zero on, returns are infinite by definition, and what follows from them is undefined.
        if statistics.is_solvent && value.is_some_and(|value| !value.is_finite()) {
            overflowed.push(metric.name);
        }
        (metric.name, value.and_then(finite))
    });
    ComputedMetrics { values: values.collect(), overflowed }
}

/// Returns the statistics that metrics need.
pub fn needs(metrics: &[&Metric]) -> StatisticSet {
    metrics.iter().fold(StatisticSet::NONE, |set, metric| set.union(metric.needs))
}

/// Finds a metric by its camelCase name.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().copied().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests;
