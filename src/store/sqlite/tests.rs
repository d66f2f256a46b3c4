use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::data::behaviour::minutes;
use crate::data::{Embedded, Source, Span};
use crate::error::Code;
use crate::market::Timeframe;
use crate::observer::NoObserver;
use crate::store::behaviour::{self, complete, ended, outcome, run};
use crate::store::{DIED, Status};

#[tokio::test]
async fn the_embedded_store_behaves() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("new/folder/store.db")).await.unwrap();
    behaviour::suite(&*store).await;
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert_eq!(store.create_run(run("bt-late")).await.unwrap_err().code, Code::Closed);
    assert_eq!(store.run("bt-full").await.unwrap_err().code, Code::Closed);
    // The log is carried over and the lock is gone: one file and the empty folder of the owners are left.
    let left: Vec<_> = fs::read_dir(folder.path().join("new/folder"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
    let store = Sqlite::open(store.path()).await.unwrap();
    assert_eq!(store.run("bt-large").await.unwrap().unwrap().1, Some(outcome(5000, 777, 0.1)));
    // What nobody runs any more has failed.
    let (full, _) = store.run("bt-full").await.unwrap().unwrap();
    assert_eq!((full.status, full.error.as_deref()), (Status::Failed, Some(DIED)));
}

#[tokio::test]
async fn two_stores_on_one_file_see_each_other_and_leave_each_other_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let one = Sqlite::open(&path).await.unwrap();
    one.create_run(run("bt-one")).await.unwrap();
    // The second opens while the first is at work, and must not take its run for a dead one.
    let two = Sqlite::open(&path).await.unwrap();
    assert_eq!(two.run("bt-one").await.unwrap().unwrap().0.status, Status::Running);
    assert!(crate::store::is_duplicate(&two.create_run(run("bt-one")).await.unwrap_err()));
    let outcome = Arc::new(outcome(1000, 50, 0.1));
    let work = |store: Arc<Sqlite>, name: &'static str| {
        let outcome = Arc::clone(&outcome);
        async move {
            for number in 0..20 {
                let id = format!("bt-{name}{number}");
                store.create_run(run(&id)).await.unwrap();
                complete(&*store, &id, &outcome).await.unwrap();
                let source = Embedded::new(Arc::clone(&store));
                source.import("A", Timeframe::M1, minutes(0..1000, 10.0)).await.unwrap();
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
    // The first is gone without having ended its run: the third finds out.
    let three = Sqlite::open(&path).await.unwrap();
    let (dead, _) = two.run("bt-one").await.unwrap().unwrap();
    assert_eq!((dead.status, dead.error.as_deref()), (Status::Failed, Some(DIED)));
    assert!(dead.completed_at.is_some());
    assert_eq!(Embedded::new(three).series("A").await.unwrap()[0].bars, 1000);
}

#[tokio::test]
async fn many_openings_of_an_empty_store_at_once_all_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let openings: Vec<_> = (0..8)
        .map(|_| {
            tokio::spawn({
                let path = path.clone();
                async move { Sqlite::open(&path).await }
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
async fn what_is_in_the_way_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "x").unwrap();
    fs::create_dir(path("folder.db")).unwrap();
    fs::write(path("text.db"), "this is a letter and no database at all, ".repeat(100)).unwrap();
    let cases = [
        ("file/store.db", "a file is in the way"),
        ("folder.db", "cannot be opened"),
        ("text.db", "is no SQLite database"),
    ];
    for (name, expected) in cases {
        let error = Sqlite::open(&path(name)).await.unwrap_err();
        assert_eq!((error.code, error.retryable), (Code::Storage, false));
        assert!(error.message.contains(expected), "{}", error.message);
        assert!(error.message.contains(&*folder.path().to_string_lossy()), "{}", error.message);
    }
}

#[tokio::test]
async fn a_corrupt_database_gives_errors_and_nothing_worse() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Sqlite::open(&path).await.unwrap();
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
            let store = Sqlite::open(&path).await?;
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
    // Cut off in the middle.
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let store = Sqlite::open(&path).await;
    assert!(store.is_err() || store.unwrap().run("bt-19").await.is_err());
    assert!(failed > 0);
}

#[tokio::test]
async fn a_full_disk_is_named_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("store.db")).await.unwrap();
    store.create_run(run("bt-1")).await.unwrap();
    let limit = |pages: i64| {
        let store = Arc::clone(&store);
        async move {
            store
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
    let halves =
        "SELECT (SELECT count(*) FROM backtest_results) + (SELECT count(*) FROM backtest_trades)";
    let count = store.read(move |c| Ok(c.query_row(halves, [], |row| row.get::<_, i64>(0))?));
    assert_eq!(count.await.unwrap(), 0);
    // How the run ended can be noted all the same, and the store lives on.
    store.end_run(ended("bt-1", Status::Failed, Some("full"), 9), None).await.unwrap();
    limit(1_000_000).await;
    assert_eq!(store.run("bt-1").await.unwrap().unwrap().0.status, Status::Failed);
    store.create_run(run("bt-2")).await.unwrap();
    let outcome = outcome(100_000, 10, 0.1);
    complete(&*store, "bt-2", &Arc::new(outcome.clone())).await.unwrap();
    assert_eq!(store.run("bt-2").await.unwrap().unwrap().1, Some(outcome));
}

#[tokio::test]
async fn a_lock_that_another_holds_too_long_is_worth_retrying() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("store.db")).await.unwrap();
    store.writer.be_patient(200);
    let mut other = Connection::open(store.path()).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let error = store.create_run(run("bt-1")).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, true));
    assert!(error.message.contains("is held by another process"), "{}", error.message);
    // Those that come at the same time wait at the same time, not one after the other.
    store.writer.be_patient(2000);
    let start = Instant::now();
    let waiting: Vec<_> = (0..20)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.create_run(run(&format!("bt-w{number}"))).await })
        })
        .collect();
    for answer in waiting {
        assert!(answer.await.unwrap().unwrap_err().retryable);
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    held.rollback().unwrap();
    store.create_run(run("bt-1")).await.unwrap();
}

/// Names the file that the child of a test works on; see [`the_child_of_a_test`].
const CHILD: &str = "BACKTESTING_TEST_CHILD";

/// Starts this very test program again, to do nothing but [`the_child_of_a_test`].
fn spawn(path: &Path, task: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["store::sqlite::tests::the_child_of_a_test", "--exact", "--ignored", "--nocapture"])
        .env(CHILD, path)
        .env("BACKTESTING_TEST_TASK", task)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// No test: what the children do. Imports and runs follow each other until somebody kills the process.
#[tokio::test]
#[ignore = "only started by other tests, as a process of its own"]
async fn the_child_of_a_test() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let store = Sqlite::open(Path::new(&path)).await.unwrap();
    if std::env::var("BACKTESTING_TEST_TASK").as_deref() == Ok("open") {
        store.create_run(run(&format!("bt-{}", std::process::id()))).await.unwrap();
        return store.close().await.unwrap();
    }
    let source = Embedded::new(Arc::clone(&store));
    for number in 0..1_000_000_u32 {
        let id = format!("bt-{}-{number}", std::process::id());
        store.create_run(run(&id)).await.unwrap();
        let level = 10.0 + f64::from(number % 1000);
        source.import("KILLED", Timeframe::M1, minutes(0..20_000, level)).await.unwrap();
        complete(&*store, &id, &Arc::new(outcome(20_000, 500, 0.1))).await.unwrap();
    }
}

#[tokio::test]
async fn a_process_that_is_killed_leaves_a_whole_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let expected = outcome(20_000, 500, 0.1);
    let (mut completed, mut died) = (0, 0);
    for round in 0_u64..8 {
        let mut child = spawn(&path, "work");
        // Not before it has begun; then at another moment each time.
        let start = Instant::now();
        let log = folder.path().join("store.db-wal");
        while fs::metadata(&log).map_or(0, |log| log.len()) < 100_000 {
            assert!(
                start.elapsed() < Duration::from_secs(30) && child.try_wait().unwrap().is_none(),
                "the child does not work"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(round * 37 % 101));
        child.kill().unwrap();
        child.wait().unwrap();

        let store = Sqlite::open(&path).await.unwrap();
        let check = |connection: &mut Connection| {
            Ok(connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))?)
        };
        assert_eq!(store.read(check).await.unwrap(), "ok");
        (completed, died) = (0, 0);
        for (found, _) in store.list(&Filter::default()).await.unwrap() {
            let (whole, kept) = store.run(&found.id).await.unwrap().unwrap();
            match whole.status {
                Status::Completed => {
                    assert_eq!(kept.as_ref(), Some(&expected), "{}", found.id);
                    completed += 1;
                }
                Status::Failed => {
                    assert_eq!((whole.error.as_deref(), kept), (Some(DIED), None));
                    died += 1;
                }
                other => panic!("{} is {other:?} though nobody runs it", found.id),
            }
        }
        let source = Embedded::new(Arc::clone(&store));
        if !source.series("KILLED").await.unwrap().is_empty() {
            let bars = source
                .load("KILLED", Timeframe::M1, Span::new(0, i64::MAX), Arc::new(NoObserver))
                .await
                .unwrap();
            let bars = bars.bars;
            let level = bars.open()[0];
            assert!(
                bars.len() == 20_000
                    && bars.open().iter().all(|open| open.to_bits() == level.to_bits()),
                "a half import"
            );
        }
        store.close().await.unwrap();
    }
    assert!(
        completed > 0 && died > 0,
        "{completed} completed, {died} died: the test kills at the wrong moments"
    );
}

#[tokio::test]
async fn processes_that_start_at_once_on_an_empty_store_all_come_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let children: Vec<Child> = (0..6).map(|_| spawn(&path, "open")).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = Sqlite::open(&path).await.unwrap();
    assert_eq!(store.list(&Filter::default()).await.unwrap().len(), 6);
}

#[cfg(unix)]
#[tokio::test]
async fn a_read_only_folder_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    // Root may write anywhere: there, the folder of the kernel's settings stands in, where nobody makes files.
    let writable = fs::write(folder.path().join("probe"), "").is_ok();
    let path = if writable {
        PathBuf::from("/proc/sys/kernel/store.db")
    } else {
        folder.path().join("store.db")
    };
    let error = Sqlite::open(&path).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, false));
    assert!(
        error.message.starts_with(&format!("cannot make the folder {}", path.display())),
        "{}",
        error.message
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_was_deleted_or_replaced_is_no_store_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    for replaced in [false, true] {
        let store = Sqlite::open(&path).await.unwrap();
        let id = format!("bt-{replaced}");
        store.create_run(run(&id)).await.unwrap();
        for entry in fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() { fs::remove_dir_all(entry) } else { fs::remove_file(entry) }
                .unwrap();
        }
        let other = if replaced { Some(Sqlite::open(&path).await.unwrap()) } else { None };
        // What would be written now would be lost, without a word.
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
async fn runs_of_a_process_that_died_meanwhile_are_found_when_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let one = Sqlite::open(&path).await.unwrap();
    let two = Sqlite::open(&path).await.unwrap();
    let unfinished = Filter { status: Some(Status::Running), ..Filter::default() };
    for id in ["bt-a", "bt-b", "bt-c"] {
        two.create_run(run(id)).await.unwrap();
    }
    one.create_run(run("bt-one")).await.unwrap();
    assert_eq!(one.list(&unfinished).await.unwrap().len(), 4);
    assert_eq!(one.run("bt-a").await.unwrap().unwrap().0.status, Status::Running);
    // It leaves as a process does that is killed: without a word of its runs.
    two.close().await.unwrap();
    let (found, _) = one.run("bt-a").await.unwrap().unwrap();
    assert_eq!((found.status, found.error.as_deref()), (Status::Failed, Some(DIED)));
    let (found, _) = one.summary("bt-b").await.unwrap().unwrap();
    assert_eq!((found.status, found.error.as_deref()), (Status::Failed, Some(DIED)));
    let left = one.list(&unfinished).await.unwrap();
    assert_eq!(left.iter().map(|(run, _)| run.id.as_str()).collect::<Vec<_>>(), ["bt-one"]);
}
