//! Compares the signals of sweeps with those of single runs.

use std::ops::Range;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::Strategy as _;

use super::{SignalPath, SignalSource};
use crate::compute::parallel::{Executor, Sequential, ThreadPerPart};
use crate::error::{Error, Issue, Result};
use crate::indicators::INDICATORS;
use crate::language::Binding;
use crate::market::{Bars, Column, time};
use crate::observer::NoObserver;
use crate::request::{Input, Issues};
use crate::signals::{Bits, Signals};
use crate::strategies::{ParameterType, ParameterValues, Registry, Strategy, parse};
use crate::sweep::space::{Axis, Space, Target};
use crate::sweep::swept_signals::SweptSignals;

/// The parameters of random strategies.
const DECLARATIONS: &str = "strategy random\n\
    n: integer 0..=60 = 3\nm: integer 1..=60 = 5\nlevel: number = 2.5\nfactor: number = 1\nflag: boolean = true\nunused: integer = 1\n";

fn compile(entries: &str, exits: &str, short: Option<&str>) -> Option<Strategy> {
    let short = short.map_or(String::new(), |short| format!("short_entries {short}\n"));
    let text = format!("{DECLARATIONS}entries {entries}\nexits {exits}\n{short}");
    parse(&text).and_then(Strategy::compile).ok()
}

fn axis(strategy: &Strategy, name: &str, values: &[f64]) -> Axis {
    let parameters = &strategy.definition().parameters;
    let target = parameters
        .iter()
        .position(|parameter| parameter.name == name)
        .map_or(Target::PositionSize, Target::Parameter);
    Axis { name: name.to_owned(), target, values: values.to_vec() }
}

/// Reads the parameters of a combination as those of a request.
fn values_of(strategy: &Strategy, space: &Space, combination: Option<usize>) -> ParameterValues {
    let entries = space.axes().iter().enumerate().filter_map(|(index, axis)| {
        let Target::Parameter(parameter) = axis.target else { return None };
        let value = space.value(combination?, index);
        let is_flag =
            strategy.definition().parameters[parameter].parameter_type == ParameterType::Boolean;
        let input = if is_flag { Input::Bool(value != 0.0) } else { Input::Number(value) };
        Some((axis.name.clone(), input))
    });
    let input = Input::Record(entries.collect());
    let mut issues = Issues::default();
    strategy.read_parameters(Some(&input), &mut issues).unwrap()
}

type Outcome = std::result::Result<Signals, Vec<Issue>>;

/// The signals of a combination by their definition.
fn plain(
    strategy: &Strategy,
    space: &Space,
    combination: usize,
    bars: &Bars,
    warm_up: usize,
) -> Result<Outcome> {
    let values = values_of(strategy, space, Some(combination));
    match strategy.bind_values(&values) {
        Ok(bound) => Ok(Ok(bound.signals(bars, &NoObserver)?.after(warm_up))),
        Err(issues) => Ok(Err(issues)),
    }
}

fn owned(signals: SweptSignals<'_>) -> Signals {
    let bits = |words: &[u64]| {
        assert_eq!(words.len(), signals.bars.div_ceil(64));
        let bits = Bits::from_words(words.to_vec(), signals.bars);
        assert_eq!(bits.words(), words, "bits beyond the last bar are set");
        bits
    };
    Signals {
        entries: bits(signals.entries),
        exits: bits(signals.exits),
        short_entries: signals.short_entries.map(bits),
        short_exits: signals.short_exits.map(bits),
    }
}

struct Case<'a> {
    strategy: &'a Strategy,
    space: &'a Space,
    bars: &'a Bars,
    warm_up: usize,
    budget: usize,
    /// The most combinations that a worker is asked for at once.
    step: usize,
}

impl Case<'_> {
    /// Fails unless the signals of all combinations are those of single runs.
    fn check(&self, executor: &dyn Executor) -> std::result::Result<(), TestCaseError> {
        let values = values_of(self.strategy, self.space, None);
        let source = SignalSource::new(
            self.strategy,
            self.space,
            &values,
            self.bars,
            self.warm_up,
            self.budget,
        );
        let mut next = 0;
        for range in source.stages().unwrap() {
            prop_assert_eq!(range.start, next);
            prop_assert!(range.end > range.start);
            next = range.end;
            self.check_stage(&source, range, executor)?;
        }
        prop_assert_eq!(next, self.space.len());
        Ok(())
    }

    fn check_stage(
        &self,
        source: &SignalSource<'_>,
        range: Range<usize>,
        executor: &dyn Executor,
    ) -> std::result::Result<(), TestCaseError> {
        let expected: Result<Vec<Outcome>> = range
            .clone()
            .map(|combination| {
                plain(self.strategy, self.space, combination, self.bars, self.warm_up)
            })
            .collect();
        let stage = source.stage(range.clone(), executor, &NoObserver);
        let (expected, stage) = match (expected, stage) {
            (Ok(expected), Ok(stage)) => (expected, stage),
            (Err(expected), Err(actual)) => {
                prop_assert_eq!(expected.message, actual.message);
                return Ok(());
            }
            // A part that all combinations share needs a volume, and none of them may run anyway.
            (Ok(expected), Err(_)) if expected.iter().all(std::result::Result::is_err) => {
                return Ok(());
            }
            (expected, stage) => {
                let found = (expected.map(|_| ()), stage.map(|_| ()));
                return Err(TestCaseError::fail(format!("{found:?}")));
            }
        };
        let mut worker = stage.worker().unwrap();
        let mut seen = 0;
        // The second pass begins with the buffers of the first.
        for _ in 0..2 {
            for start in range.clone().step_by(self.step) {
                let part = start..range.end.min(start + self.step);
                let mut failure = None;
                worker
                    .each(part, &NoObserver, &mut |combination, found| {
                        let expected = &expected[combination - range.start];
                        let found = found.map(owned);
                        seen += 1;
                        if *expected != found {
                            failure.get_or_insert(format!(
                                "combination {combination}: {expected:?} is not {found:?}, {:?}",
                                source.paths()
                            ));
                        }
                        Ok(())
                    })
                    .unwrap();
                prop_assert!(failure.is_none(), "{}", failure.unwrap_or_default());
            }
        }
        prop_assert_eq!(seen, 2 * range.len());
        Ok(())
    }
}

fn bars_of(open: Vec<f64>, close: Vec<f64>, volume: Option<Vec<f64>>) -> Bars {
    let high = open.iter().zip(&close).map(|(a, b)| a.max(*b) + 0.25).collect();
    let low = open.iter().zip(&close).map(|(a, b)| a.min(*b) * 0.9).collect();
    let timestamps: Vec<i64> =
        (0..i64::try_from(open.len()).unwrap()).map(|bar| bar * time::DAY / 8).collect();
    Bars::new(timestamps, open.into(), high, low, close.into(), volume.map(Column::from)).unwrap()
}

/// Generates bars with few distinct prices and flat stretches.
fn bars() -> impl proptest::strategy::Strategy<Value = Bars> {
    let stretch = (1_u32..40, prop_oneof![5 => 1_usize..3, 1 => 3_usize..90]);
    (
        prop::collection::vec(stretch, 1..140),
        prop_oneof![6 => Just(0), 1 => Just(1), 1 => Just(2)],
        prop::sample::select(vec![0.25, 0.1, 1e-3]),
    )
        .prop_map(|(stretches, missing, unit)| {
            let closes: Vec<f64> = stretches
                .iter()
                .flat_map(|(price, bars)| vec![f64::from(*price) * unit; *bars])
                .collect();
            let opens = std::iter::once(unit).chain(closes.iter().copied()).take(closes.len());
            let opens: Vec<f64> = opens.collect();
            let volume = closes.iter().enumerate().map(|(bar, close)| {
                if missing == 1 && bar % 7 == 3 { f64::NAN } else { close * 10.0 }
            });
            let volume = (missing != 2).then(|| volume.collect());
            bars_of(opens, closes, volume)
        })
}

/// Generates lengths, most of them parameters.
fn length() -> impl proptest::strategy::Strategy<Value = String> {
    prop_oneof![
        3 => Just("n".to_owned()),
        3 => Just("m".to_owned()),
        1 => Just("n + m".to_owned()),
        2 => (2_u32..9).prop_map(|length| length.to_string()),
    ]
}

/// Generates numeric expressions.
fn number(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        6 => prop::sample::select(vec!["close", "open", "high"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["volume", "hour", "day_of_week"]).prop_map(str::to_owned),
        4 => prop::sample::select(vec!["level", "factor"]).prop_map(str::to_owned),
        1 => (0..20_u32).prop_map(|value| format!("{}", f64::from(value) / 2.0)),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = || number(depth - 1);
    // Adding the close turns a possible constant into a series.
    let series = || {
        prop_oneof![
            2 => Just("close".to_owned()),
            1 => number(depth - 1).prop_map(|text| format!("(close + {text})")),
        ]
    };
    let with_one_length: Vec<&str> = INDICATORS
        .iter()
        .filter(|found| found.inputs.len() == 1)
        .flat_map(|found| found.outputs)
        .map(|output| output.name)
        .collect();
    let with_inputs: Vec<&str> = INDICATORS
        .iter()
        .filter(|found| found.inputs.len() > 1)
        .flat_map(|found| found.outputs)
        .map(|output| output.name)
        .collect();
    prop_oneof![
        2 => leaf,
        2 => (prop::sample::select(vec!["sma", "ema", "highest"]), series(), length())
            .prop_map(|(name, a, n)| format!("{name}({a}, {n})")),
        1 => (prop::sample::select(with_one_length), series(), length())
            .prop_map(|(name, a, n)| format!("{name}({a}, {n})")),
        1 => prop::sample::select(with_inputs).prop_map(|name| format!("{name}()")),
        1 => (inner(), prop::sample::select(vec!["+", "-", "*", "/"]), inner())
            .prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
        1 => (prop::sample::select(vec!["min", "max"]), inner(), inner())
            .prop_map(|(name, a, b)| format!("{name}({a}, {b})")),
        1 => (prop::sample::select(vec!["shift", "change"]), series(), length())
            .prop_map(|(name, a, n)| format!("{name}({a}, {n})")),
        1 => (condition(depth - 1), length()).prop_map(|(a, n)| format!("count({a}, {n})")),
        1 => condition(depth - 1).prop_map(|a| format!("bars_since({a})")),
        1 => (condition(depth - 1), inner(), inner()).prop_map(|(c, a, b)| format!("if({c}, {a}, {b})")),
        1 => series().prop_map(move |a| format!("higher('{}', {a})", ["1w", "1d", "6h"][depth as usize % 3])),
    ]
    .boxed()
}

/// Generates conditions.
fn condition(depth: u32) -> BoxedStrategy<String> {
    let compared = || {
        (number(depth), prop::sample::select(vec!["<", "<=", ">", ">=", "==", "!="]), number(depth))
            .prop_map(|(a, sign, b)| format!("{a} {sign} {b}"))
    };
    if depth == 0 {
        return prop_oneof![4 => compared(), 1 => Just("flag".to_owned()), 1 => Just("false".to_owned())]
            .boxed();
    }
    let inner = || condition(depth - 1).prop_map(|text| format!("({text})"));
    prop_oneof![
        2 => compared(),
        2 => (prop::sample::select(vec!["crossed_above", "crossed_below"]), number(depth), number(depth))
            .prop_map(|(name, a, b)| format!("{name}({a}, {b})")),
        2 => (inner(), prop::sample::select(vec!["and", "or"]), inner())
            .prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        1 => inner().prop_map(|a| format!("not {a}")),
        1 => (inner(), inner(), inner()).prop_map(|(c, a, b)| format!("if({c}, {a}, {b})")),
        1 => inner().prop_map(move |a| format!("higher('{}', close > 0 and {a})", ["1w", "1d", "6h"][depth as usize % 3])),
    ]
    .boxed()
}

/// Generates the axes of random strategies.
fn axes() -> impl proptest::strategy::Strategy<Value = Vec<(&'static str, Vec<f64>)>> {
    let values: Vec<(&str, Vec<f64>)> = vec![
        ("n", vec![0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 21.0]),
        ("m", vec![1.0, 2.0, 4.0, 5.0, 9.0, 30.0]),
        ("level", vec![-1.0, 0.0, 0.5, 2.5, 5.0, 30.0, 70.0]),
        ("factor", vec![0.5, 1.0, 2.0, 0.0]),
        ("flag", vec![0.0, 1.0]),
        ("position_size", vec![0.5, 1.0]),
        ("unused", vec![1.0, 2.0]),
    ];
    let count = values.len();
    (
        prop::sample::subsequence(values, 0..=count).prop_shuffle(),
        prop::collection::vec(1_usize..8, count),
    )
        .prop_map(|(axes, counts)| {
            // At most some hundreds of combinations.
            let mut left = 400;
            let axes = axes.into_iter().zip(counts);
            axes.map(|((name, mut values), count)| {
                values.truncate(count.min(left).max(1));
                left /= values.len();
                (name, values)
            })
            .collect()
        })
}

fn space_of(strategy: &Strategy, axes: &[(&str, Vec<f64>)], kept: &[bool]) -> Space {
    let axes = axes.iter().map(|(name, values)| axis(strategy, name, values)).collect();
    if kept.iter().all(|kept| *kept) {
        return Space::full(axes).unwrap();
    }
    Space::keeping(axes, |indices| {
        let number = indices.iter().fold(7_usize, |sum, index| sum * 31 + *index as usize);
        kept[number % kept.len()]
    })
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn signals_are_those_of_single_runs(
        (entries, exits, short) in (condition(2), condition(2), prop::option::weighted(0.3, condition(1))),
        axes in axes(),
        kept in prop_oneof![Just(vec![true]), prop::collection::vec(any::<bool>(), 1..50)],
        bars in bars(),
        warm_up in prop_oneof![Just(0_usize), 0_usize..200, Just(64)],
        budget in prop_oneof![Just(usize::MAX), 0_usize..100_000, Just(1_000_000)],
        step in 1_usize..200,
    ) {
        let Some(strategy) = compile(&entries, &exits, short.as_deref()) else {
            return Err(TestCaseError::reject("the defaults are not allowed"));
        };
        let space = space_of(&strategy, &axes, &kept);
        let case = Case { strategy: &strategy, space: &space, bars: &bars, warm_up, budget, step };
        case.check(&Sequential)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Comparisons of many columns, with and without ranks, with missing values in the middle.
    #[test]
    fn comparisons_are_those_of_single_runs(
        relation in prop::sample::select(vec![
            "A < B", "A <= B", "A > B", "A >= B", "A == B", "A != B", "crossed_above(A, B)", "crossed_below(A, B)",
            "not (A > B) or crossed_above(B, A)", "crossed_above(A, B) and A > close",
        ]),
        (a, b) in (
            prop::sample::select(vec![
                "sma(close, n)", "ema(close, n)", "close / (close - shift(close, n))", "shift(close, n) - 1",
                "exp(700 * sma(close, n))", "pow(1e-160, sma(close, n)) ",
            ]),
            prop::sample::select(vec![
                "sma(close, m)", "ema(close, m)", "shift(close, m)", "close / (close - shift(close, m))", "sma(close, m) - 1",
            ]),
        ),
        (ns, ms) in (prop::collection::vec(1_u32..40, 1..14), prop::collection::vec(1_u32..40, 1..14)),
        bars in bars(),
        warm_up in 0_usize..70,
        is_scalar in any::<bool>(),
    ) {
        let text = |a: &str, b: &str| relation.replace('A', a).replace('B', b);
        let strategy = compile(&text(a, b), &text(b, a), None).unwrap();
        let values = |values: &[u32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
        let space = space_of(&strategy, &[("n", values(&ns)), ("m", values(&ms))], &[true]);
        let case = Case { strategy: &strategy, space: &space, bars: &bars, warm_up, budget: 1 << 26, step: 50 };
        #[cfg(target_arch = "x86_64")]
        if is_scalar {
            return crate::compute::multiversion::scalar::forced(|| case.check(&Sequential));
        }
        case.check(&ThreadPerPart)?;
    }
}

/// A walk with some equal closes.
fn walk(bars: usize) -> Bars {
    let mut state = 11_u64;
    let mut price = 100.0;
    let closes: Vec<f64> = (0..bars)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            price += (f64::from(u32::try_from(state >> 40).unwrap()) / f64::from(1 << 24) - 0.5)
                * 0.03
                * price;
            (price * 20.0).round() / 20.0
        })
        .collect();
    let opens = std::iter::once(100.0).chain(closes.iter().copied()).take(bars).collect();
    let volume = closes.iter().map(|close| close * 3.0).collect();
    bars_of(opens, closes, Some(volume))
}

/// A built-in strategy, axes, and how its entries and exits are computed.
type Grid = (&'static str, Vec<(&'static str, Vec<f64>)>, [SignalPath; 2]);

/// A grid of each built-in strategy, and how its entries and exits are computed.
fn builtin_grids() -> Vec<Grid> {
    use SignalPath::{Combined, Shared, Whole};
    let range = |from: u32, to: u32| (from..to).map(f64::from).collect::<Vec<f64>>();
    vec![
        (
            "adx_trend",
            vec![("period", range(5, 15)), ("threshold", range(20, 28))],
            [Combined, Shared],
        ),
        (
            "bollinger_breakout",
            vec![("period", range(10, 20)), ("deviations", vec![1.0, 1.5, 2.0])],
            [Whole, Whole],
        ),
        (
            "bollinger_reversion",
            vec![("period", range(10, 20)), ("deviations", vec![1.0, 1.5, 2.0])],
            [Whole, Whole],
        ),
        ("buy_and_hold", vec![("position_size", vec![0.5, 1.0])], [Whole, Whole]),
        (
            "donchian_breakout",
            vec![("entry_period", range(10, 20)), ("exit_period", range(2, 9))],
            [Shared, Shared],
        ),
        (
            "ema_crossover",
            vec![("fast_period", range(2, 12)), ("slow_period", range(12, 22))],
            [Combined, Combined],
        ),
        (
            "macd",
            vec![
                ("fast_period", range(5, 9)),
                ("slow_period", range(12, 17)),
                ("signal_period", range(3, 7)),
            ],
            [Whole, Whole],
        ),
        (
            "momentum",
            vec![("period", range(10, 30)), ("threshold", range(0, 8))],
            [Combined, Combined],
        ),
        (
            "rsi",
            vec![
                ("period", range(5, 12)),
                ("oversold", vec![25.0, 30.0, 35.0]),
                ("overbought", vec![65.0, 70.0, 75.0]),
            ],
            [Shared, Shared],
        ),
        (
            "sma_crossover",
            vec![("fast_period", range(2, 14)), ("slow_period", range(14, 26))],
            [Combined, Combined],
        ),
        (
            "stochastic",
            vec![
                ("k_period", range(5, 9)),
                ("d_period", range(2, 5)),
                ("oversold", range(15, 25)),
                ("overbought", range(75, 85)),
            ],
            [Shared, Shared],
        ),
        (
            "supertrend",
            vec![("period", range(5, 9)), ("multiplier", vec![2.0, 2.5, 3.0])],
            [Whole, Whole],
        ),
    ]
}

#[test]
fn builtin_strategies_take_the_paths_that_are_known_to_be_fast() {
    let registry = Registry::builtin().unwrap();
    let grids = builtin_grids();
    assert_eq!(grids.len(), registry.list().count());
    let bars = walk(700);
    for (id, axes, expected) in grids {
        let strategy: Arc<Strategy> = registry.get(id).unwrap();
        let space = space_of(&strategy, &axes, &[true]);
        let values = values_of(&strategy, &space, None);
        let source = SignalSource::new(&strategy, &space, &values, &bars, 0, 1 << 26);
        let paths: Vec<SignalPath> = source.paths().into_iter().map(|(_, path)| path).collect();
        assert_eq!(paths, expected, "{id}");
        for (warm_up, budget) in [(0, 1 << 26), (100, 60_000)] {
            let case =
                Case { strategy: &strategy, space: &space, bars: &bars, warm_up, budget, step: 17 };
            case.check(&ThreadPerPart).unwrap_or_else(|error| panic!("{id}: {error}"));
        }
    }
}

#[test]
fn macd_lines_that_the_indicator_cannot_compare_are_those_of_single_runs() {
    let strategy = Registry::builtin().unwrap().get("macd").unwrap();
    let bars = walk(900);
    for (fast, slow, signal) in [
        (vec![1.0, 2.0, 3.0], vec![4.0, 500.0, 30.0], vec![1.0, 2.0, 9.0]),
        (vec![5.0], vec![6.0, 9.0], vec![4.0, 5.0, 6.0]),
    ] {
        let axes = [("signal_period", signal), ("fast_period", fast), ("slow_period", slow)];
        let space = space_of(&strategy, &axes, &[true]);
        let case = Case {
            strategy: &strategy,
            space: &space,
            bars: &bars,
            warm_up: 7,
            budget: 1 << 26,
            step: 5,
        };
        case.check(&Sequential).unwrap();
    }
}

#[test]
fn a_cancelled_worker_stops() {
    struct Cancelled;
    impl crate::observer::ProgressObserver for Cancelled {
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    let strategy = compile("sma(close, n) > sma(close, m)", "false", None).unwrap();
    let space = space_of(&strategy, &[("n", vec![2.0, 3.0])], &[true]);
    let bars = walk(100);
    let values = values_of(&strategy, &space, None);
    let source = SignalSource::new(&strategy, &space, &values, &bars, 0, 1 << 26);
    assert!(source.stage(0..2, &Sequential, &Cancelled).is_err());
    let stage = source.stage(0..2, &Sequential, &NoObserver).unwrap();
    let error: Error =
        stage.worker().unwrap().each(0..2, &Cancelled, &mut |_, _| Ok(())).unwrap_err();
    assert_eq!(error.message, Error::cancelled().message);
}

#[test]
fn a_sample_of_a_huge_grid_is_computed_in_stages() {
    let strategy =
        compile("sma(close, n) > level and ema(close, m) < factor", "close < level", None).unwrap();
    let range = |to: u32| (1..to).map(f64::from).collect::<Vec<f64>>();
    let axes = [("n", range(50)), ("level", range(60)), ("m", range(50)), ("factor", range(60))];
    let axes: Vec<Axis> = axes.iter().map(|(name, values)| axis(&strategy, name, values)).collect();
    let space = Space::keeping(axes, |indices| {
        indices.iter().fold(1_u64, |sum, index| (sum * 6_364_136 + u64::from(*index)) % 1_000_003)
            < 60
    })
    .unwrap();
    assert!((100..2_000).contains(&space.len()), "{}", space.len());
    let bars = walk(200);
    for budget in [20_000, 1 << 26] {
        let case =
            Case { strategy: &strategy, space: &space, bars: &bars, warm_up: 3, budget, step: 64 };
        case.check(&Sequential).unwrap();
    }
}

#[test]
fn constants_and_values_of_flags_are_bound_as_in_requests() {
    let strategy = compile("flag and close > level", "not flag or n > 2", None).unwrap();
    let space =
        space_of(&strategy, &[("flag", vec![0.0, 1.0]), ("level", vec![1.0, 100.0])], &[true]);
    let values = values_of(&strategy, &space, None);
    assert_eq!(values.bindings()[4], Binding::Condition(true));
    let bars = walk(130);
    let case =
        Case { strategy: &strategy, space: &space, bars: &bars, warm_up: 1, budget: 0, step: 1 };
    case.check(&Sequential).unwrap();
}
