//! Average directional movement index.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars, real};
use super::memory::{Memory, wilder};

/// The strength of a trend regardless of its direction, with Wilder's smoothing; 0 to 100.
pub const ADX: Indicator = Indicator {
    title: "Average directional movement index",
    doc: "The strength of a trend regardless of its direction, with Wilder's smoothing; 0 to 100.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in the averages", 14.0, 2.0)],
    outputs: &[Output::new(
        "adx",
        "The strength of a trend regardless of its direction, with Wilder's smoothing; 0 to 100.",
    )
    .roughly_between(0.0, 100.0)],
    look_back: |parameters| look_back_bars(core().adx_lookback(integer(parameters, 0))),
    memory: Memory::Fading(|parameters| wilder(real(parameters, 0), 2)),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [output]) => {
            core().adx(0, high.len() - 1, high, low, close, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
