//! Aroon.

use std::collections::VecDeque;

use ta_lib::{OutRange, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars};
use super::memory::Memory;

/// How recent the extremes of the last `period` bars are: 100 on the newest bar, 0 `period` bars ago.
pub const AROON: Indicator = Indicator {
    title: "Aroon",
    doc: "How recent the extremes of the last `period` bars are: 100 on the newest bar, 0 `period` bars ago.",
    inputs: &[Series::High, Series::Low],
    parameters: &[Parameter::period("period", "Number of bars in the range", 14.0, 2.0)],
    outputs: &[
        Output::new("aroon_down", "100 × (period − bars since the lowest low) / period")
            .roughly_between(0.0, 100.0),
        Output::new("aroon_up", "100 × (period − bars since the highest high) / period")
            .roughly_between(0.0, 100.0),
    ],
    look_back: |parameters| look_back_bars(core().aroon_lookback(integer(parameters, 0))),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low], [aroon_down, aroon_up]) => {
            let period = integer(parameters, 0);
            ages(low, period, aroon_down, |newer, older| newer <= older)?;
            ages(high, period, aroon_up, |newer, older| newer >= older)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};

/// Computes one line in time independent of the period. The crate searches the whole window again on each bar of a long
/// rise or fall.
///
/// The monotonic queue holds the bars that are the extreme of this window (at the front) or of a later one. A newer bar
/// replaces older ones that it `beats`. The newest of equal values counts, as in TA-Lib.
fn ages(
    values: &[f64],
    period: i32,
    output: &mut [f64],
    beats: impl Fn(f64, f64) -> bool,
) -> Result<OutRange, RetCode> {
    let window = usize::try_from(period).map_err(|_| RetCode::BadParam)?;
    // TA-Lib multiplies by this factor. A division would round differently.
    let factor = 100.0 / f64::from(period);
    let mut extremes: VecDeque<(usize, f64)> = VecDeque::new();
    let mut written = 0;
    for (bar, value) in values.iter().enumerate() {
        while extremes.back().is_some_and(|(_, older)| beats(*value, *older)) {
            extremes.pop_back();
        }
        extremes.push_back((bar, *value));
        let Some(first) = bar.checked_sub(window) else { continue };
        if extremes.front().is_some_and(|(extreme, _)| *extreme < first) {
            extremes.pop_front();
        }
        let extreme = extremes.front().map_or(bar, |(extreme, _)| *extreme);
        let age = i32::try_from(bar - extreme).map_err(|_| RetCode::BadParam)?;
        if let Some(output) = output.get_mut(first) {
            *output = factor * f64::from(period - age);
            written += 1;
        }
    }
    Ok(OutRange { beg_idx: window, count: written })
}
