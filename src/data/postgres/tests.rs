//! Against a real server, named by `TEST_DATABASE_URL`; `npm test` starts one.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::data::behaviour::{self, minutes};
use crate::error::Code;
use crate::market::time;
use crate::observer::NoObserver;
use crate::store::postgres::tests::Place as Database;
use crate::store::{Postgres, Store};

impl Database {
    /// A source whose tables of prices are looked for in a schema of this test.
    async fn market(&self, table: Option<&str>) -> (Arc<Postgres>, Market) {
        let url = self.with(&format!("schema={}_app", self.schema));
        let store = self.open_at(&url).await;
        (Arc::clone(&store), beside(&store, table, 1000))
    }

    async fn app(&self, sql: &str) {
        self.sql(&sql.replace("$A", &format!("{}_app", self.schema))).await;
    }

    async fn drop_app(self) {
        self.app("SET client_min_messages = warning; DROP SCHEMA IF EXISTS $A CASCADE").await;
        self.drop().await;
    }
}

/// The source over one database.
fn beside(store: &Arc<Postgres>, table: Option<&str>, chunk: u32) -> Market {
    let imports = Imports::new(Arc::clone(store), chunk);
    Market::new(Arc::new(imports), Prices::beside(store, table, chunk))
}

async fn load(market: &Market, symbol: &str, timeframe: Timeframe) -> Result<Loaded> {
    market.load(symbol, timeframe, Span::new(-time::LIMIT, time::LIMIT), Arc::new(NoObserver)).await
}

#[tokio::test]
async fn the_source_in_postgresql_behaves() {
    for way in ["application_name=x", "pgbouncer=true", "by pgbouncer"] {
        let Some(place) = Database::new().await else { return };
        let url = match way {
            "by pgbouncer" => Database::pooled(),
            parameter => Some(place.with(parameter)),
        };
        let Some(url) = url else { return place.drop().await };
        let store = place.open_at(&url).await;
        let source = beside(&store, Some(&format!("{}.nothing", place.schema)), 10_000);
        place.sql("CREATE VIEW $S.nothing AS SELECT ''::text AS symbol, now() AS time, 1 AS price WHERE false").await;
        behaviour::suite(&source).await;
        store.close().await.unwrap();
        assert_eq!(source.assets().await.unwrap_err().code, Code::Closed);
        place.drop().await;
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "mostly a table of cases")]
async fn bars_are_read_whatever_their_columns_are_called_and_typed() {
    let Some(place) = Database::new().await else { return };
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
        place.app("SET client_min_messages = warning; DROP SCHEMA IF EXISTS $A CASCADE; CREATE SCHEMA $A").await;
        if columns.contains("uuid") {
            place.app("CREATE TABLE $A.assets (id uuid PRIMARY KEY, symbol text UNIQUE); INSERT INTO $A.assets VALUES ('00000000-0000-0000-0000-000000000007', 'AAPL')").await;
        }
        place.app(&day(&format!("CREATE TABLE $A.market_data ({columns}); INSERT INTO $A.market_data SELECT {values} {rows}"))).await;
        let (store, market) = place.market(None).await;
        let series = market.series("AAPL").await.unwrap();
        assert_eq!(series.len(), 1, "{columns}");
        assert_eq!(
            (series[0].timeframe, series[0].bars, series[0].ticks),
            (Timeframe::D1, 3000, false),
            "{columns}"
        );
        assert_eq!(time::short(series[0].first), "2020-01-01");
        let loaded = load(&market, "AAPL", Timeframe::D1).await.unwrap();
        let bars = &loaded.bars;
        assert_eq!(bars.len(), 3000);
        for bar in [0, 1, 1234, 2999] {
            // A real holds the nearest of its own kind, which is not that of a double.
            let price = |base: u32| {
                let price = f64::from(base * 100 + bar) / 100.0;
                #[expect(clippy::cast_possible_truncation, reason = "that is what a real does")]
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
        // Both ends are included.
        let (from, to) = (time::parse("2020-01-05").unwrap(), time::parse("2020-01-07").unwrap());
        let part = market
            .load("AAPL", Timeframe::D1, Span::new(from, to), Arc::new(NoObserver))
            .await
            .unwrap();
        assert_eq!(part.bars.timestamps(), [from, from + time::DAY, to], "{columns}");
        assert_eq!(loaded.warnings.len(), 1);
        assert!(
            loaded.warnings[0].contains("has no index on")
                && loaded.warnings[0].contains("CREATE INDEX"),
            "{:?}",
            loaded.warnings
        );
        assert_eq!(market.assets().await.unwrap(), [Asset { symbol: "AAPL".into(), series }]);
        assert_eq!(market.series("MSFT").await.unwrap(), []);
        assert_eq!(load(&market, "MSFT", Timeframe::D1).await.unwrap_err().code, Code::NoData);
        store.close().await.unwrap();
    }
    place.drop_app().await;
}

#[tokio::test]
async fn timeframes_are_told_apart_and_imported_bars_go_before() {
    let Some(place) = Database::new().await else { return };
    place
        .app(
            "CREATE SCHEMA $A; CREATE TYPE $A.frame AS ENUM ('1h', '60m', '1d', '1M');
             CREATE TABLE $A.prices (symbol text, timeframe $A.frame, ts timestamptz, open float8, high float8, low float8,
               close float8, volume float8);
             CREATE INDEX ON $A.prices (symbol, timeframe, ts);
             INSERT INTO $A.prices SELECT 'A', '1h', to_timestamp(i * 3600), 10, 10, 10, 10, 1 FROM generate_series(0, 49) i;
             INSERT INTO $A.prices SELECT 'A', '60m', to_timestamp(i * 3600), 11, 11, 11, 11, 1 FROM generate_series(50, 99) i;
             INSERT INTO $A.prices SELECT 'A', '1d', to_timestamp(i * 86400), 12, 12, 12, 12, 1 FROM generate_series(0, 4) i;
             INSERT INTO $A.prices SELECT 'A', '1M', to_timestamp(0), 12, 12, 12, 12, 1;
             CREATE VIEW $A.looked_at AS SELECT * FROM $A.prices",
        )
        .await;
    for table in ["prices", "looked_at"] {
        let (store, market) = place.market(Some(table)).await;
        // Loading without having asked for the series works as well.
        let loaded = load(&market, "A", Timeframe::H1).await.unwrap();
        assert_eq!(
            (loaded.bars.len(), loaded.bars.open()[49], loaded.bars.open()[50]),
            (100, 10.0, 11.0)
        );
        assert_eq!(loaded.warnings, [""; 0]);
        assert_eq!(load(&market, "A", Timeframe::D1).await.unwrap().bars.len(), 5);
        let series = market.series("A").await.unwrap();
        let found: Vec<_> = series.iter().map(|series| (series.timeframe, series.bars)).collect();
        assert_eq!(found, [(Timeframe::H1, 100), (Timeframe::D1, 5)]);
        store.close().await.unwrap();
    }
    let (store, market) = place.market(Some("prices")).await;
    market.import("A", Timeframe::D1, minutes([0, 1440], 100.0)).await.unwrap();
    let series = market.series("A").await.unwrap();
    let found: Vec<_> = series
        .iter()
        .map(|series| (series.timeframe, series.bars, series.source.as_str()))
        .collect();
    let app = format!("{}_app.prices", place.schema);
    assert_eq!(found, [(Timeframe::H1, 100, app.as_str()), (Timeframe::D1, 2, "imported")]);
    assert_eq!(load(&market, "A", Timeframe::D1).await.unwrap().bars.open()[..], [100.0, 100.0]);
    store.close().await.unwrap();
    place.drop_app().await;
}

#[tokio::test]
async fn faulty_bars_are_named_with_their_dates() {
    let Some(place) = Database::new().await else { return };
    let faults = [
        (
            "'2020-01-02', 1, 1, 1, 1), ('2020-01-02', 1, 1, 1, 1",
            "(2020-01-02): the timestamp is that of the bar before (duplicate)",
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
        place
            .app(&format!(
                "SET client_min_messages = warning; DROP SCHEMA IF EXISTS $A CASCADE; CREATE SCHEMA $A;
                 CREATE TABLE $A.market_data (date timestamp, open numeric, high numeric, low numeric, close numeric, symbol text DEFAULT 'A');
                 INSERT INTO $A.market_data VALUES ('2020-01-01', 1, 1, 1, 1), ({rows})"
            ))
            .await;
        let (store, market) = place.market(None).await;
        let error = load(&market, "A", Timeframe::D1).await.unwrap_err();
        assert_eq!((error.code, error.issues.len()), (Code::BadData, 1));
        assert!(error.message.contains(expected), "{}", error.message);
        assert!(error.message.starts_with("the bars of A in "), "{}", error.message);
        store.close().await.unwrap();
    }
    place.drop_app().await;
}

#[tokio::test]
async fn ticks_become_bars_and_their_faults_are_counted() {
    let Some(place) = Database::new().await else { return };
    place
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
    let (store, market) = place.market(None).await;
    let series = market.series("BTC").await.unwrap();
    assert_eq!((series.len(), series[0].ticks, series[0].timeframe), (1, true, Timeframe::M1));
    let loaded = load(&market, "BTC", Timeframe::M1).await.unwrap();
    let bars = &loaded.bars;
    assert_eq!(bars.len(), 1000);
    // The tick that was written last won, whatever the order in which rows are found.
    assert_eq!(
        [bars.open()[0], bars.high()[0], bars.low()[0], bars.close()[0], bars.volume().unwrap()[0]],
        [100.000_000_01, 999.0, 100.000_000_01, 102.000_000_01, 5.0]
    );
    let name = format!("BTC in {}_app.market_data", place.schema);
    assert_eq!(
        loaded.warnings,
        [
            format!(
                "{name}: 3 ticks without a price above 0 were left out, the first at 2020-01-01T00:00:05.000Z"
            ),
            format!(
                "{name}: 1 tick was replaced by a later one of the same time, the first at 2020-01-01T00:00:20.000Z"
            ),
        ]
    );
    let hour = time::parse("2020-01-01T01:00").unwrap();
    let part = market
        .load("BTC", Timeframe::H1, Span::new(hour - 1, hour), Arc::new(NoObserver))
        .await
        .unwrap();
    assert_eq!(
        (part.bars.timestamps(), part.bars.volume().unwrap()[0]),
        (&[hour][..], 180.0 * 1.5)
    );
    let ticks = market
        .load_ticks("BTC", Span::new(hour, hour + 60_000), Arc::new(NoObserver))
        .await
        .unwrap();
    assert_eq!(ticks.bars.timestamps(), [hour, hour + 20_000, hour + 40_000, hour + 60_000]);
    assert_eq!(load(&market, "ETH", Timeframe::D1).await.unwrap().bars.volume(), None);
    assert_eq!(load(&market, "DOGE", Timeframe::D1).await.unwrap_err().code, Code::NoData);
    let symbols: Vec<_> =
        market.assets().await.unwrap().into_iter().map(|asset| asset.symbol).collect();
    assert_eq!(symbols, ["BTC", "ETH"]);
    store.close().await.unwrap();
    place.drop_app().await;
}

#[tokio::test]
async fn tables_that_hold_neither_are_refused_by_name() {
    let Some(place) = Database::new().await else { return };
    place.app("CREATE SCHEMA $A; CREATE TABLE $A.market_data (id int, symbol text, price text, day date)").await;
    let (store, market) = place.market(None).await;
    let error = market.series("A").await.unwrap_err();
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
    // What was imported can be used all the same.
    market.import("A", Timeframe::M1, minutes([1], 10.0)).await.unwrap();
    assert_eq!(load(&market, "A", Timeframe::M1).await.unwrap().bars.len(), 1);
    assert_eq!(market.series("A").await.unwrap().len(), 1);
    store.close().await.unwrap();
    let (store, market) = place.market(Some("other.prices")).await;
    let error = market.series("A").await.unwrap_err();
    assert!(error.message.contains("has no table or view other.prices"), "{}", error.message);
    store.close().await.unwrap();
    place.drop_app().await;
}

#[tokio::test]
async fn a_role_that_may_only_read_prices_is_enough() {
    let Some(place) = Database::new().await else { return };
    place
        .app(
            "CREATE SCHEMA $A; CREATE TABLE $A.market_data (symbol text, ts timestamptz, price float8);
             INSERT INTO $A.market_data VALUES ('A', to_timestamp(0), 1);
             CREATE ROLE $A_role LOGIN PASSWORD 'reader'; CREATE SCHEMA $S AUTHORIZATION $A_role;
             GRANT USAGE ON SCHEMA $A TO $A_role",
        )
        .await;
    let role = format!("{}_app_role", place.schema);
    let mut address = url_of(&place.url);
    address.replace_range(..=address.find('@').unwrap(), &format!("postgresql://{role}:reader@"));
    let separator = if address.contains('?') { '&' } else { '?' };
    let url = format!("{address}{separator}schema={}_app", place.schema);
    let store = place.open_at(&url).await;
    let market = beside(&store, None, 1000);
    let error = load(&market, "A", Timeframe::M1).await.unwrap_err();
    assert!(error.message.contains("permission denied"), "{}", error.message);
    place.app("GRANT SELECT ON $A.market_data TO $A_role").await;
    assert_eq!(load(&market, "A", Timeframe::M1).await.unwrap().bars.len(), 1);
    store.create_run(crate::store::behaviour::run("bt-role")).await.unwrap();
    store.close().await.unwrap();
    place.app("DROP SCHEMA $A CASCADE; DROP SCHEMA $S CASCADE; DROP OWNED BY $A_role; DROP ROLE $A_role").await;
    place.drop_app().await;
}

/// The URL with a user, so that another can take its place.
fn url_of(url: &str) -> String {
    if url.contains('@') { url.to_owned() } else { url.replacen("://", "://x@", 1) }
}

#[tokio::test]
async fn loading_stops_at_the_server_when_nobody_waits_for_it() {
    let Some(place) = Database::new().await else { return };
    place
        .app(
            "CREATE SCHEMA $A; CREATE FUNCTION $A.slow(i int) RETURNS float8 LANGUAGE sql VOLATILE AS
               'SELECT 1::float8 FROM pg_sleep(0.05)';
             CREATE VIEW $A.market_data AS SELECT 'A'::text AS symbol, to_timestamp(i) AS ts, $A.slow(i) AS price
               FROM generate_series(1, 2000) i",
        )
        .await;
    let (store, market) = place.market(None).await;
    market.series("NONE").await.unwrap();
    let slow = load(&market, "A", Timeframe::M1);
    tokio::time::timeout(std::time::Duration::from_millis(500), slow).await.unwrap_err();
    let busy = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND query LIKE '%{}_app%market_data%' AND pid <> pg_backend_pid()",
        place.schema
    );
    let mut left = 1;
    for _ in 0..40 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        left = place.number(&busy).await;
        if left == 0 {
            break;
        }
    }
    assert_eq!(left, 0);
    store.close().await.unwrap();
    place.drop_app().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_connection_is_cut_begins_anew() {
    /// Cuts every connection once some chunks are in.
    struct Cutter(AtomicUsize, std::sync::mpsc::Sender<()>);
    impl ProgressObserver for Cutter {
        fn is_cancelled(&self) -> bool {
            if self.0.fetch_add(1, Ordering::Relaxed) == 5 {
                self.1.send(()).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(200));
            }
            false
        }
    }
    let Some(place) = Database::new().await else { return };
    let place = Arc::new(place);
    let (store, market) = place.market(None).await;
    let bars = minutes(0..20_000, 10.0);
    market.import("A", Timeframe::M1, bars.clone()).await.unwrap();
    let (cut, wait) = std::sync::mpsc::channel();
    let cutter = std::thread::spawn({
        let place = Arc::clone(&place);
        let runtime = tokio::runtime::Handle::current();
        move || {
            wait.recv().unwrap();
            runtime.block_on(place.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%$S%bars%' AND pid <> pg_backend_pid()",
            ));
        }
    });
    let market = Arc::new(market);
    let loaded = tokio::task::spawn_blocking({
        let market = Arc::clone(&market);
        let runtime = tokio::runtime::Handle::current();
        move || {
            runtime.block_on(async {
                market
                    .load(
                        "A",
                        Timeframe::M1,
                        Span::new(0, time::LIMIT),
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
    Arc::into_inner(place).unwrap().drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rows_come_no_faster_than_they_are_taken_in() {
    use std::sync::atomic::AtomicU64;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Does not go on with the first chunk until it is told to.
    struct Slow(std::sync::Mutex<Option<std::sync::mpsc::Receiver<()>>>);
    impl ProgressObserver for Slow {
        fn is_cancelled(&self) -> bool {
            if let Some(wait) = self.0.lock().unwrap().take() {
                tokio::task::block_in_place(|| wait.recv()).unwrap();
            }
            false
        }
    }
    let Some(place) = Database::new().await else { return };
    place.open().await.close().await.unwrap();
    // A way to the server that counts what comes back.
    let address = place.url.rsplit_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
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
        format!("{}?sslmode=disable", place.url.replace(&address, &format!("127.0.0.1:{port}")));
    let store = place.open_at(&url).await;
    let market = beside(&store, Some("nowhere.nothing"), 1000);
    let bars = minutes(0..50_000, 10.0);
    market.import("A", Timeframe::M1, bars.clone()).await.unwrap();
    sent.store(0, Ordering::Relaxed);
    let (go, wait) = std::sync::mpsc::channel();
    let observer = Arc::new(Slow(std::sync::Mutex::new(Some(wait))));
    let loading = tokio::spawn(async move {
        market.load("A", Timeframe::M1, Span::new(0, time::LIMIT), observer).await
    });
    // Until the server sends nothing more.
    let mut before = 0;
    for _ in 0..100 {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let now = sent.load(Ordering::Relaxed);
        if now == before && now > 0 {
            break;
        }
        before = now;
    }
    // A row takes 79 bytes: two chunks of a thousand, of fifty.
    assert!((79_000..250_000).contains(&before), "{before} bytes");
    go.send(()).unwrap();
    assert_eq!(*loading.await.unwrap().unwrap().bars, bars);
    assert!(sent.load(Ordering::Relaxed) > 50 * 79_000);
    store.close().await.unwrap();
    proxy.abort();
    place.drop().await;
}
