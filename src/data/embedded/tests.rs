use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::EmbeddedBars;
use crate::data::conformance::{self, minutes};
use crate::data::{LoadedBars, Source, TimeRange};
use crate::db::sqlite::Failure;
use crate::error::{Code, Result};
use crate::market::Timeframe;
use crate::observer::NoObserver;
use crate::store::conformance::{complete, outcome, run};
use crate::store::{SqliteStore, Store};

async fn open(folder: &Path) -> (Arc<SqliteStore>, EmbeddedBars) {
    let store = SqliteStore::open(&folder.join("store.db")).await.unwrap();
    let source = EmbeddedBars::new(Arc::clone(store.database()));
    (store, source)
}

async fn load(source: &EmbeddedBars) -> Result<LoadedBars> {
    source.load("A", Timeframe::M1, TimeRange::new(0, i64::MAX), Arc::new(NoObserver)).await
}

#[tokio::test]
async fn the_embedded_source_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = open(folder.path()).await;
    conformance::suite(&source).await;
    store.close().await.unwrap();
    assert_eq!(source.assets().await.unwrap_err().code, Code::Closed);
    // All series are there after the store was opened again.
    let (_, source) = open(folder.path()).await;
    assert_eq!(source.assets().await.unwrap().len(), 9);
}

#[tokio::test]
async fn an_import_rewrites_only_the_chunks_that_it_overlaps() {
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = open(folder.path()).await;
    source.import("A", Timeframe::M1, minutes(0..50_000, 10.0)).await.unwrap();
    let rows = || async {
        let rows = |connection: &mut Connection| -> std::result::Result<Vec<(i64, i64)>, Failure> {
            let mut statement =
                connection.prepare("SELECT rowid, bars FROM bars ORDER BY first")?;
            Ok(statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<std::result::Result<_, _>>()?)
        };
        store.database().read(rows).await.unwrap()
    };
    let before = rows().await;
    assert_eq!(
        before.iter().map(|(_, bars)| *bars).collect::<Vec<_>>(),
        [8192, 8192, 8192, 8192, 8192, 8192, 848]
    );
    source.import("A", Timeframe::M1, minutes([20_000, 20_001], 20.0)).await.unwrap();
    let after = rows().await;
    let kept = after.iter().filter(|row| before.contains(row)).count();
    assert_eq!((after.len(), kept), (7, 6));
}

#[tokio::test]
async fn damaged_chunks_are_errors_that_name_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = open(folder.path()).await;
    source.import("A", Timeframe::M1, minutes(0..10_000, 10.0)).await.unwrap();
    let damages = [
        (
            "UPDATE bars SET close = substr(close, 1, 80)",
            "checksum of the bars from 1970-01-01 on is wrong",
        ),
        (
            "UPDATE bars SET close = zeroblob(length(close))",
            "checksum of the bars from 1970-01-01 on is wrong",
        ),
    ];
    for (damage, expected) in damages {
        store
            .database()
            .write(move |connection| Ok(connection.execute(damage, [])?))
            .await
            .unwrap();
        let error = load(&source).await.unwrap_err();
        assert_eq!(error.code, Code::Storage);
        assert!(error.message.contains("store.db is damaged: "), "{}", error.message);
        assert!(error.message.contains(expected), "{}", error.message);
    }
}

#[tokio::test]
async fn a_wrong_count_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = open(folder.path()).await;
    source.import("A", Timeframe::M1, minutes(0..100, 10.0)).await.unwrap();
    let damage =
        |connection: &mut Connection| Ok(connection.execute("UPDATE bars SET bars = 3", [])?);
    store.database().write(damage).await.unwrap();
    let error = load(&source).await.unwrap_err();
    assert_eq!(error.code, Code::Storage);
    let expected = "is damaged: the header of a column of timestamps does not match its length";
    assert!(error.message.ends_with(expected), "{}", error.message);
}

/// A row as it was stored before XXH3, by early builds of version 0.1.0, with its checksum.
const LEGACY_CHUNK: &str = "
    INSERT INTO bar_series (series, asset_symbol, timeframe, bars, first, last, revision) VALUES (1, 'A', '1m', 4, 0, 300000, 1);
    INSERT INTO bars (series, first, last, bars, checksum, timestamps, open, high, low, close, volume) VALUES (1, 0, 300000, 4,
      9194274122850307978,
      x'000000000000000060ea0000000000000104000000010103',
      x'0000000000002440000000000000244000000000000024400000000000002440',
      x'0000000000002840000000000000284000000000000028400000000000002840',
      x'0000000000002040000000000000204000000000000020400000000000002040',
      x'0000000000002640000000000000264000000000000026400000000000002640',
      x'0000000000002440000000000000244000000000000024400000000000002440')";

#[tokio::test]
async fn chunks_of_earlier_versions_are_read_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = open(folder.path()).await;
    let insert = |connection: &mut Connection| Ok(connection.execute_batch(LEGACY_CHUNK)?);
    store.database().write(insert).await.unwrap();
    assert_eq!(*load(&source).await.unwrap().bars, minutes([0, 1, 2, 5], 10.0));
    let stored = async || {
        let sql = "SELECT checksum, hex(timestamps) || hex(open) || hex(high) || hex(low) || hex(close) || hex(volume) FROM bars";
        let read = move |connection: &mut Connection| {
            Ok(connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
        };
        store.database().read(read).await.unwrap()
    };
    let (legacy_checksum, legacy_bytes): (i64, String) = stored().await;
    // An import writes the same bytes with the checksum of this version.
    source.import("A", Timeframe::M1, minutes([0, 1, 2, 5], 10.0)).await.unwrap();
    let (checksum, bytes) = stored().await;
    assert_ne!(checksum, legacy_checksum);
    assert_eq!(bytes, legacy_bytes);
    assert_eq!(*load(&source).await.unwrap().bars, minutes([0, 1, 2, 5], 10.0));
}

#[tokio::test]
async fn flipped_bits_in_chunks_of_earlier_versions_are_detected() {
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = open(folder.path()).await;
    let flipped = LEGACY_CHUNK.replace("x'0000000000002840", "x'0000000000002841");
    store
        .database()
        .write(move |connection| Ok(connection.execute_batch(&flipped)?))
        .await
        .unwrap();
    let error = load(&source).await.unwrap_err();
    assert_eq!(error.code, Code::Storage);
    assert!(
        error.message.contains("the checksum of the bars from 1970-01-01 on is wrong"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn two_stores_on_one_file_import_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let ((one, first), (two, second)) = (open(folder.path()).await, open(folder.path()).await);
    let outcome = Arc::new(outcome(1000, 50, 0.1));
    let work = |store: Arc<SqliteStore>, source: EmbeddedBars, name: &'static str| {
        let outcome = Arc::clone(&outcome);
        async move {
            for number in 0..20 {
                let id = format!("bt-{name}{number}");
                store.create_run(run(&id)).await.unwrap();
                complete(&*store, &id, &outcome).await.unwrap();
                source.import("A", Timeframe::M1, minutes(0..1000, 10.0)).await.unwrap();
            }
        }
    };
    tokio::join!(work(one, first.clone(), "a"), work(two, second.clone(), "b"));
    for source in [first, second] {
        assert_eq!(source.series("A").await.unwrap()[0].bars, 1000);
    }
}
