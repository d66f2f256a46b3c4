//! What a result and a search are worth: statistics, one per file, without I/O, clock or threads of their own.
//!
//! | question | files |
//! |---|---|
//! | one series of returns | [`moments`], [`standard_error`], [`interval`], [`probabilistic_sharpe_ratio`], [`track_record_length`], [`autocorrelation`], [`batch_means`] |
//! | which returns are judged | [`judged`] |
//! | the best of a search | [`signs`], [`sketch`], [`expected_maximum`], [`deflated_sharpe_ratio`], [`backtest_length`], [`power`], [`headline`], [`shrinkage`] |
//! | whether choosing helps | [`cscv`] |
//! | which bars choose and which test | [`splits`] |
//! | which strategies are better than their benchmark | [`bootstrap`] |
//! | discoveries on new data | [`error_budget`] |
//! | a whole search | [`search_observer`], [`judge`], [`verdict`] |
//!
//! Sharpe ratios are per bar ([`PerBar`]) unless a name says annual. A number that cannot be given is the reason why ([`Missing`]),
//! never NaN or 0. P-values are one-sided for "better than the benchmark" and of the form (1 + exceedances) ÷ (1 + draws): they
//! cannot be 0. Sums are taken in one order, and functions that differ between C libraries are those of the crate `libm`, so that the
//! same input gives the same bytes on every platform and for any number of threads.

pub mod autocorrelation;
pub mod backtest_length;
pub mod batch_means;
pub mod bootstrap;
pub mod cscv;
pub mod deflated_sharpe_ratio;
pub mod error_budget;
pub mod expected_maximum;
pub mod headline;
pub mod interval;
pub mod judge;
pub mod judged;
mod missing;
pub mod moments;
pub mod normal;
mod per_bar;
pub mod power;
pub mod probabilistic_sharpe_ratio;
mod quantiles;
pub mod search_observer;
mod sharpe_estimate;
pub mod shrinkage;
pub mod signs;
pub mod sketch;
pub mod splits;
pub mod standard_error;
mod sums;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod timing_tests;
pub mod track_record_length;
pub mod verdict;

pub use missing::{Known, Missing, finite};
pub use per_bar::{Annual, BarsPerYear, PerBar};
pub use sharpe_estimate::SharpeEstimate;
