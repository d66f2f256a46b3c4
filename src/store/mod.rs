//! Where runs and registered strategies are kept: one trait, one folder per database, one conformance suite for all.

mod errors;
mod interface;
mod outcome_check;
pub mod postgres;
pub mod record;
pub mod result_parts;
pub mod sqlite;

#[cfg(test)]
pub(crate) mod conformance;

#[cfg(test)]
pub(crate) use errors::PROCESS_DIED;
pub use errors::{is_duplicate, is_ended};
pub use interface::Store;
pub use postgres::PostgresStore;
pub use record::{Filter, Outcome, Run, Status, StoredStrategy, Summary};
pub use sqlite::SqliteStore;
