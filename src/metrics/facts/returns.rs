//! The returns of the bars, from two passes over equity and close in blocks that stay in the nearest cache.
//!
//! The return of a bar is (out − in) ÷ in, with the initial capital as the first `in`. Where equity is at or below zero
//! the sign follows vectorbt: against the magnitude of a negative `in`; 0 from zero to zero, and infinite from zero to
//! anything else. The benchmark is the close; its first return is 0.

use super::lanes::Lanes;
use super::tails::{TailFacts, Tails};
use super::{DrawdownFacts, float};

/// Bars a block. Two blocks of returns and their sources take 32 kB.
const BLOCK: usize = 1_024;

/// Moments of the returns of the bars (`r`), of the benchmark (`b`) and of both together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReturnFacts {
    /// How many returns there are: one a bar.
    pub count: usize,
    /// Mean of r.
    pub mean: f64,
    /// Mean of b.
    pub benchmark_mean: f64,
    /// Sum of (r − mean)².
    pub squares: f64,
    /// Sum of (r − mean)³.
    pub cubes: f64,
    /// Sum of (r − mean)⁴.
    pub fourths: f64,
    /// Sum of the squares of the negative r.
    pub downside_squares: f64,
    /// Sum of the positive r − risk-free rate.
    pub gains: f64,
    /// Sum of the negative r − risk-free rate, at most 0.
    pub losses: f64,
    /// Sum of the squared deviations of b from its mean.
    pub benchmark_squares: f64,
    /// Sum of the products of the deviations of r and b.
    pub products: f64,
    /// Sum of the squared deviations of r − b from its mean.
    pub active_squares: f64,
    /// Product of 1 + r.
    pub growth: f64,
    /// The deepest fall of the running product of 1 + r from its peak, a fraction, at most 0.
    pub deepest_fall: f64,
    /// Sum over the bars of the squared fall of that product from its peak.
    pub fall_squares: f64,
}

impl ReturnFacts {
    /// Returns the variance with n − 1; nothing for fewer than two returns.
    pub fn variance(&self) -> Option<f64> {
        self.per_freedom(self.squares)
    }

    /// Divides a sum by n − 1; nothing for fewer than two returns.
    pub fn per_freedom(&self, sum: f64) -> Option<f64> {
        (self.count > 1).then(|| sum / float(self.count - 1))
    }

    /// Divides a sum by n; nothing without returns.
    pub fn per_bar(&self, sum: f64) -> Option<f64> {
        (self.count > 0).then(|| sum / float(self.count))
    }
}

/// What the two passes give.
pub(super) struct Measured {
    pub facts: ReturnFacts,
    pub tails: Option<TailFacts>,
    pub mean_equity: Option<f64>,
}

/// Measures the returns of a curve; `drawdowns` are those of the same curve.
pub(super) fn measure(
    initial_capital: f64,
    equity: &[f64],
    close: &[f64],
    risk_free: f64,
    drawdowns: &DrawdownFacts,
) -> Measured {
    let mut facts = ReturnFacts { count: equity.len(), growth: 1.0, ..ReturnFacts::default() };
    let (Some(&last), Some(&first_close)) = (equity.last(), close.first()) else {
        return Measured { facts, tails: None, mean_equity: None };
    };
    let count = float(equity.len());
    let mut blocks =
        Blocks { initial_capital, first_close, equity, close, r: [0.0; BLOCK], b: [0.0; BLOCK] };

    let (mut body, mut rest) = (Sums::<8>::new(risk_free), Sums::<1>::new(risk_free));
    let mut regular = initial_capital > 0.0;
    blocks.each(|block| {
        regular &= block.regular;
        let ((r, r_rest), (b, b_rest)) = (block.r.as_chunks::<8>(), block.b.as_chunks::<8>());
        let (e, e_rest) = block.equity.as_chunks::<8>();
        r.iter().zip(b).zip(e).for_each(|((r, b), e)| body.add(r, b, e));
        r_rest.iter().zip(b_rest).zip(e_rest).for_each(|((r, b), e)| rest.add(&[*r], &[*b], &[*e]));
    });
    facts.mean = (body.r.total() + rest.r.total()) / count;
    facts.benchmark_mean = (body.b.total() + rest.b.total()) / count;
    facts.downside_squares = body.downside.total() + rest.downside.total();
    facts.gains = body.gains.total() + rest.gains.total();
    facts.losses = body.losses.total() + rest.losses.total();
    let mean_equity = (body.equity.total() + rest.equity.total()) / count;

    let mut tails = Tails::new(equity.len(), |bar| blocks.one(bar));
    let (mut body, mut rest) = (Moments::<8>::new(&facts), Moments::<1>::new(&facts));
    blocks.each(|block| {
        let ((r, r_rest), (b, b_rest)) = (block.r.as_chunks::<8>(), block.b.as_chunks::<8>());
        r.iter().zip(b).for_each(|(r, b)| body.add(r, b));
        r_rest.iter().zip(b_rest).for_each(|(r, b)| rest.add(&[*r], &[*b]));
        tails.take(block.r);
    });
    body.give(&mut facts);
    rest.give(&mut facts);
    let tails = tails.facts().or_else(|| {
        // The sample misjudged the distribution: take all.
        let mut tails = Tails::all(equity.len());
        blocks.each(|block| tails.take(block.r));
        tails.facts()
    });

    if regular {
        // The running product of 1 + r is the equity itself, but for a factor.
        facts.growth = last / initial_capital;
        facts.deepest_fall = drawdowns.deepest;
        facts.fall_squares = drawdowns.squares;
    } else {
        compound(&mut facts, &mut blocks);
    }
    Measured { facts, tails, mean_equity: Some(mean_equity) }
}

/// Multiplies the returns of a curve that touches zero: its product is not its equity any more.
fn compound(facts: &mut ReturnFacts, blocks: &mut Blocks<'_>) {
    let (mut growth, mut peak) = (1.0_f64, None);
    blocks.each(|block| {
        for &r in block.r {
            growth *= 1.0 + r;
            let highest = peak.map_or(growth, |peak: f64| peak.max(growth));
            let fall = growth / highest - 1.0;
            facts.deepest_fall = facts.deepest_fall.min(fall);
            facts.fall_squares += fall * fall;
            peak = Some(highest);
        }
    });
    facts.growth = growth;
}

/// The return from one equity to the next.
fn change(from: f64, to: f64) -> f64 {
    if from > 0.0 {
        (to - from) / from
    } else if from < 0.0 {
        (from - to) / from
    } else if to.abs() > 0.0 {
        f64::INFINITY.copysign(to)
    } else {
        0.0
    }
}

/// Equity and close, served as blocks of returns.
struct Blocks<'a> {
    initial_capital: f64,
    first_close: f64,
    equity: &'a [f64],
    close: &'a [f64],
    r: [f64; BLOCK],
    b: [f64; BLOCK],
}

/// One block of returns, with the equity that they lead to.
struct Block<'a> {
    r: &'a [f64],
    b: &'a [f64],
    equity: &'a [f64],
    /// Whether all equity is above 0.
    regular: bool,
}

impl Blocks<'_> {
    fn each(&mut self, mut with: impl FnMut(Block<'_>)) {
        let (mut equity_before, mut close_before) = (self.initial_capital, self.first_close);
        for (equity, close) in self.equity.chunks(BLOCK).zip(self.close.chunks(BLOCK)) {
            let regular =
                equity.iter().fold(equity_before > 0.0, |regular, &value| regular && (value > 0.0));
            let (Some(r), Some(b)) =
                (self.r.get_mut(..equity.len()), self.b.get_mut(..close.len()))
            else {
                return;
            };
            if regular {
                changes(equity_before, equity, r);
            } else {
                let mut before = equity_before;
                for (r, &value) in r.iter_mut().zip(equity) {
                    *r = change(before, value);
                    before = value;
                }
            }
            changes(close_before, close, b);
            equity_before = equity.last().copied().unwrap_or(equity_before);
            close_before = close.last().copied().unwrap_or(close_before);
            with(Block { r, b, equity, regular });
        }
    }

    /// Returns the return of one bar; 0 for a bar that is not there.
    fn one(&self, bar: usize) -> f64 {
        let before = bar
            .checked_sub(1)
            .and_then(|before| self.equity.get(before))
            .unwrap_or(&self.initial_capital);
        self.equity.get(bar).map_or(0.0, |&value| change(*before, value))
    }
}

/// Returns of a column whose values are all above 0.
fn changes(before: f64, values: &[f64], returns: &mut [f64]) {
    if let (Some(first), Some(&value)) = (returns.first_mut(), values.first()) {
        *first = (value - before) / before;
    }
    let to = values.get(1..).unwrap_or(&[]);
    let into = returns.get_mut(1..).unwrap_or(&mut []);
    for ((r, from), to) in into.iter_mut().zip(values).zip(to) {
        *r = (to - from) / from;
    }
}

/// The sums of the first pass.
struct Sums<const N: usize> {
    risk_free: f64,
    r: Lanes<N>,
    b: Lanes<N>,
    equity: Lanes<N>,
    downside: Lanes<N>,
    gains: Lanes<N>,
    losses: Lanes<N>,
}

impl<const N: usize> Sums<N> {
    fn new(risk_free: f64) -> Self {
        let none = Lanes::default();
        Self {
            risk_free,
            r: none,
            b: none,
            equity: none,
            downside: none,
            gains: none,
            losses: none,
        }
    }

    #[inline]
    fn add(&mut self, r: &[f64; N], b: &[f64; N], equity: &[f64; N]) {
        let risk_free = self.risk_free;
        self.r.add(*r);
        self.b.add(*b);
        self.equity.add(*equity);
        self.downside.add(r.map(|r| if r < 0.0 { r * r } else { 0.0 }));
        self.gains.add(r.map(|r| if r > risk_free { r - risk_free } else { 0.0 }));
        self.losses.add(r.map(|r| if r < risk_free { r - risk_free } else { 0.0 }));
    }
}

/// The sums of the second pass, about the means of the first.
struct Moments<const N: usize> {
    mean: f64,
    benchmark_mean: f64,
    squares: Lanes<N>,
    cubes: Lanes<N>,
    fourths: Lanes<N>,
    benchmark: Lanes<N>,
    products: Lanes<N>,
    active: Lanes<N>,
}

impl<const N: usize> Moments<N> {
    fn new(facts: &ReturnFacts) -> Self {
        let none = Lanes::default();
        Self {
            mean: facts.mean,
            benchmark_mean: facts.benchmark_mean,
            squares: none,
            cubes: none,
            fourths: none,
            benchmark: none,
            products: none,
            active: none,
        }
    }

    #[inline]
    fn add(&mut self, r: &[f64; N], b: &[f64; N]) {
        let (r, b) = (r.map(|r| r - self.mean), b.map(|b| b - self.benchmark_mean));
        let mut both = [(0.0, 0.0); N];
        for ((both, r), b) in both.iter_mut().zip(r).zip(b) {
            *both = (r, b);
        }
        self.squares.add(r.map(|r| r * r));
        self.cubes.add(r.map(|r| r * r * r));
        self.fourths.add(r.map(|r| (r * r) * (r * r)));
        self.benchmark.add(b.map(|b| b * b));
        self.products.add(both.map(|(r, b)| r * b));
        self.active.add(both.map(|(r, b)| (r - b) * (r - b)));
    }

    fn give(self, facts: &mut ReturnFacts) {
        facts.squares += self.squares.total();
        facts.cubes += self.cubes.total();
        facts.fourths += self.fourths.total();
        facts.benchmark_squares += self.benchmark.total();
        facts.products += self.products.total();
        facts.active_squares += self.active.total();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_around_zero_follow_vectorbt() {
        // vectorbt 1.2.0: returns of the values 100, 50, -50, -100, 0, 0, 10 with 100 before them.
        let expected = [0.0, -0.5, -2.0, -1.0, 1.0, 0.0];
        let equity = [100.0, 50.0, -50.0, -100.0, 0.0, 0.0];
        let mut before = 100.0;
        for (value, expected) in equity.into_iter().zip(expected) {
            assert!((change(before, value) - expected).abs() < 1e-15, "{before} to {value}");
            before = value;
        }
        assert!(change(0.0, 10.0).is_infinite() && change(0.0, -10.0) < 0.0);
    }

    #[test]
    fn blocks_and_lanes_leave_no_bar_out() {
        // 2,061 bars: two blocks, a part of a third, and five bars beyond a multiple of eight.
        let equity: Vec<f64> =
            (0..2_061).map(|bar| 1_000.0 + f64::from(bar % 37) + f64::from(bar) / 9.0).collect();
        let measured = measure(990.0, &equity, &equity, 0.0, &DrawdownFacts::new(&equity));
        let mut plain = Vec::new();
        let mut before = 990.0;
        for &value in &equity {
            plain.push((value - before) / before);
            before = value;
        }
        let mean = plain.iter().sum::<f64>() / 2_061.0;
        let squares: f64 = plain.iter().map(|r| (r - mean).powi(2)).sum();
        assert!((measured.facts.mean / mean - 1.0).abs() < 1e-12);
        assert!((measured.facts.squares / squares - 1.0).abs() < 1e-12);
    }
}
