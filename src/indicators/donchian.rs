//! Donchian channel.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// The highest high and the lowest low of the last `period` bars, the newest included, and their middle.
pub const DONCHIAN: Indicator = Indicator {
    title: "Donchian channel",
    doc: "The highest high and the lowest low of the last `period` bars, the newest included, and their middle.",
    inputs: &[Series::High, Series::Low],
    parameters: &[Parameter::period("period", "Bars of the channel", 20.0, 2.0)],
    outputs: &[
        Output { name: "donchian_upper", doc: "The highest high" },
        Output { name: "donchian_middle", doc: "The middle between highest high and lowest low" },
        Output { name: "donchian_lower", doc: "The lowest low" },
    ],
    look_back: |parameters| bars(core().donchian_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs| match (inputs, outputs) {
        ([high, low], [donchian_upper, donchian_middle, donchian_lower]) => core().donchian(
            0,
            high.len() - 1,
            high,
            low,
            whole(parameters, 0),
            donchian_upper,
            donchian_middle,
            donchian_lower,
        ),
        _ => Err(RetCode::BadParam),
    },
};
