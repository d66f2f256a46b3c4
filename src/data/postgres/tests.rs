//! Against a real server, named by `TEST_DATABASE_URL`; `npm test` starts one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{CombinedSource, ImportedBars, PriceTable};
use crate::data::conformance::{self, minutes};
use crate::data::{Asset, LoadedBars, Source, TimeRange};
use crate::db::postgres::testing::{TestSchema, settings};
use crate::error::{Code, Result};
use crate::market::{Timeframe, time};
use crate::observer::{NoObserver, ProgressObserver};
use crate::store::{PostgresStore, Store};

impl TestSchema {
    /// Opens a store and a source whose price table is in another schema of this test, `$A` in statements.
    async fn source(&self, table: Option<&str>) -> (Arc<PostgresStore>, CombinedSource) {
        let url = self.with(&format!("schema={}_app", self.name));
        let store = self.store_at(&url).await;
        (Arc::clone(&store), source_of(&store, table, 1000))
    }

    async fn store_at(&self, url: &str) -> Arc<PostgresStore> {
        PostgresStore::open(&settings(url, 3, 2), &self.name).await.unwrap()
    }

    async fn app(&self, sql: &str) {
        self.sql(&sql.replace("$A", &format!("{}_app", self.name))).await;
    }

    async fn drop_app(self) {
        self.app("SET client_min_messages = warning; DROP SCHEMA IF EXISTS $A CASCADE").await;
        self.drop().await;
    }
}

/// Returns the source over one database.
fn source_of(store: &PostgresStore, table: Option<&str>, chunk_rows: u32) -> CombinedSource {
    let imported = ImportedBars::new(Arc::clone(store.pool()), store.schema(), chunk_rows);
    let table = PriceTable::in_store_database(Arc::clone(store.pool()), table, chunk_rows);
    CombinedSource::new(Arc::new(imported), table)
}

async fn load(source: &CombinedSource, symbol: &str, timeframe: Timeframe) -> Result<LoadedBars> {
    source
        .load(symbol, timeframe, TimeRange::new(-time::LIMIT, time::LIMIT), Arc::new(NoObserver))
        .await
}

#[tokio::test]
async fn the_source_in_postgresql_conforms() {
    for variant in ["application_name=x", "pgbouncer=true", "real pgbouncer"] {
        let Some(database) = TestSchema::new().await else { return };
        let url = match variant {
            "real pgbouncer" => TestSchema::pooled(),
            parameter => Some(database.with(parameter)),
        };
        let Some(url) = url else { return database.drop().await };
        let store = database.store_at(&url).await;
        let source = source_of(&store, Some(&format!("{}.nothing", database.name)), 10_000);
        database.sql("CREATE VIEW $S.nothing AS SELECT ''::text AS symbol, now() AS time, 1 AS price WHERE false").await;
        conformance::suite(&source).await;
        store.close().await.unwrap();
        assert_eq!(source.assets().await.unwrap_err().code, Code::Closed);
        database.drop().await;
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "mostly a table of cases")]
async fn bars_are_read_with_all_names_and_types_of_columns() {
    let Some(database) = TestSchema::new().await else { return };
    let day = |sql: &str| sql.replace("$day", "(timestamp '2020-01-01' + i * interval '1 day')");
    let rows = "FROM generate_series(0, 2999) AS i ORDER BY random()";
    let prices = "10 + i * 0.01, 12 + i * 0.01, 9 + i * 0.01, 11 + i * 0.01";
    let tables = [
        (
            "symbol text, timestamp timestamp, open numeric, high numeric, low numeric, close numeric, volume numeric",
            format!("'AAPL', $day, {prices}, i"),
        ),
        (
            "asset_symbol varchar(20), ts timestamptz, open float8, high float8, low float8, close float8, volume int8",
            format!("'AAPL', $day AT TIME ZONE 'UTC', {prices}, i"),
        ),
        (
            "\"assetSymbol\" text, \"openTime\" int8, open float8, high float8, low float8, close float8, volume float8",
            format!("'AAPL', extract(epoch FROM $day AT TIME ZONE 'UTC') * 1000, {prices}, i"),
        ),
        (
            "symbol text, time int4, open numeric(20,8), high numeric(20,8), low numeric(20,8), close numeric(20,8), volume numeric",
            format!("'AAPL', extract(epoch FROM $day AT TIME ZONE 'UTC'), {prices}, i"),
        ),
        (
            "symbol bpchar, date date, open numeric, high numeric, low numeric, close numeric, volume int4",
            format!("'AAPL', $day::date, {prices}, i"),
        ),
        (
            "symbol text, datetime int8, open numeric, high numeric, low numeric, close numeric, volume int2",
            format!("'AAPL', extract(epoch FROM $day AT TIME ZONE 'UTC') * 1000000, {prices}, i"),
        ),
        (
            "symbol varchar, ts timestamp(0), open real, high real, low real, close real, volume real",
            format!("'AAPL', $day, {prices}, i"),
        ),
        (
            "asset_id uuid, open_time timestamptz, open numeric, high numeric, low numeric, close numeric, volume numeric",
            format!("'00000000-0000-0000-0000-000000000007', $day AT TIME ZONE 'UTC', {prices}, i"),
        ),
    ];
    for (columns, values) in tables {
        database.app("SET client_min_messages = warning; DROP SCHEMA IF EXISTS $A CASCADE; CREATE SCHEMA $A").await;
        if columns.contains("uuid") {
            database.app("CREATE TABLE $A.assets (id uuid PRIMARY KEY, symbol text UNIQUE); INSERT INTO $A.assets VALUES ('00000000-0000-0000-0000-000000000007', 'AAPL')").await;
        }
        database.app(&day(&format!("CREATE TABLE $A.market_data ({columns}); INSERT INTO $A.market_data SELECT {values} {rows}"))).await;
        let (store, source) = database.source(None).await;
        let series = source.series("AAPL").await.unwrap();
        assert_eq!(series.len(), 1, "{columns}");
        assert_eq!(
            (series[0].timeframe, series[0].bars, series[0].ticks),
            (Timeframe::D1, 3000, false),
            "{columns}"
        );
        assert_eq!(time::short(series[0].first), "2020-01-01");
        let loaded = load(&source, "AAPL", Timeframe::D1).await.unwrap();
        let bars = &loaded.bars;
        assert_eq!(bars.len(), 3000);
        for bar in [0, 1, 1234, 2999] {
            // A real has less precision than a double.
            let price = |base: u32| {
                let price = f64::from(base * 100 + bar) / 100.0;
                #[expect(clippy::cast_possible_truncation, reason = "a real has less precision")]
                let real = f64::from(price as f32);
                if columns.contains(" real") { real } else { price }
            };
            let at = bar as usize;
            assert_eq!(
                [
                    bars.open()[at],
                    bars.high()[at],
                    bars.low()[at],
                    bars.close()[at],
                    bars.volume().unwrap()[at]
                ],
                [price(10), price(12), price(9), price(11), f64::from(bar)],
                "{columns}"
            );
        }
        // Both ends are inclusive.
        let (from, to) = (time::parse("2020-01-05").unwrap(), time::parse("2020-01-07").unwrap());
        let part = source
            .load("AAPL", Timeframe::D1, TimeRange::new(from, to), Arc::new(NoObserver))
            .await
            .unwrap();
        assert_eq!(part.bars.timestamps(), [from, from + time::DAY, to], "{columns}");
        assert_eq!(loaded.notes.len(), 1);
        assert!(
            loaded.notes[0].text.contains("has no index on")
                && loaded.notes[0].text.contains("CREATE INDEX"),
            "{:?}",
            loaded.notes
        );
        assert_eq!(source.assets().await.unwrap(), [Asset { symbol: "AAPL".into(), series }]);
        assert_eq!(source.series("MSFT").await.unwrap(), []);
        assert_eq!(load(&source, "MSFT", Timeframe::D1).await.unwrap_err().code, Code::NoData);
        store.close().await.unwrap();
    }
    database.drop_app().await;
}

#[tokio::test]
async fn timeframes_are_separate_series_and_imported_ones_take_precedence() {
    let Some(database) = TestSchema::new().await else { return };
    database
        .app(
            "CREATE SCHEMA $A; CREATE TYPE $A.frame AS ENUM ('1h', '60m', '1d', '1M');
             CREATE TABLE $A.prices (symbol text, timeframe $A.frame, ts timestamptz, open float8, high float8, low float8,
               close float8, volume float8);
             CREATE INDEX ON $A.prices (symbol, timeframe, ts);
             INSERT INTO $A.prices SELECT 'A', '1h', to_timestamp(i * 3600), 10, 10, 10, 10, 1 FROM generate_series(0, 49) i;
             INSERT INTO $A.prices SELECT 'A', '60m', to_timestamp(i * 3600), 11, 11, 11, 11, 1 FROM generate_series(50, 99) i;
             INSERT INTO $A.prices SELECT 'A', '1d', to_timestamp(i * 86400), 12, 12, 12, 12, 1 FROM generate_series(0, 4) i;
             INSERT INTO $A.prices SELECT 'A', '1M', to_timestamp(0), 12, 12, 12, 12, 1;
             CREATE VIEW $A.price_view AS SELECT * FROM $A.prices",
        )
        .await;
    for table in ["prices", "price_view"] {
        let (store, source) = database.source(Some(table)).await;
        // Loading works before the series were listed.
        let loaded = load(&source, "A", Timeframe::H1).await.unwrap();
        assert_eq!(
            (loaded.bars.len(), loaded.bars.open()[49], loaded.bars.open()[50]),
            (100, 10.0, 11.0)
        );
        assert_eq!(loaded.notes, []);
        assert_eq!(load(&source, "A", Timeframe::D1).await.unwrap().bars.len(), 5);
        let series = source.series("A").await.unwrap();
        let found: Vec<_> = series.iter().map(|series| (series.timeframe, series.bars)).collect();
        assert_eq!(found, [(Timeframe::H1, 100), (Timeframe::D1, 5)]);
        store.close().await.unwrap();
    }
    let (store, source) = database.source(Some("prices")).await;
    source.import("A", Timeframe::D1, minutes([0, 1440], 100.0)).await.unwrap();
    let series = source.series("A").await.unwrap();
    let found: Vec<_> = series
        .iter()
        .map(|series| (series.timeframe, series.bars, series.source.as_str()))
        .collect();
    let app = format!("{}_app.prices", database.name);
    assert_eq!(found, [(Timeframe::H1, 100, app.as_str()), (Timeframe::D1, 2, "imported")]);
    assert_eq!(load(&source, "A", Timeframe::D1).await.unwrap().bars.open()[..], [100.0, 100.0]);
    store.close().await.unwrap();
    database.drop_app().await;
}

#[tokio::test]
async fn errors_name_the_dates_of_invalid_bars() {
    let Some(database) = TestSchema::new().await else { return };
    let faults = [
        (
            "'2020-01-02', 1, 1, 1, 1), ('2020-01-02', 1, 1, 1, 1",
            "there are two 1d bars of 2020-01-02; remove one of them",
        ),
        (
            "'2020-01-03', 'NaN', 1, 1, 1",
            "(2020-01-03): open must be a finite price above 0, was NaN",
        ),
        ("'2020-01-03', 1, 1, -1, 1", "(2020-01-03): low must be a finite price above 0, was -1"),
        (
            "'2020-01-03', 1, 1, 1, NULL",
            "(2020-01-03): close must be a finite price above 0, was NaN",
        ),
    ];
    for (rows, expected) in faults {
        database
            .app(&format!(
                "SET client_min_messages = warning; DROP SCHEMA IF EXISTS $A CASCADE; CREATE SCHEMA $A;
                 CREATE TABLE $A.market_data (date timestamp, open numeric, high numeric, low numeric, close numeric, symbol text DEFAULT 'A');
                 INSERT INTO $A.market_data VALUES ('2020-01-01', 1, 1, 1, 1), ({rows})"
            ))
            .await;
        let (store, source) = database.source(None).await;
        let error = load(&source, "A", Timeframe::D1).await.unwrap_err();
        assert_eq!((error.code, error.issues.len()), (Code::BadData, 1));
        assert!(error.message.contains(expected), "{}", error.message);
        assert!(error.message.starts_with("the bars of A in "), "{}", error.message);
        store.close().await.unwrap();
    }
    database.drop_app().await;
}

#[tokio::test]
async fn ticks_are_aggregated_and_invalid_ones_are_counted() {
    let Some(database) = TestSchema::new().await else { return };
    database
        .app(
            "CREATE SCHEMA $A; CREATE TABLE $A.assets (id text PRIMARY KEY, symbol text UNIQUE);
             CREATE TABLE $A.market_data (id text PRIMARY KEY, asset_id text REFERENCES $A.assets, price numeric(15,8),
               volume numeric(20,2), timestamp timestamp);
             CREATE INDEX ON $A.market_data (asset_id, timestamp);
             INSERT INTO $A.assets VALUES ('id-1', 'BTC'), ('id-2', 'ETH');
             INSERT INTO $A.market_data SELECT 't' || i, 'id-1', 100 + i % 7 + 0.00000001, 1.5,
               timestamp '2020-01-01' + i * interval '20 seconds' FROM generate_series(0, 2999) i ORDER BY random();
             INSERT INTO $A.market_data VALUES ('x1', 'id-1', 0, 1, '2020-01-01 00:00:05'), ('x2', 'id-1', NULL, 1, '2020-01-01 00:00:06'),
               ('x3', 'id-1', 'NaN', 1, '2020-01-01 00:00:07'), ('x4', 'id-1', 999, 2, '2020-01-01 00:00:20'),
               ('y', 'id-2', 5, NULL, '2020-01-01')",
        )
        .await;
    let (store, source) = database.source(None).await;
    let series = source.series("BTC").await.unwrap();
    assert_eq!((series.len(), series[0].ticks, series[0].timeframe), (1, true, Timeframe::M1));
    let loaded = load(&source, "BTC", Timeframe::M1).await.unwrap();
    let bars = &loaded.bars;
    assert_eq!(bars.len(), 1000);
    // The tick that was written last wins, in any order of the rows.
    assert_eq!(
        [bars.open()[0], bars.high()[0], bars.low()[0], bars.close()[0], bars.volume().unwrap()[0]],
        [100.000_000_01, 999.0, 100.000_000_01, 102.000_000_01, 5.0]
    );
    let name = format!("BTC in {}_app.market_data", database.name);
    let texts: Vec<&str> = loaded.notes.iter().map(|note| note.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            format!(
                "{name}: 3 ticks without a price above 0 were skipped, the first at 2020-01-01T00:00:05.000Z"
            ),
            format!(
                "{name}: 1 tick was replaced by a later one with the same time, the first at 2020-01-01T00:00:20.000Z"
            ),
        ]
    );
    let hour = time::parse("2020-01-01T01:00").unwrap();
    let part = source
        .load("BTC", Timeframe::H1, TimeRange::new(hour - 1, hour), Arc::new(NoObserver))
        .await
        .unwrap();
    assert_eq!(
        (part.bars.timestamps(), part.bars.volume().unwrap()[0]),
        (&[hour][..], 180.0 * 1.5)
    );
    let ticks = source
        .load_ticks("BTC", TimeRange::new(hour, hour + 60_000), Arc::new(NoObserver))
        .await
        .unwrap();
    assert_eq!(ticks.bars.timestamps(), [hour, hour + 20_000, hour + 40_000, hour + 60_000]);
    assert_eq!(load(&source, "ETH", Timeframe::D1).await.unwrap().bars.volume(), None);
    assert_eq!(load(&source, "DOGE", Timeframe::D1).await.unwrap_err().code, Code::NoData);
    let symbols: Vec<_> =
        source.assets().await.unwrap().into_iter().map(|asset| asset.symbol).collect();
    assert_eq!(symbols, ["BTC", "ETH"]);
    store.close().await.unwrap();
    database.drop_app().await;
}

#[tokio::test]
async fn a_table_with_neither_bars_nor_ticks_is_rejected() {
    let Some(database) = TestSchema::new().await else { return };
    database.app("CREATE SCHEMA $A; CREATE TABLE $A.market_data (id int, symbol text, price text, day date)").await;
    let (store, source) = database.source(None).await;
    let error = source.series("A").await.unwrap_err();
    assert_eq!(error.code, Code::Storage);
    for part in [
        "open, high, low and close",
        "symbol, asset_symbol",
        "timestamp, ts, time",
        "price text",
        "MARKET_DATA_TABLE",
    ] {
        assert!(error.message.contains(part), "{}", error.message);
    }
    // Imported bars can still be used.
    source.import("A", Timeframe::M1, minutes([1], 10.0)).await.unwrap();
    assert_eq!(load(&source, "A", Timeframe::M1).await.unwrap().bars.len(), 1);
    assert_eq!(source.series("A").await.unwrap().len(), 1);
    store.close().await.unwrap();
    let (store, source) = database.source(Some("other.prices")).await;
    let error = source.series("A").await.unwrap_err();
    assert!(error.message.contains("has no table or view other.prices"), "{}", error.message);
    store.close().await.unwrap();
    database.drop_app().await;
}

#[tokio::test]
async fn a_role_that_may_only_read_the_table_is_enough() {
    let Some(database) = TestSchema::new().await else { return };
    database
        .app(
            "CREATE SCHEMA $A; CREATE TABLE $A.market_data (symbol text, ts timestamptz, price float8);
             INSERT INTO $A.market_data VALUES ('A', to_timestamp(0), 1);
             CREATE ROLE $A_role LOGIN PASSWORD 'reader'; CREATE SCHEMA $S AUTHORIZATION $A_role;
             GRANT USAGE ON SCHEMA $A TO $A_role",
        )
        .await;
    let role = format!("{}_app_role", database.name);
    let mut address = with_user(&database.url);
    address.replace_range(..=address.find('@').unwrap(), &format!("postgresql://{role}:reader@"));
    let separator = if address.contains('?') { '&' } else { '?' };
    let url = format!("{address}{separator}schema={}_app", database.name);
    let store = database.store_at(&url).await;
    let source = source_of(&store, None, 1000);
    let error = load(&source, "A", Timeframe::M1).await.unwrap_err();
    assert!(error.message.contains("permission denied"), "{}", error.message);
    database.app("GRANT SELECT ON $A.market_data TO $A_role").await;
    assert_eq!(load(&source, "A", Timeframe::M1).await.unwrap().bars.len(), 1);
    store.create_run(crate::store::conformance::run("bt-role")).await.unwrap();
    store.close().await.unwrap();
    database.app("DROP SCHEMA $A CASCADE; DROP SCHEMA $S CASCADE; DROP OWNED BY $A_role; DROP ROLE $A_role").await;
    database.drop_app().await;
}

/// The URL with a user, so that another can take its database.
fn with_user(url: &str) -> String {
    if url.contains('@') { url.to_owned() } else { url.replacen("://", "://x@", 1) }
}

#[tokio::test]
async fn dropping_a_load_cancels_its_statement_on_the_server() {
    let Some(database) = TestSchema::new().await else { return };
    database
        .app(
            "CREATE SCHEMA $A; CREATE FUNCTION $A.slow(i int) RETURNS float8 LANGUAGE sql VOLATILE AS
               'SELECT 1::float8 FROM pg_sleep(0.05)';
             CREATE VIEW $A.market_data AS SELECT 'A'::text AS symbol, to_timestamp(i) AS ts, $A.slow(i) AS price
               FROM generate_series(1, 2000) i",
        )
        .await;
    let (store, source) = database.source(None).await;
    source.series("NONE").await.unwrap();
    let slow = load(&source, "A", Timeframe::M1);
    tokio::time::timeout(Duration::from_millis(500), slow).await.unwrap_err();
    let busy = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND query LIKE '%{}_app%market_data%' AND pid <> pg_backend_pid()",
        database.name
    );
    let mut left = 1;
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        left = database.number(&busy).await;
        if left == 0 {
            break;
        }
    }
    assert_eq!(left, 0);
    store.close().await.unwrap();
    database.drop_app().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_is_retried_when_its_connection_is_cut() {
    /// Cuts every connection after a few chunks.
    struct Cutter(AtomicUsize, std::sync::mpsc::Sender<()>);
    impl ProgressObserver for Cutter {
        fn is_cancelled(&self) -> bool {
            if self.0.fetch_add(1, Ordering::Relaxed) == 5 {
                self.1.send(()).unwrap();
                std::thread::sleep(Duration::from_millis(200));
            }
            false
        }
    }
    let Some(database) = TestSchema::new().await else { return };
    let database = Arc::new(database);
    let (store, source) = database.source(None).await;
    let bars = minutes(0..20_000, 10.0);
    source.import("A", Timeframe::M1, bars.clone()).await.unwrap();
    let (cut, wait) = std::sync::mpsc::channel();
    let cutter = std::thread::spawn({
        let database = Arc::clone(&database);
        let runtime = tokio::runtime::Handle::current();
        move || {
            wait.recv().unwrap();
            runtime.block_on(database.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%$S%bars%' AND pid <> pg_backend_pid()",
            ));
        }
    });
    let source = Arc::new(source);
    let loaded = tokio::task::spawn_blocking({
        let source = Arc::clone(&source);
        let runtime = tokio::runtime::Handle::current();
        move || {
            runtime.block_on(async {
                source
                    .load(
                        "A",
                        Timeframe::M1,
                        TimeRange::new(0, time::LIMIT),
                        Arc::new(Cutter(AtomicUsize::new(0), cut)),
                    )
                    .await
            })
        }
    })
    .await
    .unwrap()
    .unwrap();
    cutter.join().unwrap();
    assert_eq!(*loaded.bars, bars);
    store.close().await.unwrap();
    Arc::into_inner(database).unwrap().drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rows_are_not_sent_faster_than_they_are_read() {
    use std::sync::atomic::AtomicU64;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Blocks in the first chunk until it receives a message.
    struct Slow(std::sync::Mutex<Option<std::sync::mpsc::Receiver<()>>>);
    impl ProgressObserver for Slow {
        fn is_cancelled(&self) -> bool {
            if let Some(wait) = self.0.lock().unwrap().take() {
                tokio::task::block_in_place(|| wait.recv()).unwrap();
            }
            false
        }
    }
    let Some(database) = TestSchema::new().await else { return };
    database.store_at(&database.url).await.close().await.unwrap();
    // A proxy that counts the bytes from the server.
    let address = database.url.rsplit_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Arc::new(AtomicU64::new(0));
    let proxy = tokio::spawn({
        let (address, sent) = (address.clone(), Arc::clone(&sent));
        async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = tokio::net::TcpStream::connect(&address).await.unwrap();
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                tokio::spawn(
                    async move { tokio::io::copy(&mut from_client, &mut to_server).await },
                );
                let sent = Arc::clone(&sent);
                tokio::spawn(async move {
                    let mut block = vec![0; 1 << 16];
                    while let Ok(length @ 1..) = from_server.read(&mut block).await {
                        sent.fetch_add(length as u64, Ordering::Relaxed);
                        if to_client.write_all(&block[..length]).await.is_err() {
                            break;
                        }
                    }
                });
            }
        }
    });
    let url =
        format!("{}?sslmode=disable", database.url.replace(&address, &format!("127.0.0.1:{port}")));
    let store = database.store_at(&url).await;
    let source = source_of(&store, Some("nowhere.nothing"), 1000);
    let bars = minutes(0..50_000, 10.0);
    source.import("A", Timeframe::M1, bars.clone()).await.unwrap();
    sent.store(0, Ordering::Relaxed);
    let (go, wait) = std::sync::mpsc::channel();
    let observer = Arc::new(Slow(std::sync::Mutex::new(Some(wait))));
    let loading = tokio::spawn(async move {
        source.load("A", Timeframe::M1, TimeRange::new(0, time::LIMIT), observer).await
    });
    // Wait until the server stops sending.
    let mut before = 0;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = sent.load(Ordering::Relaxed);
        if now == before && now > 0 {
            break;
        }
        before = now;
    }
    // A row has 79 bytes. The server has sent two of fifty chunks of a thousand rows.
    assert!((79_000..250_000).contains(&before), "{before} bytes");
    go.send(()).unwrap();
    assert_eq!(*loading.await.unwrap().unwrap().bars, bars);
    assert!(sent.load(Ordering::Relaxed) > 50 * 79_000);
    store.close().await.unwrap();
    proxy.abort();
    database.drop().await;
}
