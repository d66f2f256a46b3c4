//! What is allowed in a strategy but hardly meant.
//!
//! Told from the plan alone, and so only where that is so whatever the bars: constants fold, expressions that compute the
//! same are one step of the plan, and of each number it is known between which bounds it lies.

use super::bound::BoundStrategy;
use crate::language::Truth;

/// One side of the market: the expressions that enter and leave it.
struct Side {
    entries: Option<usize>,
    exits: Option<usize>,
}

impl BoundStrategy {
    /// Returns what the strategy is to be warned about, whatever the bars: it never enters, never exits, or is always in
    /// the market. Nothing is known of one whose signals a function computes.
    pub fn warnings(&self) -> &[String] {
        self.warnings.get_or_init(|| self.find_warnings())
    }

    fn find_warnings(&self) -> Vec<String> {
        if self.has_no_expressions() {
            return Vec::new();
        }
        let [long, short] = self.sides();
        if [&long, &short].into_iter().any(|side| self.enters(side) && self.cancels(side)) {
            return vec![
                "exits hold wherever entries do: unless the simulation is told otherwise (uponLongConflict, uponShortConflict), such signals cancel each other out"
                    .to_owned(),
            ];
        }
        match (self.enters(&long), self.enters(&short)) {
            (false, false) => vec!["the strategy never enters".to_owned()],
            (true, true) => {
                // Either side ends only where the other begins.
                let reverses = |side: &Side, other: &Side| {
                    !self.exits(side) || self.is_same(side.exits, other.entries)
                };
                if reverses(&long, &short) && reverses(&short, &long) {
                    vec![
                        "the strategy is always in the market once it has entered: every exit is an entry of the other side"
                            .to_owned(),
                    ]
                } else {
                    Vec::new()
                }
            }
            (is_long, _) => {
                let side = if is_long { long } else { short };
                let mut warnings = Vec::new();
                if !self.exits(&side) {
                    warnings.push("the strategy never exits".to_owned());
                }
                match side.entries.map(|root| self.plan().truth(root)) {
                    Some(Truth::Always) => warnings.push(
                        "the strategy is always in the market: its entries hold on every bar"
                            .to_owned(),
                    ),
                    Some(Truth::AfterWarmUp) => warnings.push(
                        "the strategy is always in the market: its entries hold on every bar after the warm-up"
                            .to_owned(),
                    ),
                    _ => {}
                }
                warnings
            }
        }
    }

    /// Returns what the strategy is to be warned about on so many bars: that its warm-up takes all of them.
    pub fn warnings_on(&self, bars: usize) -> Vec<String> {
        let warm_up = self.warm_up();
        if warm_up < bars.max(1) {
            return Vec::new();
        }
        vec![format!(
            "the strategy needs {warm_up} bars of warm-up before it can enter, but there are only {bars} bars"
        )]
    }

    fn sides(&self) -> [Side; 2] {
        [("entries", "exits"), ("shortEntries", "shortExits")]
            .map(|(entries, exits)| Side { entries: self.root(entries), exits: self.root(exits) })
    }

    fn enters(&self, side: &Side) -> bool {
        side.entries.is_some_and(|root| self.plan().truth(root) != Truth::Never)
    }

    fn exits(&self, side: &Side) -> bool {
        side.exits.is_some_and(|root| self.plan().truth(root) != Truth::Never)
    }

    /// Returns whether every entry meets an exit on its bar.
    fn cancels(&self, side: &Side) -> bool {
        self.is_same(side.entries, side.exits)
            || side.exits.is_some_and(|root| self.plan().truth(root) == Truth::Always)
    }

    fn is_same(&self, one: Option<usize>, other: Option<usize>) -> bool {
        matches!((one, other), (Some(one), Some(other)) if self.plan().is_same(one, other))
    }
}
