//! Against a real server, named by `TEST_DATABASE_URL`; `npm test` starts one.

use std::sync::Arc;
use std::time::Duration;

use super::lease::{END_LOST, SWEEP_END_LOST};
use super::{PostgresStore, schema};
use crate::db::postgres::Address;
use crate::db::postgres::testing::{TestSchema, pool, settings};
use crate::error::Code;
use crate::store::conformance::{self, complete, outcome, run};
use crate::store::sweep_conformance::{self, append, assert_same, chunk, details, read, sweep};
use crate::store::{
    Filter, PROCESS_DIED, SWEEP_PROCESS_DIED, Status, Store, SweepStore, is_duplicate, is_ended,
};

async fn open(schema: &TestSchema) -> Arc<PostgresStore> {
    open_at(schema, &schema.url).await
}

/// Opens a store through another URL.
async fn open_at(schema: &TestSchema, url: &str) -> Arc<PostgresStore> {
    PostgresStore::open(&settings(url, 3, 2), &schema.name).await.unwrap()
}

#[tokio::test]
async fn the_store_in_postgresql_conforms() {
    let Some(database) = TestSchema::new().await else { return };
    let store = open(&database).await;
    conformance::suite(&*store).await;
    sweep_conformance::suite(&*store).await;
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert_eq!(store.create_run(run("bt-late")).await.unwrap_err().code, Code::Closed);
    assert_eq!(store.run("bt-full").await.unwrap_err().code, Code::Closed);
    let store = open(&database).await;
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
    assert_eq!(database.number("SELECT count(*) FROM $S.engines").await, 1);
    store.close().await.unwrap();
    database.drop().await;
}

#[tokio::test]
async fn the_store_conforms_without_session_state() {
    let Some(database) = TestSchema::new().await else { return };
    let url = database.with("pgbouncer=true");
    let store = open_at(&database, &url).await;
    conformance::suite(&*store).await;
    sweep_conformance::suite(&*store).await;
    // No session of the pool has a prepared statement left.
    for _ in 0..5 {
        let connection = store.pool().get().await.unwrap();
        let left = connection
            .query_typed_one("SELECT count(*) FROM pg_prepared_statements", &[])
            .await
            .unwrap();
        assert_eq!(left.get::<_, i64>(0), 0);
    }
    store.close().await.unwrap();
    database.drop().await;
}

#[tokio::test]
async fn the_store_conforms_behind_a_real_pooler() {
    let Some(database) = TestSchema::new().await else { return };
    let Some(url) = TestSchema::pooled() else { return database.drop().await };
    // The pooler is detected; the URL does not mention it.
    let store = open_at(&database, &url).await;
    assert!(store.pool().shares_sessions());
    conformance::suite(&*store).await;
    sweep_conformance::suite(&*store).await;
    assert_eq!(database.number("SELECT count(*) FROM $S.engines WHERE lock_key IS NULL").await, 1);
    store.close().await.unwrap();
    assert_eq!(database.number("SELECT count(*) FROM $S.engines").await, 0);
    let direct = open(&database).await;
    assert!(!direct.pool().shares_sessions());
    assert_eq!(direct.run("bt-large").await.unwrap().unwrap().1, Some(outcome(5000, 777, 0.1)));
    direct.close().await.unwrap();
    database.drop().await;
}

#[tokio::test]
async fn two_stores_on_one_schema_share_runs_and_keep_their_own() {
    let Some(database) = TestSchema::new().await else { return };
    let one = open(&database).await;
    one.create_run(run("bt-one")).await.unwrap();
    let two = open(&database).await;
    assert_eq!(two.run("bt-one").await.unwrap().unwrap().0.status, Status::Running);
    assert!(is_duplicate(&two.create_run(run("bt-one")).await.unwrap_err()));
    // The connection that holds the lock is cut. The engine reconnects before it counts as dead.
    database
        .sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
               AND (classid::bigint << 32 | objid::bigint) IN (SELECT lock_key FROM $S.engines)",
        )
        .await;
    let three = open(&database).await;
    assert_eq!(three.run("bt-one").await.unwrap().unwrap().0.status, Status::Running);
    complete(&*one, "bt-one", &Arc::new(outcome(10, 2, 0.1))).await.unwrap();
    for store in [one, two, three] {
        store.close().await.unwrap();
    }
    database.drop().await;
}

#[tokio::test]
async fn runs_of_a_dead_process_are_marked_as_failed() {
    let Some(database) = TestSchema::new().await else { return };
    for (url, engine) in [
        (database.url.clone(), "INSERT INTO $S.engines (id, lock_key) VALUES ('dead', 4711)"),
        (
            database.with("pgbouncer=true"),
            "INSERT INTO $S.engines (id, seen_at) VALUES ('dead', '2000-01-01')",
        ),
    ] {
        let store = open_at(&database, &url).await;
        store.create_run(run("bt-orphan")).await.unwrap();
        store.create_run(run("bt-mine")).await.unwrap();
        database.sql(engine).await;
        database.sql("UPDATE $S.backtest_runs SET owner = 'dead' WHERE id = 'bt-orphan'").await;
        database.sql("INSERT INTO $S.engines (id, lock_key) VALUES ('idle', 4712)").await;
        let other = open_at(&database, &url).await;
        assert_eq!(database.number("SELECT count(*) FROM $S.engines WHERE id = 'idle'").await, 0);
        let (orphan, _) = other.summary("bt-orphan").await.unwrap().unwrap();
        let young_server = database
            .number(
                "SELECT (now() - pg_postmaster_start_time() < interval '30 seconds')::int::bigint",
            )
            .await;
        if url.contains("pgbouncer") && young_server == 1 {
            // Silence counts from the start of the server.
            assert_eq!(orphan.status, Status::Running);
        } else {
            assert_eq!(
                (orphan.status, orphan.error.as_deref()),
                (Status::Failed, Some(PROCESS_DIED))
            );
            assert!(orphan.completed_at.is_some());
        }
        assert_eq!(other.summary("bt-mine").await.unwrap().unwrap().0.status, Status::Running);
        for id in ["bt-orphan", "bt-mine"] {
            store.delete_run(id).await.unwrap();
        }
        store.close().await.unwrap();
        other.close().await.unwrap();
    }
    database.drop().await;
}

#[tokio::test]
async fn a_sweep_of_a_dead_process_is_taken_over() {
    let Some(database) = TestSchema::new().await else { return };
    let store = open(&database).await;
    for id in ["sw-a", "sw-b", "sw-mine"] {
        store.create_sweep(sweep(id), details()).await.unwrap();
        append(&*store, id, 0, 3).await.unwrap();
    }
    let error = store.resume_sweep("sw-a", "second", "0.1.0", 5).await.unwrap_err();
    assert!(error.message.starts_with("sweep sw-a is running"), "{}", error.message);
    database.sql("INSERT INTO $S.engines (id, lock_key) VALUES ('dead', 4713)").await;
    database.sql("UPDATE $S.sweeps SET owner = 'dead' WHERE id IN ('sw-a', 'sw-b')").await;
    // Resuming looks for dead processes at once.
    let (resumed, _) = store.resume_sweep("sw-a", "second", "0.1.0", 5).await.unwrap().unwrap();
    assert_eq!((resumed.status, resumed.done), (Status::Running, 3));
    assert!(is_ended(&append(&*store, "sw-a", 3, 2).await.unwrap_err()));
    store.append_sweep_chunk("sw-a", "second", Arc::new(chunk(3, 2)), 6).await.unwrap();
    assert_same(read(&*store, "sw-a", 1).await, &chunk(0, 3));
    let (found, _) = store.sweep("sw-b").await.unwrap().unwrap();
    assert_eq!((found.status, found.error.as_deref()), (Status::Failed, Some(SWEEP_PROCESS_DIED)));
    // A process that was only considered dead goes on.
    append(&*store, "sw-b", 3, 2).await.unwrap();
    let (found, _) = store.sweep("sw-b").await.unwrap().unwrap();
    assert_eq!((found.status, found.error, found.completed_at), (Status::Running, None, None));
    assert_eq!(store.sweep("sw-mine").await.unwrap().unwrap().0.status, Status::Running);
    store.close().await.unwrap();
    database.drop().await;
}

#[tokio::test]
async fn a_damaged_column_of_a_sweep_is_detected() {
    let Some(database) = TestSchema::new().await else { return };
    let store = open(&database).await;
    for (number, damage) in [
        "SET data = set_byte(data, 9, 1) WHERE name = 'objective'",
        "SET data = 'x' WHERE name = 'objective'",
        "SET combinations = 1000000000000 WHERE true",
        "SET combinations = -1 WHERE true",
        "SET name = 'other' WHERE name = 'objective'",
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("sw-{number}");
        store.create_sweep(sweep(&id), details()).await.unwrap();
        append(&*store, &id, 0, 4).await.unwrap();
        append(&*store, &id, 4, 4).await.unwrap();
        database
            .sql(&format!("UPDATE $S.sweep_columns {damage} AND sweep_id = '{id}' AND first = 4"))
            .await;
        let error = store.sweep_chunk(&id, 5, vec!["objective".into()]).await.unwrap_err();
        assert_eq!((error.code, error.retryable), (Code::Storage, false), "{damage}");
        assert!(error.message.contains("is damaged"), "{}", error.message);
        assert_same(read(&*store, &id, 0).await, &chunk(0, 4));
    }
    store.close().await.unwrap();
    database.drop().await;
}

#[tokio::test]
async fn checkpoints_are_written_once_when_connections_are_cut() {
    let Some(database) = TestSchema::new().await else { return };
    let store = open(&database).await;
    let large = crate::store::Sweep { combinations: 120_000, ..sweep("sw-a") };
    store.create_sweep(large, details()).await.unwrap();
    let cut = async {
        for _ in 0..40 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            database
                .sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE application_name = 'aitradepro-backtesting' AND query LIKE '%$S%' AND pid <> pg_backend_pid()",
                )
                .await;
        }
    };
    let work = async {
        for number in 0..60 {
            append(&*store, "sw-a", number * 2000, 2000).await.unwrap();
        }
    };
    tokio::join!(cut, work);
    for number in 0..60 {
        let from = number * 2000;
        assert_same(read(&*store, "sw-a", from + 1999).await, &chunk(from, 2000));
    }
    assert_eq!(database.number("SELECT count(*) FROM $S.sweep_columns").await, 180);
    store.close().await.unwrap();
    database.drop().await;
}

/// Waits until a condition holds.
async fn eventually(mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the condition never held");
}

#[tokio::test]
async fn an_engine_restores_its_own_runs_after_the_server_was_away() {
    let Some(database) = TestSchema::new().await else { return };
    for url in [database.url.clone(), database.with("pgbouncer=true")] {
        restore_runs_after_an_absence(&database, &url).await;
    }
    database.drop().await;
}

async fn restore_runs_after_an_absence(database: &TestSchema, url: &str) {
    let store = open_at(database, url).await;
    let whole = Arc::new(outcome(10, 2, 0.1));
    let ids = ["bt-ended", "bt-ghost", "bt-vanished", "bt-active", "bt-deleted"];
    for id in ids {
        store.create_run(run(id)).await.unwrap();
    }
    for id in ["bt-ended", "bt-vanished", "bt-deleted"] {
        complete(&*store, id, &whole).await.unwrap();
    }
    assert!(store.delete_run("bt-deleted").await.unwrap());
    // The older state of the server: a run that has ended is unfinished, a later run does not exist, and there is a run that
    // the engine does not remember.
    store.lease().recent_runs().forget("bt-ghost");
    for id in ["sw-ghost", "sw-active"] {
        store.create_sweep(sweep(id), details()).await.unwrap();
    }
    store.lease().recent_runs().forget("sw-ghost");
    database
        .sql(
            "DELETE FROM $S.backtest_results WHERE run_id = 'bt-ended';
             UPDATE $S.backtest_runs SET status = 'running', completed_at = NULL WHERE id = 'bt-ended';
             DELETE FROM $S.backtest_runs WHERE id = 'bt-vanished'; DELETE FROM $S.engines",
        )
        .await;
    match store.lease().lock_key() {
        Some(key) => {
            database
                .sql(&format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
                       AND (classid::bigint << 32 | objid::bigint) = {key}"
                ))
                .await;
        }
        // Behind a pooler, only the start of the server shows that it was away.
        None => store.lease().set_server_start("an earlier time"),
    }
    eventually(async || {
        let (ghost, _) = store.run("bt-ghost").await.unwrap().unwrap();
        ghost.status == Status::Failed && ghost.error.as_deref() == Some(END_LOST)
    })
    .await;
    eventually(async || {
        let (ghost, _) = store.sweep("sw-ghost").await.unwrap().unwrap();
        ghost.status == Status::Failed && ghost.error.as_deref() == Some(SWEEP_END_LOST)
    })
    .await;
    assert_eq!(store.sweep("sw-active").await.unwrap().unwrap().0.status, Status::Running);
    for id in ["sw-ghost", "sw-active"] {
        store.delete_sweep(id).await.unwrap();
    }
    for id in ["bt-ended", "bt-vanished"] {
        let (found, kept) = store.run(id).await.unwrap().unwrap();
        assert_eq!((found.status, kept.as_ref()), (Status::Completed, Some(&*whole)), "{id}");
    }
    assert_eq!(store.run("bt-active").await.unwrap().unwrap().0.status, Status::Running);
    assert_eq!(store.run("bt-deleted").await.unwrap(), None);
    assert_eq!(database.number("SELECT count(*) FROM $S.engines").await, 1);
    for id in ids {
        store.delete_run(id).await.unwrap();
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn runs_of_an_unregistered_engine_do_not_stay_unfinished() {
    let Some(database) = TestSchema::new().await else { return };
    let store = open(&database).await;
    store.create_run(run("bt-mine")).await.unwrap();
    store.create_run(run("bt-orphan")).await.unwrap();
    database.sql("UPDATE $S.backtest_runs SET owner = 'unregistered' WHERE id = 'bt-orphan'").await;
    let other = open(&database).await;
    let is_registered =
        "SELECT count(*) FROM $S.engines WHERE id = 'unregistered' AND lock_key IS NULL";
    assert_eq!(database.number(is_registered).await, 1);
    // The engine has the usual time for a heartbeat.
    assert_eq!(other.run("bt-orphan").await.unwrap().unwrap().0.status, Status::Running);
    database.sql("UPDATE $S.engines SET seen_at = '2000-01-01' WHERE id = 'unregistered'").await;
    other.close().await.unwrap();
    let young = "SELECT (now() - pg_postmaster_start_time() < interval '30 seconds')::int::bigint";
    if database.number(young).await == 0 {
        let third = open(&database).await;
        assert_eq!(
            third.run("bt-orphan").await.unwrap().unwrap().0.error.as_deref(),
            Some(PROCESS_DIED)
        );
        third.close().await.unwrap();
    }
    assert_eq!(store.run("bt-mine").await.unwrap().unwrap().0.status, Status::Running);
    store.close().await.unwrap();
    database.drop().await;
}

#[tokio::test]
async fn older_schemas_are_migrated_newer_and_foreign_ones_rejected() {
    let Some(database) = TestSchema::new().await else { return };
    let pool = pool(&database.url).await;
    let mut later = schema::MIGRATIONS.to_vec();
    later.push((
        "V5__notes",
        "CREATE TABLE notes (text text); INSERT INTO notes VALUES ('upgraded')",
    ));
    schema::migrate(&pool, &database.name, &schema::MIGRATIONS).await.unwrap();
    schema::migrate(&pool, &database.name, &later).await.unwrap();
    schema::migrate(&pool, &database.name, &later).await.unwrap();
    assert_eq!(database.number("SELECT count(*) FROM $S.notes").await, 1);
    let error = schema::migrate(&pool, &database.name, &schema::MIGRATIONS).await.unwrap_err();
    assert!(error.message.contains("has version 5, newer than version 4"), "{}", error.message);
    database.sql("UPDATE $S.backtesting_schema_history SET checksum = 'x' WHERE version = 1").await;
    let error = schema::migrate(&pool, &database.name, &later).await.unwrap_err();
    assert!(error.message.contains("which differs from that of this library"), "{}", error.message);
    database
        .sql("DROP SCHEMA $S CASCADE; CREATE SCHEMA $S; CREATE TABLE $S.backtest_runs (a int)")
        .await;
    let error = schema::migrate(&pool, &database.name, &schema::MIGRATIONS).await.unwrap_err();
    assert!(
        error.message.contains("contains the table \"backtest_runs\" of something else"),
        "{}",
        error.message
    );
    database.drop().await;
}

#[tokio::test]
async fn a_failed_migration_is_rolled_back() {
    let Some(database) = TestSchema::new().await else { return };
    let pool = pool(&database.url).await;
    let mut broken = schema::MIGRATIONS.to_vec();
    broken.push(("V5__broken", "CREATE TABLE half (a int); CREATE TABLE half (a int)"));
    let error = schema::migrate(&pool, &database.name, &broken).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, false));
    let schemas = format!("SELECT count(*) FROM pg_namespace WHERE nspname = '{}'", database.name);
    assert_eq!(database.number(&schemas).await, 0);
    schema::migrate(&pool, &database.name, &schema::MIGRATIONS).await.unwrap();
    database.drop().await;
}

#[tokio::test]
async fn ten_stores_can_be_opened_at_once_on_an_empty_database() {
    let Some(database) = TestSchema::new().await else { return };
    let opening: Vec<_> = (0..10)
        .map(|number| {
            let (settings, name) = (settings(&database.url, 3, 2), database.name.clone());
            tokio::spawn(async move {
                let store = PostgresStore::open(&settings, &name).await.unwrap();
                store.create_run(run(&format!("bt-{number}"))).await.unwrap();
                store
            })
        })
        .collect();
    let mut stores = Vec::new();
    for store in opening {
        stores.push(store.await.unwrap());
    }
    assert_eq!(stores[0].list(&Filter::default()).await.unwrap().len(), 10);
    assert_eq!(database.number("SELECT count(*) FROM $S.backtesting_schema_history").await, 4);
    for store in stores {
        store.close().await.unwrap();
    }
    database.drop().await;
}

#[tokio::test]
async fn work_is_retried_when_connections_are_cut() {
    let Some(database) = TestSchema::new().await else { return };
    let store = open(&database).await;
    let outcome = Arc::new(outcome(2000, 300, 0.1));
    let cut = async {
        for _ in 0..40 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            database
                .sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE application_name = 'aitradepro-backtesting' AND query LIKE '%$S%' AND pid <> pg_backend_pid()",
                )
                .await;
        }
    };
    let work = async {
        for number in 0..60 {
            let id = format!("bt-{number}");
            store.create_run(run(&id)).await.unwrap();
            complete(&*store, &id, &outcome).await.unwrap();
        }
    };
    tokio::join!(cut, work);
    for number in 0..60 {
        let (run, kept) = store.run(&format!("bt-{number}")).await.unwrap().unwrap();
        assert_eq!((run.status, kept.as_ref()), (Status::Completed, Some(&*outcome)));
    }
    store.close().await.unwrap();
    database.drop().await;
}

#[tokio::test]
async fn every_wait_has_a_timeout() {
    let Some(database) = TestSchema::new().await else { return };
    open(&database).await.close().await.unwrap();
    let url = database.with("pool_timeout=1&connection_limit=1&statement_timeout=300");
    let store = PostgresStore::open(&settings(&url, 5, 10), &database.name).await.unwrap();
    let held = store.pool().get().await.unwrap();
    let error = store.list(&Filter::default()).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, true));
    assert!(error.message.contains("became free within 1 s"), "{}", error.message);
    drop(held);
    database.sql("BEGIN; LOCK TABLE $S.backtest_runs").await;
    let error = store.list(&Filter::default()).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, true));
    assert!(error.message.contains("statement timeout"), "{}", error.message);
    database.sql("ROLLBACK").await;
    assert_eq!(store.list(&Filter::default()).await.unwrap(), []);
    store.close().await.unwrap();
    database.drop().await;
}

#[tokio::test]
async fn a_server_that_does_not_respond_is_a_timeout() {
    // Connections are accepted and never answered, as behind a firewall that drops packets.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    for parameters in ["connect_timeout=1", "connect_timeout=1&pgbouncer=true"] {
        let url = format!("postgresql://u:sesame@127.0.0.1:{port}/d?{parameters}");
        let settings = settings(&url, 1, 0);
        let opening = PostgresStore::open(&settings, "backtesting");
        let opened = tokio::time::timeout(Duration::from_secs(10), opening).await;
        let error = opened.unwrap().unwrap_err();
        assert_eq!((error.code, error.retryable), (Code::Storage, true));
        assert!(error.message.contains("did not answer in time"), "{}", error.message);
    }
}

#[tokio::test]
async fn connection_errors_do_not_contain_the_password() {
    let Some(database) = TestSchema::new().await else { return };
    let address = Address::parse("databaseUrl", &database.url).unwrap();
    let location = address.location();
    let (host, name) = location.split_once('/').unwrap();
    for (url, expected, retryable) in [
        (format!("postgresql://nobody-here:sesame@{host}/{name}"), "nobody-here", false),
        (format!("postgresql://nobody-here:sesame@{host}/no-such"), "no-such", false),
        (
            "postgresql://nobody-here:sesame@127.0.0.1:9/x".to_owned(),
            "127.0.0.1:9/x cannot be reached",
            true,
        ),
        (
            "postgresql://u:x@sesame.invalid/sesame".to_owned(),
            "a host in databaseUrl (DATABASE_URL) was not found",
            true,
        ),
        (format!("postgresql://sesame@{host}"), "database", false),
        (format!("postgresql://sesame@{host}/{name}"), "database", false),
        (
            format!("postgresql://{host}/{name}?user=nobody-here&password=sesame"),
            "nobody-here",
            false,
        ),
    ] {
        let settings = settings(&url, 1, 0);
        let error = PostgresStore::open(&settings, &database.name).await.unwrap_err();
        assert_eq!((error.code, error.retryable), (Code::Storage, retryable), "{}", error.message);
        assert!(error.message.contains(expected), "{}", error.message);
        assert!(!format!("{error:?} {settings:?}").contains("sesame"), "{error:?}");
    }
    database.drop().await;
}
