//! Sums with twice the digits of a number.

/// A sum with twice the digits (Knuth's two-sum), so that a prefix is off by no more than its own rounding.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Exact {
    high: f64,
    low: f64,
}

impl Exact {
    #[inline(always)]
    pub(super) fn add(&mut self, term: f64) {
        let sum = self.high + term;
        let rest = sum - self.high;
        self.low += (self.high - (sum - rest)) + (term - rest);
        self.high = sum;
    }

    #[inline(always)]
    pub(super) fn value(&self) -> f64 {
        self.high + self.low
    }
}
