//! Sums and central moments of the returns, block by block.
//!
//! Deviations are summed about the mean of their own block, and the sums of two blocks are joined exactly (Chan, Golub and
//! `LeVeque` 1979; Pébay 2008 for the higher moments), so that no digits cancel and no bar is read twice.

use super::lanes::Lanes;
use super::returns::Block;
use super::{ReturnFacts, float};

/// Values that are summed side by side: four fill two registers of the smallest vector unit, which leaves registers for
/// all sums of a loop.
const WIDTH: usize = 4;

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
    pub(super) fn take(&mut self, block: &Block<'_>, risk_free: f64) {
        let ((r, r_rest), (b, b_rest)) =
            (block.r.as_chunks::<WIDTH>(), block.b.as_chunks::<WIDTH>());
        let (e, e_rest) = block.equity.as_chunks::<WIDTH>();
        let (mut body, mut rest) = (Sums::<WIDTH>::default(), Sums::<1>::default());
        r.iter().zip(b).zip(e).for_each(|((r, b), e)| body.add(r, b, e, risk_free));
        r_rest
            .iter()
            .zip(b_rest)
            .zip(e_rest)
            .for_each(|((r, b), e)| rest.add(&[*r], &[*b], &[*e], risk_free));
        let (sum_r, sum_b) = (body.r.total() + rest.r.total(), body.b.total() + rest.b.total());
        self.r += sum_r;
        self.b += sum_b;
        self.equity += body.equity.total() + rest.equity.total();
        self.downside += body.downside.total() + rest.downside.total();
        self.gains += body.gains.total() + rest.gains.total();
        self.losses += body.losses.total() + rest.losses.total();

        let count = float(block.r.len());
        let (mean, benchmark_mean) = (sum_r / count, sum_b / count);
        let (mut body, mut rest) = (Deviations::<WIDTH>::default(), Deviations::<1>::default());
        r.iter().zip(b).for_each(|(r, b)| body.add(r, b, mean, benchmark_mean));
        r_rest.iter().zip(b_rest).for_each(|(r, b)| rest.add(&[*r], &[*b], mean, benchmark_mean));
        self.moments.join(&Moments {
            count,
            mean,
            benchmark_mean,
            squares: body.squares.total() + rest.squares.total(),
            cubes: body.cubes.total() + rest.cubes.total(),
            fourths: body.fourths.total() + rest.fourths.total(),
            benchmark: body.benchmark.total() + rest.benchmark.total(),
            products: body.products.total() + rest.products.total(),
            active: body.active.total() + rest.active.total(),
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
#[derive(Default)]
struct Sums<const N: usize> {
    r: Lanes<N>,
    b: Lanes<N>,
    equity: Lanes<N>,
    downside: Lanes<N>,
    gains: Lanes<N>,
    losses: Lanes<N>,
}

impl<const N: usize> Sums<N> {
    #[inline(always)]
    // One loop over all lanes: that is what becomes vector instructions.
    fn add(&mut self, r: &[f64; N], b: &[f64; N], equity: &[f64; N], risk_free: f64) {
        for lane in 0..N {
            let (r, excess) = (r[lane], r[lane] - risk_free);
            let down = if r < 0.0 { r } else { 0.0 };
            self.r.0[lane] += r;
            self.b.0[lane] += b[lane];
            self.equity.0[lane] += equity[lane];
            self.downside.0[lane] += down * down;
            self.gains.0[lane] += if excess > 0.0 { excess } else { 0.0 };
            self.losses.0[lane] += if excess < 0.0 { excess } else { 0.0 };
        }
    }
}

/// Sums over a block of powers of deviations from its means.
#[derive(Default)]
struct Deviations<const N: usize> {
    squares: Lanes<N>,
    cubes: Lanes<N>,
    fourths: Lanes<N>,
    benchmark: Lanes<N>,
    products: Lanes<N>,
    active: Lanes<N>,
}

impl<const N: usize> Deviations<N> {
    #[inline(always)]
    // One loop over all lanes: that is what becomes vector instructions.
    fn add(&mut self, r: &[f64; N], b: &[f64; N], mean: f64, benchmark_mean: f64) {
        for lane in 0..N {
            let (r, b) = (r[lane] - mean, b[lane] - benchmark_mean);
            let (square, active) = (r * r, r - b);
            self.squares.0[lane] += square;
            self.cubes.0[lane] += square * r;
            self.fourths.0[lane] += square * square;
            self.benchmark.0[lane] += b * b;
            self.products.0[lane] += r * b;
            self.active.0[lane] += active * active;
        }
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
