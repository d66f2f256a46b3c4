//! On balance volume.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Series, core, look_back_bars};

/// The running sum of the volume, counted as positive on bars that rose and as negative on bars that fell.
pub const OBV: Indicator = Indicator {
    title: "On balance volume",
    doc: "The running sum of the volume, counted as positive on bars that rose and as negative on bars that fell.",
    inputs: &[Series::Close, Series::Volume],
    parameters: &[],
    outputs: &[Output::new(
        "obv",
        "The running sum of the volume, counted as positive on bars that rose and as negative on bars that fell.",
    )],
    look_back: |_| look_back_bars(core().obv_lookback()),
    kernel: |inputs, _, outputs, _| match (inputs, outputs) {
        ([close, volume], [output]) => core().obv(0, close.len() - 1, close, volume, output),
        _ => Err(RetCode::BadParam),
    },
    compare_pair: None,
};
