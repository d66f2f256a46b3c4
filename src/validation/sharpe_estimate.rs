//! What the formulas of one series need: the Sharpe ratio with the shape of the returns.

use super::missing::{Known, Missing};
use super::moments::Moments;
use super::per_bar::PerBar;
use crate::numbers::count_to_f64;

/// A radicand below this has no root: the moments contradict each other.
const LEAST: f64 = 1e-12;

/// The Sharpe ratio of a series of returns, and the shape of their distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharpeEstimate {
    /// The ratio per bar.
    pub ratio: PerBar,
    /// The skewness of the returns.
    pub skewness: f64,
    /// The kurtosis of the returns; 3 for a normal distribution.
    pub kurtosis: f64,
    /// The number of bars, T.
    pub bars: usize,
}

impl From<Moments> for SharpeEstimate {
    fn from(moments: Moments) -> Self {
        Self {
            ratio: moments.sharpe_ratio(),
            skewness: moments.skewness,
            kurtosis: moments.kurtosis,
            bars: moments.bars,
        }
    }
}

impl SharpeEstimate {
    /// Estimates the Sharpe ratio of returns.
    ///
    /// # Errors
    /// Those of [`Moments::of`].
    pub fn of(returns: &[f64]) -> Known<Self> {
        Moments::of(returns).map(Self::from)
    }

    /// Returns 1 − g3·SR + (g4 − 1) ÷ 4 · SR²: the variance of the ratio × (T − 1).
    ///
    /// # Errors
    /// [`Missing::NoError`] below 1e-12.
    pub(super) fn unit_variance(&self) -> Known {
        let ratio = self.ratio.0;
        let radicand = 1.0 - self.skewness * ratio + (self.kurtosis - 1.0) / 4.0 * ratio * ratio;
        if radicand.is_nan() || radicand < LEAST { Err(Missing::NoError) } else { Ok(radicand) }
    }

    /// Returns T − 1.
    ///
    /// # Errors
    /// [`Missing::TooFewBars`] below two bars.
    pub(super) fn degrees(&self) -> Known {
        if self.bars < 2 { Err(Missing::TooFewBars) } else { Ok(count_to_f64(self.bars - 1)) }
    }
}
