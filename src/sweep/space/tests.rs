//! Reads spaces as requests have them.

use serde_json::{Value, json};

use super::*;
use crate::error::{Code, Error};
use crate::observer::NoObserver;
use crate::request::{Input, Issues};
use crate::settings::Settings;
use crate::strategies::{ParameterValues, Registry, Strategy};

/// A request with what most tests leave at its default.
struct Request {
    strategy: &'static str,
    parameters: Value,
    constraints: Vec<&'static str>,
    sample: Option<Sample>,
    settings: Settings,
    stated: Vec<&'static str>,
    runs: usize,
    limit: usize,
}

fn sma(parameters: Value) -> Request {
    Request {
        strategy: "sma_crossover",
        parameters,
        constraints: vec![],
        sample: None,
        settings: Settings::default(),
        stated: vec![],
        runs: 1,
        limit: 5_000_000,
    }
}

impl Request {
    fn read(self) -> Result<Space, Error> {
        let registry = Registry::builtin().unwrap();
        let strategy = registry.get(self.strategy).unwrap();
        self.read_with(&strategy)
    }

    fn read_with(self, strategy: &Strategy) -> Result<Space, Error> {
        let parameters = Input::from(self.parameters);
        let constraints: Vec<String> =
            self.constraints.iter().map(|text| (*text).to_owned()).collect();
        let mut issues = Issues::default();
        let space = SpaceRequest {
            strategy,
            has_short_signals: Some(false),
            parameters: Some(&parameters),
            constraints: &constraints,
            sample: self.sample,
            settings: &self.settings,
            stated_settings: &self.stated,
            runs: self.runs,
            max_combinations: self.limit,
        }
        .read(&mut issues, &NoObserver)?;
        issues.into_result(Code::InvalidArgument)?;
        Ok(space.unwrap())
    }

    fn problems(self) -> Vec<String> {
        self.read().unwrap_err().issues.into_iter().map(|issue| issue.message).collect()
    }
}

fn rows(space: &Space) -> Vec<Vec<f64>> {
    let value = |combination, axis| space.value(combination, axis);
    let row = |combination| (0..space.axes().len()).map(|axis| value(combination, axis)).collect();
    (0..space.len()).map(row).collect()
}

#[test]
fn constraints_of_the_strategy_leave_combinations_out() {
    let space = sma(
        json!({ "fast_period": [5, 10, 20], "slow_period": { "from": 10, "to": 20, "step": 10 } }),
    )
    .read()
    .unwrap();
    assert_eq!(rows(&space), [[5.0, 10.0], [5.0, 20.0], [10.0, 20.0]]);
    assert_eq!((space.position(&[1, 0]), space.position(&[1, 1])), (None, Some(2)));
    assert_eq!(space.grid_size(), 6);
    // The other parameter keeps its default, 30.
    let space = sma(json!({ "fast_period": { "from": 28, "to": 40 } })).read().unwrap();
    assert_eq!(rows(&space), [[28.0], [29.0]]);
}

#[test]
fn constraints_of_the_request_may_use_parameters_and_settings() {
    let parameters = || {
        json!({
            "simulation.slStop": [null, 0.05, 0.1],
            "fast_period": [5, 10],
            "simulation.slTrail": [false, true],
        })
    };
    let with = |constraints: Vec<&'static str>| Request { constraints, ..sma(parameters()) };
    // A trailing stop needs a stop.
    let all = rows(&with(vec![]).read().unwrap());
    assert_eq!(all.len(), 2 + 4 + 4);
    assert!(all[0][0].is_nan() && all[0][1..] == [5.0, 0.0] && all[1][1..] == [10.0, 0.0]);
    let some = with(vec![
        "slow_period >= 3 * fast_period",
        "slTrail or simulation.slStop < 0.1",
        "position_size == 1 and fees < 1",
    ]);
    let expected = [
        [0.05, 5.0, 0.0],
        [0.05, 5.0, 1.0],
        [0.05, 10.0, 0.0],
        [0.05, 10.0, 1.0],
        [0.1, 5.0, 1.0],
        [0.1, 10.0, 1.0],
    ];
    assert_eq!(rows(&some.read().unwrap()), expected);
}

#[test]
fn what_is_left_out_is_what_binding_refuses() {
    let registry = Registry::builtin().unwrap();
    let mut compared = 0;
    for strategy in registry.list() {
        let id = &strategy.definition().id;
        let definition = strategy.definition();
        let mut parameters = serde_json::Map::new();
        for parameter in definition.parameters.iter().take(4) {
            let (minimum, maximum) = (parameter.minimum.unwrap(), parameter.maximum.unwrap());
            let whole = parameter.parameter_type == crate::strategies::ParameterType::Integer;
            let values: Vec<f64> = [0.0, 0.01, 0.03, 0.1, 0.5, 1.0]
                .iter()
                .map(|share| minimum + (maximum - minimum) * share)
                .map(|value| if whole { value.round() } else { value })
                .collect();
            parameters.insert(parameter.name.clone(), json!(values));
        }
        if parameters.is_empty() {
            continue;
        }
        let request = sma(Value::Object(parameters));
        let space = Request { strategy: "", ..request }.read_with(strategy).unwrap();
        let grid = Space::full(space.axes().to_vec()).unwrap();
        let mut indices = vec![0; space.axes().len()];
        for point in 0..grid.len() {
            grid.indices(point, &mut indices);
            let input = Input::Record(
                grid.axes()
                    .iter()
                    .enumerate()
                    .map(|(axis, own)| (own.name.clone(), Input::Number(grid.value(point, axis))))
                    .collect(),
            );
            let mut issues = Issues::default();
            let values: ParameterValues =
                strategy.read_parameters(Some(&input), &mut issues).unwrap();
            let refused = strategy.bind_values(&values).is_err_and(|issues| {
                issues.iter().any(|issue| issue.message.contains("does not hold"))
            });
            assert_eq!(space.position(&indices).is_none(), refused, "{id}: {input:?}");
            compared += 1;
        }
    }
    assert!(compared > 1000, "{compared}");
}

#[test]
fn every_problem_is_named_with_its_path() {
    let parameters = json!({
        "fast_period": [5, 0, 7.5, "a", 5, null],
        "slow": [10],
        "slow_period": { "from": 600, "to": 5, "count": 3, "step": 2, "scale": "log" },
        "simulation.direction": ["both"],
        "simulation.slStop": [5, 0, -1],
        "fees": [0],
        "position_size": { "from": 0, "to": 1, "step": 0.5 },
        "simulation.size": [1],
        "simulation.lockCash": [0, true],
    });
    let request = Request {
        constraints: vec!["fast_period < lsow_period", "close > 1"],
        stated: vec!["slStop"],
        ..sma(parameters)
    };
    assert_eq!(
        request.problems(),
        [
            "parameters.fast_period[1] must be between 1 and 500, was 0",
            "parameters.fast_period[2] must be a whole number, was number 7.5",
            "parameters.fast_period[3] must be a whole number, was string \"a\"",
            "parameters.fast_period[5] must be a whole number, was null",
            "parameters.fast_period[4] repeats 5 of parameters.fast_period[0]",
            "unknown parameter parameters.slow, did you mean slow_period?",
            "parameters.slow_period.step and parameters.slow_period.count are mutually exclusive: set only one of them",
            "parameters.slow_period.to must be at least parameters.slow_period.from 600, was 5",
            "parameters.simulation.direction must be a number or a flag, but direction is a choice; run one sweep for each",
            "parameters.simulation.slStop and simulation.slStop are mutually exclusive: set only one of them",
            "parameters.simulation.slStop[2] must be at least 0, was -1",
            "unknown parameter parameters.fees, did you mean simulation.fees?",
            "parameters.position_size and parameters.simulation.size are mutually exclusive: set only one of them",
            "parameters.position_size must be above 0 and at most 1, was 0 (value 1 of 3)",
            "parameters.simulation.lockCash[0] must be a boolean, was number 0",
            "constraints[0] at 1:15: unknown name `lsow_period`, did you mean `slow_period`?",
            "constraints[1] at 1:1: `close` is a series, only parameters and numbers are allowed here",
        ]
    );
    let problems = sma(json!({ "simulation.slStop": [0.05, 5, 0] })).problems();
    assert_eq!(
        problems,
        [
            "parameters.simulation.slStop[1] 5 is a stop loss of 500 %, which a long position never reaches; 5 % is 0.05",
            "parameters.simulation.slStop[2] 0 closes every position at the first price that is not better than that of its entry; leave it out for no stop loss",
        ]
    );
    assert_eq!(
        sma(json!({ "fast_period": [50], "slow_period": [20, 30] })).problems(),
        ["no combination of parameters meets all constraints: fast_period < slow_period"]
    );
    assert_eq!(
        sma(json!({ "simulation.slTrail": true })).problems(),
        [
            "simulation.slTrail does nothing without slStop, the distance of the trailing stop; 5 % is 0.05"
        ]
    );
    assert_eq!(
        sma(json!([1])).problems(),
        ["parameters must be an object, was an array of 1 item"]
    );
    assert_eq!(
        sma(json!({ "fast_period": {}, "simulation": { "slStop": [1] }, "slow_period": "x" }))
            .problems(),
        [
            "parameters.fast_period.from is required",
            "parameters.fast_period.to is required",
            "unknown parameter parameters.simulation, write the settings as 'simulation.slStop': […]",
            "parameters.slow_period must be a list of values, { from, to, step } or { from, to, count, scale }, was string \"x\"",
        ]
    );
}

#[test]
fn ranges_have_the_values_that_were_written() {
    let values = |parameter: &str, range: Value| {
        sma(json!({ parameter: range })).read().unwrap().axes()[0].values.clone()
    };
    assert_eq!(
        values("simulation.fees", json!({ "from": 0.1, "to": 0.5, "step": 0.1 })),
        [0.1, 0.2, 0.3, 0.4, 0.5]
    );
    assert_eq!(values("fast_period", json!({ "from": 5, "to": 8 })), [5.0, 6.0, 7.0, 8.0]);
    assert_eq!(values("fast_period", json!({ "from": 5, "to": 11, "step": 3 })), [5.0, 8.0, 11.0]);
    assert_eq!(values("fast_period", json!({ "from": 1, "to": 3, "count": 9 })), [1.0, 2.0, 3.0]);
    assert_eq!(
        values("fast_period", json!({ "from": 1, "to": 16, "count": 5, "scale": "log" })),
        [1.0, 2.0, 4.0, 8.0, 16.0]
    );
    assert_eq!(
        values("position_size", json!({ "from": 0.1, "to": 0.5, "count": 5 })),
        [0.1, 0.2, 0.3, 0.4, 0.5]
    );
    assert_eq!(
        values(
            "simulation.fees",
            json!({ "from": 0.0001, "to": 0.01, "count": 3, "scale": "log" })
        ),
        [0.0001, 0.001, 0.01]
    );
    assert_eq!(values("fast_period", json!(7)), [7.0]);
    assert_eq!(values("simulation.lockCash", json!(true)), [1.0]);
    assert_eq!(values("simulation.maxSize", json!([null, 5])), [f64::INFINITY, 5.0]);
}

#[test]
fn too_many_combinations_are_refused_with_the_count() {
    let parameters = || json!({ "simulation.fees": { "from": 0, "to": 0.1, "count": 1000 }, "simulation.slippage": { "from": 0, "to": 0.1, "count": 1000 } });
    let error = Request { limit: 999_999, ..sma(parameters()) }.read().unwrap_err();
    assert_eq!(error.code, Code::LimitExceeded);
    assert_eq!(
        error.message,
        "parameters make 1000000 combinations, the maximum is 999999; use fewer values, larger steps or constraints, take a sample \
         such as sample: { count: 100000, seed: 1 }, or raise maxCombinations (MAX_COMBINATIONS)"
    );
    assert_eq!(Request { limit: 1_000_000, ..sma(parameters()) }.read().unwrap().len(), 1_000_000);
    let error = Request { runs: 2, limit: 1_000_000, ..sma(parameters()) }.read().unwrap_err();
    assert!(error.message.starts_with("parameters make 1000000 combinations for each of 2 assets and timeframes, 2000000 in all, the maximum is 1000000;"), "{}", error.message);
    // Constraints are counted first.
    let some = Request {
        limit: 10_000,
        constraints: vec!["fees < 0.001", "slippage == fees or slippage < 0.1"],
        ..sma(parameters())
    };
    assert_eq!(some.read().unwrap().len(), 10 * 999);
    let sample = Some(Sample { count: 20_000, seed: 1 });
    let error = Request { sample, limit: 10_000, ..sma(parameters()) }.read().unwrap_err();
    assert!(
        error.message.starts_with("sample asks for 20000 combinations, the maximum is 10000;"),
        "{}",
        error.message
    );
}

/// Returns a grid of 500³ × 1000 points.
fn huge() -> Value {
    json!({
        "simulation.fees": { "from": 0, "to": 0.1, "count": 500 },
        "simulation.slippage": { "from": 0, "to": 0.1, "count": 500 },
        "simulation.riskFree": { "from": 0, "to": 0.1, "count": 1000 },
        "simulation.minSize": { "from": 0, "to": 0.1, "count": 500 },
    })
}

#[test]
fn grids_too_large_to_walk_can_be_sampled() {
    let sample = |count, seed| Some(Sample { count, seed });
    let constraints = || vec!["fees < slippage", "minSize <= riskFree"];
    let read = |count, seed| {
        Request { sample: sample(count, seed), constraints: constraints(), ..sma(huge()) }
            .read()
            .unwrap()
    };
    let space = read(1000, 1);
    assert_eq!(space.len(), 1000);
    let sampled = rows(&space);
    assert!(sampled.iter().all(|row| row[0] < row[1] && row[3] <= row[2]));
    assert_eq!(sampled, rows(&read(1000, 1)));
    assert_ne!(sampled, rows(&read(1000, 2)));
    // Without a sample the count is unknown.
    let error = Request { constraints: constraints(), ..sma(huge()) }.read().unwrap_err();
    assert_eq!(error.code, Code::LimitExceeded);
    assert!(
        error.message.starts_with(
            "parameters make a grid of 125000000000 points, which are too many to try"
        ),
        "{}",
        error.message
    );
    // Constraints on the first axes exclude most of them early.
    let narrow = || vec!["fees == 0 and slippage == 0.1", "riskFree < 0.05 and minSize == 0"];
    let space = Request { constraints: narrow(), ..sma(huge()) }.read().unwrap();
    assert_eq!(space.len(), 500);
    // More than there are: all of them.
    let all =
        Request { sample: sample(10_000, 1), constraints: narrow(), ..sma(huge()) }.read().unwrap();
    assert_eq!(rows(&all), rows(&space));
}

#[test]
fn samples_are_uniform_among_the_valid_combinations() {
    const DRAWS: u64 = 4_500;
    let parameters = || json!({ "fast_period": { "from": 1, "to": 10 }, "slow_period": { "from": 1, "to": 10 } });
    let mut counts = [0_u32; 100];
    for seed in 0..DRAWS {
        let sample = Some(Sample { count: 9, seed });
        let space = Request { sample, ..sma(parameters()) }.read().unwrap();
        assert_eq!(space.len(), 9);
        for combination in 0..9 {
            counts[space.index(combination, 0) as usize * 10
                + space.index(combination, 1) as usize] += 1;
        }
    }
    // 45 pairs; each is in a fifth of the samples.
    let expected = DRAWS as f64 / 5.0;
    let valid = (0..100).filter(|pair| pair / 10 < pair % 10);
    let chi_squared: f64 =
        valid.map(|pair| (f64::from(counts[pair]) - expected).powi(2) / expected).sum();
    assert_eq!(counts.iter().filter(|count| **count > 0).count(), 45);
    // The 99.9 % quantile of χ² with 44 degrees of freedom; drawing without replacement makes it smaller by a fifth.
    assert!(chi_squared < 78.75 * 0.8, "{chi_squared}");
}

#[test]
fn samples_stay_the_same_in_every_version() {
    let parameters =
        json!({ "fast_period": { "from": 1, "to": 100 }, "slow_period": { "from": 1, "to": 100 } });
    let sample = Some(Sample { count: 4, seed: 42 });
    let space = Request { sample, ..sma(parameters) }.read().unwrap();
    // Computed by a program of a few lines in Python.
    assert_eq!(rows(&space), [[9.0, 37.0], [15.0, 100.0], [19.0, 94.0], [49.0, 96.0]]);
}

/// Prints the time of each point. Run it in release: `cargo test --release -- --ignored --nocapture constraints_take`.
#[test]
#[ignore = "measures"]
fn constraints_take_nanoseconds_a_point() {
    let values = || json!({ "from": 1, "to": 500 });
    let parameters = json!({ "fast_period": values(), "slow_period": values(), "simulation.fees": { "from": 0, "to": 0.01, "count": 20 } });
    for (name, constraints) in [
        ("parameters", vec!["slow_period >= 2 * fast_period"]),
        ("all axes", vec!["slow_period >= 2 * fast_period", "fees * slow_period < 3"]),
    ] {
        let request = Request { constraints, ..sma(parameters.clone()) };
        let start = std::time::Instant::now();
        let space = request.read().unwrap();
        let nanoseconds = start.elapsed().as_secs_f64() * 1e9;
        println!(
            "{name}: {:.1} ns a point, {} of {}",
            nanoseconds / space.grid_size() as f64,
            space.len(),
            space.grid_size()
        );
        let start = std::time::Instant::now();
        let mut sum = 0_u64;
        let mut indices = [0; 3];
        for combination in 0..space.len() {
            space.indices(combination, &mut indices);
            sum += u64::from(indices[0] + indices[1] + indices[2]);
        }
        println!(
            "indices: {:.1} ns a combination ({sum})",
            start.elapsed().as_secs_f64() * 1e9 / space.len() as f64
        );
    }
}
