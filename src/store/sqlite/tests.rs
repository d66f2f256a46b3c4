use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::SqliteStore;
use crate::error::Code;
use crate::store::conformance::{self, complete, ended, outcome, run};
use crate::store::sweep_conformance::{self, append, assert_same, chunk, details, read, sweep};
use crate::store::{
    Filter, PROCESS_DIED, SWEEP_PROCESS_DIED, Status, Store, SweepFilter, SweepStore, is_duplicate,
    is_ended,
};

#[tokio::test]
async fn the_embedded_store_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("new/folder/store.db")).await.unwrap();
    conformance::suite(&*store).await;
    sweep_conformance::suite(&*store).await;
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert_eq!(store.create_run(run("bt-late")).await.unwrap_err().code, Code::Closed);
    assert_eq!(store.run("bt-full").await.unwrap_err().code, Code::Closed);
    // The log is written back and the lock file is deleted: the database and the empty folder of lock files are left.
    let left: Vec<_> = fs::read_dir(folder.path().join("new/folder"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
    let store = SqliteStore::open(store.path()).await.unwrap();
    assert_eq!(store.run("bt-large").await.unwrap().unwrap().1, Some(outcome(5000, 777, 0.1)));
    // Unfinished runs of the closed store have failed.
    let (full, _) = store.run("bt-full").await.unwrap().unwrap();
    assert_eq!((full.status, full.error.as_deref()), (Status::Failed, Some(PROCESS_DIED)));
    let (doomed, _) = store.sweep("sw-doomed").await.unwrap().unwrap();
    assert_eq!(
        (doomed.status, doomed.error.as_deref()),
        (Status::Failed, Some(SWEEP_PROCESS_DIED))
    );
    assert_same(read(&*store, "sw-doomed", 1).await, &chunk(0, 2));
}

#[tokio::test]
async fn two_stores_on_one_file_share_runs_and_keep_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let one = SqliteStore::open(&path).await.unwrap();
    one.create_run(run("bt-one")).await.unwrap();
    // The second store must not consider the first one dead.
    let two = SqliteStore::open(&path).await.unwrap();
    assert_eq!(two.run("bt-one").await.unwrap().unwrap().0.status, Status::Running);
    assert!(is_duplicate(&two.create_run(run("bt-one")).await.unwrap_err()));
    let outcome = Arc::new(outcome(1000, 50, 0.1));
    let work = |store: Arc<SqliteStore>, name: &'static str| {
        let outcome = Arc::clone(&outcome);
        async move {
            for number in 0..20 {
                let id = format!("bt-{name}{number}");
                store.create_run(run(&id)).await.unwrap();
                complete(&*store, &id, &outcome).await.unwrap();
            }
        }
    };
    tokio::join!(work(Arc::clone(&one), "a"), work(Arc::clone(&two), "b"));
    one.close().await.unwrap();
    assert_eq!(
        two.list(&Filter { status: Some(Status::Completed), ..Filter::default() })
            .await
            .unwrap()
            .len(),
        40
    );
    // The first store was closed with an unfinished run, which opening a third store detects.
    SqliteStore::open(&path).await.unwrap();
    let (dead, _) = two.run("bt-one").await.unwrap().unwrap();
    assert_eq!((dead.status, dead.error.as_deref()), (Status::Failed, Some(PROCESS_DIED)));
    assert!(dead.completed_at.is_some());
}

#[tokio::test]
async fn an_empty_store_can_be_opened_many_times_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let openings: Vec<_> = (0..8)
        .map(|_| {
            tokio::spawn({
                let path = path.clone();
                async move { SqliteStore::open(&path).await }
            })
        })
        .collect();
    for (number, opening) in openings.into_iter().enumerate() {
        let store = opening.await.unwrap().unwrap();
        store.create_run(run(&format!("bt-{number}"))).await.unwrap();
        assert_eq!(store.list(&Filter::default()).await.unwrap().len(), number + 1);
    }
}

#[tokio::test]
async fn an_obstacle_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "x").unwrap();
    fs::create_dir(path("folder.db")).unwrap();
    fs::write(path("text.db"), "this is a letter and not a database, ".repeat(100)).unwrap();
    let cases = [
        ("file/store.db", "a file is in the way"),
        ("folder.db", "cannot be opened"),
        ("text.db", "is not an SQLite database"),
    ];
    for (name, expected) in cases {
        let error = SqliteStore::open(&path(name)).await.unwrap_err();
        assert_eq!((error.code, error.retryable), (Code::Storage, false));
        assert!(error.message.contains(expected), "{}", error.message);
        assert!(error.message.contains(&*folder.path().to_string_lossy()), "{}", error.message);
    }
}

#[tokio::test]
async fn a_corrupt_database_causes_errors_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(&path).await.unwrap();
    for number in 0..20 {
        let id = format!("bt-{number}");
        store.create_run(run(&id)).await.unwrap();
        complete(&*store, &id, &Arc::new(outcome(3000, 100, 0.1))).await.unwrap();
    }
    store.close().await.unwrap();
    let whole = fs::read(&path).unwrap();
    let mut failed = 0;
    for page in 0..whole.len() / 16_384 {
        let mut bytes = whole.clone();
        bytes[page * 16_384..][..16_384].fill(0x5A);
        fs::write(&path, &bytes).unwrap();
        let result = async {
            let store = SqliteStore::open(&path).await?;
            for number in 0..20 {
                store.run(&format!("bt-{number}")).await?;
            }
            store.create_run(run("bt-new")).await
        };
        if let Err(error) = result.await {
            assert_eq!(error.code, Code::Storage, "page {page}: {error:?}");
            failed += 1;
        }
    }
    // The file is truncated.
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let result = async { SqliteStore::open(&path).await?.run("bt-19").await };
    assert_eq!(result.await.unwrap_err().code, Code::Storage);
    assert!(failed > 0);
}

#[tokio::test]
async fn a_full_disk_is_reported_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db")).await.unwrap();
    store.create_run(run("bt-1")).await.unwrap();
    let limit = |pages: i64| {
        let store = Arc::clone(&store);
        async move {
            store
                .database()
                .write(move |connection| {
                    Ok(connection
                        .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?)
                })
                .await
                .unwrap();
        }
    };
    limit(1).await;
    let error = complete(&*store, "bt-1", &Arc::new(outcome(100_000, 10, 0.1))).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, true));
    assert!(error.message.contains("no space is left for the store"), "{}", error.message);
    assert_eq!(store.run("bt-1").await.unwrap(), Some((run("bt-1"), None)));
    let count_rows =
        "SELECT (SELECT count(*) FROM backtest_results) + (SELECT count(*) FROM backtest_trades)";
    let count = store
        .database()
        .read(move |c| Ok(c.query_row(count_rows, [], |row| row.get::<_, i64>(0))?));
    assert_eq!(count.await.unwrap(), 0);
    // The end of the run can still be written, and the store keeps working.
    store.end_run(ended("bt-1", Status::Failed, Some("full"), 9), None).await.unwrap();
    limit(1_000_000).await;
    assert_eq!(store.run("bt-1").await.unwrap().unwrap().0.status, Status::Failed);
    store.create_run(run("bt-2")).await.unwrap();
    let outcome = outcome(100_000, 10, 0.1);
    complete(&*store, "bt-2", &Arc::new(outcome.clone())).await.unwrap();
    assert_eq!(store.run("bt-2").await.unwrap().unwrap().1, Some(outcome));
}

#[tokio::test]
async fn a_lock_that_another_process_holds_too_long_is_a_retryable_error() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db")).await.unwrap();
    store.database().set_write_timeout(200);
    let mut other = Connection::open(store.path()).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let error = store.create_run(run("bt-1")).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, true));
    assert!(error.message.contains("is locked by another process"), "{}", error.message);
    // Jobs that are submitted together time out together.
    store.database().set_write_timeout(2000);
    let start = Instant::now();
    let waiting: Vec<_> = (0..20)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.create_run(run(&format!("bt-w{number}"))).await })
        })
        .collect();
    for job in waiting {
        let error = job.await.unwrap().unwrap_err();
        assert_eq!((error.code, error.retryable), (Code::Storage, true));
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    held.rollback().unwrap();
    store.create_run(run("bt-1")).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_read_only_folder_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    // Root may write anywhere except in folders of the kernel.
    let writable = fs::write(folder.path().join("probe"), "").is_ok();
    let path = if writable {
        PathBuf::from("/proc/sys/kernel/store.db")
    } else {
        folder.path().join("store.db")
    };
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, false));
    assert!(
        error.message.starts_with(&format!("cannot create the folder {}", path.display())),
        "{}",
        error.message
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_store_whose_file_was_deleted_or_replaced_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    for replaced in [false, true] {
        let store = SqliteStore::open(&path).await.unwrap();
        let id = format!("bt-{replaced}");
        store.create_run(run(&id)).await.unwrap();
        for entry in fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() { fs::remove_dir_all(entry) } else { fs::remove_file(entry) }
                .unwrap();
        }
        let other = if replaced { Some(SqliteStore::open(&path).await.unwrap()) } else { None };
        // What would be written now would be lost.
        for error in [
            complete(&*store, &id, &Arc::new(outcome(10, 2, 0.1))).await.unwrap_err(),
            store.create_run(run("bt-2")).await.unwrap_err(),
            store.list(&Filter::default()).await.unwrap_err(),
        ] {
            assert_eq!((error.code, error.retryable), (Code::Storage, false));
            assert!(error.message.contains("was deleted or replaced"), "{}", error.message);
        }
        store.close().await.unwrap();
        if let Some(other) = other {
            other.create_run(run("bt-3")).await.unwrap();
            assert_eq!(other.list(&Filter::default()).await.unwrap().len(), 1);
            other.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn reading_detects_runs_of_a_process_that_has_died_since() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let one = SqliteStore::open(&path).await.unwrap();
    let two = SqliteStore::open(&path).await.unwrap();
    let unfinished = Filter { status: Some(Status::Running), ..Filter::default() };
    for id in ["bt-a", "bt-b", "bt-c"] {
        two.create_run(run(id)).await.unwrap();
    }
    one.create_run(run("bt-one")).await.unwrap();
    assert_eq!(one.list(&unfinished).await.unwrap().len(), 4);
    assert_eq!(one.run("bt-a").await.unwrap().unwrap().0.status, Status::Running);
    // Closing the store does not end its runs, as when a process is killed.
    two.close().await.unwrap();
    let (found, _) = one.run("bt-a").await.unwrap().unwrap();
    assert_eq!((found.status, found.error.as_deref()), (Status::Failed, Some(PROCESS_DIED)));
    let (found, _) = one.summary("bt-b").await.unwrap().unwrap();
    assert_eq!((found.status, found.error.as_deref()), (Status::Failed, Some(PROCESS_DIED)));
    let left = one.list(&unfinished).await.unwrap();
    assert_eq!(left.iter().map(|(run, _)| run.id.as_str()).collect::<Vec<_>>(), ["bt-one"]);
}

#[tokio::test]
async fn a_sweep_of_a_dead_process_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let one = SqliteStore::open(&path).await.unwrap();
    let two = SqliteStore::open(&path).await.unwrap();
    for id in ["sw-a", "sw-b", "sw-c"] {
        two.create_sweep(sweep(id), details()).await.unwrap();
        append(&*two, id, 0, 3).await.unwrap();
    }
    // A living process keeps its sweeps.
    let error = one.resume_sweep("sw-a", "second", "0.1.0", 5).await.unwrap_err();
    assert!(error.message.starts_with("sweep sw-a is running"), "{}", error.message);
    assert_eq!(one.sweep("sw-b").await.unwrap().unwrap().0.status, Status::Running);
    // Closing the store does not end its sweeps, as when a process is killed.
    two.close().await.unwrap();
    let (resumed, _) = one.resume_sweep("sw-a", "second", "0.1.0", 5).await.unwrap().unwrap();
    assert_eq!((resumed.status, resumed.done), (Status::Running, 3));
    one.append_sweep_chunk("sw-a", "second", Arc::new(chunk(3, 2)), 6).await.unwrap();
    assert_same(read(&*one, "sw-a", 1).await, &chunk(0, 3));
    let (found, _) = one.sweep("sw-b").await.unwrap().unwrap();
    assert_eq!((found.status, found.error.as_deref()), (Status::Failed, Some(SWEEP_PROCESS_DIED)));
    let unfinished = SweepFilter { status: Some(Status::Running), ..SweepFilter::default() };
    let left = one.list_sweeps(&unfinished).await.unwrap();
    assert_eq!(left.iter().map(|sweep| sweep.id.as_str()).collect::<Vec<_>>(), ["sw-a"]);
    // A process that was only considered dead can go on, unless another one has taken the sweep over.
    append(&*one, "sw-b", 3, 2).await.unwrap();
    assert_eq!(one.sweep("sw-b").await.unwrap().unwrap().0.done, 5);
    assert!(is_ended(&append(&*one, "sw-a", 5, 2).await.unwrap_err()));
}

#[tokio::test]
async fn damaged_columns_of_a_sweep_are_detected() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db")).await.unwrap();
    // The second chunk is damaged: bytes, length, data of another column, checksum, place, count, and name.
    let damages = [
        "SET data = zeroblob(32) WHERE name = 'objective'",
        "SET data = x'00' WHERE name = 'objective'",
        "SET data = (SELECT data FROM sweep_columns WHERE sweep_id = '$ID' AND first = 4 AND name = 'sum:1')
         WHERE name = 'objective'",
        "SET checksum = checksum + 1 WHERE name = 'objective'",
        "SET first = 8 WHERE true",
        "SET combinations = 1000000000000 WHERE true",
        "SET combinations = -1 WHERE true",
        "SET name = 'other' WHERE name = 'objective'",
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let id = format!("sw-{number}");
        store.create_sweep(sweep(&id), details()).await.unwrap();
        append(&*store, &id, 0, 4).await.unwrap();
        append(&*store, &id, 4, 4).await.unwrap();
        let sql = format!("{damage} AND sweep_id = '{id}' AND first = 4");
        let sql = format!("UPDATE sweep_columns {}", sql.replace("$ID", &id));
        let job = move |connection: &mut Connection| Ok(connection.execute(&sql, [])?);
        assert!(store.database().write(job).await.unwrap() > 0);
        let combination = if damage.contains("first = 8") { 9 } else { 5 };
        let error =
            store.sweep_chunk(&id, combination, vec!["objective".into()]).await.unwrap_err();
        assert_eq!((error.code, error.retryable), (Code::Storage, false), "{damage}");
        assert!(error.message.contains("is damaged"), "{}", error.message);
        // The other chunk stays readable.
        assert_same(read(&*store, &id, 0).await, &chunk(0, 4));
    }
}

#[tokio::test]
async fn a_checkpoint_that_a_full_disk_refuses_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db")).await.unwrap();
    let large = crate::store::Sweep { combinations: 1_000_000, ..sweep("sw-a") };
    store.create_sweep(large, details()).await.unwrap();
    append(&*store, "sw-a", 0, 4).await.unwrap();
    let limit = |pages: i64| {
        let store = Arc::clone(&store);
        async move {
            let job = move |connection: &mut Connection| {
                Ok(connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?)
            };
            store.database().write(job).await.unwrap();
        }
    };
    limit(1).await;
    let error = append(&*store, "sw-a", 4, 500_000).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, true));
    assert_eq!(store.sweep("sw-a").await.unwrap().unwrap().0.done, 4);
    assert_eq!(read(&*store, "sw-a", 4).await, None);
    limit(1_000_000).await;
    append(&*store, "sw-a", 4, 500_000).await.unwrap();
    assert_same(read(&*store, "sw-a", 4).await, &chunk(4, 500_000));
}
