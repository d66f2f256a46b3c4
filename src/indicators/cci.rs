//! Commodity channel index.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// The distance of the typical price from its average, in units of 0.015 mean deviations.
pub const CCI: Indicator = Indicator {
    title: "Commodity channel index",
    doc: "The distance of the typical price from its average, in units of 0.015 mean deviations.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[Parameter::period("period", "Bars of the average", 14.0, 2.0)],
    outputs: &[Output {
        name: "cci",
        doc: "The distance of the typical price from its average, in units of 0.015 mean deviations.",
    }],
    look_back: |parameters| bars(core().cci_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs| match (inputs, outputs) {
        ([high, low, close], [output]) => {
            core().cci(0, high.len() - 1, high, low, close, whole(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
};
