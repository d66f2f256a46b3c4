//! Highest value.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series};
use super::memory::Memory;
use super::rolling;

/// The greatest of the last `period` values.
pub const HIGHEST: Indicator = Indicator {
    title: "Highest value",
    doc: "The greatest of the last `period` values.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period(
        "period",
        "Window length in bars, including the newest bar",
        30.0,
        1.0,
    )],
    outputs: &[
        Output::new("highest", "The greatest of the last `period` values.").maximum_of_input(0)
    ],
    look_back: |parameters| rolling::look_back(parameters),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => {
            rolling::extremes(values, parameters, output, |a, b| if a > b { a } else { b })
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
