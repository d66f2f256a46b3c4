//! Technical indicators with TA-Lib's conventions: slices in, slices out, one indicator per file.
//!
//! The arithmetic is that of the crate `ta-lib`, the official Rust port of TA-Lib. Every value equals TA-Lib's and begins at
//! the same bar. This module adds missing values: a column may hold NaN for "no value", and each range of bars between two
//! missing values is computed independently. No value depends on a later bar.
//!
//! To add an indicator, write one file with a `pub const` [`Indicator`] and add it to [`INDICATORS`]. The functions of the
//! language, its messages and its documentation are generated from that list.

mod adx;
mod aroon;
mod atr;
mod bbands;
mod cci;
mod complete_ranges;
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
mod macd_comparison;
mod memory;
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
mod rsi_lanes;
mod sar;
mod sma;
mod sma_pair;
mod stdev;
mod stoch;
mod stochrsi;
mod sum;
mod supertrend;
mod t3;
mod tema;
mod three_way_comparison;
mod trima;
mod trix;
mod ultosc;
mod vwap;
mod willr;
mod wma;

pub use complete_ranges::complete_ranges;
pub use indicator::{
    Bands, CompareOutputs, ComparePair, Computation, ComputeTogether, Indicator, Kernel, LANES,
    MAX_PERIOD, Output, OutputRange, Parameter, Series, Shortcut,
};
pub use memory::Memory;
pub use three_way_comparison::{BLOCK_BARS, ThreeWayComparison, compare_block};

/// Every indicator, moving averages first.
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

/// Returns the indicator and the index of its output with that function name.
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
