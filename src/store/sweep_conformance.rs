//! What every store must do with sweeps. The functions of the suite share one store, which has no sweeps at first.

use std::sync::Arc;

use serde_json::json;

use super::{
    Status, Store, Sweep, SweepChunk, SweepDetails, SweepEnd, SweepFilter, is_duplicate, is_ended,
};
use crate::error::{Code, Result};
use crate::market::Timeframe;

/// Returns a running sweep of ten combinations.
pub(crate) fn sweep(id: &str) -> Sweep {
    Sweep {
        id: id.into(),
        claim: "first".into(),
        user_id: Some("user-1".into()),
        strategy_id: "sma_crossover".into(),
        strategy_source: Some("entries: 'x' \"y\"\n".into()),
        asset_symbols: vec!["AAPL".into(), "BRK,\"B\"".into()],
        timeframes: vec![Timeframe::D1.into(), Timeframe::H1.into()],
        start: -86_400_000,
        end: 1_577_836_800_000,
        objective: "sharpeRatio - 0.5 * maxDrawdown / 10".into(),
        combinations: 10,
        done: 0,
        best: None,
        status: Status::Running,
        error: None,
        engine_version: "0.1.0".into(),
        created_at: 1_600_000_000_000,
        updated_at: 1_600_000_000_000,
        completed_at: None,
    }
}

/// Returns its details.
pub(crate) fn details() -> SweepDetails {
    SweepDetails {
        request: json!({"z": {"from": 0.1, "to": 5e-324}, "a": [1, true, null, "\"ü\""]}),
        columns: vec!["totalReturn".into(), "objective".into(), "sum:1".into()],
        fingerprints: Vec::new(),
        summary: None,
    }
}

/// Returns combinations whose values depend only on their numbers. Some have no value.
pub(crate) fn chunk(from: u64, count: usize) -> SweepChunk {
    let column = |shift: f64| {
        let numbers = (0..count).map(|number| from + number as u64);
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let value =
            |number: u64| if number % 4 == 3 { f64::NAN } else { number as f64 / 3.0 + shift };
        numbers.map(value).collect::<Vec<f64>>()
    };
    let names = details().columns.into_iter();
    SweepChunk { from, count, columns: names.zip([0.0, 1e9, -1e-9].map(column)).collect() }
}

/// Fails unless two chunks have the same bits.
pub(crate) fn assert_same(found: Option<SweepChunk>, expected: &SweepChunk) {
    let bits = |chunk: &SweepChunk| {
        let columns = chunk.columns.iter().map(|(name, values)| {
            (name.clone(), values.iter().map(|value| value.to_bits()).collect::<Vec<_>>())
        });
        (chunk.from, chunk.count, columns.collect::<Vec<_>>())
    };
    assert_eq!(found.as_ref().map(bits), Some(bits(expected)));
}

/// Appends combinations with the first claim.
pub(crate) async fn append(store: &dyn Store, id: &str, from: u64, count: usize) -> Result<()> {
    store.append_sweep_chunk(id, "first", Arc::new(chunk(from, count)), 7).await
}

/// Returns the end of a sweep.
pub(crate) fn end(status: Status) -> SweepEnd {
    let is_completed = status == Status::Completed;
    SweepEnd {
        status,
        error: (!is_completed).then(|| "ABORT_ERR: stopped".into()),
        best: is_completed.then_some(1.0 / 3.0),
        summary: is_completed.then(|| json!({"top": [{"combination": 7}], "notes": []})),
        at: 9,
    }
}

/// Returns the chunk that has a combination, with all columns.
pub(crate) async fn read(store: &dyn Store, id: &str, combination: u64) -> Option<SweepChunk> {
    store.sweep_chunk(id, combination, details().columns).await.unwrap()
}

/// Runs the whole suite on a store without sweeps.
pub(crate) async fn suite(store: &dyn Store) {
    a_store_without_sweeps_returns_nothing(store).await;
    a_sweep_is_read_as_it_was_written(store).await;
    chunks_are_read_by_combination(store).await;
    columns_are_read_by_name(store).await;
    chunks_follow_each_other(store).await;
    odd_chunks_change_nothing(store).await;
    a_sweep_ends_once(store).await;
    an_interrupted_sweep_is_resumed_once(store).await;
    nothing_is_kept_of_a_deleted_sweep(store).await;
    concurrent_appends_do_not_mix(store).await;
    lists_are_filtered_and_paged(store).await;
}

async fn a_store_without_sweeps_returns_nothing(store: &dyn Store) {
    assert_eq!(store.sweep("sw-none").await.unwrap(), None);
    assert_eq!(store.list_sweeps(&SweepFilter::default()).await.unwrap(), []);
    assert_eq!(store.sweep_chunk("sw-none", 0, vec![]).await.unwrap(), None);
    assert_eq!(store.resume_sweep("sw-none", "x", "0.1.0", 1).await.unwrap(), None);
    assert!(!store.delete_sweep("sw-none").await.unwrap());
    assert!(is_ended(&append(store, "sw-none", 0, 1).await.unwrap_err()));
}

async fn a_sweep_is_read_as_it_was_written(store: &dyn Store) {
    let pending = Sweep { status: Status::Pending, ..sweep("sw-full") };
    store.create_sweep(pending.clone(), details()).await.unwrap();
    assert_eq!(store.sweep("sw-full").await.unwrap(), Some((pending.clone(), details())));
    // The order of keys is kept; the comparison of values ignores it.
    let (_, kept) = store.sweep("sw-full").await.unwrap().unwrap();
    assert_eq!(kept.request.to_string(), details().request.to_string());
    let error = store.create_sweep(pending, details()).await.unwrap_err();
    assert!(is_duplicate(&error), "{error:?}");
    assert_eq!(error.message, "a sweep with the id sw-full already exists");
    let prints = vec!["xxh3-128:00".to_owned(), "b".to_owned()];
    store.begin_sweep("sw-full", "first", prints.clone(), 8).await.unwrap();
    let running = Sweep { updated_at: 8, ..sweep("sw-full") };
    let begun = SweepDetails { fingerprints: prints, ..details() };
    assert_eq!(store.sweep("sw-full").await.unwrap(), Some((running, begun)));
    let bare = Sweep {
        user_id: None,
        strategy_source: None,
        asset_symbols: vec![],
        timeframes: vec![],
        ..sweep("sw-bare")
    };
    let nothing = SweepDetails { request: json!(null), ..SweepDetails::default() };
    store.create_sweep(bare.clone(), nothing.clone()).await.unwrap();
    assert_eq!(store.sweep("sw-bare").await.unwrap(), Some((bare, nothing)));
    for odd in [
        Sweep { status: Status::Completed, ..sweep("sw-odd") },
        Sweep { done: 1, ..sweep("sw-odd") },
    ] {
        assert_eq!(store.create_sweep(odd, details()).await.unwrap_err().code, Code::Internal);
    }
    assert_eq!(store.sweep("sw-odd").await.unwrap(), None);
}

async fn chunks_are_read_by_combination(store: &dyn Store) {
    let large = Sweep { combinations: 70_000, ..sweep("sw-read") };
    store.create_sweep(large, details()).await.unwrap();
    for (from, count) in [(0, 1), (1, 65_536), (65_537, 2), (65_539, 61)] {
        assert_eq!(read(store, "sw-read", from).await, None);
        append(store, "sw-read", from, count).await.unwrap();
        let (kept, _) = store.sweep("sw-read").await.unwrap().unwrap();
        assert_eq!((kept.done, kept.updated_at), (from + count as u64, 7));
        for combination in [from, from + count as u64 - 1] {
            assert_same(read(store, "sw-read", combination).await, &chunk(from, count));
        }
    }
    for beyond in [65_600, 69_999, 70_000, u64::MAX] {
        assert_eq!(read(store, "sw-read", beyond).await, None, "{beyond}");
    }
}

async fn columns_are_read_by_name(store: &dyn Store) {
    let expected = chunk(65_537, 2);
    let named = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        async move { store.sweep_chunk("sw-read", 65_538, names).await }
    };
    assert_same(
        named(&["sum:1", "totalReturn"]).await.unwrap(),
        &SweepChunk {
            columns: vec![expected.columns[2].clone(), expected.columns[0].clone()],
            ..expected.clone()
        },
    );
    assert_same(named(&[]).await.unwrap(), &SweepChunk { columns: vec![], ..expected });
    let error = named(&["objective", "sharpeRatio"]).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, false));
    assert!(error.message.contains("lacks column \"sharpeRatio\""), "{}", error.message);
    assert!(store.delete_sweep("sw-read").await.unwrap());
    assert_eq!(read(store, "sw-read", 0).await, None);
}

async fn chunks_follow_each_other(store: &dyn Store) {
    store.create_sweep(sweep("sw-order"), details()).await.unwrap();
    append(store, "sw-order", 0, 4).await.unwrap();
    for (from, count) in [(0, 4), (0, 5), (3, 1), (5, 1), (4, 7)] {
        let error = append(store, "sw-order", from, count).await.unwrap_err();
        assert_eq!((error.code, error.retryable), (Code::Storage, false), "{from}");
        let expected = "the store has 4 of 10 combinations of sweep sw-order";
        assert!(error.message.starts_with(expected), "{}", error.message);
    }
    let error = store.end_sweep("sw-order", "first", end(Status::Completed)).await.unwrap_err();
    assert!(error.message.starts_with("the store has 4 of 10"), "{}", error.message);
    let (kept, _) = store.sweep("sw-order").await.unwrap().unwrap();
    assert_eq!((kept.done, kept.status), (4, Status::Running));
    append(store, "sw-order", 4, 6).await.unwrap();
    assert_same(read(store, "sw-order", 9).await, &chunk(4, 6));
}

async fn odd_chunks_change_nothing(store: &dyn Store) {
    store.create_sweep(sweep("sw-odd"), details()).await.unwrap();
    append(store, "sw-odd", 0, 2).await.unwrap();
    let sound = chunk(2, 3);
    let mut short = sound.clone();
    short.columns[1].1.pop();
    let mut fewer = sound.clone();
    fewer.columns.pop();
    let mut renamed = sound.clone();
    renamed.columns[0].0 = "sharpeRatio".into();
    let mut swapped = sound.clone();
    swapped.columns.swap(0, 1);
    let empty = SweepChunk { count: 0, ..chunk(2, 0) };
    let endless = SweepChunk { from: u64::MAX, ..sound.clone() };
    for (number, odd) in [short, fewer, renamed, swapped, empty, endless].into_iter().enumerate() {
        let result = store.append_sweep_chunk("sw-odd", "first", Arc::new(odd), 7).await;
        let code = result.unwrap_err().code;
        assert!(matches!(code, Code::Internal | Code::Storage), "{number}: {code:?}");
        let (kept, _) = store.sweep("sw-odd").await.unwrap().unwrap();
        assert_eq!(kept.done, 2, "{number}");
        assert_eq!(read(store, "sw-odd", 2).await, None);
    }
    store.append_sweep_chunk("sw-odd", "first", Arc::new(sound.clone()), 7).await.unwrap();
    assert_same(read(store, "sw-odd", 4).await, &sound);
}

async fn a_sweep_ends_once(store: &dyn Store) {
    // sw-order has all combinations since before.
    for odd in [
        end(Status::Running),
        SweepEnd { summary: None, ..end(Status::Completed) },
        SweepEnd { best: Some(f64::NAN), ..end(Status::Completed) },
    ] {
        let error = store.end_sweep("sw-order", "first", odd).await.unwrap_err();
        assert_eq!(error.code, Code::Internal, "{error:?}");
    }
    // Ending again in the same way has no effect, as in a retry.
    for _ in 0..2 {
        store.end_sweep("sw-order", "first", end(Status::Completed)).await.unwrap();
    }
    let completed = Sweep {
        status: Status::Completed,
        done: 10,
        best: Some(1.0 / 3.0),
        updated_at: 7,
        completed_at: Some(9),
        ..sweep("sw-order")
    };
    let whole = SweepDetails { summary: end(Status::Completed).summary, ..details() };
    assert_eq!(store.sweep("sw-order").await.unwrap(), Some((completed.clone(), whole)));
    for error in [
        store.end_sweep("sw-order", "first", end(Status::Cancelled)).await.unwrap_err(),
        store.begin_sweep("sw-order", "first", vec![], 1).await.unwrap_err(),
        append(store, "sw-order", 10, 1).await.unwrap_err(),
    ] {
        assert!(is_ended(&error), "{error:?}");
        assert_eq!(
            error.message,
            "sweep sw-order has ended as completed and cannot change any more"
        );
    }
    let error = store.resume_sweep("sw-order", "second", "0.2.0", 1).await.unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (Code::InvalidArgument, "sweep sw-order is completed: read it with getSweep")
    );
    assert_eq!(store.sweep("sw-order").await.unwrap().unwrap().0, completed);
}

async fn an_interrupted_sweep_is_resumed_once(store: &dyn Store) {
    // sw-odd has half of its combinations since before.
    let error = store.resume_sweep("sw-odd", "second", "0.2.0", 20).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
    assert!(error.message.starts_with("sweep sw-odd is running"), "{}", error.message);
    store.end_sweep("sw-odd", "first", end(Status::Cancelled)).await.unwrap();
    let (kept, _) = store.sweep("sw-odd").await.unwrap().unwrap();
    assert_eq!((kept.done, kept.error.as_deref()), (5, Some("ABORT_ERR: stopped")));
    // All calls are made before the first future is awaited.
    let claims = ["second", "third", "fourth"];
    let calls: Vec<_> =
        claims.iter().map(|claim| store.resume_sweep("sw-odd", claim, "0.2.0", 20)).collect();
    let mut winners = Vec::new();
    for (call, claim) in calls.into_iter().zip(claims) {
        match call.await {
            Ok(Some((resumed, kept))) => {
                let expected = Sweep {
                    claim: claim.into(),
                    done: 5,
                    engine_version: "0.2.0".into(),
                    updated_at: 20,
                    ..sweep("sw-odd")
                };
                assert_eq!((resumed, kept), (expected, details()));
                winners.push(claim);
            }
            Ok(None) => panic!("the sweep is gone"),
            Err(error) => assert_eq!(error.code, Code::InvalidArgument),
        }
    }
    let [winner] = winners[..] else { panic!("{winners:?}") };
    // The call before cannot write any more.
    for error in [
        append(store, "sw-odd", 5, 5).await.unwrap_err(),
        store.begin_sweep("sw-odd", "first", vec![], 1).await.unwrap_err(),
        store.end_sweep("sw-odd", "first", end(Status::Cancelled)).await.unwrap_err(),
    ] {
        assert!(is_ended(&error), "{error:?}");
        assert!(error.message.contains("another call has resumed sweep sw-odd"));
    }
    store.append_sweep_chunk("sw-odd", winner, Arc::new(chunk(5, 5)), 21).await.unwrap();
    store.end_sweep("sw-odd", winner, end(Status::Completed)).await.unwrap();
    for (from, count) in [(0, 2), (2, 3), (5, 5)] {
        assert_same(read(store, "sw-odd", from).await, &chunk(from, count));
    }
}

async fn nothing_is_kept_of_a_deleted_sweep(store: &dyn Store) {
    store.create_sweep(sweep("sw-doomed"), details()).await.unwrap();
    append(store, "sw-doomed", 0, 4).await.unwrap();
    assert!(store.delete_sweep("sw-doomed").await.unwrap());
    assert!(!store.delete_sweep("sw-doomed").await.unwrap());
    for error in [
        append(store, "sw-doomed", 4, 4).await.unwrap_err(),
        store.end_sweep("sw-doomed", "first", end(Status::Failed)).await.unwrap_err(),
    ] {
        assert!(is_ended(&error), "{error:?}");
        assert_eq!(error.message, "sweep sw-doomed was deleted, so nothing more of it is kept");
    }
    assert_eq!(store.sweep("sw-doomed").await.unwrap(), None);
    // The id is free again, and nothing of the old sweep is left.
    store.create_sweep(sweep("sw-doomed"), details()).await.unwrap();
    assert_eq!(read(store, "sw-doomed", 0).await, None);
    append(store, "sw-doomed", 0, 2).await.unwrap();
    assert_same(read(store, "sw-doomed", 1).await, &chunk(0, 2));
}

async fn concurrent_appends_do_not_mix(store: &dyn Store) {
    store.create_sweep(sweep("sw-race"), details()).await.unwrap();
    let calls: Vec<_> = (1..=6).map(|count| append(store, "sw-race", 0, count)).collect();
    let mut kept = Vec::new();
    for (call, count) in calls.into_iter().zip(1..) {
        if call.await.is_ok() {
            kept.push(count);
        }
    }
    let [count] = kept[..] else { panic!("{kept:?}") };
    assert_same(read(store, "sw-race", 0).await, &chunk(0, count));
    assert_eq!(read(store, "sw-race", count as u64).await, None);
    assert!(store.delete_sweep("sw-race").await.unwrap());
}

async fn lists_are_filtered_and_paged(store: &dyn Store) {
    for number in 0..7_i64 {
        // Three sweeps were created in the same millisecond.
        let created_at = 1_650_000_000_000 + if number < 3 { 0 } else { number };
        let name = if number % 2 == 0 { "even" } else { "odd" };
        let sweep = Sweep {
            user_id: Some("lister".into()),
            strategy_id: name.into(),
            asset_symbols: vec!["AAPL".into(), name.into()],
            created_at,
            ..sweep(&format!("sw-l{number}"))
        };
        store.create_sweep(sweep, details()).await.unwrap();
    }
    store.end_sweep("sw-l6", "first", end(Status::Cancelled)).await.unwrap();
    let ids = |filter: SweepFilter| async move {
        let filter = SweepFilter { user_id: Some("lister".into()), ..filter };
        let found = store.list_sweeps(&filter).await.unwrap();
        found.into_iter().map(|sweep| sweep.id).collect::<Vec<_>>().join(" ").replace("sw-l", "")
    };
    let any = SweepFilter::default;
    assert_eq!(ids(any()).await, "6 5 4 3 2 1 0");
    assert_eq!(ids(SweepFilter { strategy_id: Some("odd".into()), ..any() }).await, "5 3 1");
    assert_eq!(ids(SweepFilter { status: Some(Status::Cancelled), ..any() }).await, "6");
    assert_eq!(ids(SweepFilter { asset_symbol: Some("even".into()), ..any() }).await, "6 4 2 0");
    assert_eq!(ids(SweepFilter { asset_symbol: Some("eve".into()), ..any() }).await, "");
    let page = |before: &str| SweepFilter {
        limit: Some(3),
        before: Some(before.into()),
        ..SweepFilter::default()
    };
    assert_eq!(ids(SweepFilter { limit: Some(3), ..any() }).await, "6 5 4");
    assert_eq!(ids(page("sw-l4")).await, "3 2 1");
    assert_eq!(ids(page("sw-l1")).await, "0");
    let error = store.list_sweeps(&page("sw-gone")).await.unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (
            Code::InvalidArgument,
            r#"before must be the id of a sweep, no sweep has the id "sw-gone""#
        )
    );
    let completed = SweepFilter { status: Some(Status::Completed), ..any() };
    let found = store.list_sweeps(&completed).await.unwrap();
    assert_eq!(found.iter().map(|sweep| sweep.id.as_str()).collect::<Vec<_>>().len(), 2);
    assert!(found.iter().all(|sweep| sweep.best == Some(1.0 / 3.0) && sweep.done == 10));
}
