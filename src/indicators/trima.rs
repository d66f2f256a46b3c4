//! Triangular moving average.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars};
use super::memory::Memory;

/// An average of averages, with most weight on the middle of the last `period` values.
pub const TRIMA: Indicator = Indicator {
    title: "Triangular moving average",
    doc: "An average of averages, with most weight on the middle of the last `period` values.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in the average", 30.0, 1.0)],
    outputs: &[Output::new(
        "trima",
        "An average of averages, with most weight on the middle of the last `period` values.",
    )
    .within_inputs()],
    look_back: |parameters| look_back_bars(core().trima_lookback(integer(parameters, 0))),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => {
            core().trima(0, values.len() - 1, values, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
