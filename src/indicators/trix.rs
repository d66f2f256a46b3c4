//! TRIX.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars, real};
use super::memory::{Memory, exponential};

/// The rate of change over one bar of a triple exponential average, in percent.
pub const TRIX: Indicator = Indicator {
    title: "TRIX",
    doc: "The rate of change over one bar of a triple exponential average, in percent.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in each average", 30.0, 1.0)],
    outputs: &[Output::new(
        "trix",
        "The rate of change over one bar of a triple exponential average, in percent.",
    )],
    look_back: |parameters| look_back_bars(core().trix_lookback(integer(parameters, 0))),
    memory: Memory::Fading(|parameters| exponential(real(parameters, 0), 3)),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => {
            core().trix(0, values.len() - 1, values, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
