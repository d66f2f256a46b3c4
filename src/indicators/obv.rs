//! On balance volume.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Series, core, look_back_bars};
use super::memory::Memory;

/// The running sum of the volume, added on bars that close higher and subtracted on bars that close lower.
pub const OBV: Indicator = Indicator {
    title: "On balance volume",
    doc: "The running sum of the volume, added on bars that close higher and subtracted on bars that close lower.",
    inputs: &[Series::Close, Series::Volume],
    parameters: &[],
    outputs: &[Output::new(
        "obv",
        "The running sum of the volume, added on bars that close higher and subtracted on bars that close lower.",
    )],
    look_back: |_| look_back_bars(core().obv_lookback()),
    memory: Memory::Unbounded,
    kernel: |inputs, _, outputs, _| match (inputs, outputs) {
        ([close, volume], [output]) => core().obv(0, close.len() - 1, close, volume, output),
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
