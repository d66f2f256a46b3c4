//! What every store must do, whatever its database. The functions of the suite share one store, which is empty at first.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    Filter, Outcome, PROCESS_DIED, Run, Status, Store, StoredStrategy, Summary, is_duplicate,
    is_ended,
};
use crate::error::Code;
use crate::error::Result;
use crate::market::Timeframe;
use crate::note::{Note, NoteCode};
use crate::portfolio::Trades;
use crate::store::record::{Assumptions, BarRange, Remarks};
use crate::store::result_parts::ResultParts;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is not an object"),
    }
}

/// Returns a run with the status running.
pub(crate) fn run(id: &str) -> Run {
    Run {
        id: id.into(),
        user_id: Some("user-1".into()),
        strategy_id: "sma_crossover".into(),
        strategy_source: None,
        asset_symbol: "AAPL".into(),
        timeframe: Timeframe::D1.into(),
        start: -86_400_000,
        end: 1_577_836_800_000,
        initial_capital: 10_000.1,
        parameters: object(
            json!({"slow_period": 30, "fast_period": 10, "factor": 0.1, "on": true}),
        ),
        simulation: object(json!({"fees": 0.001, "size": null, "direction": "longOnly"})),
        status: Status::Running,
        error: None,
        engine_version: "0.1.0".into(),
        fingerprint: None,
        bars_revision: None,
        created_at: 1_600_000_000_000,
        completed_at: None,
    }
}

/// Returns an outcome that depends only on the arguments. The last trade is open.
pub(crate) fn outcome(bars: u32, trades: u32, seed: f64) -> Outcome {
    // Thirds have no short decimal form, so lost digits are detected.
    let value = |index: u32| (f64::from(index) + seed) / 3.0;
    let column = |shift: f64| (0..trades).map(|trade| value(trade) + shift).collect::<Vec<f64>>();
    let bar = |trade: u32| (trade * 2).min(bars.saturating_sub(1));
    let summary = Summary {
        final_capital: value(7),
        total_return: -value(8),
        metrics: vec![
            ("totalReturn".into(), Some(-value(8))),
            ("sharpeRatio".into(), Some(value(1))),
            ("profitFactor".into(), None),
            ("totalTrades".into(), Some(f64::from(trades))),
            ("smallest".into(), Some(5e-324)),
            ("largest".into(), Some(f64::MAX)),
            ("awkward".into(), Some(-1.234_567_890_123_456_7e-8)),
        ],
        remarks: Remarks::Notes(vec![
            Note::new(NoteCode::FewTrades, "\"quoted\" and\nbroken").with("z", 1.5).with("a", "b"),
        ]),
        assumptions: Some(Assumptions {
            bars_per_year: Some(value(5)),
            bars_per_year_from: "weekdays".into(),
            warmup_bars: 9,
            warmup_from: "as the setting says".into(),
            warmup_fingerprint: Some("f".into()),
            look_ahead: true,
            range: None,
        }),
        parts: ResultParts::ALL,
    };
    let trades = Trades {
        entry_bar: (0..trades).map(bar).collect(),
        exit_bar: (0..trades).map(|trade| bar(trade + 1)).collect(),
        direction: (0..trades).map(|trade| u8::from(trade % 2 == 1)).collect(),
        status: (0..trades).map(|trade| u8::from(trade + 1 < trades)).collect(),
        size: column(0.5),
        entry_price: column(1.5),
        exit_price: column(2.5),
        entry_fees: column(3.5),
        exit_fees: column(4.5),
        pnl: column(-1e9),
        pnl_percent: column(-1e-9),
        exit_reason: (0..trades)
            .map(|trade| if trade + 1 < trades { 1 + u8::try_from(trade % 4).unwrap() } else { 0 })
            .collect(),
        max_adverse_excursion: column(-1e3),
        max_favorable_excursion: column(5.5),
    };
    // Weekdays: steps of one day and of three days.
    let timestamps = (0..i64::from(bars)).map(|bar| (bar + bar / 5 * 2) * 86_400_000).collect();
    Outcome { summary, trades, timestamps, equity: (0..bars).map(value).collect() }
}

/// Returns a run that has ended.
pub(crate) fn ended(id: &str, status: Status, error: Option<&str>, at: i64) -> Run {
    Run { status, error: error.map(Into::into), completed_at: Some(at), ..run(id) }
}

/// Completes a run.
pub(crate) async fn complete(store: &dyn Store, id: &str, outcome: &Arc<Outcome>) -> Result<()> {
    store.end_run(ended(id, Status::Completed, None, 9), Some(Arc::clone(outcome))).await
}

/// Runs the whole suite on an empty store.
pub(crate) async fn suite(store: &dyn Store) {
    an_empty_store_returns_nothing(store).await;
    a_run_is_read_as_it_was_written(store).await;
    a_completed_run_has_its_outcome(store).await;
    an_outcome_has_the_parts_that_were_asked_for(store).await;
    a_run_ends_once(store).await;
    a_completed_run_can_become_cancelled(store).await;
    lost_runs_are_written_again(store).await;
    a_run_of_a_supposedly_dead_engine_can_end(store).await;
    a_taken_id_is_a_duplicate(store).await;
    lists_are_filtered_and_paged(store).await;
    deleting_a_run_deletes_its_results(store).await;
    trades_of_earlier_versions_have_no_details(store).await;
    invalid_outcomes_change_nothing(store).await;
    many_callers_are_served_at_once(store).await;
    strategies_are_saved_replaced_and_deleted(store).await;
}

async fn an_empty_store_returns_nothing(store: &dyn Store) {
    assert_eq!(store.run("bt-none").await.unwrap(), None);
    assert_eq!(store.summary("bt-none").await.unwrap(), None);
    assert_eq!(store.list(&Filter::default()).await.unwrap(), []);
    assert!(!store.delete_run("bt-none").await.unwrap());
    assert_eq!(store.strategy("none").await.unwrap(), None);
    assert_eq!(store.strategies().await.unwrap(), []);
    assert!(!store.delete_strategy("none").await.unwrap());
}

async fn a_run_is_read_as_it_was_written(store: &dyn Store) {
    let full = Run {
        strategy_source: Some("entries: 'x' \"y\"\n".into()),
        status: Status::Pending,
        ..run("bt-full")
    };
    store.create_run(full.clone()).await.unwrap();
    assert_eq!(store.run("bt-full").await.unwrap(), Some((full.clone(), None)));
    // The order of parameters is kept too; the comparison of maps ignores it.
    let (kept, _) = store.summary("bt-full").await.unwrap().unwrap();
    assert_eq!(
        kept.parameters.keys().collect::<Vec<_>>(),
        full.parameters.keys().collect::<Vec<_>>()
    );
    let bare = Run {
        user_id: None,
        fingerprint: Some("f".into()),
        bars_revision: Some(i64::MAX),
        ..run("bt-bare")
    };
    store.create_run(bare.clone()).await.unwrap();
    assert_eq!(store.summary("bt-bare").await.unwrap(), Some((bare, None)));
}

async fn a_completed_run_has_its_outcome(store: &dyn Store) {
    for (id, bars, trades) in [("bt-large", 5000, 777), ("bt-small", 1, 1), ("bt-none", 0, 0)] {
        store.create_run(run(id)).await.unwrap();
        let outcome = outcome(bars, trades, 0.1);
        let expected = Run {
            fingerprint: Some("print".into()),
            ..ended(id, Status::Completed, None, 1_700_000_000_000)
        };
        store.end_run(expected.clone(), Some(Arc::new(outcome.clone()))).await.unwrap();
        let summary = outcome.summary.clone();
        assert_eq!(store.run(id).await.unwrap(), Some((expected.clone(), Some(outcome))), "{id}");
        assert_eq!(store.summary(id).await.unwrap(), Some((expected, Some(summary))), "{id}");
    }
}

async fn an_outcome_has_the_parts_that_were_asked_for(store: &dyn Store) {
    let range = BarRange { first: -1, last: 1_577_836_800_000, bars: 9, missing: 2 };
    for (number, names) in
        [vec!["metrics"], vec!["trades"], vec!["equity", "warnings"], vec!["metrics", "trades"]]
            .into_iter()
            .enumerate()
    {
        let (id, parts) = (format!("bt-parts{number}"), ResultParts::named(names));
        let mut expected = outcome(20, if parts.trades { 4 } else { 0 }, 0.25);
        expected.summary.parts = parts;
        expected.summary.assumptions =
            Some(Assumptions { range: Some(range), ..Assumptions::default() });
        if !parts.metrics {
            expected.summary.metrics.clear();
        }
        if !parts.equity {
            expected.equity.clear();
        }
        store.create_run(run(&id)).await.unwrap();
        complete(store, &id, &Arc::new(expected.clone())).await.unwrap();
        if !parts.keep_timestamps() {
            expected.timestamps = Vec::new().into();
        }
        let (_, summary) = store.summary(&id).await.unwrap().unwrap();
        assert_eq!(summary.as_ref(), Some(&expected.summary), "{parts:?}");
        let (_, found) = store.run(&id).await.unwrap().unwrap();
        assert_eq!(found, Some(expected), "{parts:?}");
        store.delete_run(&id).await.unwrap();
    }
}

async fn a_run_ends_once(store: &dyn Store) {
    let outcome = Arc::new(outcome(10, 2, 0.1));
    store.create_run(Run { status: Status::Pending, ..run("bt-steps") }).await.unwrap();
    store.begin_run(run("bt-steps")).await.unwrap();
    let (kept, _) = store.summary("bt-steps").await.unwrap().unwrap();
    assert_eq!(kept, run("bt-steps"));
    let failed = ended("bt-steps", Status::Failed, Some("no data"), 5);
    store.end_run(failed.clone(), None).await.unwrap();
    let (kept, _) = store.summary("bt-steps").await.unwrap().unwrap();
    assert_eq!(kept, failed);
    // Ending again in the same way has no effect, as in a retry.
    store.end_run(failed, None).await.unwrap();
    let cancelled = ended("bt-steps", Status::Cancelled, None, 5);
    let error = store.end_run(cancelled, None).await.unwrap_err();
    assert_eq!(error.message, "backtest bt-steps has ended as failed and cannot become cancelled");
    assert!(is_ended(&error) && !is_duplicate(&error));
    let error = complete(store, "bt-steps", &outcome).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, false));
    assert!(is_ended(&store.begin_run(run("bt-steps")).await.unwrap_err()));
    assert_eq!(store.run("bt-steps").await.unwrap(), Some((kept, None)));
    store.create_run(run("bt-direct")).await.unwrap();
    for (end, outcome) in [
        (ended("bt-direct", Status::Completed, None, 9), None),
        (ended("bt-direct", Status::Failed, None, 9), Some(Arc::clone(&outcome))),
        (run("bt-direct"), None),
    ] {
        assert_eq!(store.end_run(end, outcome).await.unwrap_err().code, Code::Internal);
    }
    assert_eq!(store.run("bt-direct").await.unwrap(), Some((run("bt-direct"), None)));
}

async fn a_completed_run_can_become_cancelled(store: &dyn Store) {
    let outcome = Arc::new(outcome(100, 10, 0.1));
    let fingerprint = || Some("xxh3-128:00".to_owned());
    store.create_run(run("bt-late")).await.unwrap();
    let completed =
        Run { fingerprint: fingerprint(), ..ended("bt-late", Status::Completed, None, 9) };
    store.end_run(completed.clone(), Some(Arc::clone(&outcome))).await.unwrap();
    let cancelled = ended("bt-late", Status::Cancelled, Some("ABORT_ERR: stopped"), 12);
    for _ in 0..2 {
        store.end_run(cancelled.clone(), None).await.unwrap();
        assert_eq!(store.run("bt-late").await.unwrap(), Some((cancelled.clone(), None)));
        assert_eq!(store.summary("bt-late").await.unwrap(), Some((cancelled.clone(), None)));
    }
    // No other end follows.
    let error = store.end_run(completed, Some(outcome)).await.unwrap_err();
    assert_eq!(
        error.message,
        "backtest bt-late has ended as cancelled and cannot become completed"
    );
    let failed = ended("bt-late", Status::Failed, None, 12);
    assert!(is_ended(&store.end_run(failed, None).await.unwrap_err()));
    assert!(store.delete_run("bt-late").await.unwrap());
}

async fn lost_runs_are_written_again(store: &dyn Store) {
    let outcome = Arc::new(outcome(100, 10, 0.1));
    // The run is lost while pending, while running, and before it is cancelled.
    store.create_run(Run { status: Status::Pending, ..run("bt-gone1") }).await.unwrap();
    assert!(store.delete_run("bt-gone1").await.unwrap());
    store.begin_run(run("bt-gone1")).await.unwrap();
    assert_eq!(store.run("bt-gone1").await.unwrap(), Some((run("bt-gone1"), None)));
    assert!(store.delete_run("bt-gone1").await.unwrap());
    for _ in 0..2 {
        complete(store, "bt-gone1", &outcome).await.unwrap();
        let whole = ended("bt-gone1", Status::Completed, None, 9);
        assert_eq!(store.run("bt-gone1").await.unwrap(), Some((whole, Some((*outcome).clone()))));
    }
    let cancelled = ended("bt-gone2", Status::Cancelled, Some("ABORT_ERR: stopped"), 9);
    store.end_run(cancelled.clone(), None).await.unwrap();
    assert_eq!(store.run("bt-gone2").await.unwrap(), Some((cancelled, None)));
    for id in ["bt-gone1", "bt-gone2"] {
        assert!(store.delete_run(id).await.unwrap());
    }
}

async fn a_run_of_a_supposedly_dead_engine_can_end(store: &dyn Store) {
    let outcome = Arc::new(outcome(100, 10, 0.1));
    for id in ["bt-undead1", "bt-undead2"] {
        store.create_run(run(id)).await.unwrap();
        // Another engine marks the run as failed.
        store.end_run(ended(id, Status::Failed, Some(PROCESS_DIED), 5), None).await.unwrap();
    }
    store.begin_run(run("bt-undead1")).await.unwrap();
    assert_eq!(store.run("bt-undead1").await.unwrap(), Some((run("bt-undead1"), None)));
    complete(store, "bt-undead2", &outcome).await.unwrap();
    let whole = ended("bt-undead2", Status::Completed, None, 9);
    assert_eq!(store.run("bt-undead2").await.unwrap(), Some((whole, Some((*outcome).clone()))));
    for id in ["bt-undead1", "bt-undead2"] {
        assert!(store.delete_run(id).await.unwrap());
    }
}

async fn a_taken_id_is_a_duplicate(store: &dyn Store) {
    store.create_run(run("bt-taken")).await.unwrap();
    let error = store
        .create_run(Run { asset_symbol: "OTHER".into(), ..run("bt-taken") })
        .await
        .unwrap_err();
    assert!(is_duplicate(&error), "{error:?}");
    assert_eq!(store.summary("bt-taken").await.unwrap().unwrap().0.asset_symbol, "AAPL");
}

async fn lists_are_filtered_and_paged(store: &dyn Store) {
    for number in 0..7_i64 {
        // Three runs were created in the same millisecond.
        let created_at = 1_650_000_000_000 + if number < 3 { 0 } else { number };
        let strategy_id = if number % 2 == 0 { "even" } else { "odd" };
        let run = Run {
            user_id: Some("lister".into()),
            strategy_id: strategy_id.into(),
            created_at,
            ..run(&format!("bt-l{number}"))
        };
        store.create_run(run).await.unwrap();
    }
    store.end_run(ended("bt-l6", Status::Cancelled, None, 1), None).await.unwrap();
    let ids = |filter: Filter| async move {
        let filter = Filter { user_id: Some("lister".into()), ..filter };
        let found = store.list(&filter).await.unwrap();
        found.into_iter().map(|(run, _)| run.id).collect::<Vec<_>>().join(" ").replace("bt-l", "")
    };
    assert_eq!(ids(Filter::default()).await, "6 5 4 3 2 1 0");
    assert_eq!(ids(Filter { strategy_id: Some("odd".into()), ..Filter::default() }).await, "5 3 1");
    assert_eq!(ids(Filter { status: Some(Status::Cancelled), ..Filter::default() }).await, "6");
    assert_eq!(ids(Filter { asset_symbol: Some("IBM".into()), ..Filter::default() }).await, "");
    let page =
        |before: &str| Filter { limit: Some(3), before: Some(before.into()), ..Filter::default() };
    assert_eq!(ids(Filter { limit: Some(3), ..Filter::default() }).await, "6 5 4");
    assert_eq!(ids(page("bt-l4")).await, "3 2 1");
    assert_eq!(ids(page("bt-l1")).await, "0");
    assert_eq!(ids(page("bt-l0")).await, "");
    let error = store.list(&page("bt-gone")).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
    assert_eq!(
        error.message,
        r#"before must be the id of a backtest, no backtest has the id "bt-gone""#
    );
    // Completed runs have a summary.
    let large =
        store.list(&Filter { status: Some(Status::Completed), ..Filter::default() }).await.unwrap();
    assert!(
        large
            .iter()
            .all(|(_, summary)| summary.as_ref().is_some_and(|summary| summary.metrics.len() == 7))
    );
    assert_eq!(large.len(), 3);
}

async fn deleting_a_run_deletes_its_results(store: &dyn Store) {
    store.create_run(run("bt-doomed")).await.unwrap();
    complete(store, "bt-doomed", &Arc::new(outcome(100, 10, 0.1))).await.unwrap();
    assert!(store.delete_run("bt-doomed").await.unwrap());
    assert!(!store.delete_run("bt-doomed").await.unwrap());
    assert_eq!(store.run("bt-doomed").await.unwrap(), None);
    // The id is free again, and nothing of the old run is left.
    store.create_run(run("bt-doomed")).await.unwrap();
    assert_eq!(store.run("bt-doomed").await.unwrap(), Some((run("bt-doomed"), None)));
    complete(store, "bt-doomed", &Arc::new(outcome(10, 1, 0.2))).await.unwrap();
    assert_eq!(store.run("bt-doomed").await.unwrap().unwrap().1, Some(outcome(10, 1, 0.2)));
}

async fn trades_of_earlier_versions_have_no_details(store: &dyn Store) {
    store.create_run(run("bt-plain")).await.unwrap();
    let mut plain = outcome(50, 7, 0.1);
    plain.trades.exit_reason.clear();
    plain.trades.max_adverse_excursion.clear();
    plain.trades.max_favorable_excursion.clear();
    complete(store, "bt-plain", &Arc::new(plain.clone())).await.unwrap();
    let (_, kept) = store.run("bt-plain").await.unwrap().unwrap();
    assert_eq!(kept, Some(plain));
}

async fn invalid_outcomes_change_nothing(store: &dyn Store) {
    store.create_run(run("bt-odd")).await.unwrap();
    let sound = outcome(100, 10, 0.1);
    let mut beyond = sound.clone();
    beyond.trades.exit_bar[5] = 100;
    let mut ragged = sound.clone();
    ragged.trades.pnl.pop();
    let mut halved = sound.clone();
    halved.trades.exit_reason.pop();
    let mut short = sound.clone();
    short.equity.pop();
    let mut nonsense = sound.clone();
    nonsense.summary.final_capital = f64::NAN;
    for odd in [beyond, ragged, halved, short, nonsense] {
        let error = complete(store, "bt-odd", &Arc::new(odd)).await.unwrap_err();
        assert_eq!(error.code, Code::Internal, "{error:?}");
        assert_eq!(store.run("bt-odd").await.unwrap(), Some((run("bt-odd"), None)));
    }
    complete(store, "bt-odd", &Arc::new(sound)).await.unwrap();
}

async fn many_callers_are_served_at_once(store: &dyn Store) {
    let ids: Vec<String> = (0..20).map(|number| format!("bt-many{number}")).collect();
    // All calls are made before the first future is awaited.
    let created: Vec<_> = ids.iter().map(|id| store.create_run(run(id))).collect();
    for creation in created {
        creation.await.unwrap();
    }
    let outcome = Arc::new(outcome(200, 20, 0.3));
    let mut completed = Vec::new();
    for id in &ids {
        completed.push(complete(store, id, &outcome));
    }
    for completion in completed {
        completion.await.unwrap();
    }
    for id in &ids {
        assert_eq!(store.run(id).await.unwrap().unwrap().1.as_ref(), Some(&*outcome));
    }
}

/// Returns a registered strategy.
pub(crate) fn strategy(id: &str) -> StoredStrategy {
    StoredStrategy {
        id: id.into(),
        name: "Dips, \"quoted\" and ünïcode".into(),
        description: String::new(),
        kind: "mean_reversion".into(),
        parameters_schema: json!(
            {"type": "object", "properties": {"z": {"default": 0.1}, "a": {"minimum": -1e-9}}}
        ),
        default_parameters: object(json!({"z": 0.1, "a": 7, "on": true})),
        definition: "strategy x\nentries 'a' \"b\"\n  and c\n".into(),
        created_at: 1_600_000_000_000,
        updated_at: 1_600_000_000_000,
    }
}

async fn strategies_are_saved_replaced_and_deleted(store: &dyn Store) {
    for id in ["b_strategy", "a_strategy", "a2"] {
        store.save_strategy(strategy(id)).await.unwrap();
    }
    let kept = store.strategy("a_strategy").await.unwrap().unwrap();
    assert_eq!(kept, strategy("a_strategy"));
    // The order of parameters is kept too; the comparison of maps ignores it.
    assert_eq!(kept.default_parameters.keys().collect::<Vec<_>>(), ["z", "a", "on"]);
    let ids = async || {
        let found = store.strategies().await.unwrap();
        found.into_iter().map(|strategy| strategy.id).collect::<Vec<_>>()
    };
    assert_eq!(ids().await, ["a2", "a_strategy", "b_strategy"]);
    let replaced = StoredStrategy {
        name: "Other".into(),
        description: "Buys".into(),
        kind: "trend".into(),
        parameters_schema: json!({}),
        default_parameters: Map::new(),
        definition: "strategy y".into(),
        created_at: 1_700_000_000_000,
        updated_at: 1_700_000_000_000,
        ..strategy("a_strategy")
    };
    store.save_strategy(replaced.clone()).await.unwrap();
    let expected = StoredStrategy { created_at: 1_600_000_000_000, ..replaced };
    assert_eq!(store.strategy("a_strategy").await.unwrap(), Some(expected));
    assert_eq!(ids().await, ["a2", "a_strategy", "b_strategy"]);
    assert!(store.delete_strategy("a_strategy").await.unwrap());
    assert!(!store.delete_strategy("a_strategy").await.unwrap());
    assert_eq!(store.strategy("a_strategy").await.unwrap(), None);
    assert_eq!(ids().await, ["a2", "b_strategy"]);
}
