//! The bootstrap of bars: tests of whether any strategy, and which, is better than its benchmark.
//!
//! For the curves of a few hundred strategies. For all trials of a search, block signs do the same job without curves
//! ([`super::sketch`]).
//!
//! | file | what it is |
//! |---|---|
//! | [`block_length`] | how long blocks must be |
//! | [`stationary`] | which bars a draw consists of |
//! | [`resampled`] | the means of the draws, and their variance |
//! | [`superior_predictive_ability`] | Hansen's SPA test and White's Reality Check |
//! | [`step_down`] | which strategies (Romano and Wolf) |

pub mod block_length;
pub mod resampled;
pub mod stationary;
pub mod step_down;
pub mod superior_predictive_ability;
