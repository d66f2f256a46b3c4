//! The batch-means variance ratio: how much more the sums of blocks vary than independent returns would make them.
//!
//! `v = Σ_b (S1[b] − n[b]·mean)² ÷ ((B − 1)·T ÷ B)`, ratio = v ÷ variance of the returns (T − 1). Above 1: returns follow
//! their sign, and the standard error of the Sharpe ratio is too small by √ratio. Unit: a ratio. Reference: Law and Kelton,
//! "Simulation Modeling and Analysis", batch means. Null: for fewer than two blocks, and if no return differs from another.
//!
//! With 16 blocks the ratio itself has a relative error of √(2 ÷ 15) = 37 %. It is shown always, and used only above 2, which
//! 1.2 % of independent series exceed.

use super::missing::{Known, Missing, finite};
use super::sums::pairwise;
use crate::numbers::count_to_f64;

/// Above this, the ratio widens the standard error.
pub const USED_ABOVE: f64 = 2.0;

/// The variance of the sums of blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchMeans {
    /// The variance per bar that follows from the sums of the blocks.
    pub variance: f64,
    /// That variance divided by the variance of the returns.
    pub ratio: f64,
}

impl BatchMeans {
    /// Computes them from the number of bars and the sum of the returns of each block, and the variance of all returns.
    ///
    /// # Errors
    /// [`Missing::TooFewBars`] for fewer than two blocks with bars, [`Missing::NoVariance`], [`Missing::NotFinite`].
    pub fn of(blocks: &[(usize, f64)], variance: f64) -> Known<Self> {
        let filled: Vec<(usize, f64)> =
            blocks.iter().copied().filter(|(bars, _)| *bars > 0).collect();
        if filled.len() < 2 {
            return Err(Missing::TooFewBars);
        }
        if variance.is_nan() || variance <= 0.0 {
            return Err(Missing::NoVariance);
        }
        let bars = count_to_f64(filled.iter().map(|(bars, _)| bars).sum());
        let mean = filled.iter().map(|(_, sum)| sum).sum::<f64>() / bars;
        let squares = pairwise(filled.len(), &|block| {
            let (bars, sum) = filled.get(block).copied().unwrap_or_default();
            let deviation = sum - count_to_f64(bars) * mean;
            deviation * deviation
        });
        let count = count_to_f64(filled.len());
        let of_blocks = finite(squares / ((count - 1.0) * bars / count))?;
        Ok(Self { variance: of_blocks, ratio: finite(of_blocks / variance)? })
    }

    /// Returns by what the standard error of a Sharpe ratio is multiplied: √ratio above 2, else 1.
    #[must_use]
    pub fn error_factor(&self) -> f64 {
        if self.ratio > USED_ABOVE { self.ratio.sqrt() } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::moments::Moments;
    use crate::validation::testing::{D, same};

    #[test]
    fn it_equals_the_reference() {
        let variance = Moments::of(&D[3]).unwrap().variance;
        let blocks: Vec<(usize, f64)> =
            D[3].chunks(4).map(|block| (4, block.iter().sum())).collect();
        for ((_, found), expected) in
            blocks.iter().zip([0.0554, 0.0293, -0.0022, 0.0237, 0.0441, 0.0277])
        {
            same(*found, expected);
        }
        let found = BatchMeans::of(&blocks, variance).unwrap();
        same(found.variance, 9.628_066_666_666_667e-5);
        same(found.ratio, 0.398_941_059_900_915_83);
        assert_eq!(found.error_factor(), 1.0);
    }

    #[test]
    fn returns_that_follow_each_other_widen_the_error() {
        // Blocks of one sign: the sums vary 8 times as much as independent returns would.
        let blocks: Vec<(usize, f64)> =
            (0..16).map(|block| (8, if block % 2 == 0 { 0.08 } else { -0.08 })).collect();
        let found = BatchMeans::of(&blocks, 1e-4).unwrap();
        same(found.ratio, 8.0 * 16.0 / 15.0);
        same(found.error_factor(), found.ratio.sqrt());
    }

    #[test]
    fn it_needs_two_blocks_and_a_variance() {
        assert_eq!(BatchMeans::of(&[(4, 0.1), (0, 0.0)], 1.0), Err(Missing::TooFewBars));
        assert_eq!(BatchMeans::of(&[(4, 0.1), (4, 0.0)], 0.0), Err(Missing::NoVariance));
        assert_eq!(BatchMeans::of(&[(4, f64::NAN), (4, 0.0)], 1.0), Err(Missing::NotFinite));
    }
}
