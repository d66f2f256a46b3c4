//! Supertrend.

use ta_lib::{OutRange, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars, real};
use super::memory::Memory;

/// A trailing band `multiplier` average true ranges from the middle of the bar, below the price in an upward trend and above it in a downward one.
pub const SUPERTREND: Indicator = Indicator {
    title: "Supertrend",
    doc: "A trailing band `multiplier` average true ranges from the middle of the bar, below the price in an upward trend and above it in a downward one.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[
        Parameter::period("period", "Period of the average true range in bars", 10.0, 2.0),
        Parameter::factor(
            "multiplier",
            "Average true ranges between the middle of the bar and the band",
            3.0,
            0.0,
            100.0,
        ),
    ],
    outputs: &[
        Output::new("supertrend", "The band"),
        Output::new("supertrend_direction", "1 in an upward trend, −1 in a downward one")
            .between(-1.0, 1.0),
    ],
    look_back: |parameters| {
        look_back_bars(core().supertrend_lookback(integer(parameters, 0), real(parameters, 1)))
    },
    memory: Memory::Unbounded,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [supertrend, supertrend_direction]) => {
            compute(high, low, close, parameters, supertrend, supertrend_direction)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};

fn compute(
    high: &[f64],
    low: &[f64],
    close: &[f64],
    parameters: &[f64],
    band: &mut [f64],
    direction: &mut [f64],
) -> Result<OutRange, RetCode> {
    let mut trend = vec![0_i32; direction.len()];
    let (period, multiplier) = (integer(parameters, 0), real(parameters, 1));
    let range = core().supertrend(
        0,
        close.len() - 1,
        high,
        low,
        close,
        period,
        multiplier,
        band,
        &mut trend,
    )?;
    for (direction, trend) in direction.iter_mut().zip(trend) {
        *direction = f64::from(trend);
    }
    Ok(range)
}
