//! Which statistics are needed.

/// A set of statistics. Statistics outside the set of a run are neither computed nor meaningful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatisticSet(u8);

impl StatisticSet {
    /// Only what is always there: capital, solvency, lengths.
    pub const NONE: Self = Self(0);
    /// Sums and moments of the returns, and the mean equity.
    pub const RETURNS: Self = Self(1);
    /// Both tails of the distribution of the returns.
    pub const TAILS: Self = Self(1 << 1);
    /// Drawdowns of the equity.
    pub const DRAWDOWNS: Self = Self(1 << 2);
    /// Costs, traded value and exposure.
    pub const EXPOSURE: Self = Self(1 << 3);
    /// Trades.
    pub const TRADES: Self = Self(1 << 4);
    /// All of them.
    pub const ALL: Self = Self(0b1_1111);

    /// Returns the statistics of both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether every statistic of the other set is in this one.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_the_union_of_the_others() {
        let parts = [
            StatisticSet::RETURNS,
            StatisticSet::TAILS,
            StatisticSet::DRAWDOWNS,
            StatisticSet::EXPOSURE,
            StatisticSet::TRADES,
        ];
        let all = parts.into_iter().fold(StatisticSet::NONE, StatisticSet::union);
        assert_eq!(all, StatisticSet::ALL);
        assert!(parts.into_iter().all(|part| all.contains(part)));
        assert!(!StatisticSet::TAILS.contains(StatisticSet::RETURNS));
    }
}
