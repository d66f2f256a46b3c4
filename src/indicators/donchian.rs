//! Donchian channel.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series};
use super::memory::Memory;
use super::rolling;

/// The highest high and the lowest low of the last `period` bars, the newest included, and their middle.
pub const DONCHIAN: Indicator = Indicator {
    title: "Donchian channel",
    doc: "The highest high and the lowest low of the last `period` bars, the newest included, and their middle.",
    inputs: &[Series::High, Series::Low],
    parameters: &[Parameter::period("period", "Number of bars in the channel", 20.0, 2.0)],
    outputs: &[
        Output::new("donchian_upper", "The highest high").maximum_of_input(0),
        Output::new("donchian_middle", "The middle between highest high and lowest low")
            .within_inputs(),
        Output::new("donchian_lower", "The lowest low").minimum_of_input(1),
    ],
    look_back: |parameters| rolling::look_back(parameters),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([high, low], [donchian_upper, donchian_middle, donchian_lower]) => {
            rolling::extremes(high, parameters, donchian_upper, |a, b| if a > b { a } else { b })?;
            let range =
                rolling::extremes(
                    low,
                    parameters,
                    donchian_lower,
                    |a, b| if a < b { a } else { b },
                )?;
            let bands = donchian_upper.iter().zip(donchian_lower.iter());
            for (middle, (upper, lower)) in donchian_middle.iter_mut().zip(bands) {
                *middle = (upper + lower) / 2.0;
            }
            Ok(range)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};
