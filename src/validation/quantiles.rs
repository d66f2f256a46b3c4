//! Quantiles, linear between order statistics, as numpy's default.

use crate::numbers::count_to_f64;

/// Returns a quantile of numbers in ascending order: at the place p·(n − 1), counted from 0. NaN without numbers.
pub(super) fn of_sorted(sorted: &[f64], p: f64) -> f64 {
    let place = p.clamp(0.0, 1.0) * count_to_f64(sorted.len().saturating_sub(1));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a slice"
    )]
    let below = place.floor() as usize;
    let low = sorted.get(below).copied().unwrap_or(f64::NAN);
    let high = sorted.get(below + 1).copied().unwrap_or(low);
    low + (high - low) * (place - count_to_f64(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_linear_between_the_numbers() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(of_sorted(&sorted, 0.0), 1.0);
        assert_eq!(of_sorted(&sorted, 0.5), 3.0);
        assert_eq!(of_sorted(&sorted, 0.75), 5.0);
        assert_eq!(of_sorted(&sorted, 1.0), 8.0);
        assert!(of_sorted(&[], 0.5).is_nan());
    }
}
