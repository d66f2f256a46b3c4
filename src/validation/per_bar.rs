//! Sharpe ratios per bar and per year, which must not be mixed up.
//!
//! Every formula of this module takes ratios per bar together with a number of bars. An annual ratio in their place is the most
//! frequent error in published code: it is larger by the square root of the bars per year.

use super::missing::{Known, Missing};

/// A Sharpe ratio per bar: the mean of the returns divided by their standard deviation with n − 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct PerBar(pub f64);

/// A Sharpe ratio per year: [`PerBar`] × √(bars per year). Only for showing, and for targets that people set.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Annual(pub f64);

/// The number of bars per year, as the metrics annualize: finite and above 0.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct BarsPerYear(f64);

impl BarsPerYear {
    /// Checks a number of bars per year.
    ///
    /// # Errors
    /// [`Missing::OutOfRange`] unless it is finite and above 0.
    pub fn new(bars: f64) -> Known<Self> {
        if bars.is_finite() && bars > 0.0 { Ok(Self(bars)) } else { Err(Missing::OutOfRange) }
    }

    /// Returns the number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl PerBar {
    /// Returns the ratio per year.
    #[must_use]
    pub fn annual(self, bars_per_year: BarsPerYear) -> Annual {
        Annual(self.0 * bars_per_year.0.sqrt())
    }
}

impl Annual {
    /// Returns the ratio per bar.
    #[must_use]
    pub fn per_bar(self, bars_per_year: BarsPerYear) -> PerBar {
        PerBar(self.0 / bars_per_year.0.sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_of_256_bars_has_sixteen_times_the_ratio() {
        let bars = BarsPerYear::new(256.0).unwrap();
        assert_eq!(PerBar(0.125).annual(bars), Annual(2.0));
        assert_eq!(Annual(2.0).per_bar(bars), PerBar(0.125));
    }

    #[test]
    fn bars_per_year_are_finite_and_positive() {
        for bars in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(BarsPerYear::new(bars), Err(Missing::OutOfRange));
        }
        assert_eq!(BarsPerYear::new(252.0).unwrap().get(), 252.0);
    }
}
