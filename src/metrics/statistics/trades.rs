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
        let mut statistics = Self { total: trades.len(), ..Self::default() };
        statistics.short =
            trades.direction.iter().map(|&direction| usize::from(direction == 1)).sum();
        statistics.long = statistics.total - statistics.short;
        let (mut wins_in_a_row, mut losses_in_a_row) = (0, 0);
        let bars = trades
            .entry_bar
            .iter()
            .zip(&trades.exit_bar)
            .map(|(entry, exit)| exit.saturating_sub(*entry));
        for (((&pnl, &percent), bars), &status) in
            trades.pnl.iter().zip(&trades.pnl_percent).zip(bars).zip(&trades.status)
        {
            if status == 0 {
                statistics.open_pnl += pnl;
                continue;
            }
            statistics.closed.add(pnl, percent, bars);
            statistics.best = Some(statistics.best.map_or(percent, |best| best.max(percent)));
            statistics.worst = Some(statistics.worst.map_or(percent, |worst| worst.min(percent)));
            wins_in_a_row = if pnl > 0.0 { wins_in_a_row + 1 } else { 0 };
            losses_in_a_row = if pnl < 0.0 { losses_in_a_row + 1 } else { 0 };
            if pnl > 0.0 {
                statistics.wins.add(pnl, percent, bars);
            } else if pnl < 0.0 {
                statistics.losses.add(pnl, percent, bars);
            }
            statistics.wins.longest_streak = statistics.wins.longest_streak.max(wins_in_a_row);
            statistics.losses.longest_streak =
                statistics.losses.longest_streak.max(losses_in_a_row);
        }
        if let Some(mean) = statistics.closed.mean(statistics.closed.pnl) {
            let closed = trades.pnl.iter().zip(&trades.status).filter(|&(_, &status)| status == 1);
            statistics.squares = closed.map(|(pnl, _)| (pnl - mean) * (pnl - mean)).sum();
        }
        statistics
    }

    /// Returns the number of open trades.
    pub const fn open(&self) -> usize {
        self.total - self.closed.count
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
