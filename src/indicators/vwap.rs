//! Volume weighted average price.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Series, core, look_back_bars};
use super::memory::Memory;

/// The typical price weighted by volume since the first bar.
pub const VWAP: Indicator = Indicator {
    title: "Volume weighted average price",
    doc: "The typical price weighted by volume since the first bar.",
    inputs: &[Series::High, Series::Low, Series::Close, Series::Volume],
    parameters: &[],
    outputs: &[Output::new("vwap", "The typical price weighted by volume since the first bar.")],
    look_back: |_| look_back_bars(core().vwap_lookback()),
    memory: Memory::Unbounded,
    kernel: |inputs, _, outputs, _| match (inputs, outputs) {
        ([high, low, close, volume], [output]) => {
            core().vwap(0, high.len() - 1, high, low, close, volume, output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
