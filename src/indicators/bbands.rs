//! Bollinger bands.

use ta_lib::{MAType, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars, real};
use super::memory::Memory;

/// The simple average of `period` values, and bands `deviations` population deviations above and below it.
pub const BBANDS: Indicator = Indicator {
    title: "Bollinger bands",
    doc: "The simple average of `period` values, and bands `deviations` population deviations above and below it.",
    inputs: &[Series::Close],
    parameters: &[
        Parameter::period("period", "Number of bars in the average and the deviation", 20.0, 2.0),
        Parameter::factor(
            "deviations",
            "Deviations between the average and each band",
            2.0,
            0.0,
            100.0,
        ),
    ],
    outputs: &[
        Output::new("bbands_upper", "The upper Bollinger band"),
        Output::new("bbands_middle", "The simple average between the Bollinger bands")
            .within_inputs(),
        Output::new("bbands_lower", "The lower Bollinger band"),
    ],
    look_back: |parameters| {
        look_back_bars(core().bbands_lookback(
            integer(parameters, 0),
            real(parameters, 1),
            real(parameters, 1),
            MAType::SMA,
        ))
    },
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [bbands_upper, bbands_middle, bbands_lower]) => core().bbands(
            0,
            values.len() - 1,
            values,
            integer(parameters, 0),
            real(parameters, 1),
            real(parameters, 1),
            MAType::SMA,
            bbands_upper,
            bbands_middle,
            bbands_lower,
        ),
        _ => Err(RetCode::BadParam),
    },
    compare_pair: None,
};
