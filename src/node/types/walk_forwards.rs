//! Results of walk-forwards.

use napi_derive::napi;
use serde::Serialize;
use serde_json::{Map, Value};

use super::count::count;
use super::sweeps::SweepBars;
use super::{metrics, trades};
use crate::market::time;
use crate::node::transfer::{Arrays, Group, Packed, TakeColumn, as_null};
use crate::note::Note;
use crate::service::{Fold, SweepSeries, WalkForwardResult as Walked};

/// One window of a walk-forward.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WalkForwardFold {
    /// Opening times of the first and the last bar of the training, ISO 8601.
    #[napi(ts_type = "[string, string]")]
    pub train: Vec<String>,
    /// Opening times of the first and the last bar of the test, ISO 8601.
    #[napi(ts_type = "[string, string]")]
    pub test: Vec<String>,
    /// Number of bars of the training.
    pub train_bars: f64,
    /// Number of bars of the test.
    pub test_bars: f64,
    /// The number of the combination that was chosen: its index in the columns of `runSweep` with the same request. Null if none competed; the test
    /// then holds cash.
    pub combination: Option<f64>,
    /// The value of each swept parameter or setting of the choice; null without one.
    #[napi(ts_type = "Record<string, number | boolean | null>")]
    pub parameters: Option<Map<String, Value>>,
    /// The objective of the choice in training; null without one.
    pub objective: Option<f64>,
    /// All metrics of the choice in training, with an open position at the last close; null without a choice.
    #[napi(ts_type = "Metrics")]
    pub in_sample: Option<Map<String, Value>>,
    /// All metrics of the choice in the test; null without a choice.
    #[napi(ts_type = "Metrics")]
    pub out_of_sample: Option<Map<String, Value>>,
    /// Whether the test ended with an open position, which was closed at the last close, with costs.
    pub closed_at_end: bool,
}

/// How steady the choices and the tests of a walk-forward were.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WalkForwardStability {
    /// The mean distance between consecutive choices: steps in a parameter's list of values ÷ (its length − 1), averaged over
    /// parameters. 0 if all choices are the same; of random choices, 1/3 for a long list and 1/2 for two values. Null without two consecutive choices, or without a parameter with several values.
    pub parameter_drift: Option<f64>,
    /// Number of different choices.
    pub distinct_choices: f64,
    /// Share of the tests with a gain, from 0 to 1, not a number.
    pub profitable_folds: f64,
    /// The total return of the worst test, percent.
    pub worst_fold: Option<f64>,
    /// The share of the best test in the sum of all gains, from 0 to 1; null if no test gained.
    pub best_fold_share: Option<f64>,
}

/// The result of a walk-forward.
#[napi(object, object_from_js = false, object_to_js = false, use_nullable = true)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WalkForwardResult {
    /// Id of the walk-forward: "wf-" and 12 hex digits.
    pub walk_forward_id: String,
    /// Id of the strategy.
    pub strategy_id: String,
    /// Source text of the strategy; null for a built-in strategy or a function.
    pub strategy_source: Option<String>,
    /// The asset.
    pub asset_symbol: String,
    /// Timeframe of the bars; `tick` if each tick is a bar.
    #[napi(ts_type = "Timeframe | 'tick'")]
    pub timeframe: String,
    /// Money at the start of each window, and of the joined tests.
    pub initial_capital: f64,
    /// The objective.
    pub objective_text: String,
    /// Number of combinations that were tried in each training.
    pub combinations: f64,
    /// The windows, in order.
    pub folds: Vec<WalkForwardFold>,
    /// All metrics of the joined tests: as if the money of one test were put into the next. If tests do not adjoin, bars between them
    /// do not count, also in annual figures, and `benchmarkReturn` holds the asset in the tests only.
    #[napi(ts_type = "Metrics")]
    pub metrics: Map<String, Value>,
    /// The trades of all tests. `entryBar` and `exitBar` are indices into `timestamps`.
    #[napi(ts_type = "Array<Trade>")]
    #[serde(serialize_with = "as_null")]
    pub trades: Vec<f64>,
    /// Opening times of the bars of all tests, UTC milliseconds.
    #[napi(ts_type = "Float64Array")]
    #[serde(serialize_with = "as_null")]
    pub timestamps: Vec<f64>,
    /// Equity of the joined tests at the close of each bar of `timestamps`.
    #[napi(ts_type = "Float64Array")]
    #[serde(serialize_with = "as_null")]
    pub equity_curve: Vec<f64>,
    /// The mean logarithmic return per bar of the tests ÷ that of the choices in training: 1 if the tests earned as much, 0 or less
    /// if they earned nothing. Null if the choices lost in training.
    pub efficiency: Option<f64>,
    /// The Sharpe ratio of the joined tests ÷ the mean of the choices in training; null if the latter is not above 0.
    pub sharpe_efficiency: Option<f64>,
    /// How steady the choices and the tests were.
    pub stability: WalkForwardStability,
    /// The bars of the whole range: their number, what annualizes results, and the bars before them.
    pub bars: SweepBars,
    /// Warnings, the most important first.
    // `runtime.js` takes them from the notes.
    #[serde(serialize_with = "as_null")]
    pub warnings: Vec<String>,
    /// The warnings with stable codes and their numbers, in the same order.
    pub notes: Vec<Note>,
    /// Milliseconds from the call to the result.
    pub elapsed_ms: f64,
}

impl WalkForwardFold {
    fn new(fold: Fold) -> Self {
        let times = |(first, last)| vec![time::format(first), time::format(last)];
        let (train_bars, test_bars) = fold.bars;
        let mut of = Self {
            train: times(fold.train),
            test: times(fold.test),
            train_bars: count(train_bars as u64),
            test_bars: count(test_bars as u64),
            combination: None,
            parameters: None,
            objective: None,
            in_sample: None,
            out_of_sample: None,
            closed_at_end: fold.closed_at_end,
        };
        if let Some(choice) = fold.choice {
            of.combination = Some(count(choice.combination as u64));
            of.parameters = Some(choice.parameters);
            of.objective = Some(choice.objective);
            of.in_sample = Some(metrics::to_object(choice.in_sample));
            of.out_of_sample = Some(metrics::to_object(choice.out_of_sample));
        }
        of
    }
}

/// Packs the result of a walk-forward for JavaScript.
///
/// # Errors
/// `INTERNAL` if it cannot be serialized.
pub fn pack_walk_forward(walked: Walked) -> crate::Result<Packed> {
    let timeframe = walked.timeframe.as_str().to_owned();
    let stitched = walked.stitched;
    #[expect(clippy::cast_precision_loss, reason = "timestamps of a Date are below 2^53")]
    let timestamps: Vec<f64> = stitched.timestamps.iter().map(|time| *time as f64).collect();
    let stability = WalkForwardStability {
        parameter_drift: walked.stability.parameter_drift,
        distinct_choices: count(walked.stability.distinct_choices as u64),
        profitable_folds: walked.stability.profitable_folds,
        worst_fold: walked.stability.worst_fold,
        best_fold_share: walked.stability.best_fold_share,
    };
    let result = WalkForwardResult {
        walk_forward_id: walked.walk_forward_id,
        strategy_id: walked.strategy_id,
        strategy_source: walked.strategy_source,
        bars: SweepBars::from(SweepSeries {
            asset_symbol: walked.asset_symbol.clone(),
            timeframe: timeframe.clone(),
            assumptions: walked.assumptions,
            fingerprint: None,
        }),
        asset_symbol: walked.asset_symbol,
        timeframe,
        initial_capital: walked.initial_capital,
        objective_text: walked.objective,
        combinations: count(walked.combinations as u64),
        folds: walked.folds.into_iter().map(WalkForwardFold::new).collect(),
        metrics: metrics::to_object(stitched.summary.metrics),
        trades: trades::matrix(&stitched.trades, &stitched.timestamps),
        timestamps,
        equity_curve: stitched.equity,
        efficiency: walked.efficiency,
        sharpe_efficiency: walked.sharpe_efficiency,
        stability,
        warnings: Vec::new(),
        notes: walked.notes,
        elapsed_ms: walked.elapsed_ms,
    };
    Packed::new(result, &WALK_FORWARD_LAYOUT)
}

/// The layout of the result of a walk-forward.
pub static WALK_FORWARD_LAYOUT: [Group<WalkForwardResult>; 3] = [
    Group {
        field: "trades",
        arrays: Arrays::Rows(trades::column_names, |result| std::mem::take(&mut result.trades)),
    },
    Group {
        field: "timestamps",
        arrays: Arrays::Column(TakeColumn::Float64(|result| {
            std::mem::take(&mut result.timestamps)
        })),
    },
    Group {
        field: "equityCurve",
        arrays: Arrays::Column(TakeColumn::Float64(|result| {
            std::mem::take(&mut result.equity_curve)
        })),
    },
];
