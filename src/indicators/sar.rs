//! Parabolic stop and reverse.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, core, look_back_bars, real};
use super::memory::Memory;

/// Wilder's trailing stop, which accelerates with each new extreme of the trend.
pub const SAR: Indicator = Indicator {
    title: "Parabolic stop and reverse",
    doc: "Wilder's trailing stop, which accelerates with each new extreme of the trend.",
    inputs: &[Series::High, Series::Low],
    parameters: &[
        Parameter::factor(
            "acceleration",
            "How much the factor grows with each new extreme",
            0.02,
            0.0,
            1.0,
        ),
        Parameter::factor("maximum", "The greatest factor", 0.2, 0.0, 1.0),
    ],
    outputs: &[Output::new(
        "sar",
        "Wilder's trailing stop, which accelerates with each new extreme of the trend.",
    )],
    look_back: |parameters| {
        look_back_bars(core().sar_lookback(real(parameters, 0), real(parameters, 1)))
    },
    memory: Memory::Unbounded,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low], [output]) => core().sar(
            0,
            high.len() - 1,
            high,
            low,
            real(parameters, 0),
            real(parameters, 1),
            output,
        ),
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
