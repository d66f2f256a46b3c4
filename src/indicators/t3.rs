//! T3 moving average.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars, real};
use super::memory::{Memory, exponential};

/// A six-fold exponential average with a volume factor, as defined by Tillson.
pub const T3: Indicator = Indicator {
    title: "T3 moving average",
    doc: "A six-fold exponential average with a volume factor, as defined by Tillson.",
    inputs: &[Series::Close],
    parameters: &[
        Parameter::period("period", "Number of bars in each average", 5.0, 1.0),
        Parameter::factor("volume_factor", "How much of the lag is removed, 0 to 1", 0.7, 0.0, 1.0),
    ],
    outputs: &[Output::new(
        "t3",
        "A six-fold exponential average with a volume factor, as defined by Tillson.",
    )],
    look_back: |parameters| {
        look_back_bars(core().t3_lookback(integer(parameters, 0), real(parameters, 1)))
    },
    memory: Memory::Fading(|parameters| exponential(real(parameters, 0), 6)),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => core().t3(
            0,
            values.len() - 1,
            values,
            integer(parameters, 0),
            real(parameters, 1),
            output,
        ),
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
