//! Moving average convergence divergence.

use ta_lib::{OutRange, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars, real};
use super::memory::{Memory, exponential};

/// The fast exponential average − the slow one, with an exponential average of that as its signal line.
pub const MACD: Indicator = Indicator {
    title: "Moving average convergence divergence",
    doc: "The fast exponential average − the slow one, with an exponential average of that as its signal line.",
    inputs: &[Series::Close],
    parameters: &[
        Parameter::period("fast_period", "Number of bars in the fast average", 12.0, 1.0),
        Parameter::period("slow_period", "Number of bars in the slow average", 26.0, 1.0),
        Parameter::period("signal_period", "Period of the signal line in bars", 9.0, 1.0),
    ],
    outputs: &[
        Output::new("macd_line", "The fast average − the slow average"),
        Output::new("macd_signal", "The exponential average of the MACD line"),
        Output::new("macd_hist", "The MACD line − its signal"),
    ],
    look_back: |parameters| look_back(parameters),
    memory: Memory::Fading(|parameters| {
        let slow = real(parameters, 0).max(real(parameters, 1));
        exponential(slow, 1) + exponential(real(parameters, 2), 1)
    }),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [macd_line, macd_signal, macd_hist]) => {
            compute(values, parameters, macd_line, macd_signal, macd_hist)
        }
        _ => Err(RetCode::BadParam),
    },
    compare_pair: None,
};

/// Returns the fast, slow and signal periods. Fast and slow are swapped if necessary, as in TA-Lib.
fn periods(parameters: &[f64]) -> (i32, i32, i32) {
    let (a, b) = (integer(parameters, 0), integer(parameters, 1));
    (a.min(b), a.max(b), integer(parameters, 2))
}

fn look_back(parameters: &[f64]) -> usize {
    let (_, slow, signal) = periods(parameters);
    look_back_bars(core().ema_lookback(slow))
        .saturating_add(look_back_bars(core().ema_lookback(signal)))
}

fn compute(
    values: &[f64],
    parameters: &[f64],
    line: &mut [f64],
    signal: &mut [f64],
    hist: &mut [f64],
) -> Result<OutRange, RetCode> {
    let (fast_period, slow_period, signal_period) = periods(parameters);
    if fast_period > 1 {
        return core().macd(
            0,
            values.len() - 1,
            values,
            fast_period,
            slow_period,
            signal_period,
            line,
            signal,
            hist,
        );
    }
    // TA_MACD rejects a period of 1, for which the average is the value itself.
    let mut slow = vec![0.0; values.len()];
    let slow_range = core().ema(0, values.len() - 1, values, slow_period, &mut slow)?;
    let newest = values.get(slow_range.beg_idx..).unwrap_or(&[]);
    let whole_line: Vec<f64> = newest.iter().zip(&slow).map(|(value, slow)| value - slow).collect();
    let signal_range =
        core().ema(0, whole_line.len().saturating_sub(1), &whole_line, signal_period, signal)?;
    let seen = whole_line.get(signal_range.beg_idx..).unwrap_or(&[]);
    for (((line, hist), value), signal) in
        line.iter_mut().zip(hist.iter_mut()).zip(seen).zip(signal.iter())
    {
        *line = *value;
        *hist = *value - *signal;
    }
    Ok(OutRange { beg_idx: slow_range.beg_idx + signal_range.beg_idx, count: signal_range.count })
}
