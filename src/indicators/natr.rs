//! Normalized average true range.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars, real};
use super::memory::{Memory, wilder};

/// 100 × ATR / close, in percent.
pub const NATR: Indicator = Indicator {
    title: "Normalized average true range",
    doc: "100 × ATR / close, in percent.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in the average", 14.0, 1.0)],
    outputs: &[Output::new("natr", "100 × ATR / close, in percent.").between(0.0, f64::INFINITY)],
    look_back: |parameters| look_back_bars(core().natr_lookback(integer(parameters, 0))),
    memory: Memory::Fading(|parameters| wilder(real(parameters, 0), 1)),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [output]) => {
            core().natr(0, high.len() - 1, high, low, close, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
