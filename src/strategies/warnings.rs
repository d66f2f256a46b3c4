//! Warnings about strategies that are valid but probably not intended.
//!
//! They are derived from the plan alone and therefore hold on any bars: constants are folded, equal expressions are the same
//! step, and range analysis bounds every number.

use super::bound_strategy::BoundStrategy;
use super::signal_field::SignalField;
use crate::language::{Binding, ConditionOutcome};
use crate::quote::counted;

/// The roots of one side of the market.
struct Side {
    entries: Option<usize>,
    exits: Option<usize>,
}

impl BoundStrategy {
    /// Returns the warnings that hold on any bars: the strategy never enters, never exits, is always in the market, or cancels its
    /// own signals; or a condition compares an indicator between 0 and 100 with a fraction. The list is empty if a function computes the signals.
    pub fn warnings(&self) -> &[String] {
        self.warnings.get_or_init(|| self.find_warnings())
    }

    fn find_warnings(&self) -> Vec<String> {
        if self.has_no_expressions() {
            return Vec::new();
        }
        let mut warnings = self.find_signal_warnings();
        warnings.extend(self.scale_mistakes());
        warnings
    }

    fn find_signal_warnings(&self) -> Vec<String> {
        let [long, short] = self.sides();
        if [&long, &short].into_iter().any(|side| self.enters(side) && self.cancels(side)) {
            return vec![
                "exits hold on every bar on which entries hold: the signals cancel each other unless uponLongConflict or uponShortConflict resolves the conflict"
                    .to_owned(),
            ];
        }
        match (self.enters(&long), self.enters(&short)) {
            (false, false) => {
                vec![because("the strategy never enters", &self.why_it_never_enters())]
            }
            (true, true) => {
                // Each side exits only on entries of the other.
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
                let (side, exits) = if is_long {
                    (long, SignalField::Exits)
                } else {
                    (short, SignalField::ShortExits)
                };
                let mut warnings = Vec::new();
                if !self.exits(&side) {
                    let reasons = self.why_it_never_exits(exits);
                    warnings.push(because("the strategy never exits", &reasons));
                }
                match side.entries.map(|root| self.plan().condition_outcome(root)) {
                    Some(ConditionOutcome::Always) => warnings.push(
                        "the strategy is always in the market: its entries hold on every bar"
                            .to_owned(),
                    ),
                    Some(ConditionOutcome::AfterWarmUp) => warnings.push(
                        "the strategy is always in the market: its entries hold on every bar after the warm-up"
                            .to_owned(),
                    ),
                    _ => {}
                }
                warnings
            }
        }
    }

    /// Returns whether the strategy has no exits, because they are `false`.
    pub fn holds_by_design(&self) -> bool {
        let [long, short] = self.sides();
        let never = Some(Binding::Condition(false));
        long.exits.is_some_and(|root| self.plan().constant(root) == never)
            && short.entries.is_none()
    }

    /// Returns the warnings for a given number of bars: the warm-up takes all of them.
    pub fn warnings_on(&self, bars: usize) -> Vec<String> {
        let warm_up = self.warm_up();
        if warm_up < bars.max(1) {
            return Vec::new();
        }
        vec![format!(
            "the strategy needs {} of warm-up before it can enter, but there {} only {}",
            counted(warm_up, "bar"),
            if bars == 1 { "is" } else { "are" },
            counted(bars, "bar")
        )]
    }

    /// Returns whether the strategy has expressions, and entries that can hold.
    pub fn can_enter(&self) -> bool {
        !self.has_no_expressions() && self.sides().iter().any(|side| self.enters(side))
    }

    fn sides(&self) -> [Side; 2] {
        [
            (SignalField::Entries, SignalField::Exits),
            (SignalField::ShortEntries, SignalField::ShortExits),
        ]
        .map(|(entries, exits)| Side { entries: self.root(entries), exits: self.root(exits) })
    }

    fn enters(&self, side: &Side) -> bool {
        side.entries
            .is_some_and(|root| self.plan().condition_outcome(root) != ConditionOutcome::Never)
    }

    fn exits(&self, side: &Side) -> bool {
        side.exits
            .is_some_and(|root| self.plan().condition_outcome(root) != ConditionOutcome::Never)
    }

    /// Returns whether every bar with an entry also has an exit.
    fn cancels(&self, side: &Side) -> bool {
        self.is_same(side.entries, side.exits)
            || side
                .exits
                .is_some_and(|root| self.plan().condition_outcome(root) == ConditionOutcome::Always)
    }

    fn is_same(&self, one: Option<usize>, other: Option<usize>) -> bool {
        matches!((one, other), (Some(one), Some(other)) if self.plan().is_same(one, other))
    }
}

/// Returns a warning with its reasons, if there are any.
fn because(warning: &str, reasons: &[String]) -> String {
    let colon = if reasons.is_empty() { "" } else { ": " };
    format!("{warning}{colon}{}", reasons.join("; "))
}
