//! Relative strength index.

use ta_lib::{OutRange, RetCode};

use super::indicator::{
    Indicator, Output, Parameter, Series, Shortcut, core, integer, look_back_bars, real,
};
use super::memory::{Memory, wilder};
use super::rsi_lanes;

/// 100 × average gain / (average gain + average loss), with Wilder's smoothing; 0 to 100.
pub const RSI: Indicator = Indicator {
    title: "Relative strength index",
    doc: "100 × average gain / (average gain + average loss), with Wilder's smoothing; 0 to 100.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in the averages", 14.0, 2.0)],
    outputs: &[Output::new(
        "rsi",
        "100 × average gain / (average gain + average loss), with Wilder's smoothing; 0 to 100.",
    )
    .between(0.0, 100.0)],
    look_back: |parameters| look_back_bars(core().rsi_lookback(integer(parameters, 0))),
    memory: Memory::Fading(|parameters| wilder(real(parameters, 0), 1)),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => compute(values, integer(parameters, 0), output),
        _ => Err(RetCode::BadParam),
    },
    shortcut: Some(Shortcut::Together(rsi_lanes::compute)),
};

/// Computes the index as TA-Lib up to 0.8.2 does.
///
/// Without any gain or loss, TA-Lib returns 0, whereas the crate returns 50.
pub(super) fn compute(
    values: &[f64],
    period: i32,
    output: &mut [f64],
) -> Result<OutRange, RetCode> {
    let range = core().rsi(0, values.len() - 1, values, period, output)?;
    if output.contains(&50.0) {
        zero_without_movement(values, period, output);
    }
    Ok(range)
}

/// Writes 0 on bars on which the averages of gains and losses are both 0, with the arithmetic of the crate.
fn zero_without_movement(values: &[f64], period: i32, output: &mut [f64]) {
    let skipped = usize::try_from(period).unwrap_or(0);
    let (rest, share) = (f64::from(period - 1), 1.0 / f64::from(period));
    let (mut gain, mut loss) = (0.0, 0.0);
    for (bar, pair) in values.windows(2).enumerate() {
        let &[before, now] = pair else { continue };
        if bar >= skipped {
            gain *= rest;
            loss *= rest;
        }
        let change = now - before;
        let risen = if change > 0.0 { change } else { 0.0 };
        gain += risen;
        loss += risen - change;
        if bar + 1 < skipped {
            continue;
        }
        gain *= share;
        loss *= share;
        if gain + loss <= 0.0
            && let Some(output) = output.get_mut(bar + 1 - skipped)
        {
            *output = 0.0;
        }
    }
}
