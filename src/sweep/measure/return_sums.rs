//! Sums of the returns of a curve that is known by its stretches, and the moments that follow from them.

use super::tables::{Row, Tables};
use crate::compute::multiversion::{F64x4, Lanes, Simd};
use crate::metrics::statistics::ReturnStatistics;
use crate::numbers::count_to_f64;

/// Sums over bars whose returns are computed one by one. r: return of the run, b: that of the asset.
#[derive(Debug, Clone, Copy)]
pub(super) struct BarSums<N> {
    zero: N,
    risk_free: N,
    pub(super) returns: N,
    pub(super) squares: N,
    pub(super) cubes: N,
    pub(super) fourths: N,
    pub(super) downside: N,
    pub(super) gains: N,
    pub(super) losses: N,
    pub(super) products: N,
    /// Σ (r − b)².
    pub(super) active: N,
    /// Σ b².
    pub(super) benchmark: N,
}

impl<N: Lanes> BarSums<N> {
    #[inline(always)]
    pub(super) fn new(zero: N, risk_free: N) -> Self {
        Self {
            zero,
            risk_free,
            returns: zero,
            squares: zero,
            cubes: zero,
            fourths: zero,
            downside: zero,
            gains: zero,
            losses: zero,
            products: zero,
            active: zero,
            benchmark: zero,
        }
    }

    #[inline(always)]
    pub(super) fn add(&mut self, r: N, b: N) {
        self.add_return(r, b);
        self.benchmark = self.benchmark + b * b;
    }

    /// Does the same but for Σ b².
    #[inline(always)]
    pub(super) fn add_return(&mut self, r: N, b: N) {
        let square = r * r;
        let (down, excess) = (r.pmin(self.zero), r - self.risk_free);
        self.gains = self.gains + excess.pmax(self.zero);
        self.losses = self.losses + excess.pmin(self.zero);
        self.add_powers(r, square, down, b);
    }

    /// Does what [`Self::add_return`] does at a risk-free rate of zero.
    #[inline(always)]
    pub(super) fn add_return_over_zero(&mut self, r: N, b: N) {
        let (square, down) = (r * r, r.pmin(self.zero));
        self.gains = self.gains + r.pmax(self.zero);
        self.losses = self.losses + down;
        self.add_powers(r, square, down, b);
    }

    #[inline(always)]
    fn add_powers(&mut self, r: N, square: N, down: N, b: N) {
        let active = r - b;
        self.returns = self.returns + r;
        self.squares = self.squares + square;
        self.cubes = self.cubes + square * r;
        self.fourths = self.fourths + square * square;
        self.downside = self.downside + down * down;
        self.products = self.products + r * b;
        self.active = self.active + active * active;
    }
}

impl<N: F64x4> BarSums<N> {
    /// Adds up the lanes.
    #[inline(always)]
    pub(super) fn sum(&self) -> BarSums<f64> {
        let [zero, ..] = self.zero.to_array();
        let [risk_free, ..] = self.risk_free.to_array();
        BarSums {
            zero,
            risk_free,
            returns: self.returns.sum(),
            squares: self.squares.sum(),
            cubes: self.cubes.sum(),
            fourths: self.fourths.sum(),
            downside: self.downside.sum(),
            gains: self.gains.sum(),
            losses: self.losses.sum(),
            products: self.products.sum(),
            active: self.active.sum(),
            benchmark: self.benchmark.sum(),
        }
    }
}

impl BarSums<f64> {
    /// Appends other sums.
    #[inline(always)]
    pub(super) fn append(&mut self, other: &Self) {
        self.returns += other.returns;
        self.squares += other.squares;
        self.cubes += other.cubes;
        self.fourths += other.fourths;
        self.downside += other.downside;
        self.gains += other.gains;
        self.losses += other.losses;
        self.products += other.products;
        self.active += other.active;
        self.benchmark += other.benchmark;
    }

    /// Adds bars with the returns of the asset, as the difference of two rows.
    #[inline(always)]
    pub(super) fn add_held(&mut self, low: [f64; 4], high: [f64; 4]) {
        self.returns += low[0];
        self.squares += low[1];
        self.downside += low[2];
        self.gains += low[3];
        self.cubes += high[0];
        self.fourths += high[1];
        self.losses += high[2];
        self.products += low[1];
        self.benchmark += low[1];
    }

    /// Adds bars without a return, whose sum of b² is given.
    #[inline(always)]
    pub(super) fn add_flat(&mut self, bars: usize, benchmark: f64) {
        let excess = -self.risk_free * count_to_f64(bars);
        self.gains += excess.pmax(0.0);
        self.losses += excess.pmin(0.0);
        self.active += benchmark;
        self.benchmark += benchmark;
    }
}

/// The sums over the bars of several holding intervals with the returns of the asset, in the lanes of [`Row`].
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldSums<N> {
    pub(super) low: N,
    pub(super) high: N,
}

impl<N: F64x4> HeldSums<N> {
    #[inline(always)]
    pub(super) fn new<P: Simd<F64x4 = N>>(simd: P) -> Self {
        Self { low: simd.splat(0.0), high: simd.splat(0.0) }
    }

    /// Adds the bars after `entry` up to and with `last`; returns their sums of r and r² among others.
    #[inline(always)]
    pub(super) fn add<P: Simd<F64x4 = N>>(&mut self, simd: P, entry: &Row, last: &Row) -> N {
        let low = simd.load(&last.low) - simd.load(&entry.low);
        self.low = self.low + low;
        self.high = self.high + (simd.load(&last.high) - simd.load(&entry.high));
        low
    }
}

/// What a fast path may be off by: relative to the result, where it is not a difference near zero.
const TOLERANCE: f64 = 1e-10;

/// How many differences of rows are in sums. Each is off by at most the last digit of the largest row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Differences {
    /// Of bars with the returns of the asset.
    pub(super) held: usize,
    /// Of bars without a return.
    pub(super) flat: usize,
}

/// Returns the moments of returns; `None` if too many digits would cancel.
pub(super) fn moments(
    tables: &Tables,
    sums: &BarSums<f64>,
    differences: Differences,
) -> Option<ReturnStatistics> {
    let bars = tables.bars;
    let count = count_to_f64(bars);
    let mean = sums.returns / count;
    let central = |squares: f64, mean: f64| squares - count * mean * mean;
    let squares = central(sums.squares, mean);
    let active = central(sums.active, mean - tables.benchmark_mean);
    let statistics = ReturnStatistics {
        count: bars,
        mean,
        benchmark_mean: tables.benchmark_mean,
        squares,
        cubes: sums.cubes - 3.0 * mean * sums.squares + 2.0 * count * mean * mean * mean,
        fourths: sums.fourths - 4.0 * mean * sums.cubes + 6.0 * mean * mean * sums.squares
            - 3.0 * count * mean * mean * mean * mean,
        downside_squares: sums.downside,
        gains: sums.gains,
        losses: sums.losses,
        benchmark_squares: tables.benchmark_squares,
        products: sums.products - count * mean * tables.benchmark_mean,
        active_squares: active,
        growth: 1.0,
        deepest_drawdown: 0.0,
        squared_drawdowns: 0.0,
    };
    is_precise(tables, sums, differences, &statistics).then_some(statistics)
}

/// Returns whether enough digits are left where powers of the mean cancel: returns may hardly differ from each other.
fn central_moments_hold(sums: &BarSums<f64>, found: &ReturnStatistics) -> bool {
    let (count, mean) = (count_to_f64(found.count), found.mean.abs());
    let BarSums { squares, fourths, .. } = *sums;
    let square_mean = mean * mean;
    // Σ |r|³ is at most this.
    let cubes = (squares * fourths).sqrt();
    let of_squares = squares + count * square_mean;
    let of_cubes = cubes + 3.0 * mean * squares + 2.0 * count * square_mean * mean;
    let of_fourths = fourths
        + 4.0 * mean * cubes
        + 6.0 * square_mean * squares
        + 3.0 * count * square_mean * square_mean;
    let rounding = 16.0 * f64::EPSILON / TOLERANCE;
    rounding * of_squares <= found.squares
        && rounding * of_cubes * count.sqrt() <= found.squares * found.squares.sqrt()
        && rounding * of_fourths <= found.fourths
}

/// Returns whether the rounding errors of the sums are within the tolerance of each result.
fn is_precise(
    tables: &Tables,
    sums: &BarSums<f64>,
    differences: Differences,
    found: &ReturnStatistics,
) -> bool {
    let Differences { held, flat } = differences;
    let unit = f64::EPSILON * count_to_f64(held) / TOLERANCE;
    let of_flat = f64::EPSILON * count_to_f64(flat) / TOLERANCE * tables.magnitudes.low[1];
    let [returns, squares, downside, gains] = tables.magnitudes.low.map(|most| most * unit);
    let [cubes, fourths, losses, _] = tables.magnitudes.high.map(|most| most * unit);
    let count = count_to_f64(found.count);
    // Sums of no term are exactly 0.
    let holds = |error: f64, result: f64| error <= result.abs() || result == 0.0;
    // Equity that never changed has exact moments.
    if sums.squares == 0.0 && flat <= 1 {
        return true;
    }
    if !central_moments_hold(sums, found) {
        return false;
    }
    let unknown_rate = !tables.risk_free.is_finite();
    let from_mean = 2.0 * found.mean.abs() * returns;
    squares + from_mean <= found.squares
        && of_flat + from_mean <= found.active_squares
        && holds(downside, found.downside_squares)
        && (unknown_rate || holds(gains, found.gains) && holds(losses, found.losses))
        && cubes * count.sqrt() <= found.squares * found.squares.sqrt()
        && fourths <= found.fourths
}
