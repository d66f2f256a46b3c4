use std::path::Path;

use serde_json::Value;

use super::*;
use crate::language::{PlanBuilder, RootValue, Scope, ValueType, check, evaluate, parse};
use crate::market::{Bars, Column, time};
use crate::observer::NoObserver;

/// What to do about an indicator or function without reference values.
const ADD_REFERENCE: &str = "add one to scripts/reference/indicators.py and run it";

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
}

fn evaluate_number(text: &str, bars: &Bars) -> Column {
    let scope = Scope { parameters: &[], allows_series: true };
    let checked = check(&parse(text).unwrap(), ValueType::Number, scope).unwrap();
    let mut builder = PlanBuilder::default();
    let root = builder.add(&checked, &[]).unwrap();
    match evaluate(&builder.finish(&[root]), bars, &NoObserver).unwrap().pop() {
        Some(RootValue::Column(column)) => column,
        other => panic!("{text} gave {other:?}"),
    }
}

/// Reads a reference file and its bars.
fn reference(name: &str) -> (Value, Bars) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("__test__/reference/indicators").join(name);
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let column = |name: &str| Column::from(numbers(&file["bars"][name]));
    let timestamps: Vec<i64> =
        (0..column("close").len()).map(|bar| i64::try_from(bar).unwrap() * time::DAY).collect();
    let bars = Bars::new(
        timestamps,
        column("open"),
        column("high"),
        column("low"),
        column("close"),
        Some(column("volume")),
    )
    .unwrap();
    (file, bars)
}

/// Describes the first bar on which an expression differs from the expected values, which are given with their bars.
fn first_difference(
    expression: &str,
    bars: &Bars,
    expected: impl Iterator<Item = (usize, f64)> + Clone,
) -> Option<String> {
    let found = evaluate_number(expression, bars);
    // A value that is 0 within rounding error has no relative error, so it is compared at the scale of the inputs.
    let scale = expected
        .clone()
        .map(|(_, value)| value)
        .chain(bars.close().iter().copied())
        .fold(0.0_f64, |scale, value| scale.max(value.abs()));
    expected
        .map(|(bar, expected)| (bar, found[bar], expected))
        .find(|(_, found, expected)| match (found.is_nan(), expected.is_nan()) {
            (false, false) => (found - expected).abs() > (1e-9 * expected.abs()).max(1e-13 * scale),
            (found, expected) => found != expected,
        })
        .map(|(bar, found, expected)| {
            format!("{expression} on bar {bar}: {found}, expected {expected}")
        })
}

/// Compares every expression of a reference file on every bar, including the missing values of the warm-up.
fn compare_with_reference(name: &str) {
    let (file, bars) = reference(name);
    let mut wrong = Vec::new();
    for (expression, expected) in file["values"].as_object().unwrap() {
        let expected = numbers(expected);
        assert_eq!(expected.len(), bars.len(), "{expression}");
        wrong.extend(first_difference(expression, &bars, expected.into_iter().enumerate()));
    }
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
}

/// The files name the library for each expression: pandas-ta 0.4.71b0, ta 0.11.0 or talipp 2.7.0
/// (scripts/reference/others.py).
#[test]
fn channels_bands_and_oscillators_equal_those_of_pandas_ta_and_ta_and_talipp() {
    for name in ["real", "gaps", "tiny", "flat"] {
        let (file, bars) = reference(&format!("others/{name}.json"));
        let mut wrong = Vec::new();
        for (expression, entry) in file["values"].as_object().unwrap() {
            let place = |key: &str| usize::try_from(entry[key].as_u64().unwrap()).unwrap();
            let places = (place("from")..bars.len()).step_by(place("every"));
            let expected = numbers(&entry["values"]);
            assert!(expected.len() >= 20 && expected.len() == places.len(), "{expression}");
            let library = entry["library"].as_str().unwrap();
            let difference = first_difference(expression, &bars, places.zip(expected));
            wrong.extend(difference.map(|difference| format!("{difference} ({library})")));
        }
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    }
}

#[test]
fn values_equal_the_reference_on_real_bars() {
    compare_with_reference("real.json");
}

#[test]
fn values_equal_the_reference_on_bars_with_gaps() {
    compare_with_reference("gaps.json");
}

#[test]
fn values_equal_the_reference_on_tiny_prices() {
    compare_with_reference("tiny.json");
}

#[test]
fn values_equal_the_reference_on_flat_prices() {
    compare_with_reference("flat.json");
}

#[test]
fn values_equal_the_reference_on_prices_that_stall() {
    compare_with_reference("stalls.json");
}

#[test]
fn every_function_has_a_reference_on_real_and_made_up_bars() {
    let calls = |expressions: &[String], name: &str| {
        expressions.iter().any(|text| {
            text.match_indices(name).any(|(at, _)| {
                let before = text[..at].chars().next_back();
                text[at + name.len()..].starts_with('(')
                    && !before.is_some_and(|before| before.is_alphanumeric() || before == '_')
            })
        })
    };
    let mut all = Vec::new();
    for name in ["real", "gaps", "tiny", "flat"] {
        let (file, _) = reference(&format!("{name}.json"));
        let expressions: Vec<String> =
            file["values"].as_object().unwrap().keys().cloned().collect();
        for output in INDICATORS.iter().flat_map(|indicator| indicator.outputs) {
            assert!(
                calls(&expressions, output.name),
                "{name}.json has no expression with {}: {ADD_REFERENCE}",
                output.name
            );
        }
        all.extend(expressions);
    }
    for name in crate::language::functions::function_names() {
        assert!(calls(&all, name), "no reference has an expression with {name}: {ADD_REFERENCE}");
    }
}

#[test]
fn values_of_long_windows_equal_the_reference() {
    compare_with_reference("long.json");
    compare_with_reference("long-stalls.json");
}

#[test]
fn the_rsi_is_zero_once_its_averages_underflow() {
    // With TA-Lib 0.8.2, RSI(2) of these prices is 100 up to bar 1075 and 0 from bar 1076 on.
    let mut values = vec![1.0, 2.0];
    values.resize(3_000, 2.0);
    let found = rsi::RSI.compute(&[&values], &[2.0], true).unwrap().remove(0);
    let first = found.iter().position(|value| *value == 0.0).unwrap();
    assert_eq!(first, 1_076);
    assert!(
        found[2..first].iter().all(|value| *value == 100.0)
            && found[first..].iter().all(|value| *value == 0.0)
    );
}

#[test]
fn crossings_equal_the_reference_on_prices_that_touch() {
    compare_with_reference("steps.json");
}

#[test]
fn a_fast_period_of_one_is_the_price_itself() {
    let closes: Vec<f64> = (0..60).map(|bar| 50.0 + f64::from(bar * 7 % 13)).collect();
    let slow = ema::EMA.compute(&[&closes], &[5.0], true).unwrap().remove(0);
    let macd = macd::MACD.compute(&[&closes], &[1.0, 5.0, 3.0], true).unwrap();
    assert!(macd[0][5].is_nan());
    for bar in 6..60 {
        assert_eq!(macd[0][bar], closes[bar] - slow[bar]);
        assert_eq!(macd[2][bar], macd[0][bar] - macd[1][bar]);
    }
    // The signal starts from the mean of the first three values of the line.
    let line = |bar: usize| closes[bar] - slow[bar];
    assert!((macd[1][6] - (line(4) + line(5) + line(6)) / 3.0).abs() < 1e-12);
}

#[test]
fn missing_values_restart_the_computation() {
    let mut values: Vec<f64> = (0..40).map(|bar| f64::from(bar * bar % 17)).collect();
    values[15] = f64::NAN;
    let found = ema::EMA.compute(&[&values], &[5.0], false).unwrap().remove(0);
    let alone = ema::EMA.compute(&[&values[16..]], &[5.0], true).unwrap().remove(0);
    assert!(found[14].is_finite() && found[15..20].iter().all(|value| value.is_nan()));
    assert_eq!(found[20..], alone[4..]);
}

#[test]
fn every_indicator_computes_with_its_default_and_minimum_parameters() {
    let wave: Vec<f64> = (0..400).map(|bar| 100.0 + 10.0 * (f64::from(bar) / 5.0).sin()).collect();
    let high: Vec<f64> = wave.iter().map(|value| value + 1.0).collect();
    for indicator in INDICATORS {
        let inputs: Vec<&[f64]> = indicator
            .inputs
            .iter()
            .map(|series| if *series == Series::High { high.as_slice() } else { wave.as_slice() })
            .collect();
        for pick in
            [|parameter: &Parameter| parameter.default, |parameter: &Parameter| parameter.minimum]
        {
            let parameters: Vec<f64> = indicator.parameters.iter().map(pick).collect();
            let look_back = (indicator.look_back)(&parameters);
            for column in indicator.compute(&inputs, &parameters, true).unwrap() {
                assert!(
                    column[..look_back].iter().all(|value| value.is_nan()),
                    "{}",
                    indicator.title
                );
                assert!(
                    column[look_back..].iter().all(|value| value.is_finite()),
                    "{} {parameters:?}",
                    indicator.title
                );
            }
            assert!(indicator.compute(&vec![&wave[..0]; inputs.len()], &parameters, true).is_ok());
        }
        let error = indicator.compute(&inputs[1..], &[], true).unwrap_err();
        assert_eq!(error.code, crate::error::Code::Internal, "{}", indicator.title);
    }
}

#[test]
fn function_series_and_keyword_names_are_distinct() {
    let mut names: Vec<&str> = crate::language::functions::function_names()
        .chain(crate::language::functions::series_names())
        .chain(crate::language::functions::KEYWORDS.into_iter().filter(|word| *word != "if"))
        .collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn rolling_extremes_are_bit_identical_to_those_of_the_crate() {
    use ta_lib::MAType;
    // Prices that repeat, rise and fall for long, and stand still.
    let close: Vec<f64> = (0..700)
        .map(|bar: i32| match bar {
            0..200 => 50.0 + f64::from(bar * 7919 % 23) / 3.0,
            200..400 => f64::from(bar),
            400..600 => 900.0 - 1.3 * f64::from(bar),
            _ => 120.0,
        })
        .collect();
    let high: Vec<f64> = close.iter().map(|value| value + 0.7).collect();
    let low: Vec<f64> = close.iter().map(|value| value - 0.4).collect();
    for period in [2, 3, 14, 200, 699] {
        let mut crate_columns = [vec![0.0; 700], vec![0.0; 700], vec![0.0; 700]];
        let [upper, middle, lower] = &mut crate_columns;
        let core = indicator::core();
        let range = core.donchian(0, 699, &high, &low, period, upper, middle, lower).unwrap();
        let ours = donchian::DONCHIAN.compute(&[&high, &low], &[f64::from(period)], true).unwrap();
        for (ours, theirs) in ours.iter().zip(&crate_columns) {
            assert_eq!(ours[range.beg_idx..], theirs[..range.count], "channel of {period}");
        }
        let [down, up, _] = &mut crate_columns;
        if let Ok(range) = core.aroon(0, 699, &high, &low, period, down, up) {
            let ours = aroon::AROON.compute(&[&high, &low], &[f64::from(period)], true).unwrap();
            for (ours, theirs) in ours.iter().zip(&crate_columns) {
                assert_eq!(ours[700 - range.count..], theirs[..range.count], "Aroon of {period}");
            }
        }
        let [k, d, _] = &mut crate_columns;
        let sma = MAType::SMA;
        for smoothing in [1, 3] {
            let range = core
                .stoch(0, 699, &high, &low, &close, period, smoothing, sma, 2, sma, k, d)
                .unwrap();
            let parameters = [f64::from(period), f64::from(smoothing), 2.0];
            let ours = stoch::STOCH.compute(&[&high, &low, &close], &parameters, true).unwrap();
            assert_eq!(ours[0][700 - range.count..], k[..range.count], "%K of {period}");
            assert_eq!(ours[1][700 - range.count..], d[..range.count], "%D of {period}");
        }
    }
}

/// Returns prices that wander, rise, fall, stand still at a price whose sums are rounded, and stall occasionally.
fn mixed(count: u32) -> Vec<f64> {
    let mut state = 9_u32;
    let mut price = 50.0;
    (0..count)
        .map(|bar| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let step = f64::from(state >> 16) / 65_536.0 - 0.5;
            match bar / 500 % 5 {
                0 => price += step,
                1 => price += 0.01,
                2 => price -= 0.01,
                3 => price = 12.34,
                _ if bar % 7 == 0 => price += (4.0 * step).round(),
                _ => {}
            }
            price = f64::max(price, 1.0);
            price
        })
        .collect()
}

#[test]
fn cci_of_long_periods_is_bit_identical_to_that_of_the_crate() {
    let close = mixed(5_003);
    let high: Vec<f64> = close.iter().map(|value| value * 1.001).collect();
    let low: Vec<f64> = close.iter().map(|value| value * 0.998).collect();
    // Full revolutions of the ring buffer, parts of one, and windows that span nearly all bars.
    for period in [64, 65, 71, 100, 128, 333, 500, 1_000, 2_501, 4_990, 5_000, 5_003] {
        for (high, low) in [(&high, &low), (&close, &close)] {
            let mut expected = vec![0.0; close.len()];
            let last = close.len() - 1;
            let range =
                indicator::core().cci(0, last, high, low, &close, period, &mut expected).unwrap();
            let found = cci::CCI.compute(&[high, low, &close], &[f64::from(period)], true).unwrap();
            assert_eq!(found[0][range.beg_idx..], expected[..range.count], "{period}");
        }
    }
}

#[test]
fn the_rank_by_tree_equals_that_by_counting() {
    let mut values = mixed(2_600);
    values[700] = -0.0;
    values[701] = 0.0;
    for period in [256_usize, 257, 300, 1_000, 1_299, 1_300, 2_599, 2_600] {
        let found = rank::RANK.compute(&[&values], &[period as f64], true).unwrap().remove(0);
        for (bar, found) in found.iter().enumerate() {
            let Some(first) = (bar + 1).checked_sub(period) else {
                assert!(found.is_nan());
                continue;
            };
            let count = |is: &dyn Fn(f64) -> bool| {
                values[first..=bar].iter().filter(|value| is(**value)).count() as f64
            };
            let (below, equal) =
                (count(&|value| value < values[bar]), count(&|value| value == values[bar]));
            let expected = (below + f64::midpoint(equal, 1.0)) / period as f64;
            assert_eq!(*found, expected, "bar {bar} of {period}");
        }
    }
}

#[test]
fn slow_kernels_stop_when_cancelled() {
    struct Stopped(std::sync::atomic::AtomicUsize);
    impl crate::observer::ProgressObserver for Stopped {
        fn is_cancelled(&self) -> bool {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= 3
        }
    }
    let values = mixed(200_000);
    for (indicator, inputs) in [(&cci::CCI, 3), (&rank::RANK, 1)] {
        let observer = Stopped(0.into());
        let inputs = vec![values.as_slice(); inputs];
        let error =
            indicator.compute_cancellable(&inputs, &[10_000.0], true, &observer).unwrap_err();
        assert_eq!(error.code, crate::error::Code::Cancelled, "{}", indicator.title);
        // The kernel stops at the fourth check, long before its end. The fifth check follows the kernel.
        assert_eq!(observer.0.into_inner(), 5, "{}", indicator.title);
    }
}

#[test]
fn outputs_stay_within_their_declared_range() {
    let close = mixed(5_003);
    let high: Vec<f64> = close.iter().map(|value| value * 1.01).collect();
    let low: Vec<f64> = close.iter().map(|value| value * 0.99).collect();
    for indicator in INDICATORS {
        let inputs: Vec<&[f64]> = indicator
            .inputs
            .iter()
            .map(|series| match series {
                Series::High => high.as_slice(),
                Series::Low => low.as_slice(),
                _ => close.as_slice(),
            })
            .collect();
        let extreme = |pick: fn(f64, f64) -> f64, start: f64| {
            inputs.iter().flat_map(|input| input.iter()).fold(start, |a, b| pick(a, *b))
        };
        let (least, greatest) =
            (extreme(f64::min, f64::INFINITY), extreme(f64::max, f64::NEG_INFINITY));
        let parameters: Vec<f64> =
            indicator.parameters.iter().map(|parameter| parameter.default).collect();
        let columns = indicator.compute(&inputs, &parameters, true).unwrap();
        for (output, column) in indicator.outputs.iter().zip(&columns) {
            // Averages can leave the range of their inputs by the rounding of sums.
            let rounding = 1e-9 * greatest;
            let (minimum, maximum) = match output.range {
                OutputRange::Unbounded => continue,
                OutputRange::Between(minimum, maximum) => (minimum, maximum),
                OutputRange::WithinInputs => (least - rounding, greatest + rounding),
                OutputRange::MaximumOfInput(input) | OutputRange::MinimumOfInput(input) => {
                    let is_maximum = matches!(output.range, OutputRange::MaximumOfInput(_));
                    for (value, newest) in column.iter().zip(inputs[input]) {
                        let is_bounded = if is_maximum { value >= newest } else { value <= newest };
                        assert!(value.is_nan() || is_bounded, "{}", output.name);
                    }
                    (least, greatest)
                }
            };
            for value in column.iter().filter(|value| !value.is_nan()) {
                assert!((minimum..=maximum).contains(value), "{} is {value}", output.name);
            }
        }
    }
}
