//! Money flow index.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// A relative strength index of typical price × volume; 0 to 100.
pub const MFI: Indicator = Indicator {
    title: "Money flow index",
    doc: "A relative strength index of typical price × volume; 0 to 100.",
    inputs: &[Series::High, Series::Low, Series::Close, Series::Volume],
    parameters: &[Parameter::period("period", "Bars of the sums", 14.0, 2.0)],
    outputs: &[Output {
        name: "mfi",
        doc: "A relative strength index of typical price × volume; 0 to 100.",
    }],
    look_back: |parameters| bars(core().mfi_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close, volume], [output]) => {
            core().mfi(0, high.len() - 1, high, low, close, volume, whole(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
};
