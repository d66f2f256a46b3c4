use serde_json::json;

use super::*;
use crate::error::Code;
use crate::market::{Bars, time};
use crate::observer::{NoObserver, ProgressObserver};
use crate::request::{Input, Issues};

fn bars(closes: &[f64]) -> Bars {
    let timestamps = (0..closes.len()).map(|bar| i64::try_from(bar).unwrap() * time::DAY).collect();
    let column = || closes.to_vec().into();
    Bars::new(timestamps, column(), column(), column(), column(), None).unwrap()
}

fn wave(bars: usize) -> Vec<f64> {
    (0..bars).map(|bar| 100.0 + 20.0 * (bar as f64 / 7.0).sin() + bar as f64 * 0.01).collect()
}

/// Returns the messages of a definition's issues.
fn definition_errors(definition: serde_json::Value) -> Vec<String> {
    let mut issues = Issues::default();
    let strategy = Strategy::read(&Input::from(definition), &mut issues);
    assert_eq!(strategy.is_some(), issues.is_empty());
    issues.into_vec().into_iter().map(|issue| issue.message).collect()
}

fn bind(
    id: &str,
    parameters: serde_json::Value,
) -> std::result::Result<BoundStrategy, Vec<String>> {
    let strategy = Registry::builtin().unwrap().get(id).unwrap();
    let mut issues = Issues::default();
    let bound = strategy.bind(Some(&Input::from(parameters)), &mut issues);
    let messages: Vec<String> = issues.into_vec().into_iter().map(|issue| issue.message).collect();
    bound.ok_or(messages)
}

#[test]
fn built_in_strategies_are_valid_and_canonical() {
    let registry = Registry::builtin().unwrap();
    assert_eq!(registry.list().count(), BUILTIN.len());
    for ((id, text), strategy) in BUILTIN.iter().zip(registry.list()) {
        assert_eq!(strategy.definition().id, *id);
        assert!(
            !strategy.definition().description.is_empty()
                && !strategy.definition().reference.is_empty(),
            "{id}"
        );
        assert_eq!(strategy.source(), *text, "{id} is not in canonical form");
        assert_eq!(parse(strategy.source()).as_ref(), Ok(strategy.definition()));
        let bound = strategy.bind(None, &mut Issues::default()).unwrap();
        assert_eq!(bound.parameters(), &strategy.default_parameters());
        bound.signals(&bars(&wave(300)), &NoObserver).unwrap();
    }
}

#[test]
fn the_three_first_strategies_have_the_parameters_of_the_specification() {
    let registry = Registry::builtin().unwrap();
    let shown = |id: &str| {
        let strategy = registry.get(id).unwrap();
        let definition = strategy.definition();
        let parameters = definition.parameters.iter();
        let shown: Vec<String> = parameters
            .map(|parameter| {
                let (minimum, maximum) = (parameter.minimum.unwrap(), parameter.maximum.unwrap());
                format!(
                    "{}: {} {minimum}..={maximum} = {}",
                    parameter.name,
                    parameter.parameter_type.as_str(),
                    parameter.default
                )
            })
            .collect();
        (shown.join("; "), definition.constraints.join("; "))
    };
    let (parameters, constraints) = shown("sma_crossover");
    assert_eq!(parameters, "fast_period: integer 1..=500 = 10; slow_period: integer 1..=500 = 30");
    assert_eq!(constraints, "fast_period < slow_period");
    let (parameters, constraints) = shown("rsi");
    assert_eq!(
        parameters,
        "period: integer 2..=200 = 14; oversold: number 0..=100 = 30; overbought: number 0..=100 = 70"
    );
    assert_eq!(constraints, "oversold < overbought");
    let (parameters, constraints) = shown("macd");
    assert_eq!(
        parameters,
        "fast_period: integer 1..=200 = 12; slow_period: integer 2..=500 = 26; signal_period: integer 1..=200 = 9"
    );
    assert_eq!(constraints, "fast_period < slow_period");
}

#[test]
fn every_problem_of_the_parameters_is_reported() {
    let messages = bind(
        "sma_crossover",
        json!({"fast_perod": 3, "fast_period": 1.5, "slow_period": 501, "position_size": 0}),
    );
    assert_eq!(
        messages.unwrap_err(),
        [
            "parameters.fast_period must be a whole number, was number 1.5",
            "parameters.slow_period must be between 1 and 500, was 501",
            "parameters.position_size must be above 0 and at most 1, was 0",
            "unknown parameter parameters.fast_perod, did you mean fast_period?",
        ]
    );
    assert_eq!(
        bind("sma_crossover", json!({"fast_period": 30, "slow_period": 10})).unwrap_err(),
        ["parameters: fast_period < slow_period does not hold for fast_period 30, slow_period 10"]
    );
    assert_eq!(
        bind("rsi", json!({"period": "14", "oversold": null})).unwrap_err(),
        ["parameters.period must be a whole number, was string \"14\""]
    );
    assert_eq!(
        bind("rsi", json!([1])).unwrap_err(),
        ["parameters must be an object, was an array of 1 item"]
    );
}

#[test]
fn every_problem_of_a_definition_is_reported_with_its_position() {
    let messages = definition_errors(json!({
        "id": "My-Strategy",
        "parameters": {
            "position_size": {"type": "number", "default": 1},
            "close": {"type": "number", "default": 1},
            "period": {"type": "integer", "default": 300, "minimum": 1, "maximum": 200},
        },
        "constraints": ["period < sma(5)", "period"],
        "entries": "rsii(close, period) < 30\n  and clse > 1",
        "exits": "close",
    }));
    assert_eq!(
        messages,
        [
            "strategy.id must be snake_case: a lowercase letter followed by at most 63 lowercase letters, digits and underscores, was \"My-Strategy\"",
            "strategy.parameters.position_size must not be declared: every strategy has this parameter",
            "strategy.parameters.close: `close` is reserved by the language, choose another name",
            "strategy.parameters.period.default must be between 1 and 200, was 300",
            "strategy.constraints[0] at 1:10: `sma` is a series, only parameters and numbers are allowed here",
            "strategy.constraints[1] at 1:1: expected a condition, found a number",
            "strategy.entries at 1:1: unknown function `rsii`, did you mean `rsi`?",
            "strategy.entries at 2:7: unknown name `clse`, did you mean `close`?",
            "strategy.exits at 1:1: expected a condition, found a number",
        ]
    );
    assert_eq!(
        definition_errors(
            json!({"id": "x", "entry": "true", "exits": 1, "parameters": {"n": {"type": "int"}}, "type": "trendy"})
        ),
        [
            "strategy.type must be one of trend, mean_reversion, momentum, arbitrage, custom, was string \"trendy\"",
            "strategy.parameters.n.type must be one of integer, number, boolean, was string \"int\"",
            "strategy.parameters.n.default is required",
            "strategy.entries is required",
            "strategy.exits must be a string, was number 1",
            "unknown field strategy.entry, did you mean entries?",
        ]
    );
}

#[test]
fn lengths_out_of_range_are_issues_of_the_parameters() {
    let definition = json!({
        "id": "x",
        "parameters": {"n": {"type": "integer", "default": 5}},
        "entries": "close > sma(close, n - 2)",
        "exits": "false",
    });
    let mut issues = Issues::default();
    let strategy = Strategy::read(&Input::from(definition), &mut issues).unwrap();
    assert!(strategy.bind(Some(&Input::from(json!({"n": 2}))), &mut issues).is_none());
    assert_eq!(
        issues.into_vec()[0].message,
        "parameters: strategy.entries at 1:22: argument period of sma must be a whole number between 1 and 10000, was 0"
    );
}

#[test]
fn a_definition_survives_a_round_trip_through_text() {
    let definition = json!({
        "id": "both_ways",
        "name": "Both \"ways\"\n",
        "description": "é",
        "type": "momentum",
        "parameters": {
            "flag": {"type": "boolean", "default": true, "description": "a \\ b"},
            "floor_": {"type": "number", "default": -0.5, "maximum": 1e-7},
            "free": {"type": "integer", "default": 3},
        },
        "constraints": ["floor_ < free"],
        "entries": "close > open\n   # why\n\n   and flag",
        "exits": "not flag",
        "shortEntries": "close < open # low",
        "shortExits": "shift(close, free) > floor_",
    });
    let strategy = Strategy::read(&Input::from(definition), &mut Issues::default()).unwrap();
    let again = Strategy::compile(parse(strategy.source()).unwrap()).unwrap();
    assert_eq!(again.source(), strategy.source());
    assert_eq!(again.definition().parameters, strategy.definition().parameters);
    assert_eq!(again.definition().name, strategy.definition().name);
    let bound = |strategy: &Strategy| strategy.bind(None, &mut Issues::default()).unwrap();
    let bars = bars(&wave(50));
    let signals = bound(&strategy).signals(&bars, &NoObserver).unwrap();
    assert!(signals.short_exits.as_ref().unwrap().count() > 0);
    assert_eq!(bound(&again).signals(&bars, &NoObserver).unwrap(), signals);
}

#[test]
fn errors_of_the_text_format_name_the_line() {
    let text =
        "strategy x\nnme \"X\"\nperiod: integer 1..5 = 3\nentries true\nentries false\ntype odd";
    let messages: Vec<String> =
        parse(text).unwrap_err().into_iter().map(|issue| issue.message).collect();
    assert_eq!(
        messages,
        [
            "line 2: unknown statement `nme`, did you mean `name`?",
            "line 3: expected `period: type minimum..=maximum = default \"description\"`, found `integer 1..5 = 3`",
            "line 5: duplicate statement `entries`",
            "line 6: expected one of trend, mean_reversion, momentum, arbitrage, custom, found `odd`",
            "the statement `exits` is missing",
        ]
    );
}

#[test]
fn the_schema_describes_the_allowed_values() {
    let strategy = Registry::builtin().unwrap().get("sma_crossover").unwrap();
    let schema = strategy.parameters_schema();
    assert_eq!(
        schema["properties"]["fast_period"],
        json!({"type": "integer", "minimum": 1, "maximum": 500, "default": 10, "description": "Bars in the fast average"})
    );
    assert_eq!(schema["properties"]["position_size"]["exclusiveMinimum"], 0);
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(
        serde_json::to_string(&strategy.default_parameters()).unwrap(),
        r#"{"fast_period":10,"slow_period":30,"position_size":1}"#
    );
}

#[test]
fn the_warm_up_ends_at_the_first_possible_signal() {
    assert_eq!(bind("sma_crossover", json!({})).unwrap().warm_up(), 30);
    assert_eq!(bind("rsi", json!({})).unwrap().warm_up(), 14);
    assert_eq!(bind("macd", json!({})).unwrap().warm_up(), 34);
    assert_eq!(bind("buy_and_hold", json!({})).unwrap().warm_up(), 0);
}

#[test]
fn unknown_ids_get_suggestions() {
    let error = Registry::builtin().unwrap().get("sma_crosover").unwrap_err();
    assert_eq!(error.code, Code::UnknownStrategy);
    let known: Vec<&str> = BUILTIN.iter().map(|(id, _)| *id).collect();
    assert_eq!(
        error.message,
        format!(
            "unknown strategy \"sma_crosover\", did you mean sma_crossover?; known strategies: {}",
            known.join(", ")
        )
    );
}

#[test]
fn registering_replaces_a_registered_strategy_but_not_a_built_in_one() {
    let mut registry = Registry::builtin().unwrap();
    let own = |entries: &str| {
        let text = format!("strategy own\nentries {entries}\nexits false");
        std::sync::Arc::new(Strategy::compile(parse(&text).unwrap()).unwrap())
    };
    registry.insert(own("close > 1")).unwrap();
    registry.insert(own("close > 2")).unwrap();
    assert_eq!(registry.get("own").unwrap().definition().entries, "close > 2");
    assert_eq!(registry.list().count(), BUILTIN.len() + 1);
    let builtin = registry.get("rsi").unwrap();
    assert_eq!(registry.insert(builtin).unwrap_err().code, Code::InvalidArgument);
}

#[test]
fn validation_finds_problems_and_warns() {
    let registry = Registry::builtin().unwrap();
    let parameters = Input::from(json!({"fast_period": 0}));
    let outcome = validate(&registry, Some("sma_crossover"), None, Some(&parameters));
    assert_eq!(outcome.issues.listed()[0].path, "parameters.fast_period");
    let definition = Input::from(json!({
        "id": "idle", "parameters": {"n": {"type": "integer", "default": 5}}, "entries": "1 > 2", "exits": "close > 1"
    }));
    let outcome = validate(&registry, None, Some(&definition), None);
    assert!(outcome.issues.is_empty());
    assert_eq!(
        outcome.warnings(),
        ["no expression uses the parameter n", "the strategy never enters: `1 > 2` never holds"]
    );
    assert_eq!(validate(&registry, None, None, None).issues.listed()[0].path, "strategyId");
    assert_eq!(
        validate(&registry, Some("rsi"), Some(&definition), None).issues.listed()[0].path,
        "strategy"
    );
    assert_eq!(validate(&registry, Some("nope"), None, None).issues.listed()[0].code, "unknown");
}

#[test]
fn warnings_name_what_is_probably_not_intended() {
    const NEVER_ENTERS: &str = "the strategy never enters";
    const NEVER_EXITS: &str = "the strategy never exits";
    const ALWAYS_IN: &str = "the strategy is always in the market: its entries hold on every bar";
    const REVERSES: &str = "the strategy is always in the market once it has entered: every exit is an entry of the other side";
    const CANCELS: &str = "exits hold on every bar on which entries hold: the signals cancel each other unless uponLongConflict or uponShortConflict resolves the conflict";
    let up = "close > sma(close, 20)";
    let down = "close < sma(close, 20)";
    for (entries, exits, short, expected) in [
        (up, down, None, vec![]),
        (
            "2 < 1 and close > open",
            down,
            None,
            vec!["the strategy never enters: `2 < 1` never holds"],
        ),
        (
            "log(0) > 0",
            down,
            None,
            vec![
                "the strategy never enters: `log(0) > 0` never holds, because `log(0)` never has a value",
            ],
        ),
        (
            up,
            "not true",
            None,
            vec![
                "the strategy never exits: `not true` never holds, because `true` holds on every bar",
            ],
        ),
        (
            up,
            "rsi(close, 14) > 100",
            None,
            vec![
                "the strategy never exits: `rsi(close, 14) > 100` never holds, because `rsi(close, 14)` is between 0 and 100",
            ],
        ),
        ("true", "false", None, vec![NEVER_EXITS, ALWAYS_IN]),
        ("1 < 2", down, None, vec![ALWAYS_IN]),
        (up, down, Some((down, up)), vec![REVERSES]),
        (up, "false", Some(("sma(close, 10 + 10) > close", "false")), vec![REVERSES]),
        (up, down, Some(("close < sma(close, 21)", up)), vec![]),
        ("false", "false", Some(("true", "close > 2")), vec![ALWAYS_IN]),
        ("false", up, Some((down, "false")), vec![NEVER_EXITS]),
        (
            "false",
            up,
            Some((down, "close < 0")),
            vec!["the strategy never exits: `close < 0` never holds, because `close` is above 0"],
        ),
        ("false", up, Some(("false", "true")), vec![NEVER_ENTERS]),
        (up, "sma(close, 20) < close", None, vec![CANCELS]),
        (up, "close > 0", None, vec![CANCELS]),
        (up, down, Some((down, "true")), vec![CANCELS]),
    ] {
        let short = short.map_or_else(String::new, |(entries, exits)| {
            format!("short_entries {entries}\nshort_exits {exits}\n")
        });
        let text = format!("strategy own\nentries {entries}\nexits {exits}\n{short}");
        let strategy = Strategy::compile(parse(&text).unwrap()).unwrap();
        let bound = strategy.bind(None, &mut Issues::default()).unwrap();
        assert_eq!(bound.warnings(), expected, "{text}");
    }
}

#[test]
fn an_indicator_up_to_100_is_not_compared_with_a_fraction() {
    for (entries, exits, expected) in [
        (
            "rsi(close, 14) < 0.3 and close > open",
            "crossed_above(stoch_k(high, low, close, 14, 3, 3), 0.07)",
            vec![
                "`rsi(close, 14) < 0.3` compares a number between 0 and 100 with 0.3, did you mean 30?",
                "`crossed_above(stoch_k(high, low, close, 14, 3, 3), 0.07)` compares a number between 0 and 100 with 0.07, did you mean 7?",
            ],
        ),
        (
            "0.5 + 0.2 > rsi(close, 14)",
            "0.5 + 0.2 > rsi(close, 14) and close < open",
            vec![
                "`0.5 + 0.2 > rsi(close, 14)` compares a number between 0 and 100 with 0.7, did you mean 70?",
            ],
        ),
        ("rsi(close, 2) < 1", "rank(close, 20) > 0.9 or willr(14) > 0.5 - 1", vec![]),
    ] {
        let text = format!("strategy own\nentries {entries}\nexits {exits}\n");
        let strategy = Strategy::compile(parse(&text).unwrap()).unwrap();
        let bound = strategy.bind(None, &mut Issues::default()).unwrap();
        assert_eq!(bound.warnings(), expected, "{text}");
    }
}

#[test]
fn a_strategy_that_never_enters_says_why() {
    for (entries, reason) in [
        (
            "rsi(close, 14) > 100",
            "`rsi(close, 14) > 100` never holds, because `rsi(close, 14)` is between 0 and 100",
        ),
        ("close < 0", "`close < 0` never holds, because `close` is above 0"),
        (
            "close > open and hour >= 24",
            "`hour >= 24` never holds, because `hour` is between 0 and 23",
        ),
        (
            "rsi(close, period) > level",
            "`rsi(close, period) > level` never holds, because `rsi(close, period)` is between 0 and 100 and `level` is 120",
        ),
        ("close > high", "`close > high` never holds, because `high` is never below `close`"),
        (
            "close > highest(high, 20)",
            "`close > highest(high, 20)` never holds, because `highest(high, 20)` includes the bar itself, so it is never below `close`: write shift(highest(high, 20), 1) for the bars before",
        ),
        (
            "crossed_below(low, donchian_lower(20))",
            "`crossed_below(low, donchian_lower(20))` never holds, because `donchian_lower(20)` includes the bar itself, so it is never above `low`: write shift(donchian_lower(20), 1) for the bars before",
        ),
        (
            "rsi(close, 14) < 30 and close > open and rsi(close, 14) > 70",
            "`rsi(close, 14) < 30` and `rsi(close, 14) > 70` never hold on the same bar",
        ),
        ("not (close > 0)", "`not close > 0` never holds, because `close > 0` holds on every bar"),
        (
            "bars_since(close < 0) >= 0",
            "`bars_since(close < 0) >= 0` never holds, because `bars_since(close < 0)` never has a value",
        ),
        (
            "close > max(close, 20)",
            "`close > max(close, 20)` never holds, because `max(close, 20)` is never below `close`: max returns the greater of two numbers, write shift(highest(close, 20), 1) for the bars before",
        ),
        (
            "low < min(low, 20)",
            "`low < min(low, 20)` never holds, because `low` is never below `min(low, 20)`: min returns the smaller of two numbers, write shift(lowest(low, 20), 1) for the bars before",
        ),
        (
            "close > max(high, open)",
            "`close > max(high, open)` never holds, because `max(high, open)` is never below `close`",
        ),
        ("close > close", "`close > close` never holds, because both sides are the same"),
        (
            "close < 0 or volume < 0",
            "`close < 0` never holds, because `close` is above 0; `volume < 0` never holds, because `volume` is at least 0",
        ),
        ("higher('1w', close < 0)", "`close < 0` never holds, because `close` is above 0"),
        (
            "count(close > open, 5) > 5",
            "`count(close > open, 5) > 5` never holds, because `count(close > open, 5)` is between 0 and 5",
        ),
        (
            "mfi(14) > 100.5",
            "`mfi(14) > 100.5` never holds, because `mfi(14)` is between 0 and 100",
        ),
    ] {
        let text = format!(
            "strategy own\nperiod: integer = 14\nlevel: number = 120\nentries {entries}\nexits close > level * period\n"
        );
        let strategy = Strategy::compile(parse(&text).unwrap()).unwrap();
        let bound = strategy.bind(None, &mut Issues::default()).unwrap();
        assert_eq!(bound.warnings(), [format!("the strategy never enters: {reason}")], "{text}");
    }
}

#[test]
fn the_parts_of_entries_are_counted() {
    let text = "strategy own\nlevel: number = 3\nentries close > level and sma(close, 3) > 1 or close > 100\nexits close > 5\nshort_entries close > 9\nshort_exits close > 9\n";
    let strategy = Strategy::compile(parse(text).unwrap()).unwrap();
    let bound = strategy.bind(None, &mut Issues::default()).unwrap();
    let bars = bars(&[1.0, 2.0, 3.0, 4.0, 5.0]);
    let described = |range: std::ops::Range<usize>| -> Vec<String> {
        let count = range.len();
        let conditions = bound.entry_conditions(&bars, range, &NoObserver).unwrap();
        conditions.iter().map(|condition| condition.describe(count)).collect()
    };
    assert_eq!(
        described(0..5),
        [
            "`close > level` held on 2 of 5 bars, `sma(close, 3) > 1` on 3 (no value on 2), but never all on one bar; `close > 100` held on 0 of 5 bars",
            "`close > 9` held on 0 of 5 bars",
        ]
    );
    assert_eq!(described(0..1)[1], "`close > 9` held on 0 of 1 bar");
    assert_eq!(
        described(1..3)[0],
        "`close > level` held on 0 of 2 bars, `sma(close, 3) > 1` on 1 (no value on 1); `close > 100` held on 0 of 2 bars"
    );
}

#[test]
fn a_warm_up_that_takes_all_bars_is_a_warning() {
    let crossover = bind("sma_crossover", json!({})).unwrap();
    assert_eq!(
        crossover.warnings_on(30),
        ["the strategy needs 30 bars of warm-up before it can enter, but there are only 30 bars"]
    );
    assert_eq!(
        crossover.warnings_on(1),
        ["the strategy needs 30 bars of warm-up before it can enter, but there is only 1 bar"]
    );
    assert!(crossover.warnings_on(31).is_empty());
    let closes: Vec<f64> =
        (0..31).map(|bar| if bar < 30 { 50.0 - f64::from(bar) } else { 500.0 }).collect();
    assert!(crossover.signals(&bars(&closes), &NoObserver).unwrap().entries.get(30));
    assert!(bind("buy_and_hold", json!({})).unwrap().warnings_on(1).is_empty());
}

#[test]
fn one_problem_does_not_hide_another() {
    let registry = Registry::builtin().unwrap();
    let definition = Input::from(json!({
        "id": 5,
        "type": "trendy",
        "parameters": {"n": {"type": "integer", "default": 5, "minimum": 1}, "m": {"type": "int", "default": 2}},
        "constraints": ["n > 5", "n <"],
        "entries": "rsii(close, n) < 30\n  and sma(close, m) > clse",
        "shortEntries": "close > sma(close, 0)",
        "color": "red",
    }));
    let parameters = Input::from(json!({"n": 0, "k": 1}));
    let outcome = validate(&registry, None, Some(&definition), Some(&parameters));
    let found: Vec<(&str, &str)> = outcome
        .issues
        .listed()
        .iter()
        .map(|issue| (issue.path.as_str(), issue.message.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("strategy.id", "strategy.id must be a string, was number 5"),
            (
                "strategy.type",
                "strategy.type must be one of trend, mean_reversion, momentum, arbitrage, custom, was string \"trendy\""
            ),
            (
                "strategy.parameters.m.type",
                "strategy.parameters.m.type must be one of integer, number, boolean, was string \"int\""
            ),
            ("strategy.exits", "strategy.exits is required"),
            (
                "strategy.color",
                "unknown field strategy.color; known fields: constraints, description, entries, exits, generateSignals, id, name, parameters, reference, shortEntries, shortExits, type"
            ),
            (
                "strategy.constraints[1]",
                "strategy.constraints[1] at 1:4: expected a number, a name or `(`, found the end"
            ),
            (
                "strategy.entries",
                "strategy.entries at 1:1: unknown function `rsii`, did you mean `rsi`?"
            ),
            (
                "strategy.entries",
                "strategy.entries at 2:23: unknown name `clse`, did you mean `close`?"
            ),
        ]
    );
    assert!(outcome.strategy.is_none() && outcome.bound.is_none());
    // Values are checked against valid declarations even if the expressions are invalid.
    let definition = Input::from(json!({
        "id": "X", "parameters": {"n": {"type": "integer", "default": 5, "minimum": 1}}, "constraints": ["n > 5"],
        "entries": "clse > 1", "exits": "close > sma(close, 0)",
    }));
    let outcome = validate(&registry, None, Some(&definition), Some(&parameters));
    let found: Vec<&str> =
        outcome.issues.listed().iter().map(|issue| issue.message.as_str()).collect();
    assert_eq!(
        found,
        [
            "strategy.id must be snake_case: a lowercase letter followed by at most 63 lowercase letters, digits and underscores, was \"X\"",
            "strategy.entries at 1:1: unknown name `clse`, did you mean `close`?",
            "strategy.parameters: n > 5 does not hold for n 5",
            "strategy.exits at 1:20: argument period of sma must be a whole number between 1 and 10000, was 0",
            "parameters.n must be at least 1, was 0",
            "unknown parameter parameters.k; known parameters: n, position_size",
        ]
    );
}

#[test]
fn signals_stop_when_cancelled_and_require_volume() {
    struct Stopped;
    impl ProgressObserver for Stopped {
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    let bound = bind("rsi", json!({})).unwrap();
    assert_eq!(bound.signals(&bars(&wave(20)), &Stopped).unwrap_err().code, Code::Cancelled);
    let text = "strategy own\nentries obv() > 0\nexits false";
    let strategy = Strategy::compile(parse(text).unwrap()).unwrap();
    let bound = strategy.bind(None, &mut Issues::default()).unwrap();
    let error = bound.signals(&bars(&wave(20)), &NoObserver).unwrap_err();
    assert_eq!(error.message, "the strategy reads volume, but the bars have no volume");
}
