//! Sums and central moments of the returns, block by block.
//!
//! Deviations are summed about the mean of their own block, and the sums of two blocks are joined exactly (Chan, Golub and
//! `LeVeque` 1979; Pébay 2008 for the higher moments), so that no digits cancel and no bar is read twice.

use super::returns::Block;
use super::{ReturnFacts, float};
use crate::wide::{Four, Number, Processor};

/// What all blocks so far sum up to.
#[derive(Default)]
pub(super) struct Totals {
    r: f64,
    b: f64,
    pub equity: f64,
    downside: f64,
    gains: f64,
    losses: f64,
    moments: Moments,
}

impl Totals {
    /// Adds a block.
    #[inline(always)]
    pub(super) fn take<P: Processor>(&mut self, processor: P, block: &Block<'_>, risk_free: f64) {
        let ((r, r_rest), (b, b_rest)) = (block.r.as_chunks::<4>(), block.b.as_chunks::<4>());
        let (e, e_rest) = block.equity.as_chunks::<4>();
        let mut body = Sums::none(processor.all(0.0), processor.all(risk_free));
        for ((r, b), e) in r.iter().zip(b).zip(e) {
            body.add(processor.read(r), processor.read(b), processor.read(e));
        }
        let mut rest = Sums::none(0.0, risk_free);
        for ((&r, &b), &e) in r_rest.iter().zip(b_rest).zip(e_rest) {
            rest.add(r, b, e);
        }
        let (sum_r, sum_b) = (body.r.total() + rest.r, body.b.total() + rest.b);
        self.r += sum_r;
        self.b += sum_b;
        self.equity += body.equity.total() + rest.equity;
        self.downside += body.downside.total() + rest.downside;
        self.gains += body.gains.total() + rest.gains;
        self.losses += body.losses.total() + rest.losses;

        let count = float(block.r.len());
        let (mean, benchmark_mean) = (sum_r / count, sum_b / count);
        let mut body = Deviations::none(
            processor.all(0.0),
            processor.all(mean),
            processor.all(benchmark_mean),
        );
        for (r, b) in r.iter().zip(b) {
            body.add(processor.read(r), processor.read(b));
        }
        let mut rest = Deviations::none(0.0, mean, benchmark_mean);
        for (&r, &b) in r_rest.iter().zip(b_rest) {
            rest.add(r, b);
        }
        self.moments.join(&Moments {
            count,
            mean,
            benchmark_mean,
            squares: body.squares.total() + rest.squares,
            cubes: body.cubes.total() + rest.cubes,
            fourths: body.fourths.total() + rest.fourths,
            benchmark: body.benchmark.total() + rest.benchmark,
            products: body.products.total() + rest.products,
            active: body.active.total() + rest.active,
        });
    }

    /// Writes the sums down.
    pub(super) fn give(&self, facts: &mut ReturnFacts) {
        facts.mean = self.r / self.moments.count;
        facts.benchmark_mean = self.b / self.moments.count;
        facts.downside_squares = self.downside;
        facts.gains = self.gains;
        facts.losses = self.losses;
        facts.squares = self.moments.squares;
        facts.cubes = self.moments.cubes;
        facts.fourths = self.moments.fourths;
        facts.benchmark_squares = self.moments.benchmark;
        facts.products = self.moments.products;
        facts.active_squares = self.moments.active;
    }
}

/// Plain sums over a block.
struct Sums<N> {
    zero: N,
    risk_free: N,
    r: N,
    b: N,
    equity: N,
    downside: N,
    gains: N,
    losses: N,
}

impl<N: Number> Sums<N> {
    #[inline(always)]
    fn none(zero: N, risk_free: N) -> Self {
        Self {
            zero,
            risk_free,
            r: zero,
            b: zero,
            equity: zero,
            downside: zero,
            gains: zero,
            losses: zero,
        }
    }

    #[inline(always)]
    fn add(&mut self, r: N, b: N, equity: N) {
        let excess = r - self.risk_free;
        let down = r.smaller(self.zero);
        self.r = self.r + r;
        self.b = self.b + b;
        self.equity = self.equity + equity;
        self.downside = self.downside + down * down;
        self.gains = self.gains + excess.larger(self.zero);
        self.losses = self.losses + excess.smaller(self.zero);
    }
}

/// Sums over a block of powers of deviations from its means.
struct Deviations<N> {
    mean: N,
    benchmark_mean: N,
    squares: N,
    cubes: N,
    fourths: N,
    benchmark: N,
    products: N,
    active: N,
}

impl<N: Number> Deviations<N> {
    #[inline(always)]
    fn none(zero: N, mean: N, benchmark_mean: N) -> Self {
        Self {
            mean,
            benchmark_mean,
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
        let (r, b) = (r - self.mean, b - self.benchmark_mean);
        let (square, active) = (r * r, r - b);
        self.squares = self.squares + square;
        self.cubes = self.cubes + square * r;
        self.fourths = self.fourths + square * square;
        self.benchmark = self.benchmark + b * b;
        self.products = self.products + r * b;
        self.active = self.active + active * active;
    }
}

/// Central moments of r, b and r − b, times the number of bars.
#[derive(Default)]
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
    /// Joins the moments of the bars that follow.
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
