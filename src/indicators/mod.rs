//! Technical indicators with TA-Lib's conventions: slices in, slices out, one indicator a file.
//!
//! The arithmetic is that of the crate `ta-lib`, the official Rust port of TA-Lib, so that every value equals TA-Lib's
//! and begins at the same bar. Our own code covers missing values: a column may hold NaN for "no value", each stretch
//! between two of them is computed as if it stood alone, and no value depends on a later bar.
//!
//! To add an indicator, write one file with a `pub const` [`Indicator`] and add it to [`INDICATORS`]. The language, its
//! messages and its documentation are made from that list.

mod adx;
mod aroon;
mod atr;
mod bbands;
mod cci;
mod dema;
mod donchian;
mod ema;
mod highest;
mod hma;
mod indicator;
mod kama;
mod keltner;
mod linreg;
mod linreg_slope;
mod lowest;
mod macd;
mod mfi;
mod minus_di;
mod mom;
mod natr;
mod obv;
mod plus_di;
mod rank;
mod roc;
mod rolling;
mod rsi;
mod sar;
mod segments;
mod sma;
mod stdev;
mod stoch;
mod stochrsi;
mod sum;
mod supertrend;
mod t3;
mod tema;
mod trima;
mod trix;
mod ultosc;
mod vwap;
mod willr;
mod wma;

pub use indicator::{Indicator, Kernel, LONGEST, Output, Parameter, Series};
pub use segments::segments;
pub use sma::{BLOCK, SMA, SmaPair, Written};

/// Every indicator, averages first.
pub const INDICATORS: &[&Indicator] = &[
    &sma::SMA,
    &ema::EMA,
    &wma::WMA,
    &dema::DEMA,
    &tema::TEMA,
    &kama::KAMA,
    &trima::TRIMA,
    &hma::HMA,
    &t3::T3,
    &rsi::RSI,
    &macd::MACD,
    &bbands::BBANDS,
    &atr::ATR,
    &natr::NATR,
    &adx::ADX,
    &plus_di::PLUS_DI,
    &minus_di::MINUS_DI,
    &cci::CCI,
    &mfi::MFI,
    &obv::OBV,
    &roc::ROC,
    &mom::MOM,
    &willr::WILLR,
    &stoch::STOCH,
    &stochrsi::STOCHRSI,
    &sar::SAR,
    &aroon::AROON,
    &trix::TRIX,
    &ultosc::ULTOSC,
    &linreg::LINREG,
    &linreg_slope::LINREG_SLOPE,
    &donchian::DONCHIAN,
    &keltner::KELTNER,
    &supertrend::SUPERTREND,
    &vwap::VWAP,
    &highest::HIGHEST,
    &lowest::LOWEST,
    &sum::SUM,
    &stdev::STDEV,
    &rank::RANK,
];

/// Finds the indicator and the position of the output with that function name.
pub fn find(name: &str) -> Option<(&'static Indicator, usize)> {
    INDICATORS.iter().find_map(|indicator| {
        indicator
            .outputs
            .iter()
            .position(|output| output.name == name)
            .map(|output| (*indicator, output))
    })
}

#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests use small numbers and compare what must be equal"
)]
mod tests;
