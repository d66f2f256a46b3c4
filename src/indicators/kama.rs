//! Kaufman adaptive moving average.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars};
use super::memory::{Memory, fading};

/// An exponential average whose weight increases with the efficiency ratio of the last `period` values.
pub const KAMA: Indicator = Indicator {
    title: "Kaufman adaptive moving average",
    doc: "An exponential average whose weight increases with the efficiency ratio of the last `period` values.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period(
        "period",
        "Bars that the efficiency ratio looks at",
        30.0,
        1.0,
    )],
    outputs: &[Output::new("kama", "An exponential average whose weight increases with the efficiency ratio of the last `period` values.").within_inputs()],
    look_back: |parameters| look_back_bars(core().kama_lookback(integer(parameters, 0))),
    // The slowest constant of the average, over 30 bars.
    memory: Memory::Fading(|_| fading((2.0_f64 / 31.0).powi(2), 1)),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => {
            core().kama(0, values.len() - 1, values, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
