//! The minimum backtest length: (z(N) ÷ SR)² years.
//!
//! In less time, the best of N trials of which none has an edge is expected to reach the annual Sharpe ratio SR. Unit: years.
//! Reference: Bailey, Borwein, López de Prado and Zhu (2014). Null: for a target that is not above 0. z: [`expected_maximum`].

use super::expected_maximum::expected_maximum;
use super::missing::{Known, Missing, finite};
use super::per_bar::Annual;

/// Returns the years below which the best of so many trials without an edge is expected to reach `target`.
///
/// # Errors
/// [`Missing::NotAboveTarget`] unless the target is above 0.
pub fn minimum_backtest_length(trials: f64, target: Annual) -> Known {
    if target.0.is_nan() || target.0 <= 0.0 {
        return Err(Missing::NotAboveTarget);
    }
    let ratio = expected_maximum(trials) / target.0;
    finite(ratio * ratio)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::testing::same;

    #[test]
    fn it_equals_the_reference() {
        for (trials, expected) in [
            (10.0, 2.479_359_810_600_921_6),
            (45.0, 4.998_087_004_443_404),
            (100.0, 6.403_951_003_080_737),
            (1000.0, 10.595_816_068_644_794),
        ] {
            same(minimum_backtest_length(trials, Annual(1.0)).unwrap(), expected);
        }
        same(minimum_backtest_length(10.0, Annual(2.0)).unwrap(), 2.479_359_810_600_921_6 / 4.0);
        assert_eq!(minimum_backtest_length(1.0, Annual(1.0)), Ok(0.0));
    }

    #[test]
    fn it_needs_a_target() {
        for target in [0.0, -1.0, f64::NAN] {
            assert_eq!(minimum_backtest_length(10.0, Annual(target)), Err(Missing::NotAboveTarget));
        }
    }
}
