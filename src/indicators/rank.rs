//! Rank in the window.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series};
use super::rolling;

/// Rank in the window.
pub const RANK: Indicator = Indicator {
    title: "Rank in the window",
    doc: "The share of the last `period` values that are at most the newest; equal ones share the middle of their ranks.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Bars to look at, the newest included", 30.0, 1.0)],
    outputs: &[Output {
        name: "rank",
        doc: "The share of the last `period` values that are at most the newest; equal ones share the middle of their ranks.",
    }],
    look_back: |parameters| rolling::look_back(parameters),
    kernel: |inputs, parameters, outputs| match (inputs, outputs) {
        ([values], [output]) => rolling::each(values, parameters, output, rank),
        _ => Err(RetCode::BadParam),
    },
};

fn rank(window: &[f64]) -> f64 {
    let newest = window.last().copied().unwrap_or(f64::NAN);
    let mut below = 0.0;
    let mut equal = 0.0;
    for value in window {
        below += f64::from(u8::from(*value < newest));
        #[expect(clippy::float_cmp, reason = "equal means the same number")]
        let is_equal = *value == newest;
        equal += f64::from(u8::from(is_equal));
    }
    #[expect(clippy::cast_precision_loss, reason = "a window has at most 10,000 bars")]
    let bars = window.len() as f64;
    (below + f64::midpoint(equal, 1.0)) / bars
}
