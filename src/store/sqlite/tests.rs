use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::data::behaviour::minutes;
use crate::data::{Embedded, Source, Span};
use crate::error::Code;
use crate::market::Timeframe;
use crate::store::behaviour::{self, outcome, run};
use crate::watch::Unwatched;

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
    assert_eq!((full.status, full.error.as_deref()), (Status::Failed, Some(owners::DIED)));
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
                store.complete_run(&id, None, Arc::clone(&outcome), 9).await.unwrap();
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
    assert_eq!((dead.status, dead.error.as_deref()), (Status::Failed, Some(owners::DIED)));
    assert!(dead.completed_at.is_some());
    assert_eq!(Embedded::new(three).series("A").await.unwrap()[0].revision, 40);
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
        store.complete_run(&id, None, Arc::new(outcome(3000, 100, 0.1)), 9).await.unwrap();
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
    let error =
        store.complete_run("bt-1", None, Arc::new(outcome(100_000, 10, 0.1)), 9).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, true));
    assert!(error.message.contains("no space is left for the store"), "{}", error.message);
    assert_eq!(store.run("bt-1").await.unwrap(), Some((run("bt-1"), None)));
    let halves =
        "SELECT (SELECT count(*) FROM backtest_results) + (SELECT count(*) FROM backtest_trades)";
    let count = store.read(move |c| Ok(c.query_row(halves, [], |row| row.get::<_, i64>(0))?));
    assert_eq!(count.await.unwrap(), 0);
    // How the run ended can be noted all the same, and the store lives on.
    store.update_run("bt-1", Status::Failed, Some("full".into()), Some(9)).await.unwrap();
    limit(1_000_000).await;
    assert_eq!(store.run("bt-1").await.unwrap().unwrap().0.status, Status::Failed);
    store.create_run(run("bt-2")).await.unwrap();
    let outcome = outcome(100_000, 10, 0.1);
    store.complete_run("bt-2", None, Arc::new(outcome.clone()), 9).await.unwrap();
    assert_eq!(store.run("bt-2").await.unwrap().unwrap().1, Some(outcome));
}

#[tokio::test]
async fn a_lock_that_another_holds_too_long_is_worth_retrying() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("store.db")).await.unwrap();
    store
        .write(|connection| Ok(connection.busy_timeout(Duration::from_millis(20))?))
        .await
        .unwrap();
    let mut other = Connection::open(store.path()).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let error = store.create_run(run("bt-1")).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, true));
    assert!(error.message.contains("is held by another process"), "{}", error.message);
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
        store.complete_run(&id, None, Arc::new(outcome(20_000, 500, 0.1)), 9).await.unwrap();
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
                    assert_eq!((whole.error.as_deref(), kept), (Some(owners::DIED), None));
                    died += 1;
                }
                other => panic!("{} is {other:?} though nobody runs it", found.id),
            }
        }
        let source = Embedded::new(Arc::clone(&store));
        if !source.series("KILLED").await.unwrap().is_empty() {
            let bars = source
                .load("KILLED", Timeframe::M1, Span::new(0, i64::MAX), Arc::new(Unwatched))
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
