//! The standard errors of a Sharpe ratio.
//!
//! | error | formula | valid for |
//! |---|---|---|
//! | [`standard_error`] | √((1 − g3·SR + (g4 − 1) ÷ 4 · SR²) ÷ (T − 1)) | independent returns of any distribution |
//! | [`normal_error`] | √((1 + SR² ÷ 2) ÷ T) | independent normal returns; only to compare |
//!
//! Unit: per bar. References: Mertens (2002); Lo (2002). Null: for fewer than two bars, and if the radicand is below 1e-12.

use super::missing::{Known, Missing};
use super::sharpe_estimate::SharpeEstimate;
use crate::numbers::count_to_f64;

/// Returns the standard error of a Sharpe ratio, per bar, without an assumption about the distribution of the returns.
///
/// # Errors
/// [`Missing::TooFewBars`], [`Missing::NoError`].
pub fn standard_error(estimate: &SharpeEstimate) -> Known {
    Ok((estimate.unit_variance()? / estimate.degrees()?).sqrt())
}

/// Returns the standard error for independent normal returns, per bar.
///
/// # Errors
/// [`Missing::TooFewBars`].
pub fn normal_error(estimate: &SharpeEstimate) -> Known {
    if estimate.bars == 0 {
        return Err(Missing::TooFewBars);
    }
    let ratio = estimate.ratio.0;
    Ok(((1.0 + ratio * ratio / 2.0) / count_to_f64(estimate.bars)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::per_bar::PerBar;
    use crate::validation::testing::{D, cases, numbers, same};

    #[test]
    fn they_equal_the_reference() {
        for (trial, error, normal) in [
            (0, 0.232_702_658_101_026_3, 0.207_456_022_309_463_94),
            (3, 0.209_226_215_326_997, 0.215_441_527_455_416_1),
        ] {
            let estimate = SharpeEstimate::of(&D[trial]).unwrap();
            same(standard_error(&estimate).unwrap(), error);
            same(normal_error(&estimate).unwrap(), normal);
        }
        for case in cases()["series"].as_array().unwrap() {
            let estimate = SharpeEstimate::of(&numbers(&case["returns"])).unwrap();
            same(standard_error(&estimate).unwrap(), case["standardError"].as_f64().unwrap());
        }
    }

    #[test]
    fn contradicting_moments_have_none() {
        let estimate =
            SharpeEstimate { ratio: PerBar(1.0), skewness: 2.0, kurtosis: 3.0, bars: 24 };
        assert_eq!(standard_error(&estimate), Err(Missing::NoError));
        let estimate = SharpeEstimate { ratio: PerBar(1.0), skewness: 0.0, kurtosis: 3.0, bars: 1 };
        assert_eq!(standard_error(&estimate), Err(Missing::TooFewBars));
        assert_eq!(normal_error(&SharpeEstimate { bars: 0, ..estimate }), Err(Missing::TooFewBars));
    }
}
