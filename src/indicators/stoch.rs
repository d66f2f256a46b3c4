//! Stochastic oscillator.

use ta_lib::{MAType, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// Where the close lies in the range of the last bars, 0 at its low and 100 at its high, smoothed by simple averages.
pub const STOCH: Indicator = Indicator {
    title: "Stochastic oscillator",
    doc: "Where the close lies in the range of the last bars, 0 at its low and 100 at its high, smoothed by simple averages.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[
        Parameter::period("fast_k_period", "Bars of the range", 5.0, 1.0),
        Parameter::period("slow_k_period", "Bars of the first average", 3.0, 1.0),
        Parameter::period("slow_d_period", "Bars of the second average", 3.0, 1.0),
    ],
    outputs: &[
        Output { name: "stoch_k", doc: "The slow %K line" },
        Output { name: "stoch_d", doc: "The slow %D line: the average of %K" },
    ],
    look_back: |parameters| {
        bars(core().stoch_lookback(
            whole(parameters, 0),
            whole(parameters, 1),
            MAType::SMA,
            whole(parameters, 2),
            MAType::SMA,
        ))
    },
    kernel: |inputs, parameters, outputs| match (inputs, outputs) {
        ([high, low, close], [stoch_k, stoch_d]) => core().stoch(
            0,
            close.len() - 1,
            high,
            low,
            close,
            whole(parameters, 0),
            whole(parameters, 1),
            MAType::SMA,
            whole(parameters, 2),
            MAType::SMA,
            stoch_k,
            stoch_d,
        ),
        _ => Err(RetCode::BadParam),
    },
};
