//! What speaks against the result of a sweep.

use super::space::Space;
use super::standing::Standing;
use crate::note::{Note, NoteCode};
use crate::quote::{agreeing, counted};

/// A score below this is a spike.
const SPIKE: f64 = 0.5;

/// What the remarks about a sweep are made from.
#[derive(Debug, Clone, Copy)]
pub struct SweepFindings<'a> {
    /// The combinations for one asset and timeframe.
    pub space: &'a Space,
    /// The number of combinations of each standing, in the order of [`Standing::ALL`].
    pub standings: [usize; 5],
    /// The least number of closed trades.
    pub min_trades: u32,
    /// The best combination; `None` if none competes.
    pub best: Option<BestCombination>,
    /// The axes that change nothing.
    pub idle: &'a [usize],
    /// Whether the combinations were ranked: not if the sweep was interrupted.
    pub is_ranked: bool,
    /// The first failure.
    pub failure: Option<&'a str>,
}

/// The best combination and those beside it.
#[derive(Debug, Clone, Copy)]
pub struct BestCombination {
    /// The combination, within its asset and timeframe.
    pub combination: usize,
    /// The number of its neighbors.
    pub neighbors: usize,
    /// The median objective of its neighbors divided by its own.
    pub score: Option<f64>,
}

impl SweepFindings<'_> {
    /// Returns the remarks, in no order.
    #[must_use]
    pub fn notes(&self) -> Vec<Note> {
        let total: usize = self.standings.iter().sum();
        let [competing, _, _, _, failed] = self.standings;
        let mut notes = Vec::new();
        if failed > 0 {
            let first = self.failure.unwrap_or("its parameters are not allowed together");
            let text = format!(
                "{} of {total} failed and {} no metrics; the first: {first}",
                counted(failed, "combination"),
                agreeing(failed, "has", "have")
            );
            notes.push(Note::new(NoteCode::CombinationsFailed, text).with("combinations", failed));
        }
        let Some(best) = self.best else {
            if total > 0 && self.is_ranked {
                let text = format!("no combination competes: {}", self.reasons());
                notes.push(self.with_reasons(Note::new(NoteCode::NothingCompetes, text)));
            }
            return notes;
        };
        if competing * 2 < total {
            let text = format!(
                "only {competing} of {} {}: {}",
                counted(total, "combination"),
                agreeing(competing, "competes", "compete"),
                self.reasons()
            );
            notes.push(self.with_reasons(Note::new(NoteCode::FewCompete, text)));
        }
        if total > 1 {
            let text = format!(
                "the best of {} was chosen by its result, so that part of it is luck; judge it on bars that took no part in the choice",
                counted(total, "combination")
            );
            notes.push(Note::new(NoteCode::BestOfMany, text).with("combinations", total));
        }
        notes.extend(best.score.filter(|score| *score < SPIKE).map(|score| {
            let score = (score * 100.0).round() / 100.0;
            let text = format!(
                "the best combination is a spike: the median objective of the {} beside it is {score} of its own; a plateau is more likely to last",
                counted(best.neighbors, "combination")
            );
            Note::new(NoteCode::BestIsSpike, text)
                .with("neighbours", best.neighbors)
                .with("score", score)
        }));
        notes.extend(self.edges(best.combination));
        notes
    }

    /// Returns a remark for each axis whose best value is the first or the last in the order of values.
    fn edges(&self, combination: usize) -> Vec<Note> {
        let mut notes = Vec::new();
        for (index, axis) in self.space.axes().iter().enumerate() {
            let value = self.space.value(combination, index);
            let numbers = || axis.values.iter().copied().filter(|value| !value.is_nan());
            let low = numbers().fold(f64::INFINITY, f64::min);
            let high = numbers().fold(f64::NEG_INFINITY, f64::max);
            // With two values each is at an edge, flags have no beyond, and on an axis without effect no value is best.
            if numbers().count() < 3 || self.idle.contains(&index) {
                continue;
            }
            let place = if value <= low {
                "the smallest"
            } else if value >= high {
                "the largest"
            } else {
                continue;
            };
            let text = format!(
                "the best {} is {value}, {place} of its values from {low} to {high}: a better one may lie beyond",
                axis.name
            );
            let note = Note::new(NoteCode::BestAtEdge, text);
            notes.push(note.with("parameter", axis.name.as_str()).with("value", value));
        }
        notes
    }

    fn reasons(&self) -> String {
        let [_, no_trades, few_trades, no_objective, failed] = self.standings;
        let few = format!("fewer than {}", counted(self.min_trades as usize, "closed trade"));
        let reasons = [
            (no_trades, "no trades".to_owned()),
            (few_trades, few),
            (no_objective, "no value of the objective".to_owned()),
        ];
        let mut texts: Vec<String> = reasons
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {} {what}", agreeing(count, "has", "have")))
            .collect();
        if failed > 0 {
            texts.push(format!("{failed} failed"));
        }
        texts.join(", ")
    }

    fn with_reasons(&self, note: Note) -> Note {
        let counts = Standing::ALL.iter().zip(self.standings).skip(1);
        counts
            .filter(|(_, count)| *count > 0)
            .fold(note, |note, ((name, _), count)| note.with(name, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::space::{Axis, Target};

    fn space() -> Space {
        let axis = |name: &str, values: &[f64]| Axis {
            name: name.to_owned(),
            target: Target::Parameter(0),
            values: values.to_vec(),
        };
        Space::full(vec![axis("fast", &[5.0, 10.0, 20.0]), axis("slow", &[50.0, 100.0])]).unwrap()
    }

    fn texts(standings: [usize; 5], best: Option<BestCombination>) -> Vec<String> {
        let space = space();
        let failure = Some("slow must be above fast");
        let found = SweepFindings {
            space: &space,
            standings,
            min_trades: 5,
            best,
            idle: &[],
            is_ranked: true,
            failure,
        };
        let mut notes = found.notes();
        crate::note::sort(&mut notes);
        notes.into_iter().map(|note| note.text).collect()
    }

    #[test]
    fn a_sweep_in_which_nothing_competes_says_why() {
        assert_eq!(
            texts([0, 1, 4, 0, 1], None),
            [
                "no combination competes: 1 has no trades, 4 have fewer than 5 closed trades, 1 failed",
                "1 combination of 6 failed and has no metrics; the first: slow must be above fast",
            ]
        );
    }

    #[test]
    fn spikes_edges_and_the_number_of_combinations_speak_against_the_best() {
        let best = BestCombination { combination: 0, neighbors: 3, score: Some(0.123) };
        assert_eq!(
            texts([2, 4, 0, 0, 0], Some(best)),
            [
                "the best combination is a spike: the median objective of the 3 combinations beside it is 0.12 of its own; a plateau is more likely to last",
                "the best of 6 combinations was chosen by its result, so that part of it is luck; judge it on bars that took no part in the choice",
                "the best fast is 5, the smallest of its values from 5 to 20: a better one may lie beyond",
                "only 2 of 6 combinations compete: 4 have no trades",
            ]
        );
        // A plateau inside the grid: only the choice itself speaks against it.
        let best = BestCombination { combination: 2, neighbors: 5, score: Some(0.9) };
        assert_eq!(texts([6, 0, 0, 0, 0], Some(best)).len(), 1);
    }
}
