//! Ultimate oscillator.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars};
use super::memory::Memory;

/// Buying pressure as a share of the true range over three periods, weighted 4, 2 and 1; 0 to 100.
pub const ULTOSC: Indicator = Indicator {
    title: "Ultimate oscillator",
    doc: "Buying pressure as a share of the true range over three periods, weighted 4, 2 and 1; 0 to 100.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[
        Parameter::period("short_period", "Shortest period in bars", 7.0, 1.0),
        Parameter::period("middle_period", "Middle period in bars", 14.0, 1.0),
        Parameter::period("long_period", "Longest period in bars", 28.0, 1.0),
    ],
    outputs: &[Output::new("ultosc", "Buying pressure as a share of the true range over three periods, weighted 4, 2 and 1; 0 to 100.").roughly_between(0.0, 100.0)],
    look_back: |parameters| {
        look_back_bars(core().ultosc_lookback(
            integer(parameters, 0),
            integer(parameters, 1),
            integer(parameters, 2),
        ))
    },
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [output]) => core().ultosc(
            0,
            high.len() - 1,
            high,
            low,
            close,
            integer(parameters, 0),
            integer(parameters, 1),
            integer(parameters, 2),
            output,
        ),
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
