//! Sum.

use ta_lib::{OutRange, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series, core, integer};
use super::memory::Memory;
use super::rolling;

/// The sum of the last `period` values.
pub const SUM: Indicator = Indicator {
    title: "Sum",
    doc: "The sum of the last `period` values.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period(
        "period",
        "Window length in bars, including the newest bar",
        30.0,
        1.0,
    )],
    outputs: &[Output::new("sum", "The sum of the last `period` values.")],
    look_back: |parameters| rolling::look_back(parameters),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => compute(values, integer(parameters, 0), output),
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};

fn compute(values: &[f64], period: i32, output: &mut [f64]) -> Result<OutRange, RetCode> {
    if period > 1 {
        return core().sum(0, values.len() - 1, values, period, output);
    }
    // TA_SUM rejects a period of 1.
    output.copy_from_slice(values);
    Ok(OutRange { beg_idx: 0, count: values.len() })
}
