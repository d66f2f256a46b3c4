//! Hull moving average.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars};
use super::memory::Memory;

/// A weighted average over √period bars of 2 WMA(period / 2) − WMA(period).
pub const HMA: Indicator = Indicator {
    title: "Hull moving average",
    doc: "A weighted average over √period bars of 2 WMA(period / 2) − WMA(period).",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in the average", 20.0, 1.0)],
    outputs: &[Output::new(
        "hma",
        "A weighted average over √period bars of 2 WMA(period / 2) − WMA(period).",
    )],
    look_back: |parameters| look_back_bars(core().hma_lookback(integer(parameters, 0))),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => {
            core().hma(0, values.len() - 1, values, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
