//! Williams %R.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars};
use super::memory::Memory;

/// Where the close lies in the range of the last `period` bars: −100 at its low, 0 at its high.
pub const WILLR: Indicator = Indicator {
    title: "Williams %R",
    doc: "Where the close lies in the range of the last `period` bars: −100 at its low, 0 at its high.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in the range", 14.0, 2.0)],
    outputs: &[Output::new("willr", "Where the close lies in the range of the last `period` bars: −100 at its low, 0 at its high.").between(-100.0, 0.0)],
    look_back: |parameters| look_back_bars(core().willr_lookback(integer(parameters, 0))),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [output]) => {
            core().willr(0, high.len() - 1, high, low, close, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
