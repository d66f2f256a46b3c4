//! Sums and central moments of the returns, block by block.
//!
//! Sums are of distances from the first value of their block. No value is further from the mean than √(n − 1) standard
//! deviations (Samuelson 1968), so that at most three of sixteen digits cancel, and no bar is read twice. The sums of two
//! blocks are joined exactly (Chan, Golub and `LeVeque` 1979; Pébay 2008 for the higher moments).

use super::block::ReturnBlock;
use super::returns::ReturnStatistics;
use crate::compute::multiversion::{F64x4, Lanes, Simd};
use crate::numbers::count_to_f64;

/// The sums over all blocks so far.
#[derive(Debug, Clone, Default)]
pub(super) struct RunningSums {
    r: f64,
    b: f64,
    pub equity: f64,
    downside: f64,
    gains: f64,
    losses: f64,
    moments: Moments,
}

impl RunningSums {
    /// Adds a block.
    #[inline(always)]
    pub(super) fn add<P: Simd>(&mut self, simd: P, block: &ReturnBlock<'_>, risk_free: f64) {
        // Both are of the same bar, so that the distance of r − b is the difference of the two distances.
        let first = |values: &[f64]| values.first().copied().unwrap_or(0.0);
        let (r_from, b_from) = (first(block.r), first(block.b));
        let ((r, r_rest), (b, b_rest)) = (block.r.as_chunks::<4>(), block.b.as_chunks::<4>());
        let (e, e_rest) = block.equity.as_chunks::<4>();
        let origin = [0.0, risk_free, r_from, b_from];
        let mut body = Sums::none(origin.map(|value| simd.splat(value)));
        for ((r, b), e) in r.iter().zip(b).zip(e) {
            body.add(simd.load(r), simd.load(b), simd.load(e));
        }
        let mut rest = Sums::none(origin);
        for ((&r, &b), &e) in r_rest.iter().zip(b_rest).zip(e_rest) {
            rest.add(r, b, e);
        }
        self.equity += body.equity.sum() + rest.equity;
        self.downside += body.downside.sum() + rest.downside;
        self.gains += body.gains.sum() + rest.gains;
        self.losses += body.losses.sum() + rest.losses;

        let (sum_r, sum_b) = (body.r.sum() + rest.r, body.b.sum() + rest.b);
        self.r += sum_r;
        self.b += sum_b;

        let powers = body.powers.sum().plus(&rest.powers);
        let count = count_to_f64(block.r.len());
        let (mean, benchmark_mean) = (sum_r / count, sum_b / count);
        self.moments.join(&Moments { mean, benchmark_mean, ..powers.central(count) });
    }

    /// Appends the sums of the bars that follow.
    pub(super) fn join(&mut self, next: &Self) {
        self.r += next.r;
        self.b += next.b;
        self.equity += next.equity;
        self.downside += next.downside;
        self.gains += next.gains;
        self.losses += next.losses;
        self.moments.join(&next.moments);
    }

    /// Writes the sums to the statistics.
    pub(super) fn write_to(&self, statistics: &mut ReturnStatistics) {
        statistics.mean = self.r / self.moments.count;
        statistics.benchmark_mean = self.b / self.moments.count;
        statistics.downside_squares = self.downside;
        statistics.gains = self.gains;
        statistics.losses = self.losses;
        statistics.squares = self.moments.squares;
        statistics.cubes = self.moments.cubes;
        statistics.fourths = self.moments.fourths;
        statistics.benchmark_squares = self.moments.benchmark;
        statistics.products = self.moments.products;
        statistics.active_squares = self.moments.active;
    }
}

/// Sums over a block.
struct Sums<N> {
    zero: N,
    risk_free: N,
    r: N,
    b: N,
    equity: N,
    downside: N,
    gains: N,
    losses: N,
    powers: Powers<N>,
}

impl<N: Lanes> Sums<N> {
    #[inline(always)]
    fn none([zero, risk_free, r_from, b_from]: [N; 4]) -> Self {
        Self {
            zero,
            risk_free,
            r: zero,
            b: zero,
            equity: zero,
            downside: zero,
            gains: zero,
            losses: zero,
            powers: Powers::none(zero, r_from, b_from),
        }
    }

    #[inline(always)]
    fn add(&mut self, r: N, b: N, equity: N) {
        let excess = r - self.risk_free;
        let down = r.pmin(self.zero);
        self.r = self.r + r;
        self.b = self.b + b;
        self.equity = self.equity + equity;
        self.downside = self.downside + down * down;
        self.gains = self.gains + excess.pmax(self.zero);
        self.losses = self.losses + excess.pmin(self.zero);
        self.powers.add(r, b);
    }
}

/// Sums of powers of the distances of r and b from values near their means.
struct Powers<N> {
    r_from: N,
    b_from: N,
    r: N,
    b: N,
    squares: N,
    cubes: N,
    fourths: N,
    benchmark: N,
    products: N,
    active: N,
}

impl<N: Lanes> Powers<N> {
    #[inline(always)]
    fn none(zero: N, r_from: N, b_from: N) -> Self {
        Self {
            r_from,
            b_from,
            r: zero,
            b: zero,
            squares: zero,
            cubes: zero,
            fourths: zero,
            benchmark: zero,
            products: zero,
            active: zero,
        }
    }

    #[inline(always)]
    fn add(&mut self, r: N, b: N) {
        let (r, b) = (r - self.r_from, b - self.b_from);
        let (square, active) = (r * r, r - b);
        self.r = self.r + r;
        self.b = self.b + b;
        self.squares = self.squares + square;
        self.cubes = self.cubes + square * r;
        self.fourths = self.fourths + square * square;
        self.benchmark = self.benchmark + b * b;
        self.products = self.products + r * b;
        self.active = self.active + active * active;
    }
}

impl<N: F64x4> Powers<N> {
    /// Adds up the four lanes of each sum.
    #[inline(always)]
    fn sum(&self) -> Powers<f64> {
        Powers {
            r_from: self.r_from.to_array()[0],
            b_from: self.b_from.to_array()[0],
            r: self.r.sum(),
            b: self.b.sum(),
            squares: self.squares.sum(),
            cubes: self.cubes.sum(),
            fourths: self.fourths.sum(),
            benchmark: self.benchmark.sum(),
            products: self.products.sum(),
            active: self.active.sum(),
        }
    }
}

impl Powers<f64> {
    #[inline(always)]
    fn plus(self, other: &Self) -> Self {
        Self {
            r: self.r + other.r,
            b: self.b + other.b,
            squares: self.squares + other.squares,
            cubes: self.cubes + other.cubes,
            fourths: self.fourths + other.fourths,
            benchmark: self.benchmark + other.benchmark,
            products: self.products + other.products,
            active: self.active + other.active,
            ..self
        }
    }

    /// Returns the central moments; the means are still distances from the origins.
    #[inline(always)]
    fn central(&self, count: f64) -> Moments {
        let (r, b) = (self.r / count, self.b / count);
        let active = r - b;
        Moments {
            count,
            mean: r,
            benchmark_mean: b,
            squares: self.squares - count * r * r,
            cubes: self.cubes - 3.0 * r * self.squares + 2.0 * count * r * r * r,
            fourths: self.fourths - 4.0 * r * self.cubes + 6.0 * r * r * self.squares
                - 3.0 * count * r * r * r * r,
            benchmark: self.benchmark - count * b * b,
            products: self.products - count * r * b,
            active: self.active - count * active * active,
        }
    }
}

/// Central moments of r, b and r − b, times the number of bars.
#[derive(Debug, Clone, Default)]
struct Moments {
    count: f64,
    mean: f64,
    benchmark_mean: f64,
    squares: f64,
    cubes: f64,
    fourths: f64,
    benchmark: f64,
    products: f64,
    active: f64,
}

impl Moments {
    /// Appends the moments of the bars that follow.
    fn join(&mut self, next: &Self) {
        let (m, k) = (self.count, next.count);
        let n = m + k;
        let step = next.mean - self.mean;
        let benchmark_step = next.benchmark_mean - self.benchmark_mean;
        let active_step = step - benchmark_step;
        let (weight, share) = (m * k / n, step / n);
        self.fourths += next.fourths
            + step * share * share * share * m * k * (m * m - m * k + k * k)
            + 6.0 * share * share * (m * m * next.squares + k * k * self.squares)
            + 4.0 * share * (m * next.cubes - k * self.cubes);
        self.cubes += next.cubes
            + step * share * share * m * k * (m - k)
            + 3.0 * share * (m * next.squares - k * self.squares);
        self.squares += next.squares + step * step * weight;
        self.benchmark += next.benchmark + benchmark_step * benchmark_step * weight;
        self.products += next.products + step * benchmark_step * weight;
        self.active += next.active + active_step * active_step * weight;
        self.mean += share * k;
        self.benchmark_mean += benchmark_step / n * k;
        self.count = n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::multiversion::Scalar;

    fn moments(r: &[f64], b: &[f64]) -> Moments {
        let mut sums = RunningSums::default();
        sums.add(Scalar, &ReturnBlock { r, b, equity: &vec![1.0; r.len()] }, 0.0);
        sums.moments
    }

    #[test]
    fn a_first_value_far_from_the_mean_costs_no_precision() {
        for far in [0.0, 1.0, -2.0] {
            let mut r: Vec<f64> = (0..1_001).map(|at| 1e-3 * (f64::from(at) * 0.7).sin()).collect();
            let mut b: Vec<f64> = (0..1_001).map(|at| 2e-3 * (f64::from(at) * 0.3).cos()).collect();
            r[0] += far;
            b[0] -= far;
            let found = moments(&r, &b);
            let mean = |values: &[f64]| values.iter().sum::<f64>() / count_to_f64(values.len());
            let (r_mean, b_mean) = (mean(&r), mean(&b));
            let sum = |of: fn(f64, f64) -> f64| -> f64 {
                r.iter().zip(&b).map(|(r, b)| of(r - r_mean, b - b_mean)).sum()
            };
            for (found, expected) in [
                (found.squares, sum(|r, _| r * r)),
                (found.cubes, sum(|r, _| r * r * r)),
                (found.fourths, sum(|r, _| r * r * r * r)),
                (found.benchmark, sum(|_, b| b * b)),
                (found.products, sum(|r, b| r * b)),
                (found.active, sum(|r, b| (r - b) * (r - b))),
                (found.mean, r_mean),
                (found.benchmark_mean, b_mean),
            ] {
                let scale = expected.abs().max(1e-9);
                assert!((found - expected).abs() < 1e-11 * scale, "{found} {expected} at {far}");
            }
        }
    }

    #[test]
    fn a_small_difference_from_the_benchmark_keeps_its_digits() {
        let b: Vec<f64> = (0..1_001).map(|at| 0.01 * (f64::from(at) * 0.3).cos()).collect();
        let difference = |at: usize| 1e-9 * ((at * 7919) % 13) as f64;
        let r: Vec<f64> = b.iter().enumerate().map(|(at, b)| b + difference(at)).collect();
        let mean = (0..1_001).map(difference).sum::<f64>() / 1_001.0;
        let expected: f64 = (0..1_001).map(|at| (difference(at) - mean).powi(2)).sum();
        // What is left of the difference after rounding r has seven digits.
        assert!((moments(&r, &b).active / expected - 1.0).abs() < 1e-7);
    }

    #[test]
    fn returns_that_never_change_have_no_deviation_at_all() {
        for value in [0.0, 0.01, -1e-9] {
            let found = moments(&[value; 1_003], &[value; 1_003]);
            assert_eq!((found.squares, found.fourths, found.active), (0.0, 0.0, 0.0));
            assert!((found.mean - value).abs() <= 1e-14 * value.abs());
        }
    }
}
