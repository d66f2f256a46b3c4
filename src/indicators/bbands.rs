//! Bollinger bands.

use ta_lib::{MAType, RetCode};

use super::indicator::{
    Bands, Indicator, Output, Parameter, Series, Shortcut, core, integer, look_back_bars, real,
};
use super::memory::Memory;

/// The simple average of `period` values, and bands `deviations` population deviations above and below it.
pub const BBANDS: Indicator = Indicator {
    title: "Bollinger bands",
    doc: "The simple average of `period` values, and bands `deviations` population deviations above and below it.",
    inputs: &[Series::Close],
    parameters: &[
        PERIOD,
        Parameter::factor(
            "deviations",
            "Deviations between the average and each band",
            2.0,
            0.0,
            100.0,
        ),
    ],
    outputs: &[
        Output::new("bbands_upper", "The upper Bollinger band"),
        Output::new("bbands_middle", "The simple average between the Bollinger bands")
            .within_inputs(),
        Output::new("bbands_lower", "The lower Bollinger band"),
    ],
    look_back: |parameters| {
        look_back_bars(core().bbands_lookback(
            integer(parameters, 0),
            real(parameters, 1),
            real(parameters, 1),
            MAType::SMA,
        ))
    },
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [bbands_upper, bbands_middle, bbands_lower]) => core().bbands(
            0,
            values.len() - 1,
            values,
            integer(parameters, 0),
            real(parameters, 1),
            real(parameters, 1),
            MAType::SMA,
            bbands_upper,
            bbands_middle,
            bbands_lower,
        ),
        _ => Err(RetCode::BadParam),
    },
    shortcut: Some(Shortcut::Bands(Bands { base: &BASE, signs: &[1.0, 0.0, -1.0] })),
};

const PERIOD: Parameter =
    Parameter::period("period", "Number of bars in the average and the deviation", 20.0, 2.0);

/// The center of the bands, and the deviation.
const BASE: Indicator = Indicator {
    title: "Base of Bollinger bands",
    doc: "The simple average of `period` values, and their population deviation.",
    inputs: &[Series::Close],
    parameters: &[PERIOD],
    outputs: &[
        Output::new("center", "The simple average"),
        Output::new("width", "The population deviation"),
    ],
    look_back: |parameters| look_back_bars(core().sma_lookback(integer(parameters, 0))),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [center, width]) => {
            let (end, period) = (values.len() - 1, integer(parameters, 0));
            core().stddev(0, end, values, period, 1.0, width)?;
            core().sma(0, end, values, period, center)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The bands are those of TA-Lib bit by bit, however they are computed.
        #[test]
        fn bands_follow_from_their_base(
            steps in prop::collection::vec((-5_i8..6, 1_usize..30), 1..60),
            unit in prop::sample::select(vec![0.1, 1e-9, 1e5, 1e300]),
            period in 2_u8..50,
            factor in prop_oneof![Just(0.0), Just(1.0), 0.0..5.0_f64],
            missing in prop::option::of(0_usize..300),
        ) {
            let mut price = 100.0;
            let mut values = Vec::new();
            for (step, bars) in steps {
                for bar in 0..bars {
                    price += f64::from(step) * (bar % 3) as f64;
                    values.push(price * unit);
                }
            }
            if let Some(value) = missing.and_then(|bar| values.get_mut(bar)) {
                *value = f64::NAN;
            }
            let period = f64::from(period);
            let expected = BBANDS.compute(&[&values], &[period, factor], false).unwrap();
            let base = BASE.compute(&[&values], &[period], false).unwrap();
            let Some(Shortcut::Bands(Bands { signs, .. })) = BBANDS.shortcut else { unreachable!() };
            for (sign, expected) in signs.iter().zip(expected) {
                for ((center, width), expected) in base[0].iter().zip(&base[1]).zip(expected) {
                    let found = if *sign == 0.0 { *center } else { center + sign * factor * width };
                    prop_assert!(found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan());
                }
            }
        }
    }
}
