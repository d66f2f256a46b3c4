//! The sums of a trial that judging needs.

use super::chunks::{BLOCKS, BlockSums};

/// The sums of the returns of one combination, `r`, beside those of holding the asset, `m`. Every bar counts; the return of the
/// first one is 0 unless an order filled on it, and its `m` is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TrialSums {
    /// The number of bars, T.
    pub bars: usize,
    /// Σ r.
    pub returns: f64,
    /// Σ r².
    pub squares: f64,
    /// Σ r·m.
    pub products: f64,
    /// Σ of the value of the position ÷ equity, signed, at the close before each bar; 0 for the first bar. Divided by the
    /// number of bars it is the mean exposure.
    pub exposure: f64,
    /// The sums of 16 runs of equal bar counts; the first ones have one bar more.
    pub blocks: [BlockSums; BLOCKS],
}
