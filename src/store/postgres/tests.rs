//! Against a real server, named by `TEST_DATABASE_URL`; `npm test` starts one.

use std::env;

use super::*;
use crate::error::Code;
use crate::store::behaviour::{self, complete, outcome, run};
use crate::store::{DIED, Status};

/// A schema of its own in the database of the tests; nothing where there is none, which CI does not accept.
pub(crate) struct Place {
    pub url: String,
    pub schema: String,
    client: tokio_postgres::Client,
}

impl Place {
    pub async fn new() -> Option<Self> {
        let Ok(url) = env::var("TEST_DATABASE_URL") else {
            assert!(env::var("CI").is_err(), "TEST_DATABASE_URL must name a PostgreSQL database");
            return None;
        };
        let pool = Pool::open(Address::parse("databaseUrl", &url).unwrap(), 1, 0).await.unwrap();
        let (client, _) = pool.connect().await.unwrap();
        Some(Self { url, schema: format!("bt_{}", uuid::Uuid::new_v4().simple()), client })
    }

    /// The URL with a parameter more.
    pub fn with(&self, parameter: &str) -> String {
        format!("{}{}{parameter}", self.url, if self.url.contains('?') { '&' } else { '?' })
    }

    pub fn settings(&self) -> Settings {
        settings(&self.url, 3, 2)
    }

    pub async fn open(&self) -> Arc<Postgres> {
        self.open_at(&self.url).await
    }

    /// Opens a store by another way.
    pub async fn open_at(&self, url: &str) -> Arc<Postgres> {
        Postgres::open(&settings(url, 3, 2), &self.schema).await.unwrap()
    }

    /// The URL by way of a pooler in transaction mode, which `npm test` starts; nothing where there is none, which CI does
    /// not accept.
    pub fn pooled() -> Option<String> {
        let Ok(pooler) = env::var("TEST_PGBOUNCER_URL") else {
            let reason = env::var("TEST_PGBOUNCER_MISSING").unwrap_or_default();
            assert!(env::var("CI").is_err(), "TEST_PGBOUNCER_URL must name a pgbouncer: {reason}");
            return None;
        };
        Some(pooler)
    }

    pub async fn sql(&self, sql: &str) {
        self.client.batch_execute(&sql.replace("$S", &self.schema)).await.unwrap();
    }

    pub async fn number(&self, sql: &str) -> i64 {
        self.client.query_typed_one(&sql.replace("$S", &self.schema), &[]).await.unwrap().get(0)
    }

    pub async fn drop(self) {
        self.sql("SET client_min_messages = warning; DROP SCHEMA IF EXISTS $S CASCADE").await;
    }
}

pub(crate) fn settings(url: &str, size: u32, overflow: u32) -> Settings {
    Settings::new("databaseUrl", url, size, overflow).unwrap()
}

#[tokio::test]
async fn the_store_in_postgresql_behaves() {
    let Some(place) = Place::new().await else { return };
    let store = place.open().await;
    behaviour::suite(&*store).await;
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert_eq!(store.create_run(run("bt-late")).await.unwrap_err().code, Code::Closed);
    assert_eq!(store.run("bt-full").await.unwrap_err().code, Code::Closed);
    let store = place.open().await;
    assert_eq!(store.run("bt-large").await.unwrap().unwrap().1, Some(outcome(5000, 777, 0.1)));
    // What nobody runs any more has failed.
    let (full, _) = store.run("bt-full").await.unwrap().unwrap();
    assert_eq!((full.status, full.error.as_deref()), (Status::Failed, Some(DIED)));
    assert_eq!(place.number("SELECT count(*) FROM $S.engines").await, 1);
    store.close().await.unwrap();
    place.drop().await;
}

#[tokio::test]
async fn the_store_behaves_where_a_pooler_gives_each_transaction_another_session() {
    let Some(place) = Place::new().await else { return };
    let url = place.with("pgbouncer=true");
    let store = place.open_at(&url).await;
    behaviour::suite(&*store).await;
    // Nothing was left prepared in any session of the pool.
    for _ in 0..5 {
        let connection = store.shared.pool.get().await.unwrap();
        let left = connection
            .query_typed_one("SELECT count(*) FROM pg_prepared_statements", &[])
            .await
            .unwrap();
        assert_eq!(left.get::<_, i64>(0), 0);
    }
    store.close().await.unwrap();
    place.drop().await;
}

#[tokio::test]
async fn the_store_behaves_behind_a_real_pooler() {
    let Some(place) = Place::new().await else { return };
    let Some(url) = Place::pooled() else { return place.drop().await };
    // What is there is found out: the URL does not say it.
    let store = place.open_at(&url).await;
    assert!(store.shared.pool.is_by_transaction());
    behaviour::suite(&*store).await;
    assert_eq!(place.number("SELECT count(*) FROM $S.engines WHERE lock_key IS NULL").await, 1);
    store.close().await.unwrap();
    assert_eq!(place.number("SELECT count(*) FROM $S.engines").await, 0);
    let direct = place.open().await;
    assert!(!direct.shared.pool.is_by_transaction());
    assert_eq!(direct.run("bt-large").await.unwrap().unwrap().1, Some(outcome(5000, 777, 0.1)));
    direct.close().await.unwrap();
    place.drop().await;
}

#[tokio::test]
async fn two_stores_on_one_schema_see_each_other_and_leave_each_other_alone() {
    let Some(place) = Place::new().await else { return };
    let one = place.open().await;
    one.create_run(run("bt-one")).await.unwrap();
    let two = place.open().await;
    assert_eq!(two.run("bt-one").await.unwrap().unwrap().0.status, Status::Running);
    assert!(crate::store::is_duplicate(&two.create_run(run("bt-one")).await.unwrap_err()));
    // The connection that holds the lock is cut: the engine lives, and comes back before it counts as dead.
    place
        .sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
               AND (classid::bigint << 32 | objid::bigint) IN (SELECT lock_key FROM $S.engines)",
        )
        .await;
    let three = place.open().await;
    assert_eq!(three.run("bt-one").await.unwrap().unwrap().0.status, Status::Running);
    complete(&*one, "bt-one", &Arc::new(outcome(10, 2, 0.1))).await.unwrap();
    for store in [one, two, three] {
        store.close().await.unwrap();
    }
    place.drop().await;
}

#[tokio::test]
async fn runs_of_a_dead_process_have_failed() {
    let Some(place) = Place::new().await else { return };
    for (url, engine) in [
        (place.url.clone(), "INSERT INTO $S.engines (id, lock_key) VALUES ('dead', 4711)"),
        (
            place.with("pgbouncer=true"),
            "INSERT INTO $S.engines (id, seen_at) VALUES ('dead', '2000-01-01')",
        ),
    ] {
        let store = place.open_at(&url).await;
        store.create_run(run("bt-orphan")).await.unwrap();
        store.create_run(run("bt-mine")).await.unwrap();
        place.sql(engine).await;
        place.sql("UPDATE $S.backtest_runs SET owner = 'dead' WHERE id = 'bt-orphan'").await;
        place.sql("INSERT INTO $S.engines (id, lock_key) VALUES ('idle', 4712)").await;
        let other = place.open_at(&url).await;
        assert_eq!(place.number("SELECT count(*) FROM $S.engines WHERE id = 'idle'").await, 0);
        let (orphan, _) = other.summary("bt-orphan").await.unwrap().unwrap();
        let young_server = place
            .number(
                "SELECT (now() - pg_postmaster_start_time() < interval '30 seconds')::int::bigint",
            )
            .await;
        if url.contains("pgbouncer") && young_server == 1 {
            // Silence counts from the start of the server on.
            assert_eq!(orphan.status, Status::Running);
        } else {
            assert_eq!((orphan.status, orphan.error.as_deref()), (Status::Failed, Some(DIED)));
            assert!(orphan.completed_at.is_some());
        }
        assert_eq!(other.summary("bt-mine").await.unwrap().unwrap().0.status, Status::Running);
        for id in ["bt-orphan", "bt-mine"] {
            store.delete_run(id).await.unwrap();
        }
        store.close().await.unwrap();
        other.close().await.unwrap();
    }
    place.drop().await;
}

/// Waits for something that a store does by itself.
async fn eventually(mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if done().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("it did not happen");
}

#[tokio::test]
async fn an_engine_settles_its_own_runs_after_the_server_was_away() {
    let Some(place) = Place::new().await else { return };
    for url in [place.url.clone(), place.with("pgbouncer=true")] {
        settle_after_an_absence(&place, &url).await;
    }
    place.drop().await;
}

async fn settle_after_an_absence(place: &Place, url: &str) {
    let store = place.open_at(url).await;
    let whole = Arc::new(outcome(10, 2, 0.1));
    let ids = ["bt-ended", "bt-ghost", "bt-vanished", "bt-active", "bt-deleted"];
    for id in ids {
        store.create_run(run(id)).await.unwrap();
    }
    for id in ["bt-ended", "bt-vanished", "bt-deleted"] {
        complete(&*store, id, &whole).await.unwrap();
    }
    assert!(store.delete_run("bt-deleted").await.unwrap());
    // What an older state shows: a run that ended as under way, one that began later not at all, and one of which nothing
    // is known any more.
    store.shared.owner.ledger().forget("bt-ghost");
    place
        .sql(
            "DELETE FROM $S.backtest_results WHERE run_id = 'bt-ended';
             UPDATE $S.backtest_runs SET status = 'running', completed_at = NULL WHERE id = 'bt-ended';
             DELETE FROM $S.backtest_runs WHERE id = 'bt-vanished'; DELETE FROM $S.engines",
        )
        .await;
    match store.shared.owner.lock_key() {
        Some(key) => {
            place
                .sql(&format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
                       AND (classid::bigint << 32 | objid::bigint) = {key}"
                ))
                .await;
        }
        // Behind a pooler only the start of the server tells.
        None => store.shared.owner.started_at("an earlier time"),
    }
    eventually(async || {
        let (ghost, _) = store.run("bt-ghost").await.unwrap().unwrap();
        ghost.status == Status::Failed && ghost.error.as_deref() == Some(owners::LOST)
    })
    .await;
    for id in ["bt-ended", "bt-vanished"] {
        let (found, kept) = store.run(id).await.unwrap().unwrap();
        assert_eq!((found.status, kept.as_ref()), (Status::Completed, Some(&*whole)), "{id}");
    }
    assert_eq!(store.run("bt-active").await.unwrap().unwrap().0.status, Status::Running);
    assert_eq!(store.run("bt-deleted").await.unwrap(), None);
    assert_eq!(place.number("SELECT count(*) FROM $S.engines").await, 1);
    for id in ids {
        store.delete_run(id).await.unwrap();
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn runs_of_an_owner_that_is_not_listed_do_not_stay_under_way() {
    let Some(place) = Place::new().await else { return };
    let store = place.open().await;
    store.create_run(run("bt-mine")).await.unwrap();
    store.create_run(run("bt-orphan")).await.unwrap();
    place.sql("UPDATE $S.backtest_runs SET owner = 'unlisted' WHERE id = 'bt-orphan'").await;
    let other = place.open().await;
    let listed = "SELECT count(*) FROM $S.engines WHERE id = 'unlisted' AND lock_key IS NULL";
    assert_eq!(place.number(listed).await, 1);
    // It has the usual time to show that it lives.
    assert_eq!(other.run("bt-orphan").await.unwrap().unwrap().0.status, Status::Running);
    place.sql("UPDATE $S.engines SET seen_at = '2000-01-01' WHERE id = 'unlisted'").await;
    other.close().await.unwrap();
    let young = "SELECT (now() - pg_postmaster_start_time() < interval '30 seconds')::int::bigint";
    if place.number(young).await == 0 {
        let third = place.open().await;
        assert_eq!(third.run("bt-orphan").await.unwrap().unwrap().0.error.as_deref(), Some(DIED));
        third.close().await.unwrap();
    }
    assert_eq!(store.run("bt-mine").await.unwrap().unwrap().0.status, Status::Running);
    store.close().await.unwrap();
    place.drop().await;
}

#[tokio::test]
async fn older_schemas_are_upgraded_newer_and_foreign_ones_refused() {
    let Some(place) = Place::new().await else { return };
    let pool = Pool::open(Address::parse("databaseUrl", &place.url).unwrap(), 1, 0).await.unwrap();
    let mut later = schema::MIGRATIONS.to_vec();
    later.push((
        "V2__notes",
        "CREATE TABLE notes (text text); INSERT INTO notes VALUES ('upgraded')",
    ));
    schema::migrate(&pool, &place.schema, &schema::MIGRATIONS).await.unwrap();
    schema::migrate(&pool, &place.schema, &later).await.unwrap();
    schema::migrate(&pool, &place.schema, &later).await.unwrap();
    assert_eq!(place.number("SELECT count(*) FROM $S.notes").await, 1);
    let error = schema::migrate(&pool, &place.schema, &schema::MIGRATIONS).await.unwrap_err();
    assert!(error.message.contains("has version 2, newer than version 1"), "{}", error.message);
    place.sql("UPDATE $S.backtesting_schema_history SET checksum = 'x' WHERE version = 1").await;
    let error = schema::migrate(&pool, &place.schema, &later).await.unwrap_err();
    assert!(error.message.contains("which is not that of this library"), "{}", error.message);
    place
        .sql("DROP SCHEMA $S CASCADE; CREATE SCHEMA $S; CREATE TABLE $S.backtest_runs (a int)")
        .await;
    let error = schema::migrate(&pool, &place.schema, &schema::MIGRATIONS).await.unwrap_err();
    assert!(
        error.message.contains("holds the table \"backtest_runs\" of something else"),
        "{}",
        error.message
    );
    place.drop().await;
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let Some(place) = Place::new().await else { return };
    let pool = Pool::open(Address::parse("databaseUrl", &place.url).unwrap(), 1, 0).await.unwrap();
    let broken = [
        schema::MIGRATIONS[0],
        ("V2__broken", "CREATE TABLE half (a int); CREATE TABLE half (a int)"),
    ];
    let error = schema::migrate(&pool, &place.schema, &broken).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, false));
    let schemas = format!("SELECT count(*) FROM pg_namespace WHERE nspname = '{}'", place.schema);
    assert_eq!(place.number(&schemas).await, 0);
    schema::migrate(&pool, &place.schema, &schema::MIGRATIONS).await.unwrap();
    place.drop().await;
}

#[tokio::test]
async fn ten_stores_at_once_come_up_on_an_empty_database() {
    let Some(place) = Place::new().await else { return };
    let opening: Vec<_> = (0..10)
        .map(|number| {
            let (settings, schema) = (place.settings(), place.schema.clone());
            tokio::spawn(async move {
                let store = Postgres::open(&settings, &schema).await.unwrap();
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
    assert_eq!(place.number("SELECT count(*) FROM $S.backtesting_schema_history").await, 1);
    for store in stores {
        store.close().await.unwrap();
    }
    place.drop().await;
}

#[tokio::test]
async fn work_survives_cut_connections() {
    let Some(place) = Place::new().await else { return };
    let store = place.open().await;
    let outcome = Arc::new(outcome(2000, 300, 0.1));
    let cut = async {
        for _ in 0..40 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            place
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
    place.drop().await;
}

#[tokio::test]
async fn waits_have_an_end() {
    let Some(place) = Place::new().await else { return };
    place.open().await.close().await.unwrap();
    let url = place.with("pool_timeout=1&connection_limit=1&statement_timeout=300");
    let store = Postgres::open(&settings(&url, 5, 10), &place.schema).await.unwrap();
    let held = store.shared.pool.get().await.unwrap();
    let error = store.list(&Filter::default()).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, true));
    assert!(error.message.contains("became free within 1 s"), "{}", error.message);
    drop(held);
    place.sql("BEGIN; LOCK TABLE $S.backtest_runs").await;
    let error = store.list(&Filter::default()).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (Code::Storage, true));
    assert!(error.message.contains("statement timeout"), "{}", error.message);
    place.sql("ROLLBACK").await;
    assert_eq!(store.list(&Filter::default()).await.unwrap(), []);
    store.close().await.unwrap();
    place.drop().await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_long() {
    // Connections come up and stay without an answer, as behind a firewall that swallows what it does not like.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    for parameters in ["connect_timeout=1", "connect_timeout=1&pgbouncer=true"] {
        let url = format!("postgresql://u:sesame@127.0.0.1:{port}/d?{parameters}");
        let settings = settings(&url, 1, 0);
        let opening = Postgres::open(&settings, "backtesting");
        let opened = tokio::time::timeout(std::time::Duration::from_secs(10), opening).await;
        let error = opened.unwrap().unwrap_err();
        assert_eq!((error.code, error.retryable), (Code::Storage, true));
        assert!(error.message.contains("did not answer in time"), "{}", error.message);
    }
}

#[tokio::test]
async fn what_cannot_be_reached_or_entered_is_said_without_the_password() {
    let Some(place) = Place::new().await else { return };
    let address = Address::parse("databaseUrl", &place.url).unwrap();
    let host = address.place();
    let (host, database) = host.split_once('/').unwrap();
    for (url, expected, retryable) in [
        (format!("postgresql://nobody-here:sesame@{host}/{database}"), "nobody-here", false),
        (format!("postgresql://nobody-here:sesame@{host}/no-such"), "no-such", false),
        (
            "postgresql://nobody-here:sesame@127.0.0.1:9/x".to_owned(),
            "127.0.0.1:9/x cannot be reached",
            true,
        ),
        (
            "postgresql://nobody-here:sesame@no-such-host.invalid/x".to_owned(),
            "no-such-host.invalid",
            true,
        ),
    ] {
        let settings = settings(&url, 1, 0);
        let error = Postgres::open(&settings, &place.schema).await.unwrap_err();
        assert_eq!((error.code, error.retryable), (Code::Storage, retryable), "{}", error.message);
        assert!(error.message.contains(expected), "{}", error.message);
        assert!(!format!("{error:?} {settings:?}").contains("sesame"), "{error:?}");
    }
    place.drop().await;
}
