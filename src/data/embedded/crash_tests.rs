//! Processes that are killed while they write, and processes that open a store at the same time.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::data::conformance::minutes;
use crate::data::{EmbeddedBars, Source, TimeRange};
use crate::market::Timeframe;
use crate::observer::NoObserver;
use crate::store::conformance::{complete, outcome, run};
use crate::store::{Filter, PROCESS_DIED, SqliteStore, Status, Store};

/// The environment variable with the store of a child process; see [`child_process`].
const CHILD_STORE: &str = "BACKTESTING_TEST_CHILD";

/// Starts this test program again, to run only [`child_process`].
fn spawn(path: &Path, task: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["data::embedded::crash_tests::child_process", "--exact", "--ignored", "--nocapture"])
        .env(CHILD_STORE, path)
        .env("BACKTESTING_TEST_TASK", task)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test, but the work of a child process: imports and runs, until the process is killed.
#[tokio::test]
#[ignore = "other tests start it as a process of its own"]
async fn child_process() {
    let Some(path) = std::env::var_os(CHILD_STORE) else { return };
    let store = SqliteStore::open(Path::new(&path)).await.unwrap();
    if std::env::var("BACKTESTING_TEST_TASK").as_deref() == Ok("open") {
        store.create_run(run(&format!("bt-{}", std::process::id()))).await.unwrap();
        return store.close().await.unwrap();
    }
    let source = EmbeddedBars::new(Arc::clone(store.database()));
    if std::env::var("BACKTESTING_TEST_TASK").as_deref() == Ok("delete") {
        loop {
            source.import("KILLED", Timeframe::M1, minutes(0..20_000, 10.0)).await.unwrap();
            let range = TimeRange::new(1000 * 60_000, 18_999 * 60_000);
            let deleted = source.delete("KILLED", None, range, Arc::new(NoObserver)).await.unwrap();
            assert_eq!(deleted, 18_000);
        }
    }
    for number in 0..1_000_000_u32 {
        let id = format!("bt-{}-{number}", std::process::id());
        store.create_run(run(&id)).await.unwrap();
        let level = 10.0 + f64::from(number % 1000);
        source.import("KILLED", Timeframe::M1, minutes(0..20_000, level)).await.unwrap();
        complete(&*store, &id, &Arc::new(outcome(20_000, 500, 0.1))).await.unwrap();
    }
}

/// Kills a child some time after it has started to write.
fn kill_while_it_writes(child: &mut Child, path: &Path, delay: Duration) {
    let start = Instant::now();
    let log = path.with_extension("db-wal");
    while fs::metadata(&log).map_or(0, |log| log.len()) < 100_000 {
        assert!(
            start.elapsed() < Duration::from_secs(30) && child.try_wait().unwrap().is_none(),
            "the child does not write"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Opens a store and checks that its file is intact.
async fn open_intact(path: &Path) -> Arc<SqliteStore> {
    let store = SqliteStore::open(path).await.unwrap();
    let check = |connection: &mut Connection| {
        Ok(connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))?)
    };
    assert_eq!(store.database().read(check).await.unwrap(), "ok");
    store
}

#[tokio::test]
async fn a_killed_process_deletes_all_requested_bars_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut found = BTreeMap::new();
    for round in 0_u64..12 {
        let mut child = spawn(&path, "delete");
        kill_while_it_writes(&mut child, &path, Duration::from_millis(20 + round * 37 % 101));
        let store = open_intact(&path).await;
        let source = EmbeddedBars::new(Arc::clone(store.database()));
        if let [series] = &*source.series("KILLED").await.unwrap() {
            let all = TimeRange::new(0, i64::MAX);
            let loaded = source.load("KILLED", Timeframe::M1, all, Arc::new(NoObserver)).await;
            let bars = loaded.unwrap().bars;
            assert!([20_000, 2000].contains(&bars.len()), "{} bars are left", bars.len());
            assert_eq!(series.bars, bars.len() as u64);
            *found.entry(bars.len()).or_insert(0) += 1;
        }
        store.close().await.unwrap();
    }
    assert!(found.len() == 2, "{found:?}: the test does not kill at the right times");
}

#[tokio::test]
async fn a_killed_process_leaves_a_consistent_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let expected = outcome(20_000, 500, 0.1);
    let (mut completed, mut died) = (0, 0);
    for round in 0_u64..8 {
        let mut child = spawn(&path, "work");
        kill_while_it_writes(&mut child, &path, Duration::from_millis(round * 37 % 101));
        let store = open_intact(&path).await;
        (completed, died) = (0, 0);
        for (found, _) in store.list(&Filter::default()).await.unwrap() {
            let (whole, kept) = store.run(&found.id).await.unwrap().unwrap();
            match whole.status {
                Status::Completed => {
                    assert_eq!(kept.as_ref(), Some(&expected), "{}", found.id);
                    completed += 1;
                }
                Status::Failed => {
                    assert_eq!((whole.error.as_deref(), kept), (Some(PROCESS_DIED), None));
                    died += 1;
                }
                other => panic!("{} is {other:?} after its process was killed", found.id),
            }
        }
        let source = EmbeddedBars::new(Arc::clone(store.database()));
        if !source.series("KILLED").await.unwrap().is_empty() {
            let bars = source
                .load("KILLED", Timeframe::M1, TimeRange::new(0, i64::MAX), Arc::new(NoObserver))
                .await
                .unwrap();
            let bars = bars.bars;
            let level = bars.open()[0];
            assert!(
                bars.len() == 20_000
                    && bars.open().iter().all(|open| open.to_bits() == level.to_bits()),
                "half an import"
            );
        }
        store.close().await.unwrap();
    }
    assert!(
        completed > 0 && died > 0,
        "{completed} completed, {died} died: the test does not kill at the right times"
    );
}

#[tokio::test]
async fn processes_that_open_an_empty_store_at_once_all_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let children: Vec<Child> = (0..6).map(|_| spawn(&path, "open")).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.list(&Filter::default()).await.unwrap().len(), 6);
}
