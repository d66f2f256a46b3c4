//! Plus directional indicator.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// Upward movement as a share of the true range, with the smoothing of Wilder; 0 to 100.
pub const PLUS_DI: Indicator = Indicator {
    title: "Plus directional indicator",
    doc: "Upward movement as a share of the true range, with the smoothing of Wilder; 0 to 100.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[Parameter::period("period", "Bars of the averages", 14.0, 1.0)],
    outputs: &[Output {
        name: "plus_di",
        doc: "Upward movement as a share of the true range, with the smoothing of Wilder; 0 to 100.",
    }],
    look_back: |parameters| bars(core().plus_di_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [output]) => {
            core().plus_di(0, high.len() - 1, high, low, close, whole(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
};
