use std::path::Path;

use super::*;
use crate::data::behaviour::{self, minutes};
use crate::error::Code;
use crate::observer::NoObserver;
use crate::store::Store;

async fn open(folder: &Path) -> (Arc<Sqlite>, Embedded) {
    let store = Sqlite::open(&folder.join("store.db")).await.unwrap();
    (Arc::clone(&store), Embedded::new(store))
}

#[tokio::test]
async fn the_embedded_source_behaves() {
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = open(folder.path()).await;
    behaviour::suite(&source).await;
    store.close().await.unwrap();
    assert_eq!(source.assets().await.unwrap_err().code, Code::Closed);
    // All is there after a new start.
    let (_, source) = open(folder.path()).await;
    assert_eq!(source.assets().await.unwrap().len(), 9);
}

#[tokio::test]
async fn an_import_rewrites_only_the_chunks_that_it_touches() {
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = open(folder.path()).await;
    source.import("A", Timeframe::M1, minutes(0..50_000, 10.0)).await.unwrap();
    let rows = || async {
        let rows = |connection: &mut Connection| -> Result<Vec<(i64, i64)>, Failure> {
            let mut statement =
                connection.prepare("SELECT rowid, bars FROM bars ORDER BY first")?;
            Ok(statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?)
        };
        store.read(rows).await.unwrap()
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
        ("UPDATE bars SET close = zeroblob(length(close))", "checksum"),
        ("UPDATE bars SET bars = 3", "is damaged"),
    ];
    for (damage, expected) in damages {
        store.write(move |connection| Ok(connection.execute(damage, [])?)).await.unwrap();
        let error = source
            .load("A", Timeframe::M1, Span::new(0, i64::MAX), Arc::new(NoObserver))
            .await
            .unwrap_err();
        assert_eq!(error.code, Code::Storage);
        assert!(error.message.contains("store.db is damaged: "), "{}", error.message);
        assert!(error.message.contains(expected), "{}", error.message);
    }
}
