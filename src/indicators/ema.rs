//! Exponential moving average.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars, real};
use super::memory::{Memory, exponential};

/// An exponential average with weight 2 / (period + 1) on the newest value; starts from the simple average of the first `period` values.
pub const EMA: Indicator = Indicator {
    title: "Exponential moving average",
    doc: "An exponential average with weight 2 / (period + 1) on the newest value; starts from the simple average of the first `period` values.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in the average", 30.0, 1.0)],
    outputs: &[Output::new("ema", "An exponential average with weight 2 / (period + 1) on the newest value; starts from the simple average of the first `period` values.").within_inputs()],
    look_back: |parameters| look_back_bars(core().ema_lookback(integer(parameters, 0))),
    memory: Memory::Fading(|parameters| exponential(real(parameters, 0), 1)),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => {
            core().ema(0, values.len() - 1, values, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
