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

/// Returns the id and the number of bars of each chunk, in order.
async fn rows(store: &SqliteStore) -> Vec<(i64, i64)> {
    let rows = |connection: &mut Connection| -> std::result::Result<Vec<(i64, i64)>, Failure> {
        let mut statement =
            connection.prepare("SELECT rowid, bars FROM bars ORDER BY series, first")?;
        Ok(statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<std::result::Result<_, _>>()?)
    };
    store.database().read(rows).await.unwrap()
}

async fn delete(source: &EmbeddedBars, first: i64, last: i64) -> Result<u64> {
    let range = TimeRange::new(first * 60_000, last * 60_000);
    source.delete("A", Some(Timeframe::M1), range, Arc::new(NoObserver)).await
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
    let before = rows(&store).await;
    assert_eq!(
        before.iter().map(|(_, bars)| *bars).collect::<Vec<_>>(),
        [8192, 8192, 8192, 8192, 8192, 8192, 848]
    );
    source.import("A", Timeframe::M1, minutes([20_000, 20_001], 20.0)).await.unwrap();
    let after = rows(&store).await;
    let kept = after.iter().filter(|row| before.contains(row)).count();
    assert_eq!((after.len(), kept), (7, 6));
}

#[tokio::test]
async fn a_deletion_rewrites_only_the_chunks_at_its_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = open(folder.path()).await;
    source.import("A", Timeframe::M1, minutes(0..50_000, 10.0)).await.unwrap();
    source.import("B", Timeframe::M1, minutes(0..10, 10.0)).await.unwrap();
    let before = rows(&store).await;
    let count = |rows: &[(i64, i64)]| rows.iter().map(|(_, bars)| *bars).collect::<Vec<_>>();
    // Exactly the second chunk.
    assert_eq!(delete(&source, 8192, 16_383).await.unwrap(), 8192);
    let after = rows(&store).await;
    assert!(after.iter().all(|row| before.contains(row)));
    assert_eq!(count(&after), [8192, 8192, 8192, 8192, 8192, 848, 10]);
    // One bar more than the third chunk at each end; the bar before it is gone already.
    assert_eq!(delete(&source, 16_383, 24_576).await.unwrap(), 8193);
    assert_eq!(count(&rows(&store).await), [8192, 8191, 8192, 8192, 848, 10]);
    // Within one chunk, whose bars stay in one chunk, around a gap that holds no bars.
    assert_eq!(delete(&source, 1000, 1999).await.unwrap(), 1000);
    let gap = rows(&store).await;
    assert_eq!(count(&gap), [7192, 8191, 8192, 8192, 848, 10]);
    assert_eq!(delete(&source, 1000, 1999).await.unwrap(), 0);
    assert_eq!(rows(&store).await, gap);
    assert_eq!(delete(&source, 0, i64::MAX / 60_000).await.unwrap(), 32_615);
    assert_eq!(count(&rows(&store).await), [10]);
}

#[tokio::test]
async fn damaged_chunks_can_be_deleted_and_imported_again() {
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = open(folder.path()).await;
    let damage = async |sql: &'static str| {
        let damage = move |connection: &mut Connection| Ok(connection.execute(sql, [])?);
        assert_eq!(store.database().write(damage).await.unwrap(), 1);
    };
    let whole = minutes(0..20_000, 10.0);
    for sql in [
        "UPDATE bars SET close = zeroblob(100) WHERE first = 8192 * 60000",
        "UPDATE bars SET bars = -5 WHERE first = 8192 * 60000",
        "UPDATE bars SET bars = 1 << 62 WHERE first = 8192 * 60000",
    ] {
        source.import("A", Timeframe::M1, whole.clone()).await.unwrap();
        damage(sql).await;
        let error = load(&source).await.unwrap_err();
        // Importing the bars again is not enough, and neither is deleting a part of the chunk.
        source.import("A", Timeframe::M1, whole.clone()).await.unwrap_err();
        let part = delete(&source, 0, 8192).await.unwrap_err();
        assert_eq!((error.code, part.code), (Code::Storage, Code::Storage));
        for message in [error.message, part.message] {
            let advice = "in the bars from 1970-01-06T16:32:00.000Z to 1970-01-12T09:03:00.000Z; delete these bars with \
                          deleteBars and import them again";
            let has_advice = message.ends_with(advice) || message.ends_with(" bars");
            assert!(has_advice, "{message}");
        }
        delete(&source, 8192, 16_383).await.unwrap();
        assert_eq!(load(&source).await.unwrap().bars.len(), 20_000 - 8192);
        source.import("A", Timeframe::M1, whole.clone()).await.unwrap();
        assert_eq!(*load(&source).await.unwrap().bars, whole);
        // The whole series.
        damage(sql).await;
        delete(&source, i64::MIN / 60_000, i64::MAX / 60_000).await.unwrap();
        assert_eq!(source.series("A").await.unwrap(), []);
    }
}

#[tokio::test]
async fn damaged_chunks_are_errors_that_name_the_store() {
    const DAMAGED: &str = "is damaged: the checksum is wrong in the bars from 1970-01-01T00:00:00.000Z to \
                           1970-01-06T16:31:00.000Z; delete these bars with deleteBars and import them again";
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = open(folder.path()).await;
    source.import("A", Timeframe::M1, minutes(0..10_000, 10.0)).await.unwrap();
    let damages = [
        ("UPDATE bars SET close = substr(close, 1, 80)", DAMAGED),
        ("UPDATE bars SET close = zeroblob(length(close))", DAMAGED),
    ];
    for (damage, expected) in damages {
        store
            .database()
            .write(move |connection| Ok(connection.execute(damage, [])?))
            .await
            .unwrap();
        let error = load(&source).await.unwrap_err();
        assert_eq!(error.code, Code::Storage);
        assert!(error.message.contains("store.db "), "{}", error.message);
        assert!(error.message.ends_with(expected), "{}", error.message);
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
    let expected = "is damaged: the header of a column of timestamps does not match its length in the bars from \
                    1970-01-01T00:00:00.000Z to 1970-01-01T01:39:00.000Z; delete";
    assert!(error.message.contains(expected), "{}", error.message);
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
        error.message.contains("the checksum is wrong in the bars from 1970-01-01"),
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
