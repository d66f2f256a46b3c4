//! Momentum.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars};
use super::memory::Memory;

/// The value − the value `period` bars ago.
pub const MOM: Indicator = Indicator {
    title: "Momentum",
    doc: "The value − the value `period` bars ago.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Number of bars to look back", 10.0, 1.0)],
    outputs: &[Output::new("mom", "The value − the value `period` bars ago.")],
    look_back: |parameters| look_back_bars(core().mom_lookback(integer(parameters, 0))),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => {
            core().mom(0, values.len() - 1, values, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
