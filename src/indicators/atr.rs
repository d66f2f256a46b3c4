//! Average true range.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// The true range with the smoothing of Wilder, in money.
pub const ATR: Indicator = Indicator {
    title: "Average true range",
    doc: "The true range with the smoothing of Wilder, in money.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[Parameter::period("period", "Bars of the average", 14.0, 1.0)],
    outputs: &[Output {
        name: "atr",
        doc: "The true range with the smoothing of Wilder, in money.",
    }],
    look_back: |parameters| bars(core().atr_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [output]) => {
            core().atr(0, high.len() - 1, high, low, close, whole(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
};
