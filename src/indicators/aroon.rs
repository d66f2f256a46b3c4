//! Aroon.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// How long ago the extremes of the last `period` bars were: 100 now, 0 at the far end.
pub const AROON: Indicator = Indicator {
    title: "Aroon",
    doc: "How long ago the extremes of the last `period` bars were: 100 now, 0 at the far end.",
    inputs: &[Series::High, Series::Low],
    parameters: &[Parameter::period("period", "Bars of the range", 14.0, 2.0)],
    outputs: &[
        Output {
            name: "aroon_down", doc: "100 × (period − bars since the lowest low) / period"
        },
        Output {
            name: "aroon_up", doc: "100 × (period − bars since the highest high) / period"
        },
    ],
    look_back: |parameters| bars(core().aroon_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs| match (inputs, outputs) {
        ([high, low], [aroon_down, aroon_up]) => {
            core().aroon(0, high.len() - 1, high, low, whole(parameters, 0), aroon_down, aroon_up)
        }
        _ => Err(RetCode::BadParam),
    },
};
