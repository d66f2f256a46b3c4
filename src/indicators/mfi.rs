//! Money flow index.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars};
use super::memory::Memory;

/// A relative strength index of typical price × volume; 0 to 100.
pub const MFI: Indicator = Indicator {
    title: "Money flow index",
    doc: "A relative strength index of typical price × volume; 0 to 100.",
    inputs: &[Series::High, Series::Low, Series::Close, Series::Volume],
    parameters: &[Parameter::period("period", "Number of bars in the sums", 14.0, 2.0)],
    outputs: &[Output::new(
        "mfi",
        "A relative strength index of typical price × volume; 0 to 100.",
    )
    .between(0.0, 100.0)],
    look_back: |parameters| look_back_bars(core().mfi_lookback(integer(parameters, 0))),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close, volume], [output]) => {
            core().mfi(0, high.len() - 1, high, low, close, volume, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
