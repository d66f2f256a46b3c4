//! Volume weighted average price.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Series, bars, core};

/// The typical price weighted by volume since the first bar.
pub const VWAP: Indicator = Indicator {
    title: "Volume weighted average price",
    doc: "The typical price weighted by volume since the first bar.",
    inputs: &[Series::High, Series::Low, Series::Close, Series::Volume],
    parameters: &[],
    outputs: &[Output {
        name: "vwap",
        doc: "The typical price weighted by volume since the first bar.",
    }],
    look_back: |_| bars(core().vwap_lookback()),
    kernel: |inputs, _, outputs, _| match (inputs, outputs) {
        ([high, low, close, volume], [output]) => {
            core().vwap(0, high.len() - 1, high, low, close, volume, output)
        }
        _ => Err(RetCode::BadParam),
    },
};
