//! The years of data that a search needs to find a true edge: ((critical + Φ⁻¹(power)) ÷ SR)².
//!
//! `critical`: what the statistic of the best trial must exceed, from the sketch of the search; before anything has run,
//! Φ⁻¹(0.95^(1 ÷ N)) for N independent trials (Šidák). SR: the true Sharpe ratio a year. Unit: years. Reference: the power of a
//! one-sided test of a mean. Null: for a ratio that is not above 0, and for arguments outside their range.

use super::missing::{Known, Missing, finite};
use super::normal;
use super::per_bar::Annual;

/// Returns the critical value of the best of so many independent trials at level `alpha`, in standard deviations.
///
/// # Errors
/// [`Missing::OutOfRange`] unless 0 < alpha < 1 and there is at least one trial.
pub fn independent_critical_value(trials: f64, alpha: f64) -> Known {
    if trials.is_nan() || trials < 1.0 || !(alpha > 0.0 && alpha < 1.0) {
        return Err(Missing::OutOfRange);
    }
    // 1 − (1 − α)^(1/N), without the digits that the power loses.
    normal::upper_quantile(-libm::expm1(libm::log1p(-alpha) / trials))
}

/// Returns the years after which a true ratio exceeds the critical value with probability `power`.
///
/// # Errors
/// [`Missing::NotAboveTarget`] unless the ratio is above 0, [`Missing::OutOfRange`] unless 0 < power < 1.
pub fn years_for_power(critical: f64, power: f64, ratio: Annual) -> Known {
    if ratio.0.is_nan() || ratio.0 <= 0.0 {
        return Err(Missing::NotAboveTarget);
    }
    let needed = (critical + normal::quantile(power)?).max(0.0) / ratio.0;
    finite(needed * needed)
}

/// Returns the probability that a true ratio exceeds the critical value after so many years: Φ(SR·√years − critical).
///
/// # Errors
/// [`Missing::OutOfRange`] for a negative number of years, [`Missing::NotFinite`].
pub fn power(critical: f64, years: f64, ratio: Annual) -> Known {
    if years.is_nan() || years < 0.0 {
        return Err(Missing::OutOfRange);
    }
    Ok(normal::cdf(finite(ratio.0 * years.sqrt() - critical)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::testing::{same, within};

    #[test]
    fn critical_values_equal_the_reference() {
        for (trials, expected) in [
            (1.0, 1.644_853_626_951_471_5),
            (10.0, 2.567_875_368_592_568_4),
            (100.0, 3.283_407_535_273_894_5),
            (1000.0, 3.884_397_501_207_826_7),
        ] {
            within(independent_critical_value(trials, 0.05).unwrap(), expected, 1e-13);
        }
        // The reference takes 0.95^(1/N), which is off in the tail.
        within(independent_critical_value(1e6, 0.05).unwrap(), 5.322_081_506_337_376, 1e-11);
    }

    #[test]
    fn years_are_those_of_the_table() {
        for (trials, half, most) in [
            (1.0, 2.7, 6.2),
            (10.0, 6.6, 11.6),
            (100.0, 10.8, 17.0),
            (1000.0, 15.1, 22.3),
            (1e6, 28.3, 38.0),
        ] {
            let critical = independent_critical_value(trials, 0.05).unwrap();
            for (wanted, expected) in [(0.5, half), (0.8, most)] {
                let years = years_for_power(critical, wanted, Annual(1.0)).unwrap();
                assert!((years - expected).abs() < 0.051, "{trials} {wanted}: {years}");
                same(power(critical, years, Annual(1.0)).unwrap(), wanted);
                same(years_for_power(critical, wanted, Annual(2.0)).unwrap(), years / 4.0);
            }
        }
    }

    #[test]
    fn arguments_outside_have_none() {
        assert_eq!(independent_critical_value(0.5, 0.05), Err(Missing::OutOfRange));
        assert_eq!(independent_critical_value(2.0, 1.0), Err(Missing::OutOfRange));
        assert_eq!(years_for_power(2.0, 0.8, Annual(0.0)), Err(Missing::NotAboveTarget));
        assert_eq!(years_for_power(2.0, 1.0, Annual(1.0)), Err(Missing::OutOfRange));
        assert_eq!(power(2.0, -1.0, Annual(1.0)), Err(Missing::OutOfRange));
        // Less than certain without data.
        assert_eq!(years_for_power(1.0, 0.01, Annual(1.0)), Ok(0.0));
    }
}
