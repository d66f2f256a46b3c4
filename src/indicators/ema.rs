//! Exponential moving average.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// Weight 2 / (period + 1) on the newest value; starts from the simple average of the first `period` values.
pub const EMA: Indicator = Indicator {
    title: "Exponential moving average",
    doc: "Weight 2 / (period + 1) on the newest value; starts from the simple average of the first `period` values.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Bars of the average", 30.0, 1.0)],
    outputs: &[Output {
        name: "ema",
        doc: "Weight 2 / (period + 1) on the newest value; starts from the simple average of the first `period` values.",
    }],
    look_back: |parameters| bars(core().ema_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => {
            core().ema(0, values.len() - 1, values, whole(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
};
