//! Simple moving average.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// The plain mean of the last `period` values.
pub const SMA: Indicator = Indicator {
    title: "Simple moving average",
    doc: "The plain mean of the last `period` values.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Bars in the average", 30.0, 1.0)],
    outputs: &[Output { name: "sma", doc: "The plain mean of the last `period` values." }],
    look_back: |parameters| bars(core().sma_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs| match (inputs, outputs) {
        ([values], [output]) => {
            core().sma(0, values.len() - 1, values, whole(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
};
