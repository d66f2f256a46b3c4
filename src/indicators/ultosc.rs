//! Ultimate oscillator.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// Buying pressure as a share of the true range over three periods, weighted 4, 2 and 1; 0 to 100.
pub const ULTOSC: Indicator = Indicator {
    title: "Ultimate oscillator",
    doc: "Buying pressure as a share of the true range over three periods, weighted 4, 2 and 1; 0 to 100.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[
        Parameter::period("short_period", "Bars of the shortest period", 7.0, 1.0),
        Parameter::period("middle_period", "Bars of the middle period", 14.0, 1.0),
        Parameter::period("long_period", "Bars of the longest period", 28.0, 1.0),
    ],
    outputs: &[Output {
        name: "ultosc",
        doc: "Buying pressure as a share of the true range over three periods, weighted 4, 2 and 1; 0 to 100.",
    }],
    look_back: |parameters| {
        bars(core().ultosc_lookback(
            whole(parameters, 0),
            whole(parameters, 1),
            whole(parameters, 2),
        ))
    },
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [output]) => core().ultosc(
            0,
            high.len() - 1,
            high,
            low,
            close,
            whole(parameters, 0),
            whole(parameters, 1),
            whole(parameters, 2),
            output,
        ),
        _ => Err(RetCode::BadParam),
    },
};
