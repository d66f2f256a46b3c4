//! Linear regression.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars};
use super::memory::Memory;

/// The value at the newest bar of the least-squares line through the last `period` values.
pub const LINREG: Indicator = Indicator {
    title: "Linear regression",
    doc: "The value at the newest bar of the least-squares line through the last `period` values.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in the line", 14.0, 2.0)],
    outputs: &[Output::new(
        "linreg",
        "The value at the newest bar of the least-squares line through the last `period` values.",
    )],
    look_back: |parameters| look_back_bars(core().linearreg_lookback(integer(parameters, 0))),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => {
            core().linearreg(0, values.len() - 1, values, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
