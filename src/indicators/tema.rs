//! Triple exponential moving average.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars, real};
use super::memory::{Memory, exponential};

/// 3 EMA − 3 EMA of EMA + EMA of EMA of EMA.
pub const TEMA: Indicator = Indicator {
    title: "Triple exponential moving average",
    doc: "3 EMA − 3 EMA of EMA + EMA of EMA of EMA.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in each average", 30.0, 1.0)],
    outputs: &[Output::new("tema", "3 EMA − 3 EMA of EMA + EMA of EMA of EMA.")],
    look_back: |parameters| look_back_bars(core().tema_lookback(integer(parameters, 0))),
    memory: Memory::Fading(|parameters| exponential(real(parameters, 0), 3)),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => {
            core().tema(0, values.len() - 1, values, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
