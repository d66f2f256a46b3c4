use std::fmt::Write;

use proptest::prelude::*;

use super::limits::MAX_DIAGNOSTICS;
use super::*;
use crate::indicators;
use crate::market::{Bars, Column, time};
use crate::observer::NoObserver;

const PARAMETERS: &[ParameterDeclaration<'static>] = &[
    ParameterDeclaration { name: "period", value_type: ValueType::Number, is_integer: true },
    ParameterDeclaration { name: "factor", value_type: ValueType::Number, is_integer: false },
    ParameterDeclaration { name: "flag", value_type: ValueType::Condition, is_integer: false },
];
const VALUES: &[Binding] = &[Binding::Number(4.0), Binding::Number(0.5), Binding::Condition(true)];

fn scope() -> Scope<'static> {
    Scope { parameters: PARAMETERS, allows_series: true }
}

/// Plans an expression, or returns its diagnostics, one per line.
fn plan(text: &str) -> Result<Plan, String> {
    let shown = |diagnostics: Vec<Diagnostic>| {
        diagnostics.iter().fold(String::new(), |mut all, problem| {
            let separator = if all.is_empty() { "" } else { "\n" };
            write!(all, "{separator}{problem}").unwrap();
            all
        })
    };
    let tree = parse(text).map_err(|problem| problem.to_string())?;
    let checked = check(&tree, ValueType::Number, scope())
        .or_else(|diagnostics| check(&tree, ValueType::Condition, scope()).map_err(|_| diagnostics))
        .map_err(shown)?;
    let mut builder = PlanBuilder::default();
    let root = builder.add(&checked, VALUES).map_err(shown)?;
    Ok(builder.finish(&[root]))
}

/// Evaluates on bars; conditions become 0 and 1, missing values -999.
fn values(text: &str, bars: &Bars) -> Vec<f64> {
    let computed = evaluate(&plan(text).unwrap(), bars, &NoObserver).unwrap().pop().unwrap();
    let shown = |value: f64| if value.is_nan() { -999.0 } else { value };
    match computed {
        RootValue::Number(value) => vec![shown(value); bars.len()],
        RootValue::Condition(value) => vec![f64::from(u8::from(value)); bars.len()],
        RootValue::Column(column) => column.iter().map(|value| shown(*value)).collect(),
        RootValue::Bits(bits) => {
            (0..bars.len()).map(|bar| f64::from(u8::from(bits.get(bar)))).collect()
        }
    }
}

fn bars_every(step: i64, closes: &[f64]) -> Bars {
    let timestamps = (0..closes.len()).map(|bar| i64::try_from(bar).unwrap() * step).collect();
    let high: Column = closes.iter().map(|close| close + 1.0).collect();
    let low: Column = closes.iter().map(|close| close - 0.5).collect();
    let volume: Column = closes.iter().map(|close| close * 10.0).collect();
    Bars::new(timestamps, closes.to_vec().into(), high, low, closes.to_vec().into(), Some(volume))
        .unwrap()
}

fn wave(bars: usize) -> Vec<f64> {
    (0..bars).map(|bar| 5.0 + ((bar * 7919 + bar * bar * 31) % 23) as f64 / 4.0).collect()
}

#[test]
fn diagnostics_name_the_position_and_what_was_expected() {
    for (text, expected) in [
        ("rsii(close, 14)", "1:1: unknown function `rsii`, did you mean `rsi`?"),
        (
            "q + close",
            "1:1: unknown name `q`: it is neither a parameter of the strategy nor a series (open, high, low, close, volume)",
        ),
        ("mni(close, 1)", "1:1: unknown function `mni`, did you mean `min`?"),
        (
            "clos > 1 and sma(close, perod) > 1",
            "1:1: unknown name `clos`, did you mean `close`?\n1:25: unknown name `perod`, did you mean `period`?",
        ),
        ("sma(close, 10, 20)", "1:1: sma(close, period = 30) cannot take 3 arguments"),
        (
            "sma(close, factor)",
            "1:12: argument period of sma: expected a whole number, found a number that may have a fraction; round it with round(x)",
        ),
        (
            "sma(close, close)",
            "1:12: argument period of sma: expected a whole constant or parameter, found a series",
        ),
        (
            "sma(close, 0)",
            "1:12: argument period of sma must be a whole number between 1 and 10000, was 0",
        ),
        (
            "shift(close, -1)",
            "1:14: argument n of shift must be a whole number between 0 and 10000, was -1; no expression can read a later bar, because it is not known when the signal occurs",
        ),
        (
            "shift(close, 10001)",
            "1:14: argument n of shift must be a whole number between 0 and 10000, was 10001",
        ),
        (
            "sma(20, close)",
            "1:1: sma(close, period = 30): the series comes first, write sma(close, 20)",
        ),
        ("shift(1, high - low)", "1:1: shift: the series comes first, write shift(high - low, 1)"),
        (
            "count(period, close > open)",
            "1:1: count: the series comes first, write count(close > open, period)",
        ),
        (
            "shift(3, 1)",
            "1:7: argument x of shift: expected a series such as close, found a constant",
        ),
        ("close > flag", "1:9: `>`: expected a number, found a condition"),
        ("close and flag", "1:1: `and`: expected a condition, found a number"),
        (
            "if(close > 1, close, flag)",
            "1:22: argument b of if: expected a number, found a condition",
        ),
        ("crossed_above(close)", "1:1: crossed_above(a, b) takes 2 arguments, found 1"),
        ("min(close)", "1:1: min(a, b, …) takes at least 2 arguments, found 1"),
        (
            "sma",
            "1:1: `sma` is a function, expected its arguments in parentheses, such as sma(close, 30)",
        ),
        (
            "close(1)",
            "1:1: unknown function `close`, write shift(close, 1) for the value 1 bar ago",
        ),
        ("hour()", "1:1: unknown function `hour`, write `hour` without parentheses"),
        (
            "higher(\"2d\", close)",
            "1:8: higher: expected a timeframe in quotes, one of 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d, 1w",
        ),
        (
            "higher(\"1d\", higher(\"4h\", close))",
            "1:21: higher: the timeframe inside \"1d\" must be coarser, was \"4h\"",
        ),
    ] {
        let found = plan(text).unwrap_err();
        // `plan` reports the diagnostics of the first type that it tries.
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn diagnostics_say_what_to_write_instead() {
    for (text, expected) in [
        ("sma(close, 50.5)", "1:12: argument period of sma: expected a whole number, found 50.5"),
        ("shift(close, 1.5)", "1:14: argument n of shift: expected a whole number, found 1.5"),
        (
            "sma(close, 1 / 2)",
            "1:14: argument period of sma: expected a whole number, found a number that may have a fraction; round it with round(x)",
        ),
        (
            "fast > slow",
            "1:1: unknown name `fast`: declare it, parameters: { fast: { type: 'integer', default: 20 } }\n1:8: unknown name `slow`: declare it, parameters: { slow: { type: 'integer', default: 20 } }",
        ),
        (
            "rsi(close, n) < buyThreshold",
            "1:12: unknown name `n`: declare it, parameters: { n: { type: 'integer', default: 20 } }\n1:17: unknown name `buyThreshold`: declare it, parameters: { buyThreshold: { type: 'number', default: 2 } }",
        ),
        ("fctr > 1", "1:1: unknown name `fctr`, did you mean `factor`?"),
        ("periods > 1", "1:1: unknown name `periods`, did you mean `period`?"),
        ("perio > 1", "1:1: unknown name `perio`, did you mean `period`?"),
        (
            "higher('1W', close)",
            "1:8: higher: expected a timeframe in quotes, one of 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d, 1w; did you mean '1w'?",
        ),
        (
            "higher('1M', close)",
            "1:8: higher: expected a timeframe in quotes, one of 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d, 1w",
        ),
    ] {
        assert_eq!(plan(text).unwrap_err(), expected, "{text}");
    }
}

/// Returns the expression of an advice, with its placeholders replaced; `None` if it is a single symbol or word.
fn advised(advice: synonyms::Advice) -> Option<String> {
    let synonyms::Advice::Write(text, _) = advice else { return None };
    if text.starts_with('`') {
        return None;
    }
    Some(filled(text))
}

/// Replaces the placeholders of an expression.
fn filled(text: &str) -> String {
    let places = [("a", "close"), ("b", "open"), ("x", "high"), ("y", "2"), ("n", "5")];
    let mut filled = String::new();
    for part in text.split_inclusive(|character: char| !character.is_alphanumeric()) {
        let word = part.trim_end_matches(|character: char| !character.is_alphanumeric());
        let rest = &part[word.len()..];
        let place = places.iter().find(|(name, _)| *name == word);
        filled += place.map_or(word, |(_, value)| value);
        filled += rest;
    }
    let filled = filled.replace("(condition", "(close > open");
    filled.replace("'1d'", "'1w'")
}

#[test]
fn every_advice_compiles_and_is_found() {
    use synonyms::{Advice, NAMES, OPERATOR_WORDS, PREFIX_WORDS, SYMBOLS};
    let own = || functions::function_names().chain(functions::series_names());
    let mut count = 0;
    for list in [NAMES, OPERATOR_WORDS, PREFIX_WORDS, SYMBOLS] {
        let mut seen = std::collections::BTreeSet::new();
        for (words, advice) in list {
            if let Some(text) = advised(*advice) {
                assert!(plan(&text).is_ok(), "{text}: {:?}", plan(&text));
            }
            if let Advice::Write(text, more) = advice {
                let single = text.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
                assert!(single.is_none_or(|text| !text.is_empty()), "{text}");
                assert!(!more.starts_with(char::is_alphanumeric), "{more}");
            }
            for word in words.split(' ') {
                assert!(seen.insert(word), "{word} occurs twice");
                count += 1;
            }
        }
    }
    assert!(count > 300, "{count}");
    for (words, advice) in NAMES {
        for word in words.split(' ') {
            assert_eq!(synonyms::simplified(word), *word);
            assert!(own().all(|known| synonyms::simplified(known) != word), "{word} is known");
            assert_eq!(synonyms::find(NAMES, word), Some(*advice));
            let hint = advice.hint();
            for text in [format!("{word}(close, 3) > 1"), format!("1 < {word}")] {
                let found = plan(&text).unwrap_err();
                // A few words, such as `var`, are words before an operand, too.
                assert!(found.contains(&hint) || found.contains("unknown word"), "{text}\n{found}");
            }
        }
    }
    for (symbol, advice) in SYMBOLS.iter().filter(|(symbol, _)| *symbol != "%") {
        let found = plan(&format!("(close) {symbol} 3")).unwrap_err();
        assert!(found.contains(&advice.hint()), "{symbol}: {found}");
    }
    for (words, advice) in OPERATOR_WORDS {
        for word in words.split(' ') {
            for word in [word.to_uppercase(), word.to_owned()] {
                if ["and", "or"].contains(&word.as_str()) {
                    continue;
                }
                for text in [format!("close {word} open"), format!("(close {word} open)")] {
                    let found = plan(&text).unwrap_err();
                    assert!(found.ends_with(&advice.hint()), "{text}: {found}");
                }
            }
        }
    }
    for (words, advice) in PREFIX_WORDS {
        for word in words.split(' ').filter(|word| *word != "not") {
            for text in [format!("{word} close"), format!("1 < ({word} close)")] {
                let found = plan(&text).unwrap_err();
                assert!(
                    found.ends_with(&format!("unknown word `{word}`{}", advice.hint())),
                    "{found}"
                );
            }
        }
    }
}

#[test]
fn every_function_and_indicator_has_an_example_that_compiles() {
    for name in functions::function_names() {
        let example = suggestion::example(name).unwrap();
        let text = filled(&example);
        assert!(plan(&text).is_ok(), "{text}: {:?}", plan(&text));
        // What is called on a module or an object in other languages.
        assert!(plan(&format!("ta.{name}(close, 20)")).unwrap_err().contains(&example), "{name}");
        if !name.contains("if") {
            assert!(plan(&format!("{name} > 3")).unwrap_err().ends_with(&example), "{name}");
        }
    }
}

#[test]
fn what_other_languages_write_has_a_hint() {
    for (text, expected) in [
        ("crossover(close, open)", "1:1: unknown function `crossover`, write crossed_above(a, b)"),
        ("ta.crossover(close, open)", "unknown function `ta.crossover`, write crossed_above(a, b)"),
        (
            "ta.sma(close, 10) > 1",
            "unknown function `ta.sma`, write sma(…) without the prefix, as in sma(close, 30)",
        ),
        ("talib.RSI(close)", "unknown function `talib.RSI`, did you mean `rsi`?"),
        ("df.close > 1", "unknown name `df.close`, write close"),
        ("MACD.signal > 0", "unknown name `MACD.signal`, write macd_signal(close, 12, 26, 9)"),
        ("bb.lower > close", "unknown name `bb.lower`, write bbands_lower(close, 20, 2)"),
        (
            "close > previous close",
            "1:9: unknown word `previous`, write shift(close, 1), for example for the previous close",
        ),
        ("a > 1", "unknown name `a`: it is neither a parameter"),
        (
            "close.shift(1)",
            "unknown function `close.shift`, write shift(…) without the prefix, as in shift(x, n)",
        ),
        ("strategy.entry('long')", ": expressions place no orders; entries, exits"),
        (
            "close > 1 AND close > 2",
            "1:11: expected an operator or the end, found `AND`, write `and`",
        ),
        ("NOT close > 1", "1:1: unknown word `NOT`, write `not`"),
        ("and(close > 1, close > 2)", "1:1: `and` is an operator, write a and b"),
        (
            "macd(close, 12, 26, 9) > 0",
            "write macd_line(close, 12, 26, 9), for example; macd_signal and macd_hist",
        ),
        ("barssince(close > 1)", "did you mean `bars_since`?"),
        ("close ≥ 3", "1:7: unknown symbol `≥`, write `>=`"),
        ("close > open * 2%", "1:17: `%` is the remainder of a division, write 0.02 for 2 %"),
        ("rsi() < 30 % and close > 1", "write 0.3 for 30 %"),
        (
            "stopLoss > 3",
            "`stopLoss`: a stop loss is a setting of the run, simulation: { slStop: 0.05 }",
        ),
        ("close > SMA200", "unknown name `SMA200`, write sma(close, 200)"),
        ("rsi_7 < 30", "unknown name `rsi_7`, write rsi(close, 7)"),
        (
            "CLOSE > Open",
            "unknown name `CLOSE`, did you mean `close`?\n1:9: unknown name `Open`, did you mean `open`?",
        ),
        ("True", "did you mean `true`?"),
        ("if close > 1 then 3 else 4", "1:1: unknown word `if`, write if(condition, a, b)"),
        (
            "if(close > 1) 3 else 4",
            "`if` takes its condition and both values: write if(condition, a, b)",
        ),
        ("let x = close", "1:7: unknown symbol `=`, write `==` to compare"),
        (
            "close crosses above open",
            "found `crosses`, write crossed_above(a, b) or crossed_below(a, b)",
        ),
        ("close[1] > 3", "1:6: unknown symbol `[`, write shift(x, n) for the value n bars ago"),
        (
            "close.rolling(20).mean()",
            "1:18: unknown symbol `.`, write sma(close, 20), for example for close.rolling(20).mean()",
        ),
        ("df['close'] > 1", "1:3: unknown symbol `['`, write close without brackets and quotes"),
        ("close > \"100\"", "found text \"100\"; write 100 without quotes"),
        ("volume_sma(20)", "did you mean `sma`?"),
        ("band(close)", "did you mean `bbands_upper`, `bbands_middle` or `bbands_lower`?"),
        (
            "xyzzy(close)",
            "1:1: unknown function `xyzzy`; docs/strategy-language.md lists the functions",
        ),
    ] {
        let found = plan(text).unwrap_err();
        assert!(found.contains(expected), "{text}\n{found}");
    }
    // No message lists all names.
    for name in ["q", "qq", "zzzz", "e", "the", "di", "ma", "os", "a_b"] {
        for text in [name.to_owned(), format!("{name}(close)")] {
            let found = plan(&text).unwrap_err();
            assert!(found.matches('`').count() <= 12 && found.len() < 250, "{found}");
        }
    }
}

#[test]
fn comparisons_with_a_missing_value_are_false() {
    let bars = bars_every(time::DAY, &[1.0, 2.0, 3.0, 2.0]);
    assert_eq!(values("sma(close, 3) > 0", &bars), [0.0, 0.0, 1.0, 1.0]);
    assert_eq!(values("sma(close, 3) != 0", &bars), [0.0, 0.0, 1.0, 1.0]);
    assert_eq!(values("not (sma(close, 3) > 0)", &bars), [1.0, 1.0, 0.0, 0.0]);
    assert_eq!(values("1 / (close - 2)", &bars), [-1.0, -999.0, 1.0, -999.0]);
    assert_eq!(values("log(0) == log(0)", &bars), [0.0; 4]);
    assert_eq!(values("max(shift(close, 1), 0)", &bars), [-999.0, 1.0, 2.0, 3.0]);
    assert_eq!(values("pow(shift(close, 1), 0)", &bars), [-999.0, 1.0, 1.0, 1.0]);
}

#[test]
fn arithmetic_follows_the_usual_rules() {
    let bars = bars_every(time::DAY, &[3.0]);
    for (text, expected) in [
        ("1 + 2 * 3 - 4 / 8", 6.5),
        ("-7 % 3", -1.0),
        ("close % 2", 1.0),
        ("-close + abs(-2)", -1.0),
        ("round(2.5) + round(-2.5) + floor(-0.5) + ceil(0.5)", 0.0),
        ("min(3, 1, 2) + max(3, close, 5)", 6.0),
        ("exp(log(8)) / sqrt(4) + pow(2, 3)", 12.0),
        ("if(flag, close, 0) + period * factor", 5.0),
        ("if(close > 2 and not (close == 4 or close != 3), 1, 2)", 1.0),
    ] {
        let found = values(text, &bars)[0];
        assert!((found - expected).abs() < 1e-12, "{text} is {found}");
    }
}

#[test]
fn time_fields_are_those_of_the_opening_time_in_utc() {
    // 2024-02-29 was a Thursday.
    let timestamp = time::parse("2024-02-29T13:45").unwrap();
    let column = || Column::from(vec![1.0]);
    let bars = Bars::new(vec![timestamp], column(), column(), column(), column(), None).unwrap();
    let text =
        "hour * 1000000 + minute * 10000 + day_of_week * 1000 + day_of_month * 10 + month / 10";
    assert_eq!(values(text, &bars), [13_454_290.2]);
}

#[test]
fn higher_timeframes_are_visible_only_after_they_have_closed() {
    let closes: Vec<f64> = (1..=10).map(f64::from).collect();
    let bars = bars_every(time::DAY / 4, &closes);
    // Days hold the bars 1–4, 5–8 and 9–10.
    let missing = -999.0;
    assert_eq!(
        values("higher('1d', close)", &bars),
        [missing, missing, missing, missing, 4.0, 4.0, 4.0, 4.0, 8.0, 8.0]
    );
    assert_eq!(values("higher('1d', change(high, 1))", &bars)[8..], [4.0, 4.0]);
    assert_eq!(
        values("higher('1d', volume > 100)", &bars),
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    );
}

#[test]
fn each_distinct_subexpression_is_computed_once() {
    let shared =
        plan("macd_line(close) - macd_signal(close) + macd_hist(close) + macd_line()").unwrap();
    let indicators =
        shared.steps.iter().filter(|planned| matches!(planned.step, plan::Step::Indicator(..)));
    assert_eq!(indicators.count(), 1);
    assert_eq!(
        plan("crossed_above(close, sma(close, 3)) or crossed_below(sma(close, 2 + 1), close)")
            .unwrap()
            .len(),
        6
    );
    assert_eq!(plan("close > 3 or 3 < close").unwrap().len(), 4);
    assert_eq!(
        plan("2 * period + 1 > 3 and flag").unwrap().constant(0),
        Some(Binding::Condition(true))
    );
    assert_eq!(plan("flag or close > 1").unwrap().len(), 1);
    assert_eq!(plan("if(flag, close, rsi())").unwrap().len(), 1);
}

#[test]
fn columns_of_repeated_arguments_are_dropped_early() {
    let list: Vec<String> = (1..=300).map(|period| format!("sma(close, {period})")).collect();
    let plan = plan(&format!("max({})", list.join(", "))).unwrap();
    // Each average is read shortly after it is computed: by its output, which the running maximum then reads.
    for (id, planned) in plan.steps.iter().enumerate() {
        if let plan::Step::Output(_) = planned.step {
            let reader = plan.steps.iter().position(|step| step.inputs.contains(&id)).unwrap();
            assert!(reader <= id + 3, "{id} is read by {reader}");
        }
    }
    let bars = bars_every(time::DAY, &wave(400));
    let greatest = values(&format!("max({})", list.join(", ")), &bars);
    let one_by_one: Vec<Vec<f64>> = list.iter().map(|text| values(text, &bars)).collect();
    assert_eq!(greatest[298], -999.0);
    for bar in 299..400 {
        let expected = one_by_one.iter().map(|values| values[bar]).fold(f64::MIN, f64::max);
        assert_eq!(greatest[bar], expected);
    }
}

#[test]
fn names_of_parameters_are_declared_as_advised() {
    for (words, declaration) in synonyms::PARAMETERS {
        for word in words.split(' ') {
            assert_eq!(synonyms::simplified(word), *word);
            assert_eq!(synonyms::find_parameter(word), Some(*declaration), "{word}");
        }
    }
    for (name, is_parameter) in
        [("fast_period", true), ("smaLength", true), ("open", false), ("flow", false)]
    {
        assert_eq!(synonyms::find_parameter(name).is_some(), is_parameter, "{name}");
    }
}

#[test]
fn the_number_of_listed_diagnostics_is_limited() {
    let text = vec!["zzzzzzzzzz()"; 600].join(",");
    let Err(diagnostics) =
        check(&parse(&format!("min({text})")).unwrap(), ValueType::Number, scope())
    else {
        panic!("{text} was accepted")
    };
    assert_eq!(diagnostics.len(), MAX_DIAGNOSTICS + 1);
    assert_eq!(
        diagnostics[MAX_DIAGNOSTICS].to_string(),
        "1:1305: 500 more problems in this expression not listed"
    );
}

/// Returns the titles of the indicators that a plan does not compute on their own but within a comparison.
fn fused_indicators(text: &str) -> Vec<&'static str> {
    let plan = plan(text).unwrap();
    let is_deferred = fusion::deferred_indicators(&plan);
    plan.steps
        .iter()
        .zip(is_deferred)
        .filter(|(_, is_deferred)| *is_deferred)
        .map(|(planned, _)| match planned.step {
            plan::Step::Indicator(index, _) => indicators::INDICATORS[index].title,
            _ => panic!("{planned:?} is deferred"),
        })
        .collect()
}

#[test]
fn comparisons_are_fused_only_if_nothing_else_reads_the_averages() {
    const BOTH: [&str; 2] = ["Simple moving average"; 2];
    for text in [
        "crossed_above(sma(close, 3), sma(close, 8))",
        "crossed_above(sma(close, 3), sma(open, 8)) and close > 2",
        "crossed_above(sma(close, 3), sma(close, 8)) or crossed_below(sma(close, 3), sma(close, 8))",
        "higher('1w', crossed_above(sma(close, 3), sma(close, 8)))",
    ] {
        assert_eq!(fused_indicators(text), BOTH, "{text}");
    }
    for text in [
        "crossed_above(sma(close, 3), sma(close, 8)) and sma(close, 3) > 2",
        "crossed_above(sma(close, 3), sma(close, 3))",
        "crossed_above(sma(close, 3), close)",
        "crossed_above(sma(close, 3), 2)",
        "crossed_above(sma(close, 3), ema(close, 8))",
        "crossed_above(ema(close, 3), ema(close, 8))",
        "crossed_above(sma(close, 3), sma(shift(close, 1), 8))",
        "sma(close, 3) > sma(close, 8)",
    ] {
        assert!(fused_indicators(text).is_empty(), "{text}");
    }
}

#[test]
fn fused_comparisons_equal_those_of_columns() {
    // Lengths around a block of 64 bars, around eight blocks, and around a section of 32,768 bars.
    let lengths = [63, 64, 65, 511, 512, 513, 1_000, 32_767, 32_768, 32_769, 65_537];
    for length in lengths {
        let bars = bars_every(time::DAY / 24, &wave(length));
        for (fast, slow) in [(1, 2), (3, 8), (10, 30), (8, 3), (64, 100), (5, 2_000)] {
            for name in ["crossed_above", "crossed_below"] {
                let fused = format!("{name}(sma(close, {fast}), sma(close, {slow}))");
                // Adding 0 forces the slow average into a column.
                let plain = format!("{name}(sma(close, {fast}), sma(close, {slow}) + 0 * close)");
                assert_eq!(fused_indicators(&fused).len(), 2);
                assert!(fused_indicators(&plain).is_empty());
                assert!(values(&fused, &bars) == values(&plain, &bars), "{fused}, {length} bars");
            }
        }
        assert!(values("crossed_above(sma(close, 3), sma(close, 8))", &bars).contains(&1.0));
    }
}

/// Returns a timeframe that is coarser at greater nesting depth, as nested timeframes must be.
fn coarser(depth: u32) -> &'static str {
    ["1w", "1d", "6h", "2h"][depth as usize % 4]
}

/// Generates numeric expressions.
fn number(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("close".to_owned()),
        Just("open".to_owned()),
        Just("high".to_owned()),
        Just("volume".to_owned()),
        Just("hour".to_owned()),
        Just("factor".to_owned()),
        (0..20_u32).prop_map(|value| format!("{}", f64::from(value) / 2.0)),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = || number(depth - 1);
    // Adding the close turns a possible constant into a series.
    let series = || number(depth - 1).prop_map(|text| format!("(close + {text})"));
    let single: Vec<&str> = indicators::INDICATORS
        .iter()
        .filter(|found| found.inputs.len() == 1)
        .flat_map(|found| found.outputs)
        .map(|output| output.name)
        .collect();
    let multiple: Vec<&str> = indicators::INDICATORS
        .iter()
        .filter(|found| found.inputs.len() > 1)
        .flat_map(|found| found.outputs)
        .map(|output| output.name)
        .collect();
    prop_oneof![
        leaf,
        (inner(), prop::sample::select(vec!["+", "-", "*", "/", "%"]), inner())
            .prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
        (
            prop::sample::select(vec!["abs", "log", "exp", "sqrt", "round", "floor", "ceil", "-"]),
            inner()
        )
            .prop_map(|(name, a)| format!("{name}({a})")),
        (prop::sample::select(vec!["min", "max", "pow"]), inner(), inner())
            .prop_map(|(name, a, b)| format!("{name}({a}, {b})")),
        (
            prop::sample::select(vec![
                "shift", "change", "highest", "lowest", "sum", "stdev", "rank"
            ]),
            series(),
            1..9_u32
        )
            .prop_map(|(name, a, n)| format!("{name}({a}, {n})")),
        (prop::sample::select(single), series(), 2..7_u32).prop_map(|(name, a, n)| {
            if name == "sma" { format!("sma({a}, period)") } else { format!("{name}({a}, {n})") }
        }),
        prop::sample::select(multiple).prop_map(|name| format!("{name}()")),
        (condition(depth - 1), 1..9_u32).prop_map(|(a, n)| format!("count({a}, {n})")),
        condition(depth - 1).prop_map(|a| format!("bars_since({a})")),
        (condition(depth - 1), inner(), inner()).prop_map(|(c, a, b)| format!("if({c}, {a}, {b})")),
        series().prop_map(move |a| format!("higher('{}', {a})", coarser(depth))),
    ]
    .boxed()
}

/// Generates conditions.
fn condition(depth: u32) -> BoxedStrategy<String> {
    let compared = (
        number(depth),
        prop::sample::select(vec!["<", "<=", ">", ">=", "==", "!="]),
        number(depth),
    )
        .prop_map(|(a, sign, b)| format!("{a} {sign} {b}"));
    if depth == 0 {
        return prop_oneof![compared, Just("flag".to_owned()), Just("false".to_owned())].boxed();
    }
    let inner = || condition(depth - 1).prop_map(|text| format!("({text})"));
    prop_oneof![
        compared,
        (inner(), prop::sample::select(vec!["and", "or"]), inner())
            .prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        inner().prop_map(|a| format!("not {a}")),
        (
            prop::sample::select(vec!["crossed_above", "crossed_below"]),
            number(depth - 1),
            number(depth - 1)
        )
            .prop_map(|(name, a, b)| format!("{name}({a}, {b})")),
        (inner(), inner(), inner()).prop_map(|(c, a, b)| format!("if({c}, {a}, {b})")),
        // Adding the close turns a possible constant into a series.
        inner().prop_map(move |a| format!("higher('{}', close > 0 and {a})", coarser(depth))),
    ]
    .boxed()
}

/// Generates bars at random multiples of half an hour, with gaps of up to two weeks.
fn gappy_bars() -> impl Strategy<Value = Bars> {
    let pause = prop_oneof![10 => 1_i64..4, 3 => 4_i64..60, 1 => 60_i64..700];
    prop::collection::vec((pause, 1_u32..40), 30..160).prop_map(|steps| {
        let mut timestamp = 0;
        let (timestamps, closes): (Vec<i64>, Vec<f64>) = steps
            .into_iter()
            .map(|(pause, close)| {
                timestamp += pause * time::DAY / 48;
                (timestamp, f64::from(close) / 4.0)
            })
            .unzip();
        let column = || Column::from(closes.clone());
        let high: Column = closes.iter().map(|close| close + 1.0).collect();
        let volume: Column = closes.iter().map(|close| close * 10.0).collect();
        Bars::new(timestamps, column(), high, column(), column(), Some(volume)).unwrap()
    })
}

/// Returns for each bar the closes of the periods that ended before it opened, derived from the calendar alone.
fn closes_before(bars: &Bars, period: i64, offset: i64) -> Vec<Vec<f64>> {
    let period_of = |bar: usize| (bars.timestamps()[bar] - offset).div_euclid(period);
    (0..bars.len())
        .map(|bar| {
            (0..bar)
                .filter(|earlier| {
                    period_of(*earlier) < period_of(bar)
                        && period_of(*earlier) != period_of(*earlier + 1)
                })
                .map(|last| bars.close()[last])
                .collect()
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// The values on a prefix of the bars are a prefix of the values: nothing reads a later bar.
    #[test]
    fn no_program_looks_ahead(text in prop_oneof![number(3), condition(3)], cut in 1_usize..140) {
        let planned = plan(&text);
        prop_assert!(planned.is_ok(), "{text}: {}", planned.unwrap_err());
        let bars = bars_every(time::DAY / 24, &wave(140));
        let whole = values(&text, &bars);
        let part = values(&text, &bars.slice(0..cut));
        prop_assert_eq!(&whole[..cut], &part[..], "{}", text);
    }

    /// The same for programs with higher timeframes, on bars with gaps, for every prefix of the bars.
    #[test]
    fn no_higher_timeframe_looks_ahead(
        inner in prop_oneof![number(1).prop_map(|text| format!("(close + {text})")), condition(1).prop_map(|text| format!("(close > 0 and {text})"))],
        timeframe in prop::sample::select(vec!["1h", "4h", "12h"]),
        bars in gappy_bars(),
    ) {
        let text = format!("higher('{timeframe}', {inner})");
        // A nested timeframe can be finer than the enclosing one, which is an error.
        prop_assume!(plan(&text).is_ok());
        let whole = values(&text, &bars);
        for cut in 1..bars.len() {
            prop_assert_eq!(&whole[..cut], &values(&text, &bars.slice(0..cut))[..], "{}", text);
        }
    }

    /// A bar sees exactly the days and weeks that ended before it opened.
    #[test]
    fn higher_timeframes_follow_the_calendar(bars in gappy_bars()) {
        // Weeks begin on Monday, and 1970 began on a Thursday.
        for (name, period, offset) in [("1d", time::DAY, 0), ("1w", 7 * time::DAY, 4 * time::DAY), ("4h", time::DAY / 6, 0)] {
            let last = values(&format!("higher('{name}', close)"), &bars);
            let mean = values(&format!("higher('{name}', sma(close, 3))"), &bars);
            let rose = values(&format!("higher('{name}', change(close, 1) > 0)"), &bars);
            for (bar, closes) in closes_before(&bars, period, offset).iter().enumerate() {
                prop_assert_eq!(last[bar], closes.last().copied().unwrap_or(-999.0));
                if let [.., a, b, c] = closes.as_slice() {
                    prop_assert!((mean[bar] - (a + b + c) / 3.0).abs() < 1e-9);
                } else {
                    prop_assert_eq!(mean[bar], -999.0);
                }
                let expected = matches!(closes.as_slice(), [.., a, b] if b > a);
                prop_assert_eq!(rose[bar], f64::from(u8::from(expected)));
            }
        }
    }

    /// No value precedes the warm-up of a plan.
    #[test]
    fn no_program_has_values_in_its_warm_up(text in number(2)) {
        let planned = plan(&text).unwrap();
        let found = values(&text, &bars_every(time::DAY / 24, &wave(140)));
        let warm_up = planned.warm_up(0).min(140);
        prop_assert!(found[..warm_up].iter().all(|value| *value == -999.0), "{} has values before bar {}", text, warm_up);
    }

    /// The outcome that range analysis determines holds on actual bars.
    #[test]
    fn range_analysis_of_conditions_is_sound(text in condition(3)) {
        let found = values(&text, &bars_every(time::DAY / 24, &wave(140)));
        let first = found.iter().position(|value| *value == 1.0).unwrap_or(found.len());
        match plan(&text).unwrap().condition_outcome(0) {
            ConditionOutcome::Never => prop_assert_eq!(first, found.len(), "{}", text),
            ConditionOutcome::Always => prop_assert!(found.iter().all(|value| *value == 1.0), "{}", text),
            ConditionOutcome::AfterWarmUp => {
                prop_assert!(found[first..].iter().all(|value| *value == 1.0), "{}", text);
            }
            ConditionOutcome::Unknown => {}
        }
    }

    #[test]
    fn any_text_is_accepted_or_rejected(text in "\\PC{0,200}") {
        let _ = plan(&text);
    }

    #[test]
    fn any_tokens_are_accepted_or_rejected(words in prop::collection::vec(prop::sample::select(vec![
        "close", "sma", "(", ")", ",", "3", "-", "+", "<", "and", "not", "if", "higher", "'1d'", "period", "flag", "1e9", "macd_line", "\n", "#", "==", "shift", "min",
    ]), 0..60)) {
        let _ = plan(&words.join(" "));
    }
}
