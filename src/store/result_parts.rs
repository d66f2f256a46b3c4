//! The parts of a result.

/// The parts of a result that were asked for. Others are neither computed nor kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one for each part")]
pub struct ResultParts {
    /// The metrics, except for the final capital and the total return, which every result has.
    pub metrics: bool,
    /// The trades.
    pub trades: bool,
    /// The equity at each bar, and the times of the bars.
    pub equity: bool,
    /// What a reader of the result should know.
    pub warnings: bool,
}

impl ResultParts {
    /// All parts.
    pub const ALL: Self = Self { metrics: true, trades: true, equity: true, warnings: true };

    /// The names of the parts.
    pub const NAMES: [&'static str; 4] = ["metrics", "trades", "equity", "warnings"];

    /// Returns the parts with these names. Others are ignored.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut parts = Self { metrics: false, trades: false, equity: false, warnings: false };
        for name in names {
            match name {
                "metrics" => parts.metrics = true,
                "trades" => parts.trades = true,
                "equity" => parts.equity = true,
                "warnings" => parts.warnings = true,
                _ => {}
            }
        }
        parts
    }

    /// Returns the names of these parts; `None` for all parts.
    pub fn names(self) -> Option<Vec<&'static str>> {
        let has = [self.metrics, self.trades, self.equity, self.warnings];
        let names = Self::NAMES.into_iter().zip(has).filter(|(_, has)| *has);
        (self != Self::ALL).then(|| names.map(|(name, _)| name).collect())
    }

    /// Returns whether the times of the bars are kept: trades refer to them.
    pub const fn keep_timestamps(self) -> bool {
        self.equity || self.trades
    }
}

impl Default for ResultParts {
    fn default() -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_names() {
        assert_eq!(ResultParts::ALL.names(), None);
        assert_eq!(ResultParts::named(ResultParts::NAMES), ResultParts::ALL);
        let parts = ResultParts::named(["equity", "trades"]);
        assert_eq!(parts.names(), Some(vec!["trades", "equity"]));
        assert_eq!(parts, ResultParts { metrics: false, warnings: false, ..ResultParts::ALL });
        assert!(parts.keep_timestamps() && !ResultParts::named(["metrics"]).keep_timestamps());
    }
}
