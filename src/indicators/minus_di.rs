//! Minus directional indicator.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// Downward movement as a share of the true range, with the smoothing of Wilder; 0 to 100.
pub const MINUS_DI: Indicator = Indicator {
    title: "Minus directional indicator",
    doc: "Downward movement as a share of the true range, with the smoothing of Wilder; 0 to 100.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[Parameter::period("period", "Bars of the averages", 14.0, 1.0)],
    outputs: &[Output {
        name: "minus_di",
        doc: "Downward movement as a share of the true range, with the smoothing of Wilder; 0 to 100.",
    }],
    look_back: |parameters| bars(core().minus_di_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [output]) => {
            core().minus_di(0, high.len() - 1, high, low, close, whole(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
};
