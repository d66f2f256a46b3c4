//! Sums of many small numbers, in one order for any number of threads.

/// Numbers that are added one by one; longer runs are halved.
const RUN: usize = 32;

/// Returns the sum of `term(index)` for all indices below `count`: pairwise, so that the error grows with the logarithm of the
/// number of terms.
pub(super) fn pairwise(count: usize, term: &impl Fn(usize) -> f64) -> f64 {
    between(0, count, term)
}

fn between(from: usize, until: usize, term: &impl Fn(usize) -> f64) -> f64 {
    if until - from <= RUN {
        return (from..until).map(term).sum();
    }
    let middle = from + (until - from) / 2;
    between(from, middle, term) + between(middle, until, term)
}

/// Returns the sum of a slice.
pub(super) fn sum(values: &[f64]) -> f64 {
    pairwise(values.len(), &|index| values.get(index).copied().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_tenths_are_a_hundred_thousand() {
        let found = pairwise(1_000_000, &|_| 0.1);
        assert!((found - 100_000.0).abs() < 1e-10, "{found}");
        assert_eq!(sum(&[]), 0.0);
        assert_eq!(sum(&[1.0, 2.0, 4.0]), 7.0);
    }
}
