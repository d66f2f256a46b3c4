//! Moving average convergence divergence.

use ta_lib::{OutRange, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// The fast exponential average − the slow one, with an exponential average of that as its signal line.
pub const MACD: Indicator = Indicator {
    title: "Moving average convergence divergence",
    doc: "The fast exponential average − the slow one, with an exponential average of that as its signal line.",
    inputs: &[Series::Close],
    parameters: &[
        Parameter::period("fast_period", "Bars of the fast average", 12.0, 1.0),
        Parameter::period("slow_period", "Bars of the slow average", 26.0, 1.0),
        Parameter::period("signal_period", "Bars of the signal line", 9.0, 1.0),
    ],
    outputs: &[
        Output { name: "macd_line", doc: "The fast average − the slow average" },
        Output { name: "macd_signal", doc: "The exponential average of the MACD line" },
        Output { name: "macd_hist", doc: "The MACD line − its signal" },
    ],
    look_back: |parameters| look_back(parameters),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [macd_line, macd_signal, macd_hist]) => {
            compute(values, parameters, macd_line, macd_signal, macd_hist)
        }
        _ => Err(RetCode::BadParam),
    },
};

/// Returns the faster and the slower period, whichever way round they were given, as TA-Lib does, and the signal's.
fn periods(parameters: &[f64]) -> (i32, i32, i32) {
    let (a, b) = (whole(parameters, 0), whole(parameters, 1));
    (a.min(b), a.max(b), whole(parameters, 2))
}

fn look_back(parameters: &[f64]) -> usize {
    let (_, slow, signal) = periods(parameters);
    bars(core().ema_lookback(slow)).saturating_add(bars(core().ema_lookback(signal)))
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
    // TA_MACD refuses a period of 1, whose average is the value itself; the rest is the same.
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
