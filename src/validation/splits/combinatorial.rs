//! Combinatorial purged cross-validation: all ways to test k of N groups of bars and to choose on the others.
//!
//! The groups have equal bar counts; the first ones have one bar more. There are C(N, k) splits in lexicographic order, each group is
//! tested in C(N − 1, k − 1) of them, and the j-th test of every group belongs to path j: C(N, k)·k ÷ N paths over all bars. Unit: bars.
//! Reference: López de Prado, "Advances in Financial Machine Learning" (2018), chapter 12; skfolio: `CombinatorialPurgedCV`. Error: if the
//! groups are too short, and if a split has no bar left to choose on.
//!
//! Purge drops bars before and after each run of tested groups, because what is known there reaches into the test, and the embargo drops
//! further bars after it, whose indicators are made of tested bars.

use std::ops::Range;

use crate::compute::reserve;
use crate::error::{Code, Error, Issue, Result};

/// The most splits.
pub const MOST_SPLITS: usize = 10_000;

/// How bars are divided. The default: 6 groups of which 2 are tested, 15 splits and 5 paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Combinatorial {
    /// The number of groups, N.
    pub groups: usize,
    /// How many of them are tested, k.
    pub tested: usize,
    /// Bars that are dropped before and after each run of tested groups.
    pub purge: usize,
    /// Bars that are dropped after those.
    pub embargo: usize,
}

impl Default for Combinatorial {
    fn default() -> Self {
        Self { groups: 6, tested: 2, purge: 0, embargo: 0 }
    }
}

/// One way to choose and test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgedSplit {
    /// The tested groups, ascending.
    pub tested: Vec<usize>,
    /// The path that the test of each of them belongs to.
    pub paths: Vec<usize>,
    /// The bars to choose on: contiguous pieces, in order.
    pub train: Vec<Range<usize>>,
}

/// All splits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgedSplits {
    /// The bars of each group.
    pub groups: Vec<Range<usize>>,
    /// The splits, in lexicographic order of the tested groups.
    pub splits: Vec<PurgedSplit>,
    /// The number of paths.
    pub paths: usize,
}

impl Combinatorial {
    /// Divides bars.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with every number that is out of range, and if a split has no bar left to choose on; `LIMIT_EXCEEDED` if the
    /// memory cannot be allocated.
    pub fn splits(&self, bars: usize) -> Result<PurgedSplits> {
        let issues = self.problems(bars);
        if !issues.is_empty() {
            return Err(Error::with_issues(Code::InvalidArgument, issues));
        }
        let groups = groups(bars, self.groups);
        let count = choices(self.groups, self.tested).unwrap_or(MOST_SPLITS);
        let mut splits = reserve::with_capacity(count, "splits")?;
        let mut times = vec![0; self.groups];
        let mut tested: Vec<usize> = (0..self.tested).collect();
        loop {
            let paths = tested.iter().filter_map(|group| times.get(*group).copied()).collect();
            for group in &tested {
                if let Some(times) = times.get_mut(*group) {
                    *times += 1;
                }
            }
            let train = self.train(&groups, &tested);
            if train.is_empty() {
                return Err(no_bar(&tested));
            }
            splits.push(PurgedSplit { tested: tested.clone(), paths, train });
            if !advance(&mut tested, self.groups) {
                break;
            }
        }
        let paths = times.first().copied().unwrap_or(0);
        Ok(PurgedSplits { groups, splits, paths })
    }

    fn problems(&self, bars: usize) -> Vec<Issue> {
        let Self { groups, tested, purge, embargo } = *self;
        let mut issues = Vec::new();
        let mut add =
            |path: &str, code: &str, message: String| issues.push(Issue::new(path, code, message));
        if groups < 2 {
            add("groups", "range", format!("groups must be at least 2, was {groups}"));
        } else if groups > bars {
            add(
                "groups",
                "conflict",
                format!("groups must be at most the number of bars, {bars}, was {groups}"),
            );
        } else if tested < 1 || tested >= groups {
            add(
                "tested",
                "range",
                format!("tested must be from 1 to {}, was {tested}", groups - 1),
            );
        } else if choices(groups, tested).is_none_or(|count| count > MOST_SPLITS) {
            let message = format!(
                "{tested} of {groups} groups have more than {MOST_SPLITS} splits; use fewer groups"
            );
            add("groups", "range", message);
        }
        let shortest = bars / groups.max(1);
        for (path, value) in [("purge", purge), ("embargo", embargo)] {
            if value > shortest {
                add(
                    path,
                    "conflict",
                    format!("{path} must not be longer than a group, {shortest} bars, was {value}"),
                );
            }
        }
        issues
    }

    /// Returns the pieces of the bars to choose on.
    fn train(&self, groups: &[Range<usize>], tested: &[usize]) -> Vec<Range<usize>> {
        let mut pieces = Vec::new();
        let mut from = 0;
        let bars = groups.last().map_or(0, |last| last.end);
        let ranges = tested.iter().filter_map(|group| groups.get(*group));
        let mut keep = |from: usize, until: usize| {
            if from < until {
                pieces.push(from..until);
            }
        };
        for range in ranges {
            keep(from, range.start.saturating_sub(self.purge));
            from = range.end.saturating_add(self.purge).saturating_add(self.embargo);
        }
        keep(from, bars);
        pieces
    }
}

fn no_bar(tested: &[usize]) -> Error {
    let names: Vec<String> = tested.iter().map(usize::to_string).collect();
    let message = format!(
        "no bar is left to choose on if the groups {} are tested; shorten purge and embargo, or test fewer groups",
        names.join(", ")
    );
    Error::invalid("purge", "conflict", message)
}

fn groups(bars: usize, count: usize) -> Vec<Range<usize>> {
    let mut from = 0;
    (0..count)
        .map(|group| {
            let start = from;
            from += bars / count + usize::from(group < bars % count);
            start..from
        })
        .collect()
}

/// Returns C(n, k), `None` if it is too large.
fn choices(n: usize, k: usize) -> Option<usize> {
    let k = k.min(n.checked_sub(k)?);
    (1..=k).try_fold(1_usize, |count, index| Some(count.checked_mul(n - k + index)? / index))
}

/// Goes to the next combination in lexicographic order; returns whether there is one.
fn advance(chosen: &mut [usize], count: usize) -> bool {
    let wanted = chosen.len();
    for place in (0..wanted).rev() {
        let Some(current) = chosen.get(place).copied() else { return false };
        if current + wanted - place < count {
            for (next, chosen) in (current + 1..).zip(chosen.iter_mut().skip(place)) {
                *chosen = next;
            }
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::testing::{numbers, splits};

    #[test]
    fn splits_and_paths_equal_the_reference() {
        let request = Combinatorial { purge: 1, embargo: 1, ..Combinatorial::default() };
        let found = request.splits(24).unwrap();
        assert_eq!((found.splits.len(), found.paths), (15, 5));
        for (split, tested, train) in [
            (0, [0, 1], vec![10..24]),
            (1, [0, 2], vec![6..7, 14..24]),
            (5, [1, 2], vec![0..3, 14..24]),
            (8, [1, 5], vec![0..3, 10..19]),
        ] {
            assert_eq!(found.splits[split].tested, tested);
            assert_eq!(found.splits[split].train, train, "{split}");
        }
        let paths: Vec<(usize, usize)> =
            found.splits.iter().map(|split| (split.paths[0], split.paths[1])).collect();
        let expected = [
            (0, 0),
            (1, 0),
            (2, 0),
            (3, 0),
            (4, 0),
            (1, 1),
            (2, 1),
            (3, 1),
            (4, 1),
            (2, 2),
            (3, 2),
            (4, 2),
            (3, 3),
            (4, 3),
            (4, 4),
        ];
        assert_eq!(paths, expected);
        // purgedcv, without purge.
        let found = Combinatorial { purge: 0, ..request }.splits(24).unwrap();
        for (split, train) in [
            (0, vec![9..24]),
            (1, vec![5..8, 13..24]),
            (5, vec![0..4, 13..24]),
            (8, vec![0..4, 9..20]),
        ] {
            assert_eq!(found.splits[split].train, train, "{split}");
        }
    }

    #[test]
    fn random_splits_equal_skfolio_and_holdout_backtest() {
        let mut without = 0;
        for case in splits()["combinatorial"].as_array().unwrap() {
            let number = |name: &str| case[name].as_u64().unwrap() as usize;
            let request = Combinatorial {
                groups: number("groups"),
                tested: number("tested"),
                purge: number("purge"),
                embargo: number("embargo"),
            };
            let train = case["train"].as_array().unwrap();
            if train.iter().any(|pieces| pieces.as_array().unwrap().is_empty()) {
                assert!(request.splits(number("bars")).is_err());
                without += 1;
                continue;
            }
            let found = request.splits(number("bars")).unwrap();
            assert_eq!(found.splits.len(), train.len());
            for ((split, train), paths) in
                found.splits.iter().zip(train).zip(case["paths"].as_array().unwrap())
            {
                let expected: Vec<Range<usize>> = train
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|piece| numbers(piece)[0] as usize..numbers(piece)[1] as usize + 1)
                    .collect();
                assert_eq!(split.train, expected, "{request:?} {:?}", split.tested);
                let paths: Vec<usize> =
                    numbers(paths).into_iter().map(|path| path as usize).collect();
                assert_eq!(split.paths, paths, "{request:?}");
            }
        }
        assert!(without < 20, "{without}");
    }

    #[test]
    fn every_path_tests_every_group_once() {
        let found =
            Combinatorial { groups: 8, tested: 3, ..Combinatorial::default() }.splits(100).unwrap();
        assert_eq!((found.splits.len(), found.paths), (56, 21));
        let mut times = vec![[0; 8]; found.paths];
        for split in &found.splits {
            for (group, path) in split.tested.iter().zip(&split.paths) {
                times[*path][*group] += 1;
            }
        }
        assert!(times.as_flattened().iter().all(|times| *times == 1));
        assert_eq!(
            found.groups.iter().map(ExactSizeIterator::len).collect::<Vec<_>>(),
            [13, 13, 13, 13, 12, 12, 12, 12]
        );
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        let paths = |request: Combinatorial, bars: usize| -> Vec<String> {
            request.splits(bars).unwrap_err().issues.into_iter().map(|issue| issue.path).collect()
        };
        let six = Combinatorial::default();
        assert_eq!(paths(Combinatorial { groups: 1, ..six }, 24), ["groups"]);
        assert_eq!(paths(six, 5), ["groups"]);
        assert_eq!(paths(Combinatorial { tested: 6, ..six }, 24), ["tested"]);
        assert_eq!(
            paths(Combinatorial { tested: 0, purge: 5, embargo: 9, ..six }, 24),
            ["tested", "purge", "embargo"]
        );
        assert_eq!(paths(Combinatorial { groups: 200, tested: 100, ..six }, 1_000), ["groups"]);
        assert_eq!(paths(Combinatorial { groups: 3, purge: 4, ..six }, 12), ["purge"]);
        assert_eq!(choices(200, 100), None);
    }
}
