//! Rate of change.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars};
use super::memory::Memory;

/// 100 × (value / value `period` bars ago − 1), in percent.
pub const ROC: Indicator = Indicator {
    title: "Rate of change",
    doc: "100 × (value / value `period` bars ago − 1), in percent.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Number of bars to look back", 10.0, 1.0)],
    outputs: &[Output::new("roc", "100 × (value / value `period` bars ago − 1), in percent.")],
    look_back: |parameters| look_back_bars(core().roc_lookback(integer(parameters, 0))),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => {
            core().roc(0, values.len() - 1, values, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
