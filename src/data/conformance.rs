//! What every source must do, whatever its database. The functions of the suite share one source, which is empty at first;
//! each uses symbols of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Asset, MergeSummary, Source, StoredSeries, TimeRange};
use crate::error::Code;
use crate::market::{Bars, Column, Timeframe, time};
use crate::observer::{NoObserver, ProgressObserver};

const MINUTE: i64 = 60_000;

/// Returns bars at the given minutes. The prices are close to `level`, which is also the volume.
pub(crate) fn minutes(minutes: impl IntoIterator<Item = i64>, level: f64) -> Bars {
    let timestamps: Vec<i64> = minutes.into_iter().map(|minute| minute * MINUTE).collect();
    let column = |value: f64| Column::from(vec![value; timestamps.len()]);
    let (open, high, low, close, volume) = (
        column(level),
        column(level + 2.0),
        column(level - 2.0),
        column(level + 1.0),
        column(level),
    );
    Bars::new(timestamps, open, high, low, close, Some(volume)).unwrap()
}

/// Returns the span from one minute to another.
fn span(first: i64, last: i64) -> TimeRange {
    TimeRange::new(first * MINUTE, last * MINUTE)
}

async fn load(source: &dyn Source, symbol: &str, first: i64, last: i64) -> Bars {
    let observer = Arc::new(NoObserver);
    let loaded = source.load(symbol, Timeframe::M1, span(first, last), observer).await.unwrap();
    assert_eq!(loaded.notes, []);
    (*loaded.bars).clone()
}

/// Runs the whole suite.
pub(crate) async fn suite(source: &dyn Source) {
    an_empty_source_has_no_data(source).await;
    imported_bars_are_loaded(source).await;
    imports_merge(source).await;
    bars_can_be_imported_one_at_a_time(source).await;
    missing_volumes_are_kept(source).await;
    errors_about_empty_ranges_list_what_there_is(source).await;
    symbols_are_not_interpreted(source).await;
    loading_stops_when_it_is_cancelled(source).await;
    loading_stops_at_the_limit(source).await;
    deletions_remove_exactly_the_range(source).await;
    empty_series_are_not_listed(source).await;
    cancelled_deletions_delete_nothing(source).await;
    imports_and_deletions_at_the_same_time_are_all_or_nothing(source).await;
}

async fn an_empty_source_has_no_data(source: &dyn Source) {
    assert_eq!(source.assets().await.unwrap(), []);
    assert_eq!(source.series("NONE").await.unwrap(), []);
    let error = source
        .load("NONE", Timeframe::D1, TimeRange::new(0, time::LIMIT), Arc::new(NoObserver))
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::NoData);
    assert_eq!(error.message, "there are no bars of NONE; import some or choose another asset");
    let error = source.import("NONE", Timeframe::M1, minutes([], 10.0)).await.unwrap_err();
    assert_eq!(error.code, Code::BadData);
    assert_eq!(source.assets().await.unwrap(), []);
}

async fn imported_bars_are_loaded(source: &dyn Source) {
    let bars = minutes(0..20_000, 100.0);
    let imported = source.import("WHOLE", Timeframe::M1, bars.clone()).await.unwrap();
    assert_eq!(
        imported,
        MergeSummary { imported: 20_000, replaced: 0, first: 0, last: 19_999 * MINUTE }
    );
    assert_eq!(load(source, "WHOLE", i64::MIN / MINUTE, i64::MAX / MINUTE).await, bars);
    // Both ends are inclusive, within chunks and at their boundaries.
    for (first, last) in [(0, 0), (5, 9000), (8191, 8192), (8192, 8192), (19_999, 50_000)] {
        assert_eq!(
            load(source, "WHOLE", first, last).await,
            bars.between(first * MINUTE, last * MINUTE)
        );
    }
    source.import("WHOLE", Timeframe::D1, minutes([0, 1440], 100.0)).await.unwrap();
    let series = |timeframe, bars, last| StoredSeries {
        timeframe,
        bars,
        first: 0,
        last: last * MINUTE,
        revision: 0,
        source: source_name(),
        is_imported: true,
        ticks: false,
    };
    let expected = vec![series(Timeframe::M1, 20_000, 19_999), series(Timeframe::D1, 2, 1440)];
    let found: Vec<StoredSeries> =
        source.series("WHOLE").await.unwrap().into_iter().map(without_source).collect();
    assert_eq!(found, expected);
    let assets: Vec<Asset> = source.assets().await.unwrap();
    assert_eq!(assets.iter().map(|asset| asset.symbol.as_str()).collect::<Vec<_>>(), ["WHOLE"]);
}

/// The name in place of that of the source.
fn source_name() -> String {
    "any".into()
}

fn without_source(mut series: StoredSeries) -> StoredSeries {
    assert!(!series.source.is_empty());
    series.source = source_name();
    series.revision = 0;
    series
}

/// Imports bars and checks that each minute has the bar of the last import.
async fn check_merge(source: &dyn Source, symbol: &str, imports: &[(Vec<i64>, f64)]) {
    let mut expected: std::collections::BTreeMap<i64, f64> = std::collections::BTreeMap::new();
    let mut revisions = std::collections::BTreeSet::new();
    for (number, (at, level)) in (1..).zip(imports) {
        let replaced = at.iter().filter(|minute| expected.contains_key(minute)).count() as u64;
        let imported =
            source.import(symbol, Timeframe::M1, minutes(at.clone(), *level)).await.unwrap();
        assert_eq!(
            (imported.imported, imported.replaced),
            (at.len() as u64, replaced),
            "import {number}"
        );
        expected.extend(at.iter().map(|minute| (*minute, *level)));
        let series = source.series(symbol).await.unwrap().remove(0);
        assert_eq!(series.bars, expected.len() as u64);
        // A database that comes back with an older state must not use a revision again.
        assert!(revisions.insert(series.revision), "import {number}");
        assert!(!revisions.contains(&(series.revision - 1)), "import {number}");
    }
    let bars = load(source, symbol, i64::MIN / MINUTE, i64::MAX / MINUTE).await;
    let found: Vec<(i64, f64)> =
        bars.timestamps().iter().map(|at| at / MINUTE).zip(bars.open().iter().copied()).collect();
    assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    assert_eq!(&**bars.open(), &**bars.volume().unwrap());
}

async fn imports_merge(source: &dyn Source) {
    let imports = [
        ((0..30_000).map(|minute| minute * 2).collect(), 10.0),
        // In between, across boundaries of chunks, beyond both ends, far away, and the same bars again.
        ((16_000..17_000).collect(), 20.0),
        ((-5000..10).collect(), 30.0),
        ((59_990..61_000).collect(), 40.0),
        (vec![-900_000, 900_000], 50.0),
        (vec![-900_000, 0, 900_000], 60.0),
    ];
    check_merge(source, "MERGED", &imports).await;
}

async fn bars_can_be_imported_one_at_a_time(source: &dyn Source) {
    let forward = (0..40).map(|minute| (vec![minute], 10.0));
    let backward = (0..40).map(|minute| (vec![-minute], 20.0));
    check_merge(source, "DRIPPING", &forward.chain(backward).collect::<Vec<_>>()).await;
}

async fn missing_volumes_are_kept(source: &dyn Source) {
    let full = minutes(0..100, 10.0);
    let bare = minutes(50..150, 20.0);
    let bare = Bars::new(
        bare.timestamps().to_vec(),
        bare.open().clone(),
        bare.high().clone(),
        bare.low().clone(),
        bare.close().clone(),
        None,
    )
    .unwrap();
    source.import("BARE", Timeframe::M1, full.clone()).await.unwrap();
    source.import("BARE", Timeframe::M1, bare.clone()).await.unwrap();
    assert_eq!(load(source, "BARE", 0, 49).await, full.slice(0..50));
    assert_eq!(load(source, "BARE", 50, 149).await, bare);
    let both = load(source, "BARE", 0, 149).await;
    let volume = both.volume().unwrap();
    assert_eq!(volume.get(..50), full.volume().unwrap().get(..50));
    assert!(volume.get(50..).unwrap().iter().all(|volume| volume.is_nan()));
}

async fn errors_about_empty_ranges_list_what_there_is(source: &dyn Source) {
    source.import("SPARSE", Timeframe::D1, minutes([0, 10 * 1440], 10.0)).await.unwrap();
    let cases = [
        (
            Timeframe::D1,
            "there are no bars of SPARSE 1d between 1970-01-02 and 1970-01-03; there are 2 bars of 1d from 1970-01-01 to \
             1970-01-11",
        ),
        (
            Timeframe::H1,
            "there are no bars of SPARSE 1h; there are bars of 1d from 1970-01-01 to 1970-01-11",
        ),
    ];
    for (timeframe, expected) in cases {
        let error = source
            .load(
                "SPARSE",
                timeframe,
                TimeRange::new(time::DAY, 2 * time::DAY),
                Arc::new(NoObserver),
            )
            .await
            .unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (Code::NoData, expected));
    }
}

async fn symbols_are_not_interpreted(source: &dyn Source) {
    for symbol in ["'; DROP TABLE bars; --", "BTC/USD", "日経", "a%b_c"] {
        source.import(symbol, Timeframe::M1, minutes([1], 10.0)).await.unwrap();
        assert_eq!(load(source, symbol, 0, 9).await.len(), 1);
    }
    assert_eq!(source.series("aXb_c").await.unwrap(), []);
}

async fn loading_stops_when_it_is_cancelled(source: &dyn Source) {
    /// Cancels at the second call.
    struct CancelSecond(AtomicUsize);
    impl ProgressObserver for CancelSecond {
        fn is_cancelled(&self) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed) > 0
        }
    }
    let observer = Arc::new(CancelSecond(AtomicUsize::new(0)));
    let error = source
        .load("WHOLE", Timeframe::M1, TimeRange::new(0, time::LIMIT), observer.clone())
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::Cancelled);
    assert_eq!(observer.0.load(Ordering::Relaxed), 2);
}

async fn loading_stops_at_the_limit(source: &dyn Source) {
    /// Counts the calls, one per chunk.
    struct Counting(AtomicUsize);
    impl ProgressObserver for Counting {
        fn is_cancelled(&self) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed);
            false
        }
    }
    let load = async |span: TimeRange| {
        let observer = Arc::new(Counting(AtomicUsize::new(0)));
        let result = source.load("WHOLE", Timeframe::M1, span, observer.clone()).await;
        (result.map(|loaded| loaded.bars.len()), observer.0.load(Ordering::Relaxed))
    };
    let (whole, chunks) = load(span(0, 19_999).with_max_bars(20_000)).await;
    assert_eq!(whole.unwrap(), 20_000);
    let (result, read) = load(span(0, 19_999).with_max_bars(100)).await;
    let error = result.unwrap_err();
    assert_eq!(error.code, Code::LimitExceeded);
    assert_eq!(
        error.message,
        "there are more than 100 bars between 1970-01-01 and 1970-01-14T21:19:00.000Z"
    );
    // The limit was detected before all chunks were read.
    assert!(chunks > 1 && read < chunks, "{read} of {chunks} chunks");
    // The limit is exact, within chunks and at their boundaries.
    for (first, last, bars) in [(5, 104, 100), (8150, 8249, 100), (19_900, 30_000, 100)] {
        assert_eq!(load(span(first, last).with_max_bars(bars)).await.0.unwrap() as u64, bars);
        let error = load(span(first, last).with_max_bars(bars - 1)).await.0.unwrap_err();
        assert_eq!(error.code, Code::LimitExceeded);
    }
}

/// Deletes the bars from one minute to another; `None` means all bars before or after.
async fn delete(
    source: &dyn Source,
    symbol: &str,
    timeframe: Option<Timeframe>,
    (first, last): (Option<i64>, Option<i64>),
) -> u64 {
    let bound = |minute: Option<i64>, default| minute.map_or(default, |minute| minute * MINUTE);
    let range = TimeRange::new(bound(first, i64::MIN), bound(last, i64::MAX));
    source.delete(symbol, timeframe, range, Arc::new(NoObserver)).await.unwrap()
}

async fn deletions_remove_exactly_the_range(source: &dyn Source) {
    let (symbol, timeframe) = ("SHRINKING", Some(Timeframe::M1));
    assert_eq!(delete(source, symbol, timeframe, (None, None)).await, 0);
    // In the embedded store, four full chunks and one of 7232 bars.
    let mut expected: Vec<i64> = (0..40_000).collect();
    source.import(symbol, Timeframe::M1, minutes(0..40_000, 10.0)).await.unwrap();
    source.import(symbol, Timeframe::D1, minutes([0, 1440], 10.0)).await.unwrap();
    let mut revision = source.series(symbol).await.unwrap()[0].revision;
    let ranges = [
        // Outside of the series, and between two bars.
        (None, Some(-1)),
        (Some(40_000), None),
        // The first and the last bar of chunks, and both sides of a boundary.
        (Some(8192), Some(8192)),
        (Some(16_383), Some(16_383)),
        (Some(24_575), Some(24_576)),
        // What is gone already.
        (Some(8192), Some(8192)),
        // Within one chunk, one whole chunk, and parts of two with a whole one between them.
        (Some(20_000), Some(20_100)),
        (Some(8192), Some(16_383)),
        (Some(7000), Some(25_000)),
        // Both ends.
        (None, Some(9)),
        (Some(39_999), None),
        (Some(39_000), None),
        (None, Some(30_000)),
    ];
    for (first, last) in ranges {
        let before = expected.len();
        let is_kept = |minute: &i64| {
            first.is_some_and(|first| *minute < first) || last.is_some_and(|last| *minute > last)
        };
        expected.retain(is_kept);
        let removed = (before - expected.len()) as u64;
        let deleted = delete(source, symbol, timeframe, (first, last)).await;
        assert_eq!(deleted, removed, "{first:?} to {last:?}");
        let bars = load(source, symbol, i64::MIN / MINUTE, i64::MAX / MINUTE).await;
        assert_eq!(bars, minutes(expected.iter().copied(), 10.0), "{first:?} to {last:?}");
        let series = source.series(symbol).await.unwrap();
        assert_eq!((series[0].bars, series[1].bars), (expected.len() as u64, 2));
        let ends = (expected[0] * MINUTE, expected[expected.len() - 1] * MINUTE);
        assert_eq!((series[0].first, series[0].last), ends, "{first:?} to {last:?}");
        assert_eq!(series[0].revision != revision, removed > 0, "{first:?} to {last:?}");
        revision = series[0].revision;
    }
    // The gap can be filled again.
    let imported = source.import(symbol, Timeframe::M1, minutes(0..40_000, 10.0)).await.unwrap();
    assert_eq!(imported.replaced, expected.len() as u64);
    assert_eq!(load(source, symbol, 0, 50_000).await, minutes(0..40_000, 10.0));
    assert_eq!(delete(source, symbol, None, (None, None)).await, 40_002);
}

async fn empty_series_are_not_listed(source: &dyn Source) {
    for timeframe in [Timeframe::M1, Timeframe::H1, Timeframe::D1] {
        source.import("LEAVING", timeframe, minutes([0, 10_000], 10.0)).await.unwrap();
    }
    let is_listed =
        async || source.assets().await.unwrap().iter().any(|asset| asset.symbol == "LEAVING");
    let timeframes = async || {
        let series = source.series("LEAVING").await.unwrap();
        series.iter().map(|series| (series.timeframe, series.bars)).collect::<Vec<_>>()
    };
    assert_eq!(delete(source, "LEAVING", Some(Timeframe::W1), (None, None)).await, 0);
    assert_eq!(delete(source, "LEAVING", Some(Timeframe::H1), (Some(0), Some(10_000))).await, 2);
    assert_eq!(timeframes().await, [(Timeframe::M1, 2), (Timeframe::D1, 2)]);
    // Without a timeframe, the range is deleted from all of them.
    assert_eq!(delete(source, "LEAVING", None, (Some(1), Some(10_000))).await, 2);
    assert_eq!(timeframes().await, [(Timeframe::M1, 1), (Timeframe::D1, 1)]);
    assert!(is_listed().await);
    assert_eq!(delete(source, "LEAVING", None, (None, None)).await, 2);
    assert_eq!(source.series("LEAVING").await.unwrap(), []);
    assert!(!is_listed().await);
    let error =
        source.load("LEAVING", Timeframe::M1, span(0, 9), Arc::new(NoObserver)).await.unwrap_err();
    assert_eq!(error.code, Code::NoData);
}

async fn cancelled_deletions_delete_nothing(source: &dyn Source) {
    /// Cancels at a call of `is_cancelled`, counted from 0, or forbids the commit.
    struct Cancelling {
        at: usize,
        calls: AtomicUsize,
    }
    impl ProgressObserver for Cancelling {
        fn is_cancelled(&self) -> bool {
            self.calls.fetch_add(1, Ordering::Relaxed) == self.at
        }
        fn may_commit(&self) -> bool {
            self.at < usize::MAX
        }
    }
    source.import("KEPT", Timeframe::M1, minutes(0..20_000, 10.0)).await.unwrap();
    let before = source.series("KEPT").await.unwrap();
    for at in [0, 1, usize::MAX] {
        let observer = Arc::new(Cancelling { at, calls: AtomicUsize::new(0) });
        let range = TimeRange::new(5 * MINUTE, i64::MAX);
        let error = source.delete("KEPT", None, range, observer).await.unwrap_err();
        assert_eq!(error.code, Code::Cancelled);
        assert_eq!(source.series("KEPT").await.unwrap(), before);
        assert_eq!(load(source, "KEPT", 0, 20_000).await.len(), 20_000);
    }
    delete(source, "KEPT", None, (None, None)).await;
}

async fn imports_and_deletions_at_the_same_time_are_all_or_nothing(source: &dyn Source) {
    const BARS: usize = 9000;
    let symbol = "BUSY";
    source.import(symbol, Timeframe::M1, minutes(0..9000, 10.0)).await.unwrap();
    let importing = async {
        for _ in 0..8 {
            let bars = minutes(0..9000, 10.0);
            assert_eq!(source.import(symbol, Timeframe::M1, bars).await.unwrap().imported, 9000);
        }
    };
    let deleting = async {
        let mut found = 0;
        // All but ten bars, then the whole series, in turn.
        for round in 0..12 {
            let first = (round % 2 == 0).then_some(10);
            let deleted = delete(source, symbol, None, (first, None)).await;
            let expected = if first.is_some() { [0, 0, 8990] } else { [0, 10, 9000] };
            assert!(expected.contains(&deleted), "{deleted} bars were deleted");
            found += u32::from(deleted > 0);
        }
        found
    };
    let loading = async {
        for _ in 0..12 {
            let loaded =
                source.load(symbol, Timeframe::M1, span(0, 9000), Arc::new(NoObserver)).await;
            let bars = loaded.map(|loaded| loaded.bars.len());
            assert!(matches!(&bars, Ok(10 | BARS)) || bars.unwrap_err().code == Code::NoData);
        }
    };
    let ((), found, ()) = tokio::join!(importing, deleting, loading);
    assert!(found > 0, "no deletion found any bars");
    if let [series] = &*source.series(symbol).await.unwrap() {
        let bars = load(source, symbol, i64::MIN / MINUTE, i64::MAX / MINUTE).await;
        assert_eq!(series.bars, bars.len() as u64);
        assert!([10, BARS].contains(&bars.len()), "{} bars are left", bars.len());
    }
    delete(source, symbol, None, (None, None)).await;
    assert_eq!(source.series(symbol).await.unwrap(), []);
}
