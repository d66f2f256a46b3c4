//! Momentum.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// The value − the value `period` bars ago.
pub const MOM: Indicator = Indicator {
    title: "Momentum",
    doc: "The value − the value `period` bars ago.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Bars to look back", 10.0, 1.0)],
    outputs: &[Output { name: "mom", doc: "The value − the value `period` bars ago." }],
    look_back: |parameters| bars(core().mom_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => {
            core().mom(0, values.len() - 1, values, whole(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
};
