//! Plus directional indicator.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars, real};
use super::memory::{Memory, wilder};

/// Upward movement as a share of the true range, with Wilder's smoothing; 0 to 100.
pub const PLUS_DI: Indicator = Indicator {
    title: "Plus directional indicator",
    doc: "Upward movement as a share of the true range, with Wilder's smoothing; 0 to 100.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in the averages", 14.0, 1.0)],
    outputs: &[Output::new(
        "plus_di",
        "Upward movement as a share of the true range, with Wilder's smoothing; 0 to 100.",
    )
    .roughly_between(0.0, 100.0)],
    look_back: |parameters| look_back_bars(core().plus_di_lookback(integer(parameters, 0))),
    memory: Memory::Fading(|parameters| wilder(real(parameters, 0), 1)),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [output]) => {
            core().plus_di(0, high.len() - 1, high, low, close, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
