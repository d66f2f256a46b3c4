//! Average true range.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars, real};
use super::memory::{Memory, wilder};

/// The true range with Wilder's smoothing, in money.
pub const ATR: Indicator = Indicator {
    title: "Average true range",
    doc: "The true range with Wilder's smoothing, in money.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in the average", 14.0, 1.0)],
    outputs: &[Output::new("atr", "The true range with Wilder's smoothing, in money.")
        .between(0.0, f64::INFINITY)],
    look_back: |parameters| look_back_bars(core().atr_lookback(integer(parameters, 0))),
    memory: Memory::Fading(|parameters| wilder(real(parameters, 0), 1)),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [output]) => {
            core().atr(0, high.len() - 1, high, low, close, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
