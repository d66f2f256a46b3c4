//! On balance volume.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Series, bars, core};

/// The running sum of the volume, counted as positive on bars that rose and as negative on bars that fell.
pub const OBV: Indicator = Indicator {
    title: "On balance volume",
    doc: "The running sum of the volume, counted as positive on bars that rose and as negative on bars that fell.",
    inputs: &[Series::Close, Series::Volume],
    parameters: &[],
    outputs: &[Output {
        name: "obv",
        doc: "The running sum of the volume, counted as positive on bars that rose and as negative on bars that fell.",
    }],
    look_back: |_| bars(core().obv_lookback()),
    kernel: |inputs, _, outputs, _| match (inputs, outputs) {
        ([close, volume], [output]) => core().obv(0, close.len() - 1, close, volume, output),
        _ => Err(RetCode::BadParam),
    },
};
