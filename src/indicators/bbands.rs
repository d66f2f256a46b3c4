//! Bollinger bands.

use ta_lib::{MAType, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, real, whole};

/// The simple average of `period` values, and bands `deviations` population deviations above and below it.
pub const BBANDS: Indicator = Indicator {
    title: "Bollinger bands",
    doc: "The simple average of `period` values, and bands `deviations` population deviations above and below it.",
    inputs: &[Series::Close],
    parameters: &[
        Parameter::period("period", "Bars of the average and the deviation", 20.0, 2.0),
        Parameter::factor(
            "deviations",
            "Deviations between the average and each band",
            2.0,
            0.0,
            100.0,
        ),
    ],
    outputs: &[
        Output { name: "bbands_upper", doc: "The upper Bollinger band" },
        Output { name: "bbands_middle", doc: "The simple average between the Bollinger bands" },
        Output { name: "bbands_lower", doc: "The lower Bollinger band" },
    ],
    look_back: |parameters| {
        bars(core().bbands_lookback(
            whole(parameters, 0),
            real(parameters, 1),
            real(parameters, 1),
            MAType::SMA,
        ))
    },
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [bbands_upper, bbands_middle, bbands_lower]) => core().bbands(
            0,
            values.len() - 1,
            values,
            whole(parameters, 0),
            real(parameters, 1),
            real(parameters, 1),
            MAType::SMA,
            bbands_upper,
            bbands_middle,
            bbands_lower,
        ),
        _ => Err(RetCode::BadParam),
    },
};
