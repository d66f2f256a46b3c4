//! Williams %R.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// Where the close lies in the range of the last `period` bars: −100 at its low, 0 at its high.
pub const WILLR: Indicator = Indicator {
    title: "Williams %R",
    doc: "Where the close lies in the range of the last `period` bars: −100 at its low, 0 at its high.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[Parameter::period("period", "Bars of the range", 14.0, 2.0)],
    outputs: &[Output {
        name: "willr",
        doc: "Where the close lies in the range of the last `period` bars: −100 at its low, 0 at its high.",
    }],
    look_back: |parameters| bars(core().willr_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [output]) => {
            core().willr(0, high.len() - 1, high, low, close, whole(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
};
