//! Weighted moving average.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars};
use super::memory::Memory;

/// An average with weights that fall linearly from `period` on the newest value to 1 on the oldest.
pub const WMA: Indicator = Indicator {
    title: "Weighted moving average",
    doc: "An average with weights that fall linearly from `period` on the newest value to 1 on the oldest.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in the average", 30.0, 1.0)],
    outputs: &[Output::new(
        "wma",
        "An average with weights that fall linearly from `period` on the newest value to 1 on the oldest.",
    )
    .within_inputs()],
    look_back: |parameters| look_back_bars(core().wma_lookback(integer(parameters, 0))),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => {
            core().wma(0, values.len() - 1, values, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
