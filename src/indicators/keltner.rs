//! Keltner channel.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars, real};
use super::memory::{Memory, exponential, wilder};

/// An exponential average, and bands `multiplier` average true ranges above and below it.
pub const KELTNER: Indicator = Indicator {
    title: "Keltner channel",
    doc: "An exponential average, and bands `multiplier` average true ranges above and below it.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[
        Parameter::period("period", "Period of the exponential average in bars", 20.0, 2.0),
        Parameter::period("atr_period", "Period of the average true range in bars", 10.0, 1.0),
        Parameter::factor(
            "multiplier",
            "Average true ranges between the average and each band",
            2.0,
            0.0,
            100.0,
        ),
    ],
    outputs: &[
        Output::new("keltner_upper", "The upper band"),
        Output::new("keltner_middle", "The exponential average"),
        Output::new("keltner_lower", "The lower band"),
    ],
    look_back: |parameters| {
        look_back_bars(core().kc_lookback(
            integer(parameters, 0),
            integer(parameters, 1),
            real(parameters, 2),
        ))
    },
    memory: Memory::Fading(|parameters| {
        exponential(real(parameters, 0), 1).max(wilder(real(parameters, 1), 1))
    }),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [keltner_upper, keltner_middle, keltner_lower]) => core().kc(
            0,
            high.len() - 1,
            high,
            low,
            close,
            integer(parameters, 0),
            integer(parameters, 1),
            real(parameters, 2),
            keltner_upper,
            keltner_middle,
            keltner_lower,
        ),
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
