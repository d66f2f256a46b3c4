//! Stochastic RSI.

use ta_lib::{MAType, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// Where the relative strength index lies in its own range of the last bars, 0 to 100.
pub const STOCHRSI: Indicator = Indicator {
    title: "Stochastic RSI",
    doc: "Where the relative strength index lies in its own range of the last bars, 0 to 100.",
    inputs: &[Series::Close],
    parameters: &[
        Parameter::period("period", "Bars of the relative strength index", 14.0, 2.0),
        Parameter::period("fast_k_period", "Bars of the range", 5.0, 1.0),
        Parameter::period("fast_d_period", "Bars of the average", 3.0, 1.0),
    ],
    outputs: &[
        Output { name: "stochrsi_k", doc: "The fast %K line of the RSI" },
        Output { name: "stochrsi_d", doc: "The fast %D line: the average of %K" },
    ],
    look_back: |parameters| {
        bars(core().stochrsi_lookback(
            whole(parameters, 0),
            whole(parameters, 1),
            whole(parameters, 2),
            MAType::SMA,
        ))
    },
    kernel: |inputs, parameters, outputs| match (inputs, outputs) {
        ([values], [stochrsi_k, stochrsi_d]) => core().stochrsi(
            0,
            values.len() - 1,
            values,
            whole(parameters, 0),
            whole(parameters, 1),
            whole(parameters, 2),
            MAType::SMA,
            stochrsi_k,
            stochrsi_d,
        ),
        _ => Err(RetCode::BadParam),
    },
};
