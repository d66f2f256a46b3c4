//! Normalized average true range.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// 100 × ATR / close, in percent.
pub const NATR: Indicator = Indicator {
    title: "Normalized average true range",
    doc: "100 × ATR / close, in percent.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[Parameter::period("period", "Bars of the average", 14.0, 1.0)],
    outputs: &[Output { name: "natr", doc: "100 × ATR / close, in percent." }],
    look_back: |parameters| bars(core().natr_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [output]) => {
            core().natr(0, high.len() - 1, high, low, close, whole(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
};
