//! Stochastic RSI.

use ta_lib::{MAType, OutRange, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars, real};
use super::memory::{Memory, wilder};
use super::{rolling, rsi};

/// Where the relative strength index lies in its own range of the last bars, 0 to 100.
pub const STOCHRSI: Indicator = Indicator {
    title: "Stochastic RSI",
    doc: "Where the relative strength index lies in its own range of the last bars, 0 to 100.",
    inputs: &[Series::Close],
    parameters: &[
        Parameter::period("period", "Period of the relative strength index in bars", 14.0, 2.0),
        Parameter::period("fast_k_period", "Number of bars in the range", 5.0, 1.0),
        Parameter::period("fast_d_period", "Number of bars in the average", 3.0, 1.0),
    ],
    outputs: &[
        Output::new("stochrsi_k", "The fast %K line of the RSI").roughly_between(0.0, 100.0),
        Output::new("stochrsi_d", "The fast %D line: the average of %K")
            .roughly_between(0.0, 100.0),
    ],
    look_back: |parameters| {
        look_back_bars(core().stochrsi_lookback(
            integer(parameters, 0),
            integer(parameters, 1),
            integer(parameters, 2),
            MAType::SMA,
        ))
    },
    memory: Memory::Fading(|parameters| wilder(real(parameters, 0), 1)),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [stochrsi_k, stochrsi_d]) => compute(values, parameters, stochrsi_k, stochrsi_d),
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};

/// Computes the stochastic oscillator of [`rsi::compute`], which differs from the crate if prices do not move.
fn compute(
    values: &[f64],
    parameters: &[f64],
    k: &mut [f64],
    d: &mut [f64],
) -> Result<OutRange, RetCode> {
    let mut index = vec![0.0; values.len()];
    let found = rsi::compute(values, integer(parameters, 0), &mut index)?;
    let index = index.get(..found.count).unwrap_or(&[]);
    // As in the stochastic oscillator of prices, the rolling range is passed as the range of single bars.
    let window = parameters.get(1..).unwrap_or(&[]);
    let (highs, lows) = (rolling::highest(index, window)?, rolling::lowest(index, window)?);
    let first = rolling::look_back(window);
    let newest = index.get(first..).ok_or(RetCode::BadParam)?;
    let range = core().stochf(
        0,
        newest.len().saturating_sub(1),
        &highs,
        &lows,
        newest,
        1,
        integer(parameters, 2),
        MAType::SMA,
        k,
        d,
    )?;
    Ok(OutRange { beg_idx: found.beg_idx + first + range.beg_idx, count: range.count })
}
