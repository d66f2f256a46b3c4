//! Relative strength index.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// 100 × average gain / (average gain + average loss), with the smoothing of Wilder; 0 to 100.
pub const RSI: Indicator = Indicator {
    title: "Relative strength index",
    doc: "100 × average gain / (average gain + average loss), with the smoothing of Wilder; 0 to 100.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Bars of the averages", 14.0, 2.0)],
    outputs: &[Output {
        name: "rsi",
        doc: "100 × average gain / (average gain + average loss), with the smoothing of Wilder; 0 to 100.",
    }],
    look_back: |parameters| bars(core().rsi_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs| match (inputs, outputs) {
        ([values], [output]) => {
            core().rsi(0, values.len() - 1, values, whole(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
};
