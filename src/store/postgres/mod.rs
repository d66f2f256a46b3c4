//! The store in a PostgreSQL database, in a schema of its own. Several processes may use one schema at once.

mod context;
mod json;
mod lease;
mod postgres_store;
mod recent_runs;
mod results;
mod runs;
mod schema;
mod strategies;
mod sweep_columns;
mod sweep_store;
mod sweeps;

#[cfg(test)]
mod tests;

pub use postgres_store::PostgresStore;
