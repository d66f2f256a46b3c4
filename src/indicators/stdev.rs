//! Population deviation.

use ta_lib::{OutRange, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series, core, integer};
use super::memory::Memory;
use super::rolling;

/// The population standard deviation of the last `period` values.
pub const STDEV: Indicator = Indicator {
    title: "Population deviation",
    doc: "The population standard deviation of the last `period` values.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period(
        "period",
        "Window length in bars, including the newest bar",
        5.0,
        1.0,
    )],
    outputs: &[Output::new(
        "stdev",
        "The population standard deviation of the last `period` values.",
    )
    .between(0.0, f64::INFINITY)],
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
        return core().stddev(0, values.len() - 1, values, period, 1.0, output);
    }
    // TA_STDDEV rejects a period of 1.
    output.fill(0.0);
    Ok(OutRange { beg_idx: 0, count: values.len() })
}
