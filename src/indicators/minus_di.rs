//! Minus directional indicator.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars, real};
use super::memory::{Memory, wilder};

/// Downward movement as a share of the true range, with Wilder's smoothing; 0 to 100.
pub const MINUS_DI: Indicator = Indicator {
    title: "Minus directional indicator",
    doc: "Downward movement as a share of the true range, with Wilder's smoothing; 0 to 100.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in the averages", 14.0, 1.0)],
    outputs: &[Output::new(
        "minus_di",
        "Downward movement as a share of the true range, with Wilder's smoothing; 0 to 100.",
    )
    .roughly_between(0.0, 100.0)],
    look_back: |parameters| look_back_bars(core().minus_di_lookback(integer(parameters, 0))),
    memory: Memory::Fading(|parameters| wilder(real(parameters, 0), 1)),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [output]) => {
            core().minus_di(0, high.len() - 1, high, low, close, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
