//! Comparison and addition of amounts that carry rounding errors.
//!
//! Two finite numbers are close if they differ by at most 1e-9 of the larger one, or by at most 1e-12. A sum that is close
//! to zero becomes exactly zero, so that a closed position is closed and spent cash is spent. These are vectorbt's rules.

const RELATIVE: f64 = 1e-9;
const ABSOLUTE: f64 = 1e-12;

/// Returns whether two numbers are equal within rounding error. NaN and infinities are close to nothing.
#[inline]
#[must_use]
pub fn close(a: f64, b: f64) -> bool {
    if !a.is_finite() || !b.is_finite() {
        return false;
    }
    let (distance, a, b) = ((a - b).abs(), a.abs(), b.abs());
    let rounding = RELATIVE * if a > b { a } else { b };
    distance <= if rounding > ABSOLUTE { rounding } else { ABSOLUTE }
}

/// Returns whether `a` is below `b` by more than rounding error.
#[inline]
#[must_use]
pub(super) fn less(a: f64, b: f64) -> bool {
    a < b && !close(a, b)
}

/// Returns whether `a` is below `b` or close to it.
#[inline]
#[must_use]
pub(super) fn less_or_close(a: f64, b: f64) -> bool {
    a < b || close(a, b)
}

/// Returns `a + b`, or exactly 0 if the two cancel within rounding error.
///
/// Two numbers cancel if their signs differ and their magnitudes are [`close`]. The difference of the magnitudes is the
/// magnitude of the sum then. With equal signs the sum is no smaller than either, so that signs need not be compared.
#[inline]
#[must_use]
pub fn add(a: f64, b: f64) -> f64 {
    let sum = a + b;
    let (a, b) = (a.abs(), b.abs());
    let larger = if a > b { a } else { b };
    // An infinite number cancels nothing.
    let larger = if larger < f64::MAX { larger } else { f64::MAX };
    let rounding = RELATIVE * larger;
    let rounding = if rounding > ABSOLUTE { rounding } else { ABSOLUTE };
    if sum.abs() <= rounding {
        // The box makes this a branch, which is predicted. Otherwise each sum waits for its test, and the next order for the sum.
        std::hint::black_box(0.0)
    } else {
        sum
    }
}

/// Returns 0 for a number within rounding error of 0, and any other number unchanged.
#[inline]
#[must_use]
pub fn snap(value: f64) -> f64 {
    if value.abs() <= ABSOLUTE { 0.0 } else { value }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the results are exact")]
mod tests {
    use super::*;

    #[test]
    fn rounding_errors_are_distinguished_from_differences() {
        assert!(close(0.1 + 0.2, 0.3));
        assert!(close(1e12, 1e12 + 100.0));
        assert!(!close(1.0, 1.0 + 2e-9));
        assert!(close(1e-13, 0.0));
        assert!(!close(f64::INFINITY, f64::INFINITY));
        assert!(!less(1.0, 1.0 + 1e-10));
        assert!(less_or_close(1.0 + 1e-10, 1.0));
        assert!(less(1.0, f64::INFINITY));
    }

    /// [`add`] by its definition, with a comparison of the signs.
    fn add_by_definition(a: f64, b: f64) -> f64 {
        let sum = a + b;
        let cancels = (a > 0.0) != (b > 0.0) && a != 0.0 && b != 0.0 && close(a.abs(), b.abs());
        if cancels || sum.abs() <= ABSOLUTE { 0.0 } else { sum }
    }

    #[test]
    fn sums_equal_those_of_the_definition() {
        let mut values = vec![0.0, -0.0, 1e-13, 1e-12, 2e-12, 1e-9, 5e-324, f64::NAN];
        for base in [1e-12, 1e-3, 1.0, 1e4, 1e15, 1e299, f64::MAX, f64::INFINITY] {
            for factor in [1.0, 1.0 + 1e-10, 1.0 + 1e-9, 1.0 + 1.000_001e-9, 1.0 + 2e-9, 0.5] {
                values.push(base * factor);
            }
        }
        for &a in &values {
            for &b in &values {
                for (a, b) in [(a, b), (-a, b), (a, -b), (-a, -b)] {
                    let (found, expected) = (add(a, b), add_by_definition(a, b));
                    let same = found.to_bits() == expected.to_bits();
                    assert!(
                        same || found.is_nan() && expected.is_nan(),
                        "{a:e} + {b:e}: {found:e}"
                    );
                }
            }
        }
    }

    #[test]
    fn amounts_that_cancel_leave_exactly_zero() {
        assert_eq!(add(0.3, -(0.1 + 0.2)).to_bits(), 0.0_f64.to_bits());
        assert_eq!(add(1e9, -(1e9 + 0.5)).to_bits(), 0.0_f64.to_bits());
        assert_eq!(add(1.0, -0.5), 0.5);
    }
}
