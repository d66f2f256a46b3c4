//! The expected maximum of independent standard normal numbers, and the number of them whose maximum is expected to be that high.
//!
//! z(N) = (1 − γ)·Φ⁻¹(1 − 1 ÷ N) + γ·Φ⁻¹(1 − 1 ÷ (N·e)), with γ = 0.5772…; 0 for N ≤ 1. N need not be whole. Unit: standard
//! deviations. Reference: Bailey and López de Prado (2014). The formula is that of a limit: it is 2.5 % above the exact value at
//! 5, 0.9 % at 100, 0.4 % at 1,000, and 8 % below it at 2.

use super::normal;
use crate::numbers::count_to_f64;

/// Euler's constant.
const GAMMA: f64 = 0.577_215_664_901_532_9;

/// The largest number of trials that [`effective_trials`] finds.
const MOST: f64 = 1e9;

/// Returns z(N).
#[must_use]
pub fn expected_maximum(trials: f64) -> f64 {
    if trials.is_nan() || trials <= 1.0 {
        return 0.0;
    }
    // 1 − 1/N is not taken, because it loses digits.
    let tail = |p: f64| normal::upper_quantile(p).unwrap_or(0.0);
    (1.0 - GAMMA) * tail(1.0 / trials) + GAMMA * tail(1.0 / (trials * std::f64::consts::E))
}

/// Returns z⁻¹(maximum) by bisection of log N: how many independent trials have this expected maximum. From 1 to 10⁹; 1 unless the
/// maximum is above 0.
///
/// Near one trial the formula of z is rough: maxima just above 0 give 1.3 instead of 1.
#[must_use]
pub fn trials_of_maximum(maximum: f64) -> f64 {
    if maximum.is_nan() || maximum <= 0.0 {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, libm::log(MOST));
    // Each step halves an interval of 21: the last ones are below the digits of an f64.
    for _ in 0..64 {
        let middle = 0.5 * (low + high);
        if middle > 0.0 && expected_maximum(libm::exp(middle)) >= maximum {
            high = middle;
        } else {
            low = middle;
        }
    }
    libm::exp(0.5 * (low + high))
}

/// Returns the effective number of trials of a search: [`trials_of_maximum`] of the mean of its sketch, at least 1 and at most the
/// number of trials.
///
/// Trials that do nearly the same count once. The measure is the height of their maximum, not the dimension of their returns. Null
/// case: without trials it is 1.
#[must_use]
pub fn effective_trials(mean_maximum: f64, trials: usize) -> f64 {
    trials_of_maximum(mean_maximum).min(count_to_f64(trials)).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::testing::{cases, numbers, same, within};

    #[test]
    fn it_equals_the_reference() {
        for (trials, expected) in [
            (2.0, 0.519_755_344_280_593_9),
            (3.0, 0.852_804_496_150_694_9),
            (4.0, 1.052_122_824_189_300_6),
            (10.0, 1.574_598_301_345_75),
            (100.0, 2.530_602_893_201_684_6),
            (1000.0, 3.255_121_513_652_723),
        ] {
            within(expected_maximum(trials), expected, 1e-13);
        }
        // The references take 1 − 1/N, which is off in the tail.
        within(expected_maximum(1e4), 3.860_664_855_510_44, 1e-12);
        within(expected_maximum(1e6), 4.867_860_037_846_844, 1e-10);
        assert_eq!(expected_maximum(1.0), 0.0);
        assert_eq!(expected_maximum(f64::NAN), 0.0);
    }

    #[test]
    fn its_error_is_known() {
        for (by, tolerance) in [("exact", 0.08), ("approximate", 1e-11)] {
            for pair in cases()["expectedMaximum"][by].as_array().unwrap() {
                let pair = numbers(pair);
                within(expected_maximum(pair[0]), pair[1], tolerance);
            }
        }
        for (trials, exact, error) in [
            (2.0, 0.564_189_583_5, -0.08),
            (100.0, 2.507_593_636_4, 0.0092),
            (1e3, 3.241_435_769_1, 0.0043),
            (1e6, 4.862_897_486_2, 0.0011),
        ] {
            let found: f64 = expected_maximum(trials) / exact - 1.0;
            assert!((found - error).abs() < 0.0013, "{trials}: {found}");
        }
    }

    #[test]
    fn the_inverse_equals_the_reference() {
        for (maximum, expected) in [
            (0.5, 1.958_245_781_340_911),
            (1.0, 3.698_008_296_545_223_7),
            (1.5, 8.647_136_266_859_633),
            (2.0, 25.168_602_609_404_35),
            (2.5, 91.708_929_360_324_2),
            (3.0, 420.383_579_109_052_3),
        ] {
            within(trials_of_maximum(maximum), expected, 1e-11);
        }
    }

    #[test]
    fn effective_trials_are_between_one_and_all() {
        assert_eq!(effective_trials(-0.3, 10), 1.0);
        assert_eq!(effective_trials(f64::NAN, 10), 1.0);
        assert_eq!(effective_trials(0.0, 1000), 1.0);
        assert_eq!(effective_trials(3.0, 4), 4.0);
        assert_eq!(effective_trials(3.0, 0), 1.0);
        same(effective_trials(1.364_283_512_282_163_7, 1000), 6.721_186_173_116_219_5);
        within(trials_of_maximum(100.0), 1e9, 1e-9);
        // Half a percent of the maximum is a few percent of the number.
        within(trials_of_maximum(expected_maximum(12_345.0)), 12_345.0, 1e-12);
    }
}
