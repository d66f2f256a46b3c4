//! Sweeps: many parameter sets of one strategy on the same bars.
//!
//! | module | what it does |
//! |---|---|
//! | [`space`] | which combinations there are: axes, constraints, samples |
//! | [`signals`] | the signals of each combination; whatever several combinations share is computed once |
//! | [`measure`] | from the signals of a combination to its statistics and the sums that judging needs |
//! | [`walk_forward`] | how much of a result in training is left in the tests |

mod column_expression;
pub mod columns;
pub mod filter;
#[cfg(feature = "chart")]
pub mod heatmap;
pub mod kernel;
pub mod measure;
pub mod objective;
pub mod plateau;
pub mod ranking;
pub mod remarks;
pub mod signals;
pub mod space;
pub mod standing;
pub mod sum_columns;
pub mod swept_signals;
#[cfg(test)]
mod timing_tests;
pub mod walk_forward;
pub mod whole_runs;
