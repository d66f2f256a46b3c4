//! Blocks of bars that stay in the nearest cache while they are processed.

/// Bars per block. Equity and both returns of a block take 24 kB.
pub(super) const BLOCK: usize = 1_024;

/// The returns of a block, and the equity at the end of each of its bars.
#[derive(Debug)]
pub(super) struct ReturnBlock<'a> {
    /// Returns of the run.
    pub(super) r: &'a [f64],
    /// Returns of the benchmark.
    pub(super) b: &'a [f64],
    pub(super) equity: &'a [f64],
}
