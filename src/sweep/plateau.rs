//! How the combinations beside one on the grid do: a plateau is more likely to last than a spike.

use super::ranking::Ranking;
use super::space::{Axis, Space};
use super::standing::Standing;
use crate::compute::reserve;
use crate::error::{Error, Result};
use crate::observer::ProgressObserver;

/// With more axes, neighbors differ on one axis only, by at most two steps.
const MAX_DIAGONAL_AXES: usize = 4;

/// A score of fewer neighbors says nothing.
const MIN_NEIGHBORS: usize = 3;

/// The search for the best mean begins around this many of the best combinations.
const SEEDS: usize = 64;

/// A mean exceeds its highest value at most by this share.
const ROUNDING: f64 = 1e-12;

/// The observer is asked after this many combinations.
const COMBINATIONS_BETWEEN_CHECKS: usize = 1 << 14;

/// How the neighbors of a combination do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbors {
    /// Their number.
    pub count: usize,
    /// Their median objective divided by that of the combination; `None` for fewer than three, and if its own is not above 0.
    pub score: Option<f64>,
    /// The share of them with an objective above 0; `None` without any.
    pub positive: Option<f64>,
}

/// The combination with the best mean over itself and its neighbors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlateauChoice {
    /// The combination.
    pub combination: usize,
    /// The mean objective of itself and its neighbors.
    pub mean: f64,
}

/// The neighborhoods of the grid of one asset and timeframe.
///
/// Neighbors are at most one step away on each axis, in the order of the values, or, on more than four axes, one or two steps on
/// one axis. Combinations that constraints or a sample left out are none. A combination without objective counts as 0.
#[derive(Debug)]
pub struct Plateau<'a> {
    space: &'a Space,
    /// The objective of each combination; NaN if it has none.
    objective: &'a [f64],
    /// The axes on which neighbors differ: those with an effect.
    axes: Vec<SortedAxis>,
    /// The axes with several values that change nothing.
    idle: Vec<usize>,
    /// The steps to neighbors, on each of the axes.
    offsets: Vec<Vec<i8>>,
    /// The most neighbors that a combination can have.
    most: usize,
}

/// The values of an axis in their order.
#[derive(Debug)]
struct SortedAxis {
    axis: usize,
    /// The index of each value, the smallest value first.
    order: Vec<u32>,
    /// The place of each index in the order.
    place: Vec<u32>,
}

impl SortedAxis {
    fn new(axis: usize, of: &Axis) -> Self {
        let count = u32::try_from(of.values.len()).unwrap_or(u32::MAX);
        let value = |index: &u32| of.values.get(*index as usize).copied().unwrap_or(f64::NAN);
        let mut order: Vec<u32> = (0..count).collect();
        order.sort_by(|a, b| value(a).total_cmp(&value(b)));
        let mut place = vec![0; order.len()];
        for (at, index) in (0..).zip(&order) {
            if let Some(place) = place.get_mut(*index as usize) {
                *place = at;
            }
        }
        Self { axis, order, place }
    }

    /// Returns the index of the value some steps away; `None` beyond the ends.
    fn step(&self, index: u32, steps: i8) -> Option<u32> {
        let place = self.place.get(index as usize)?.checked_add_signed(i32::from(steps))?;
        self.order.get(place as usize).copied()
    }
}

impl<'a> Plateau<'a> {
    /// Prepares the neighborhoods. `objective` has one value for each combination of the space.
    ///
    /// # Errors
    /// `ABORT_ERR` if the observer is cancelled.
    pub fn new(
        space: &'a Space,
        objective: &'a [f64],
        observer: &dyn ProgressObserver,
    ) -> Result<Self> {
        let several = |(index, axis): (usize, &Axis)| {
            (axis.values.len() > 1).then(|| SortedAxis::new(index, axis))
        };
        let axes = space.axes().iter().enumerate().filter_map(several).collect();
        let mut plateau =
            Self { space, objective, axes, idle: Vec::new(), offsets: Vec::new(), most: 0 };
        let mut axes = Vec::new();
        for axis in std::mem::take(&mut plateau.axes) {
            if plateau.has_effect(&axis, observer)? {
                axes.push(axis);
            } else {
                plateau.idle.push(axis.axis);
            }
        }
        plateau.offsets = offsets(axes.len());
        plateau.most = if axes.len() > MAX_DIAGONAL_AXES {
            axes.iter().map(|axis| (axis.order.len() - 1).min(4)).sum()
        } else {
            axes.iter().map(|axis| axis.order.len().min(3)).product::<usize>() - 1
        };
        plateau.axes = axes;
        Ok(plateau)
    }

    /// Returns whether the objective depends on an axis. It usually does, and then the first combinations tell.
    fn has_effect(&self, axis: &SortedAxis, observer: &dyn ProgressObserver) -> Result<bool> {
        let mut indices = vec![0; self.space.axes().len()];
        let mut has_pairs = false;
        for combination in 0..self.space.len() {
            check(combination, observer)?;
            self.space.indices(combination, &mut indices);
            let Some(index) = indices.get_mut(axis.axis) else { continue };
            let Some(next) = axis.step(*index, 1) else { continue };
            *index = next;
            let Some(beside) = self.space.position(&indices) else { continue };
            has_pairs = true;
            // Two that have no objective are equal.
            if self.value(combination).to_bits() != self.value(beside).to_bits() {
                return Ok(true);
            }
        }
        // Without pairs, as in a small sample, nothing is known.
        Ok(!has_pairs)
    }

    /// Returns the axes with several values of which none changes the objective.
    pub fn idle_axes(&self) -> &[usize] {
        &self.idle
    }

    fn value(&self, combination: usize) -> f64 {
        self.objective.get(combination).copied().filter(|value| value.is_finite()).unwrap_or(0.0)
    }

    /// Passes the neighbors of a combination to `take`. `indices` has one entry for each axis of the space.
    fn visit(&self, combination: usize, indices: &mut [u32], mut take: impl FnMut(usize)) {
        self.space.indices(combination, indices);
        // A grid with more axes of several values has too many points to be numbered.
        let mut own = [0; 64];
        let own: &[u32] = {
            for (own, axis) in own.iter_mut().zip(&self.axes) {
                *own = indices.get(axis.axis).copied().unwrap_or(0);
            }
            &own
        };
        for offset in &self.offsets {
            let mut is_inside = true;
            for ((axis, steps), index) in self.axes.iter().zip(offset).zip(own) {
                let found = if *steps == 0 { Some(*index) } else { axis.step(*index, *steps) };
                if let (Some(found), Some(into)) = (found, indices.get_mut(axis.axis)) {
                    *into = found;
                } else {
                    is_inside = false;
                    break;
                }
            }
            if is_inside && let Some(neighbor) = self.space.position(indices) {
                take(neighbor);
            }
        }
    }

    /// Returns how the neighbors of a combination do.
    pub fn neighbors(&self, combination: usize) -> Neighbors {
        let mut values = Vec::with_capacity(self.offsets.len());
        let mut indices = vec![0; self.space.axes().len()];
        self.visit(combination, &mut indices, |neighbor| values.push(self.value(neighbor)));
        let count = values.len();
        let positive = values.iter().filter(|value| **value > 0.0).count();
        let own = self.value(combination);
        #[expect(clippy::cast_precision_loss, reason = "at most a few hundred neighbors")]
        let share = positive as f64 / count as f64;
        Neighbors {
            count,
            score: (count >= MIN_NEIGHBORS && own > 0.0)
                .then(|| median(&mut values) / own)
                .filter(|score| score.is_finite()),
            positive: (count > 0).then_some(share),
        }
    }

    /// Returns the combination with the best mean over itself and its neighbors, among those that compete and have at least half
    /// of the neighbors that one can have; of equal ones the first.
    ///
    /// # Errors
    /// `ABORT_ERR` if the observer is cancelled, `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn choice(
        &self,
        standing: &[Standing],
        observer: &dyn ProgressObserver,
    ) -> Result<Option<PlateauChoice>> {
        if self.most == 0 {
            return Ok(None);
        }
        let mut search = Search {
            plateau: self,
            standing,
            best: None,
            is_done: reserve::zeros(self.space.len(), "combinations")?,
            around: Vec::with_capacity(self.offsets.len() + 1),
            indices: vec![0; self.space.axes().len()],
        };
        // Around the best combinations, the mean is high enough to pass over most others.
        let mut ranking = Ranking::new(SEEDS);
        for combination in 0..self.space.len() {
            ranking.add(combination, self.value(combination), Standing::Competes);
        }
        for seed in ranking.best() {
            search.look_around(seed.combination);
        }
        for combination in 0..self.space.len() {
            check(combination, observer)?;
            // A mean is at most as high as the highest of its values, except for rounding.
            let is_too_low = |best: PlateauChoice| {
                self.value(combination) < best.mean - best.mean.abs() * ROUNDING
            };
            if !search.best.is_some_and(is_too_low) {
                search.look_around(combination);
            }
        }
        Ok(search.best)
    }

    /// Returns the mean over a combination and its neighbors; `None` if it has too few of them.
    fn mean(&self, combination: usize, indices: &mut [u32]) -> Option<f64> {
        let (mut sum, mut count) = (self.value(combination), 0_usize);
        self.visit(combination, indices, |neighbor| {
            sum += self.value(neighbor);
            count += 1;
        });
        #[expect(clippy::cast_precision_loss, reason = "at most a few hundred neighbors")]
        let mean = sum / (count + 1) as f64;
        (count * 2 >= self.most).then_some(mean)
    }
}

/// The search for the best mean.
struct Search<'a> {
    plateau: &'a Plateau<'a>,
    standing: &'a [Standing],
    best: Option<PlateauChoice>,
    /// 1 for the combinations that were looked at.
    is_done: Vec<u8>,
    around: Vec<usize>,
    indices: Vec<u32>,
}

impl Search<'_> {
    /// Looks at a combination and its neighbors: at every mean that it takes part in.
    fn look_around(&mut self, combination: usize) {
        let mut around = std::mem::take(&mut self.around);
        around.clear();
        around.push(combination);
        self.plateau.visit(combination, &mut self.indices, |neighbor| around.push(neighbor));
        for &candidate in &around {
            let Some(is_done) = self.is_done.get_mut(candidate) else { continue };
            let competes = self.standing.get(candidate) == Some(&Standing::Competes);
            if std::mem::replace(is_done, 1) == 1 || !competes {
                continue;
            }
            let Some(mean) = self.plateau.mean(candidate, &mut self.indices) else { continue };
            let is_better = self.best.is_none_or(|best| {
                mean > best.mean || (mean >= best.mean && candidate < best.combination)
            });
            if is_better {
                self.best = Some(PlateauChoice { combination: candidate, mean });
            }
        }
        self.around = around;
    }
}

fn check(combination: usize, observer: &dyn ProgressObserver) -> Result<()> {
    if combination.is_multiple_of(COMBINATIONS_BETWEEN_CHECKS) && observer.is_cancelled() {
        return Err(Error::cancelled());
    }
    Ok(())
}

/// Returns the steps to neighbors on this many axes.
fn offsets(axes: usize) -> Vec<Vec<i8>> {
    let mut offsets = Vec::new();
    if axes > MAX_DIAGONAL_AXES {
        for axis in 0..axes {
            for steps in [-2, -1, 1, 2] {
                let mut offset = vec![0; axes];
                if let Some(on_axis) = offset.get_mut(axis) {
                    *on_axis = steps;
                }
                offsets.push(offset);
            }
        }
        return offsets;
    }
    offsets.push(Vec::new());
    for _ in 0..axes {
        offsets = offsets
            .iter()
            .flat_map(|offset| {
                [-1, 0, 1].map(|steps| {
                    let mut longer = offset.clone();
                    longer.push(steps);
                    longer
                })
            })
            .collect();
    }
    offsets.retain(|offset| offset.iter().any(|steps| *steps != 0));
    offsets
}

/// Returns the median of at least one value.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::NoObserver;
    use crate::sweep::space::Target;
    use proptest::prelude::*;

    fn space(axes: &[&[f64]], is_kept: impl Fn(&[u32]) -> bool) -> Space {
        let axis = |(index, values): (usize, &&[f64])| Axis {
            name: format!("p{index}"),
            target: Target::Parameter(index),
            values: values.to_vec(),
        };
        Space::keeping(axes.iter().enumerate().map(axis).collect(), is_kept).unwrap()
    }

    const ALL: fn(&[u32]) -> bool = |_| true;

    #[test]
    fn neighbors_are_one_step_away() {
        let space = space(&[&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 4.0]], ALL);
        #[rustfmt::skip]
        let objective = [
            1.0, 2.0, -1.0, 0.0,
            3.0, 4.0, f64::NAN, 2.0,
            1.0, 2.0, 8.0, 4.0,
        ];
        let plateau = Plateau::new(&space, &objective, &NoObserver).unwrap();
        // Beside 4: 1, 2, −1, 3, none, 1, 2, 8.
        let middle = plateau.neighbors(5);
        assert_eq!(middle, Neighbors { count: 8, score: Some(1.5 / 4.0), positive: Some(0.75) });
        // At a corner: 3, 4, 2.
        assert_eq!(
            plateau.neighbors(0),
            Neighbors { count: 3, score: Some(3.0), positive: Some(1.0) }
        );
        // An objective below 0 has no score.
        assert_eq!(plateau.neighbors(2).score, None);
        // Corners have fewer than half of eight neighbors; edges have five.
        let mut standing = [Standing::Competes; 12];
        let choice = plateau.choice(&standing, &NoObserver).unwrap().unwrap();
        assert_eq!((choice.combination, choice.mean), (10, 20.0 / 6.0));
        standing[10] = Standing::FewTrades;
        let choice = plateau.choice(&standing, &NoObserver).unwrap().unwrap();
        assert_eq!((choice.combination, choice.mean), (9, 18.0 / 6.0));
    }

    #[test]
    fn what_constraints_leave_out_is_no_neighbor() {
        let space = space(&[&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]], |indices| indices[0] < indices[1]);
        let objective = [2.0, 4.0, 6.0];
        let plateau = Plateau::new(&space, &objective, &NoObserver).unwrap();
        assert_eq!(plateau.neighbors(1), Neighbors { count: 2, score: None, positive: Some(1.0) });
    }

    #[test]
    fn steps_follow_the_order_of_values() {
        let space = space(&[&[30.0, 10.0, 20.0, 40.0]], ALL);
        let objective = [3.0, 1.0, 2.0, 4.0];
        let plateau = Plateau::new(&space, &objective, &NoObserver).unwrap();
        // 20 is between 10 and 30.
        let mut found = Vec::new();
        plateau.visit(2, &mut [0], |neighbor| found.push(neighbor));
        assert_eq!(found, [1, 0]);
    }

    #[test]
    fn axes_without_effect_are_left_out() {
        let space = space(&[&[1.0, 2.0, 3.0], &[0.0, 1.0], &[7.0]], ALL);
        let objective = [1.0, 1.0, 5.0, 5.0, f64::NAN, f64::NAN];
        let plateau = Plateau::new(&space, &objective, &NoObserver).unwrap();
        assert_eq!(plateau.idle_axes(), [1]);
        assert_eq!(plateau.neighbors(2), Neighbors { count: 2, score: None, positive: Some(0.5) });
        let choice = plateau.choice(&[Standing::Competes; 6], &NoObserver).unwrap().unwrap();
        assert_eq!((choice.combination, choice.mean), (0, 3.0));
    }

    #[test]
    fn with_many_axes_neighbors_differ_on_one() {
        let values: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];
        let space = space(&[&values, &values, &values, &values, &[1.0, 2.0]], ALL);
        let objective: Vec<f64> =
            (0..space.len()).map(|combination| combination as f64 + 1.0).collect();
        let plateau = Plateau::new(&space, &objective, &NoObserver).unwrap();
        let middle = space.position(&[2, 2, 2, 2, 0]).unwrap();
        assert_eq!(plateau.neighbors(middle).count, 4 * 4 + 1);
        assert_eq!(plateau.neighbors(0).count, 4 * 2 + 1);
        assert_eq!(plateau.most, 4 * 4 + 1);
    }

    #[test]
    fn a_single_combination_has_no_neighbors() {
        let space = space(&[&[1.0]], ALL);
        let plateau = Plateau::new(&space, &[1.0], &NoObserver).unwrap();
        assert_eq!(plateau.neighbors(0), Neighbors { count: 0, score: None, positive: None });
        assert_eq!(plateau.choice(&[Standing::Competes], &NoObserver).unwrap(), None);
    }

    proptest! {
        #[test]
        fn the_choice_is_the_best_of_all_means(
            lengths in prop::collection::vec(1_usize..5, 1..6),
            values in prop::collection::vec(prop_oneof![Just(f64::NAN), (-3_i32..4).prop_map(|value| f64::from(value) * 0.1)], 625),
            smooth in any::<bool>(),
            kept in prop::collection::vec(any::<bool>(), 7),
            competing in prop::collection::vec(any::<bool>(), 5),
        ) {
            let steps: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];
            let axes: Vec<&[f64]> = lengths.iter().map(|length| &steps[..*length]).collect();
            let space = space(&axes, |indices| kept[indices.iter().sum::<u32>() as usize % 7]);
            let mut indices = vec![0; axes.len()];
            let objective: Vec<f64> = (0..space.len())
                .map(|combination| {
                    space.indices(combination, &mut indices);
                    let distance: u32 = indices.iter().map(|index| index.abs_diff(2)).sum();
                    if smooth { 1.0 / f64::from(distance + 1) } else { values[combination % 625] }
                })
                .collect();
            let standing: Vec<Standing> = (0..space.len())
                .map(|combination| if competing[combination % 5] { Standing::Competes } else { Standing::FewTrades })
                .collect();
            let plateau = Plateau::new(&space, &objective, &NoObserver).unwrap();
            let mut expected: Option<PlateauChoice> = None;
            for (combination, standing) in standing.iter().enumerate() {
                if *standing == Standing::Competes
                    && plateau.most > 0
                    && let Some(mean) = plateau.mean(combination, &mut indices)
                    && expected.is_none_or(|best| mean > best.mean)
                {
                    expected = Some(PlateauChoice { combination, mean });
                }
            }
            prop_assert_eq!(plateau.choice(&standing, &NoObserver).unwrap(), expected);
        }
    }

    /// Prints the time of a combination. Run it in release, as the tests of spaces that measure.
    #[test]
    #[ignore = "measures"]
    fn choices_take_nanoseconds_a_combination() {
        let values: Vec<f64> = (0..1_000).map(f64::from).collect();
        let tens: Vec<f64> = (0..32).map(f64::from).collect();
        for (name, axes) in [("2 axes", vec![&*values; 2]), ("4 axes", vec![&*tens; 4])] {
            let some = space(&axes, |indices| indices[0] != 7);
            let all = Space::full(some.axes().to_vec()).unwrap();
            for (space, noise) in [(&all, 0), (&all, 1), (&all, 1_009), (&some, 1), (&some, 1_009)]
            {
                let mut indices = vec![0; axes.len()];
                let value = |combination: usize| {
                    space.indices(combination, &mut indices);
                    let waves = indices.iter().map(|index| (f64::from(*index) / 9.0).sin());
                    waves.sum::<f64>() + (combination * 7_919 % 1_009 * noise) as f64 / 2_018.0
                };
                let objective: Vec<f64> = (0..space.len()).map(value).collect();
                let standing = vec![Standing::Competes; space.len()];
                let start = std::time::Instant::now();
                let plateau = Plateau::new(space, &objective, &NoObserver).unwrap();
                let choice = plateau.choice(&standing, &NoObserver).unwrap();
                let each = start.elapsed().as_secs_f64() * 1e9 / space.len() as f64;
                let count = space.len();
                println!(
                    "{name}, {count} combinations, noise {noise}: {each:.0} ns each, {choice:?}"
                );
            }
        }
    }
}
