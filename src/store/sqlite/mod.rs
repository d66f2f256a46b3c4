//! The embedded store: a file of `SQLite` with a write-ahead log. Several processes may use one file at once.

mod json;
mod lease;
mod results;
mod runs;
mod schema;
mod sqlite_store;
mod strategies;
mod sweep_columns;
mod sweep_store;
mod sweeps;

#[cfg(test)]
mod tests;

pub use sqlite_store::SqliteStore;
