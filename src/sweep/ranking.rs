//! Which combinations are best.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::columns::SweepColumns;
use super::standing::Standing;

/// The best combinations and how many combinations do not compete, found in one pass. Rankings of parts can be merged: the
/// result depends neither on the order nor on how the work was cut.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// How many of the best are kept.
    top: usize,
    /// The best so far, the worst of them first.
    best: BinaryHeap<Ranked>,
    standings: [usize; Standing::ALL.len()],
}

/// A combination that competes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// The combination.
    pub combination: usize,
    /// Its objective.
    pub objective: f64,
}

/// Better combinations are less: the higher objective, and of equal ones the one that comes first in the grid.
impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        // −0 and 0 are equal.
        let by_objective = (other.objective + 0.0).total_cmp(&(self.objective + 0.0));
        by_objective.then(self.combination.cmp(&other.combination))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Ranked {}

impl Ranking {
    /// Creates a ranking that keeps this many of the best combinations.
    pub fn new(top: usize) -> Self {
        Self { top, best: BinaryHeap::new(), standings: [0; Standing::ALL.len()] }
    }

    /// Adds a combination.
    #[inline]
    pub fn add(&mut self, combination: usize, objective: f64, standing: Standing) {
        if let Some(count) = self.standings.get_mut(standing as usize) {
            *count += 1;
        }
        if standing == Standing::Competes {
            self.offer(Ranked { combination, objective });
        }
    }

    #[inline]
    fn offer(&mut self, ranked: Ranked) {
        if self.best.len() < self.top {
            self.best.push(ranked);
        } else if let Some(mut worst) = self.best.peek_mut()
            && ranked < *worst
        {
            *worst = ranked;
        }
    }

    /// Adds the combinations of columns.
    pub fn add_columns(&mut self, columns: &SweepColumns) {
        let rows = columns.objective.iter().zip(&columns.standing);
        for (row, (objective, standing)) in rows.enumerate() {
            self.add(columns.from + row, *objective, *standing);
        }
    }

    /// Adds the combinations of another ranking.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.standings.iter_mut().zip(other.standings) {
            *count += more;
        }
        for ranked in &other.best {
            self.offer(*ranked);
        }
    }

    /// Returns the number of combinations of each standing, in the order of [`Standing::ALL`].
    pub fn standings(&self) -> [usize; Standing::ALL.len()] {
        self.standings
    }

    /// Returns the number of combinations that do not compete, by the name of the reason. Reasons that none has are left out.
    pub fn excluded(&self) -> impl Iterator<Item = (&'static str, usize)> {
        let counts = Standing::ALL.into_iter().zip(self.standings);
        counts
            .filter(|((_, standing), count)| *standing != Standing::Competes && *count > 0)
            .map(|((name, _), count)| (name, count))
    }

    /// Returns the best combinations, the best first.
    pub fn best(&self) -> Vec<Ranked> {
        self.best.clone().into_sorted_vec()
    }
}

/// Returns the rank of an objective among the combinations that compete: one more than the number of better ones.
pub fn rank(objective: f64, columns: &SweepColumns) -> usize {
    let rows = columns.objective.iter().zip(&columns.standing);
    let better =
        rows.filter(|(other, standing)| **standing == Standing::Competes && **other > objective);
    better.count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn standing(index: usize) -> Standing {
        Standing::ALL[index].1
    }

    #[test]
    fn what_does_not_compete_is_counted_by_reason() {
        let mut ranking = Ranking::new(2);
        for (combination, (objective, index)) in [
            (1.0, 0),
            (9.0, 1),
            (8.0, 2),
            (f64::NAN, 3),
            (f64::NAN, 4),
            (7.0, 2),
            (3.0, 0),
            (2.0, 0),
        ]
        .into_iter()
        .enumerate()
        {
            ranking.add(combination, objective, standing(index));
        }
        let best: Vec<(usize, f64)> =
            ranking.best().iter().map(|ranked| (ranked.combination, ranked.objective)).collect();
        assert_eq!(best, [(6, 3.0), (7, 2.0)]);
        let excluded: Vec<(&str, usize)> = ranking.excluded().collect();
        assert_eq!(
            excluded,
            [("noTrades", 1), ("fewTrades", 2), ("nullObjective", 1), ("failed", 1)]
        );
        assert_eq!(ranking.standings(), [3, 1, 2, 1, 1]);
    }

    proptest! {
        #[test]
        fn parts_merge_to_the_same_ranking_in_any_order(
            rows in prop::collection::vec((prop_oneof![Just(-0.0), (-2_i32..3).prop_map(f64::from)], 0_usize..5), 0..80),
            cuts in prop::collection::vec(0_usize..80, 0..6),
            top in 0_usize..12,
            backwards in any::<bool>(),
        ) {
            let columns = SweepColumns { sums: None,
                from: 0,
                metrics: vec![],
                objective: rows.iter().map(|(value, _)| *value).collect(),
                standing: rows.iter().map(|(_, index)| standing(*index)).collect(),
            };
            let mut expected: Vec<(usize, f64)> = rows
                .iter()
                .enumerate()
                .filter(|(_, (_, index))| *index == 0)
                .map(|(combination, (value, _))| (combination, *value))
                .collect();
            expected.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap().then(a.0.cmp(&b.0)));
            for (position, (_, objective)) in expected.iter().enumerate() {
                let first = expected.iter().position(|(_, other)| other == objective).unwrap();
                prop_assert!(first <= position);
                prop_assert_eq!(rank(*objective, &columns), first + 1);
            }
            expected.truncate(top);
            let mut whole = Ranking::new(top);
            whole.add_columns(&columns);
            let mut bounds: Vec<usize> = cuts.iter().map(|cut| (*cut).min(rows.len())).collect();
            bounds.extend([0, rows.len()]);
            bounds.sort_unstable();
            let mut parts: Vec<Ranking> = bounds
                .windows(2)
                .map(|pair| {
                    let mut part = Ranking::new(top);
                    part.add_columns(&SweepColumns { sums: None,
                        from: pair[0],
                        metrics: vec![],
                        objective: columns.objective[pair[0]..pair[1]].to_vec(),
                        standing: columns.standing[pair[0]..pair[1]].to_vec(),
                    });
                    part
                })
                .collect();
            if backwards {
                parts.reverse();
            }
            let mut merged = Ranking::new(top);
            for part in &parts {
                merged.merge(part);
            }
            for ranking in [&whole, &merged] {
                let best: Vec<(usize, f64)> = ranking.best().iter().map(|ranked| (ranked.combination, ranked.objective)).collect();
                prop_assert_eq!(&best, &expected);
                prop_assert_eq!(ranking.standings(), whole.standings());
            }
        }
    }
}
