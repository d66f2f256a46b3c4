//! Stochastic oscillator.

use ta_lib::{MAType, OutRange, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars};
use super::memory::Memory;
use super::rolling;

/// Where the close lies in the range of the last bars, 0 at its low and 100 at its high, smoothed by simple averages.
pub const STOCH: Indicator = Indicator {
    title: "Stochastic oscillator",
    doc: "Where the close lies in the range of the last bars, 0 at its low and 100 at its high, smoothed by simple averages.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[
        Parameter::period("fast_k_period", "Number of bars in the range", 5.0, 1.0),
        Parameter::period("slow_k_period", "Number of bars in the first average", 3.0, 1.0),
        Parameter::period("slow_d_period", "Number of bars in the second average", 3.0, 1.0),
    ],
    outputs: &[
        Output::new("stoch_k", "The slow %K line").roughly_between(0.0, 100.0),
        Output::new("stoch_d", "The slow %D line: the average of %K").roughly_between(0.0, 100.0),
    ],
    look_back: |parameters| {
        look_back_bars(core().stoch_lookback(
            integer(parameters, 0),
            integer(parameters, 1),
            MAType::SMA,
            integer(parameters, 2),
            MAType::SMA,
        ))
    },
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low, close], [stoch_k, stoch_d]) => {
            compute(high, low, close, parameters, stoch_k, stoch_d)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};

/// Passes the rolling range to TA-Lib as the high and low of single bars. TA-Lib itself would search the whole window again
/// on each bar of a long rise or fall.
fn compute(
    high: &[f64],
    low: &[f64],
    close: &[f64],
    parameters: &[f64],
    k: &mut [f64],
    d: &mut [f64],
) -> Result<OutRange, RetCode> {
    let highs = rolling::highest(high, parameters)?;
    let lows = rolling::lowest(low, parameters)?;
    let first = rolling::look_back(parameters);
    let close = close.get(first..).ok_or(RetCode::BadParam)?;
    let range = core().stoch(
        0,
        close.len().saturating_sub(1),
        &highs,
        &lows,
        close,
        1,
        integer(parameters, 1),
        MAType::SMA,
        integer(parameters, 2),
        MAType::SMA,
        k,
        d,
    )?;
    Ok(OutRange { beg_idx: first + range.beg_idx, count: range.count })
}
