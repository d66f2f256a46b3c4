//! Block signs: how high the best of a search would be if none of its trials had an edge.
//!
//! Null hypothesis: the sums of the chunks of calendar time of every trial's judged returns are, jointly, symmetric about 0 and
//! independent between chunks. Turning the sign of whole chunks, the same ones for all trials, then leaves their distribution as it
//! was. Correlation between trials, changing volatility, fat tails and dependence inside a chunk are kept.
//!
//! ```text
//! t_k      = S1_k ÷ √S2_k                             S1, S2: Σ a, Σ a²; trials without variance are left out
//! t_k^(r)  = Σ_c s_r(c)·S1_k[c] ÷ √S2_k               r: one of 1,024 draws of signs
//! M^(r)    = max over k of t_k^(r)                    the sketch
//! p        = (1 + number of M^(r) ≥ t) ÷ (1,024 + 1)
//! critical = the 1 − α quantile of M, linear between order statistics
//! ```
//!
//! The sketch is a running maximum: 4 kB for any number of trials, in any order; sketches of threads, searches and sessions merge by
//! maximum. It needs no count of trials, no correlations and no curves. Sums are taken in f64 in the order of the chunks and kept as
//! f32. Unit: standard deviations. Reference: sign changes of blocks (Canay, Romano and Shaikh 2017) with the maximum of Westfall and
//! Young (1993). Null: without trials, and for fewer than 12 chunks.
//!
//! **It holds for trials that were fixed before their results were seen.** Whoever changes the best strategy again and again looks at
//! far more than is submitted.
//!
//! A comparison with a statistic is made with f32 on both sides. Otherwise the rounding of M alone would decide whether the draw that
//! turns nothing counts itself.

use super::missing::{Known, Missing, finite};
use super::quantiles::of_sorted;
use super::signs::{DRAWS, Signs, TOGETHER};
use super::sums::pairwise;
use crate::compute::multiversion::{multiversion, simd_multiversion};
use crate::compute::reserve;
use crate::compute::signed_sums::{GROUP, LANES, Patterns, SPAN, Table};
use crate::error::Result;
use crate::numbers::count_to_f64;

/// The largest signed sum of integers.
const LARGEST: f64 = 32_767.0;

/// The maxima of a search over all its trials, one for each draw of signs.
#[derive(Debug, Clone, PartialEq)]
pub struct Sketch {
    maxima: Vec<f32>,
}

/// What adding a trial reuses.
#[derive(Debug, Clone, Default)]
pub struct SketchScratch {
    tables: Vec<Table>,
    draws: Vec<u16>,
}

impl Sketch {
    /// Creates the sketch of no trials.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn new() -> Result<Self> {
        let mut maxima = reserve::with_capacity(DRAWS, "draws")?;
        maxima.resize(DRAWS, f32::NEG_INFINITY);
        Ok(Self { maxima })
    }

    /// Returns the maxima, to store them: 1,024, or −∞ for a sketch of no trials.
    #[must_use]
    pub fn maxima(&self) -> &[f32] {
        &self.maxima
    }

    /// Returns the sketch with these maxima; `None` unless there are 1,024, of which none is NaN or +∞.
    #[must_use]
    pub fn from_maxima(maxima: Vec<f32>) -> Option<Self> {
        let is_right = maxima.len() == DRAWS && maxima.iter().all(|value| *value < f32::INFINITY);
        is_right.then_some(Self { maxima })
    }

    /// Returns whether it has seen no trial.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.maxima.first().is_none_or(|first| *first == f32::NEG_INFINITY)
    }

    /// Takes the maxima of both.
    pub fn merge(&mut self, other: &Self) {
        for (mine, other) in self.maxima.iter_mut().zip(&other.maxima) {
            *mine = mine.max(*other);
        }
    }

    /// Adds a trial: the sum of its judged returns in each chunk, and the sum of their squares. A trial with a number that is not
    /// finite, or without squares, is left out.
    ///
    /// The result has the same bytes as the plain sums of all draws: integers of 16 bits with a bound of their error only find the
    /// draws whose maximum may rise, which are few after the first trials.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn add(
        &mut self,
        signs: &Signs,
        chunk_sums: &[f64],
        squares: f64,
        scratch: &mut SketchScratch,
    ) -> Result<()> {
        let scale = squares.sqrt();
        let is_usable = squares > 0.0 && scale.is_finite();
        if !is_usable || chunk_sums.len() != signs.chunks() || signs.chunks() == 0 {
            return Ok(());
        }
        let Amounts { total, most } = amounts(chunk_sums);
        // Rounding adds at most a half for each number.
        let factor = if most > 0.0 { (LARGEST - count_to_f64(SPAN)) / most } else { 0.0 };
        if !((total / scale).is_finite() && factor.is_finite()) {
            return Ok(());
        }
        scratch.tables.clear();
        reserve::additional(&mut scratch.tables, chunk_sums.len().div_ceil(GROUP), "sums")?;
        tabulate(chunk_sums, factor, &mut scratch.tables);
        scratch.draws.clear();
        reserve::additional(&mut scratch.draws, DRAWS, "draws")?;
        let unit = if factor > 0.0 { 1.0 / (factor * scale) } else { 0.0 };
        // Half a unit for each number, and what f32 rounds off.
        let slack =
            unit * (0.5 * count_to_f64(chunk_sums.len()) + 1.0) + 1e-5 * (1.0 + total / scale);
        #[expect(clippy::cast_possible_truncation, reason = "the slack covers what is lost")]
        let [unit, slack] = [unit as f32, slack as f32];
        find(&scratch.tables, signs.patterns(), [unit, slack], &self.maxima, &mut scratch.draws);
        for some in scratch.draws.chunks(TOGETHER) {
            let draw = |place: usize| some.get(place).copied().map_or(0, usize::from);
            let draws = std::array::from_fn(draw);
            for (draw, sum) in draws.iter().zip(signs.sums(draws, chunk_sums)).take(some.len()) {
                if let Some(maximum) = self.maxima.get_mut(*draw) {
                    #[expect(clippy::cast_possible_truncation, reason = "sketches are kept as f32")]
                    let value = (sum / scale) as f32;
                    *maximum = maximum.max(value);
                }
            }
        }
        Ok(())
    }

    /// Returns the p-value of a statistic: (1 + draws whose maximum is at least as high) ÷ (1,024 + 1). It cannot be 0.
    ///
    /// # Errors
    /// [`Missing::TooFewTrials`] without trials, [`Missing::NotFinite`].
    pub fn p_value(&self, t: f64) -> Known {
        self.check()?;
        let t = finite(t)?;
        #[expect(clippy::cast_possible_truncation, reason = "as the maxima were rounded")]
        let observed = (t - 1e-12 * t.abs().max(1.0)) as f32;
        let exceeding = self.maxima.iter().filter(|maximum| **maximum >= observed).count();
        Ok(count_to_f64(1 + exceeding) / count_to_f64(1 + DRAWS))
    }

    /// Returns what a statistic must exceed at level `alpha`.
    ///
    /// # Errors
    /// [`Missing::TooFewTrials`] without trials, [`Missing::OutOfRange`] unless 0 < alpha < 1.
    pub fn critical_value(&self, alpha: f64) -> Known {
        self.check()?;
        if !(alpha > 0.0 && alpha < 1.0) {
            return Err(Missing::OutOfRange);
        }
        let mut sorted: Vec<f64> = self.maxima.iter().copied().map(f64::from).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Ok(of_sorted(&sorted, 1.0 - alpha))
    }

    /// Returns the mean of the maxima: the expected maximum under the null hypothesis.
    ///
    /// # Errors
    /// [`Missing::TooFewTrials`] without trials.
    pub fn mean(&self) -> Known {
        self.check()?;
        let at = |draw: usize| self.maxima.get(draw).copied().map_or(0.0, f64::from);
        Ok(pairwise(DRAWS, &at) / count_to_f64(DRAWS))
    }

    fn check(&self) -> Known<()> {
        if self.is_empty() { Err(Missing::TooFewTrials) } else { Ok(()) }
    }
}

/// The absolute sums of chunks.
#[derive(Debug, Clone, Copy)]
struct Amounts {
    /// Of all chunks.
    total: f64,
    /// The largest of [`SPAN`] chunks in a row.
    most: f64,
}

multiversion! {
    fn amounts(sums: &[f64]) -> Amounts {
        let mut amounts = Amounts { total: 0.0, most: 0.0 };
        for span in sums.chunks(SPAN) {
            let (eights, rest) = span.as_chunks::<8>();
            let mut lanes = [0.0; 8];
            for eight in eights {
                for lane in 0..8 {
                    lanes[lane] += eight[lane].abs();
                }
            }
            let sum = lanes.iter().sum::<f64>() + rest.iter().map(|sum| sum.abs()).sum::<f64>();
            amounts.total += sum;
            amounts.most = amounts.most.max(sum);
        }
        amounts
    }
}

multiversion! {
    /// Appends the tables of sums × factor, rounded.
    fn tabulate(sums: &[f64], factor: f64, tables: &mut Vec<Table>) {
        let (groups, rest) = sums.as_chunks::<GROUP>();
        tables.extend(groups.iter().map(|group| Table::new(group.map(|sum| rounded(sum * factor)))));
        if !rest.is_empty() {
            let number = |place: usize| rest.get(place).map_or(0, |sum| rounded(sum * factor));
            tables.push(Table::new(std::array::from_fn(number)));
        }
    }
}

/// Rounds a number that fits to an integer: adding 1.5 · 2⁵² leaves it in the lowest bits.
#[inline(always)]
fn rounded(number: f64) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "the lowest bits are wanted")]
    let lowest = (number + 6_755_399_441_055_744.0).to_bits() as u16;
    lowest.cast_signed()
}

simd_multiversion! {
    /// Writes the draws whose maximum may be below the sum of this trial, and returns their number.
    fn find(
        simd,
        tables: &[Table],
        patterns: &[Patterns],
        bound: [f32; 2],
        maxima: &[f32],
        draws: &mut Vec<u16>,
    ) -> usize {
        let ([unit, slack], groups) = (bound, tables.len().max(1));
        let (blocks, _) = maxima.as_chunks::<LANES>();
        for (block, (maxima, patterns)) in blocks.iter().zip(patterns.chunks(groups)).enumerate() {
            let sums = simd.signed_sums(tables, patterns);
            let mut is_higher = [false; LANES];
            let mut any = false;
            for lane in 0..LANES {
                #[expect(clippy::cast_precision_loss, reason = "the slack covers what is lost")]
                let value = sums[lane] as f32 * unit;
                is_higher[lane] = value + slack > maxima[lane];
                any |= is_higher[lane];
            }
            if any {
                let mut left = 0_u32;
                for (lane, is_higher) in is_higher.iter().enumerate() {
                    left |= u32::from(*is_higher) << lane;
                }
                let first = u32::try_from(block * LANES).unwrap_or(u32::MAX);
                while left != 0 {
                    draws.push(u16::try_from(first + left.trailing_zeros()).unwrap_or(u16::MAX));
                    left &= left - 1;
                }
            }
        }
        draws.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;
    use crate::validation::expected_maximum::{effective_trials, trials_of_maximum};
    use crate::validation::testing::{D, same};

    /// Returns the sums of chunks of equal bar counts, and the sum of squares.
    fn chunked(returns: &[f64], bars: usize) -> (Vec<f64>, f64) {
        let sums = returns.chunks(bars).map(|chunk| chunk.iter().sum()).collect();
        (sums, returns.iter().map(|r| r * r).sum())
    }

    fn sketch(signs: &Signs, trials: &[(Vec<f64>, f64)]) -> Sketch {
        let (mut sketch, mut scratch) = (Sketch::new().unwrap(), SketchScratch::default());
        for (sums, squares) in trials {
            sketch.add(signs, sums, *squares, &mut scratch).unwrap();
        }
        sketch
    }

    /// Returns independent trials of uniform returns.
    fn noise(trials: usize, bars: usize, chunk: usize, seed: u64) -> Vec<(Vec<f64>, f64)> {
        let mut random = SplitMix64::new(seed);
        (0..trials)
            .map(|_| {
                let returns: Vec<f64> = (0..bars).map(|_| random.unit() - 0.5).collect();
                chunked(&returns, chunk)
            })
            .collect()
    }

    /// The definition, without integers.
    fn plain(signs: &Signs, trials: &[(Vec<f64>, f64)]) -> Vec<f32> {
        (0..DRAWS)
            .map(|draw| {
                let of = |(sums, squares): &(Vec<f64>, f64)| {
                    (signs.sum(draw, sums) / squares.sqrt()) as f32
                };
                trials.iter().map(of).fold(f32::NEG_INFINITY, f32::max)
            })
            .collect()
    }

    #[test]
    fn all_patterns_of_four_chunks_equal_the_reference() {
        let expected = [
            2.147_385_558_265_285_4,
            1.471_089_586_451_907_1,
            1.153_314_940_281_804_8,
            0.362_943_510_377_602_36,
            2.219_769_341_128_160_3,
            0.909_622_871_310_126_3,
            1.470_228_796_275_371_3,
            1.462_026_683_046_499_4,
            2.321_655_745_795_854,
            1.574_136_924_633_320_6,
            1.319_603_721_774_543,
            0.256_316_038_402_261_47,
            1.965_292_173_872_782_2,
            0.476_149_769_527_911_94,
            1.363_601_324_300_030_7,
            1.355_399_211_071_158_6,
        ];
        let trials = D.map(|returns| chunked(&returns, 6));
        for ((sums, squares), t) in trials.iter().zip([
            1.241_979_973_434_864,
            1.702_057_758_237_834_7,
            -1.355_399_211_071_158_6,
            2.147_385_558_265_285_4,
        ]) {
            same(sums.iter().sum::<f64>() / squares.sqrt(), t);
        }
        // The first 16 draws are the patterns in lexicographic order, + first.
        let words: Vec<_> = (0..4)
            .map(|chunk| {
                let bits = (0..16)
                    .fold(0_u64, |word, pattern| word | (pattern >> (3 - chunk) & 1) << pattern);
                std::array::from_fn(|_| bits)
            })
            .collect();
        let signs = Signs::of_words(&words).unwrap();
        let found = sketch(&signs, &trials);
        for (draw, expected) in expected.iter().enumerate() {
            assert_eq!(found.maxima()[draw], *expected as f32, "{draw}");
        }
        let mean: f64 = expected.iter().sum::<f64>() / 16.0;
        same(mean, 1.364_283_512_282_163_7);
        same(trials_of_maximum(mean), 6.721_186_173_116_219_5);
        assert_eq!(effective_trials(mean, 4), 4.0);
        // The identity counts itself: 3 of 16 draws are at least as high as the best trial.
        let observed = expected[0];
        let mut sixteen = found.maxima()[..16].to_vec();
        sixteen.resize(DRAWS, -9.0);
        let p = Sketch::from_maxima(sixteen).unwrap().p_value(observed).unwrap();
        same(p, 4.0 / 1025.0);
    }

    #[test]
    fn integers_find_what_plain_sums_find() {
        for (chunks, trials, seed) in
            [(1_i32, 5, 1), (12, 40, 2), (63, 30, 3), (64, 300, 4), (65, 30, 5), (517, 20, 6)]
        {
            let signs = Signs::new(600..600 + i64::from(chunks)).unwrap();
            let mut trials = noise(trials, chunks as usize * 4, 4, seed);
            // Amounts of every size, and a trial of one chunk.
            for (index, (sums, squares)) in (0..).zip(trials.iter_mut()) {
                let scale = 10_f64.powi(index % 7 * 20 - 60);
                sums.iter_mut().for_each(|sum| *sum *= scale);
                *squares *= scale * scale;
            }
            trials.push((vec![0.0; chunks as usize], 1.0));
            let mut one = vec![0.0; chunks as usize];
            one[0] = 0.3;
            trials.push((one, 0.09));
            assert_eq!(sketch(&signs, &trials).maxima(), plain(&signs, &trials), "{chunks}");
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_scalar_version_returns_the_same_bytes() {
        use crate::compute::multiversion::scalar::forced;
        let signs = Signs::new(600..670).unwrap();
        let trials = noise(50, 700, 10, 21);
        assert_eq!(forced(|| sketch(&signs, &trials)), sketch(&signs, &trials));
    }

    #[test]
    fn numbers_are_rounded_to_the_nearest() {
        for (number, expected) in
            [(0.0, 0), (0.49, 0), (-0.51, -1), (32_767.2, 32_767), (-32_767.4, -32_767)]
        {
            assert_eq!(rounded(number), expected, "{number}");
        }
    }

    #[test]
    fn the_order_of_trials_and_of_parts_does_not_matter() {
        let signs = Signs::new(600..664).unwrap();
        let mut trials = noise(60, 640, 10, 9);
        let whole = sketch(&signs, &trials);
        let mut parts = sketch(&signs, &trials[40..]);
        parts.merge(&sketch(&signs, &trials[..40]));
        assert_eq!(parts, whole);
        trials.reverse();
        assert_eq!(sketch(&signs, &trials), whole);
        assert_eq!(Sketch::from_maxima(whole.maxima().to_vec()), Some(whole.clone()));
        // A trial that repeats changes nothing.
        let mut again = whole.clone();
        again.merge(&whole);
        assert_eq!(again, whole);
    }

    #[test]
    fn effective_trials_of_independent_and_of_equal_trials() {
        let signs = Signs::new(600..664).unwrap();
        let independent = noise(1000, 640, 10, 11);
        let found = effective_trials(sketch(&signs, &independent).mean().unwrap(), 1000);
        assert!((850.0..=1000.0).contains(&found), "{found}");
        let equal: Vec<_> = (0..100).map(|_| independent[0].clone()).collect();
        let found = effective_trials(sketch(&signs, &equal).mean().unwrap(), 100);
        assert!(found < 1.5, "{found}");
    }

    #[test]
    fn noise_is_rejected_as_often_as_the_level_says() {
        let signs = Signs::new(600..664).unwrap();
        let searches = 400;
        let mut rejected = 0;
        for search in 0..searches {
            let trials = noise(10, 320, 5, 1000 + search);
            let best =
                trials.iter().map(|(sums, squares)| sums.iter().sum::<f64>() / squares.sqrt());
            let best = best.fold(f64::NEG_INFINITY, f64::max);
            let found = sketch(&signs, &trials);
            let p = found.p_value(best).unwrap();
            rejected += u32::from(p <= 0.05);
            let critical = found.critical_value(0.05).unwrap();
            // p = 0.05 is at 50.25 of 1,024 maxima, the quantile at 51.15 from above.
            assert!(
                (best > critical) == (p <= 0.05) || (p - 0.05).abs() < 0.003,
                "{p} {best} {critical}"
            );
        }
        // Four standard deviations of 400 searches.
        assert!((2..=37).contains(&rejected), "{rejected}");
    }

    #[test]
    fn trials_without_variance_are_left_out() {
        let signs = Signs::new(600..612).unwrap();
        let (mut sketch, mut scratch) = (Sketch::new().unwrap(), SketchScratch::default());
        for (sums, squares) in [
            (vec![0.0; 12], 0.0),
            (vec![f64::NAN; 12], 1.0),
            (vec![1.0; 12], f64::INFINITY),
            (vec![1.0; 11], 1.0),
            (vec![1.0; 12], -1.0),
        ] {
            sketch.add(&signs, &sums, squares, &mut scratch).unwrap();
        }
        assert!(sketch.is_empty());
        assert_eq!(sketch.p_value(1.0), Err(Missing::TooFewTrials));
        assert_eq!(sketch.mean(), Err(Missing::TooFewTrials));
        assert_eq!(sketch.critical_value(0.05), Err(Missing::TooFewTrials));
        assert_eq!(Sketch::from_maxima(vec![0.0; 3]), None);
        assert_eq!(Sketch::from_maxima(vec![f32::NAN; DRAWS]), None);
        sketch.add(&signs, &[0.1; 12], 0.5, &mut scratch).unwrap();
        assert_eq!(sketch.critical_value(0.0), Err(Missing::OutOfRange));
        assert_eq!(sketch.p_value(f64::NAN), Err(Missing::NotFinite));
        assert_eq!(sketch.p_value(1e9), Ok(1.0 / 1025.0));
    }
}
