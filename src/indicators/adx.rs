//! Average directional movement index.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// The strength of a trend without its direction, with the smoothing of Wilder; 0 to 100.
pub const ADX: Indicator = Indicator {
    title: "Average directional movement index",
    doc: "The strength of a trend without its direction, with the smoothing of Wilder; 0 to 100.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[Parameter::period("period", "Bars of the averages", 14.0, 2.0)],
    outputs: &[Output {
        name: "adx",
        doc: "The strength of a trend without its direction, with the smoothing of Wilder; 0 to 100.",
    }],
    look_back: |parameters| bars(core().adx_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [output]) => {
            core().adx(0, high.len() - 1, high, low, close, whole(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
};
