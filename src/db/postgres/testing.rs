//! A schema of its own for each test, on the server that `TEST_DATABASE_URL` names; `npm test` starts one.

use std::env;

use super::address::Address;
use super::pool::Pool;
use super::settings::ConnectionSettings;

/// A schema for one test.
pub(crate) struct TestSchema {
    /// The URL of the database.
    pub url: String,
    /// The name of the schema. It does not exist yet.
    pub name: String,
    client: tokio_postgres::Client,
}

impl TestSchema {
    /// Connects to the server; returns `None` if there is none, which CI does not accept.
    pub async fn new() -> Option<Self> {
        let Ok(url) = env::var("TEST_DATABASE_URL") else {
            assert!(env::var("CI").is_err(), "TEST_DATABASE_URL must name a PostgreSQL database");
            return None;
        };
        let (client, _) = pool(&url).await.connect().await.unwrap();
        Some(Self { url, name: format!("bt_{}", uuid::Uuid::new_v4().simple()), client })
    }

    /// Returns the URL with another parameter.
    pub fn with(&self, parameter: &str) -> String {
        format!("{}{}{parameter}", self.url, if self.url.contains('?') { '&' } else { '?' })
    }

    /// Returns the URL of a pooler in transaction mode, which `npm test` starts; `None` if there is none, which CI does not
    /// accept.
    pub fn pooled() -> Option<String> {
        let Ok(pooler) = env::var("TEST_PGBOUNCER_URL") else {
            let reason = env::var("TEST_PGBOUNCER_MISSING").unwrap_or_default();
            assert!(env::var("CI").is_err(), "TEST_PGBOUNCER_URL must name a pgbouncer: {reason}");
            return None;
        };
        Some(pooler)
    }

    /// Executes statements; `$S` stands for the schema.
    pub async fn sql(&self, sql: &str) {
        self.client.batch_execute(&sql.replace("$S", &self.name)).await.unwrap();
    }

    /// Returns the only value of a query; `$S` stands for the schema.
    pub async fn number(&self, sql: &str) -> i64 {
        self.client.query_typed_one(&sql.replace("$S", &self.name), &[]).await.unwrap().get(0)
    }

    /// Drops the schema.
    pub async fn drop(self) {
        self.sql("SET client_min_messages = warning; DROP SCHEMA IF EXISTS $S CASCADE").await;
    }
}

/// Returns the settings of a URL.
pub(crate) fn settings(url: &str, size: u32, overflow: u32) -> ConnectionSettings {
    ConnectionSettings::new("databaseUrl", url, size, overflow).unwrap()
}

/// Opens a pool of one connection.
pub(crate) async fn pool(url: &str) -> Pool {
    Pool::open(Address::parse("databaseUrl", url).unwrap(), 1, 0).await.unwrap()
}
