//! Counts, sums and extremes of the trades. Except for the counts, they are of closed trades only.

use crate::numbers::count_to_f64;
use crate::portfolio::Trades;

/// One kind of closed trades.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TradeGroup {
    /// Their number.
    pub count: usize,
    /// Sum of their results, money.
    pub pnl: f64,
    /// Sum of their returns, percent.
    pub percent: f64,
    /// Sum of their durations, bars.
    pub bars: u64,
    /// The most consecutive ones.
    pub longest_streak: usize,
}

impl TradeGroup {
    fn add(&mut self, pnl: f64, percent: f64, bars: u32) {
        self.count += 1;
        self.pnl += pnl;
        self.percent += percent;
        self.bars += u64::from(bars);
    }

    /// Divides a sum by the count; `None` without trades.
    pub fn mean(&self, sum: f64) -> Option<f64> {
        (self.count > 0).then(|| sum / count_to_f64(self.count))
    }

    /// Returns the mean duration, bars; `None` without trades.
    #[expect(clippy::cast_precision_loss, reason = "sums of bars are far below 2^53")]
    pub fn mean_bars(&self) -> Option<f64> {
        self.mean(self.bars as f64)
    }
}

/// The trades of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TradeStatistics {
    /// Open and closed trades.
    pub total: usize,
    /// Long trades, open and closed.
    pub long: usize,
    /// Short trades, open and closed.
    pub short: usize,
    /// All closed trades.
    pub closed: TradeGroup,
    /// Closed trades with a result above 0.
    pub wins: TradeGroup,
    /// Closed trades with a result below 0.
    pub losses: TradeGroup,
    /// The highest return of a closed trade, percent.
    pub best: Option<f64>,
    /// The lowest return of a closed trade, percent.
    pub worst: Option<f64>,
    /// Sum of the squared deviations of the results of closed trades from their mean, money squared.
    pub squares: f64,
    /// Sum of the results of open trades, money.
    pub open_pnl: f64,
}

impl TradeStatistics {
    pub(super) fn new(trades: &Trades) -> Self {
        let mut sums = TradeSums::default();
        let bars = trades
            .entry_bar
            .iter()
            .zip(&trades.exit_bar)
            .map(|(entry, exit)| exit.saturating_sub(*entry));
        let kinds = trades.direction.iter().zip(&trades.status);
        for (((&pnl, &percent), bars), (&direction, &status)) in
            trades.pnl.iter().zip(&trades.pnl_percent).zip(bars).zip(kinds)
        {
            if status == 0 {
                sums.add_open(direction, pnl);
            } else {
                sums.add_closed(direction, pnl, percent, bars);
            }
        }
        let closed = trades.pnl.iter().zip(&trades.status).filter(|&(_, &status)| status == 1);
        sums.finish(closed.map(|(pnl, _)| *pnl))
    }

    /// Returns the number of open trades.
    pub const fn open(&self) -> usize {
        self.total - self.closed.count
    }
}

/// The statistics of the trades so far, in the order of their exits.
#[derive(Debug, Clone, Default)]
pub struct TradeSums {
    statistics: TradeStatistics,
    wins_in_a_row: usize,
    losses_in_a_row: usize,
}

impl TradeSums {
    /// Adds a trade that is open at the end; `direction` is 0 for long, 1 for short.
    pub fn add_open(&mut self, direction: u8, pnl: f64) {
        self.count(direction);
        self.statistics.open_pnl += pnl;
    }

    /// Adds a closed trade: its result, money and percent, and its duration.
    #[inline]
    pub fn add_closed(&mut self, direction: u8, pnl: f64, percent: f64, bars: u32) {
        self.count(direction);
        let statistics = &mut self.statistics;
        statistics.closed.add(pnl, percent, bars);
        statistics.best = Some(statistics.best.map_or(percent, |best| best.max(percent)));
        statistics.worst = Some(statistics.worst.map_or(percent, |worst| worst.min(percent)));
        self.wins_in_a_row = if pnl > 0.0 { self.wins_in_a_row + 1 } else { 0 };
        self.losses_in_a_row = if pnl < 0.0 { self.losses_in_a_row + 1 } else { 0 };
        if pnl > 0.0 {
            statistics.wins.add(pnl, percent, bars);
        } else if pnl < 0.0 {
            statistics.losses.add(pnl, percent, bars);
        }
        statistics.wins.longest_streak = statistics.wins.longest_streak.max(self.wins_in_a_row);
        statistics.losses.longest_streak =
            statistics.losses.longest_streak.max(self.losses_in_a_row);
    }

    #[inline]
    fn count(&mut self, direction: u8) {
        self.statistics.total += 1;
        self.statistics.short += usize::from(direction == 1);
        self.statistics.long += usize::from(direction != 1);
    }

    /// Completes the statistics with the results of the closed trades, money.
    #[must_use]
    pub fn finish(self, closed: impl Iterator<Item = f64>) -> TradeStatistics {
        let mut statistics = self.statistics;
        if let Some(mean) = statistics.closed.mean(statistics.closed.pnl) {
            statistics.squares = closed.map(|pnl| (pnl - mean) * (pnl - mean)).sum();
        }
        statistics
    }

    /// Returns whether the results of all closed trades, percent, are known to be finite.
    #[must_use]
    pub fn are_finite(&self) -> bool {
        self.statistics.closed.percent.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_even_trade_ends_both_streaks_and_is_neither_a_win_nor_a_loss() {
        let pnl = vec![1.0, 2.0, 0.0, 3.0, -1.0, -2.0, 9.0];
        let trades = Trades {
            entry_bar: vec![0, 2, 4, 6, 8, 10, 12],
            exit_bar: vec![1, 3, 5, 9, 9, 11, 13],
            direction: vec![0, 0, 1, 0, 0, 1, 0],
            status: vec![1, 1, 1, 1, 1, 1, 0],
            pnl_percent: pnl.clone(),
            pnl,
            ..Trades::default()
        };
        let statistics = TradeStatistics::new(&trades);
        assert_eq!(
            (statistics.total, statistics.open(), statistics.long, statistics.short),
            (7, 1, 5, 2)
        );
        assert_eq!(
            (statistics.closed.count, statistics.wins.count, statistics.losses.count),
            (6, 3, 2)
        );
        assert_eq!((statistics.wins.longest_streak, statistics.losses.longest_streak), (2, 2));
        assert_eq!(
            (statistics.best, statistics.worst, statistics.wins.bars),
            (Some(3.0), Some(-2.0), 5)
        );
        assert!((statistics.open_pnl - 9.0).abs() < 1e-15);
    }
}
