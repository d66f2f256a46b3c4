//! Where runs, sweeps and registered strategies are kept: the same traits and conformance suites for each database, which has
//! a folder of its own.

mod errors;
mod interface;
mod outcome_check;
pub mod postgres;
pub mod record;
pub mod result_parts;
pub mod sqlite;
mod sweep_check;
mod sweep_interface;
pub mod sweep_record;

#[cfg(test)]
pub(crate) mod conformance;
#[cfg(test)]
pub(crate) mod sweep_conformance;

#[cfg(test)]
pub(crate) use errors::{PROCESS_DIED, SWEEP_PROCESS_DIED};
pub use errors::{is_duplicate, is_ended};
pub use interface::Store;
pub use postgres::PostgresStore;
pub use record::{Filter, Outcome, Run, Status, StoredStrategy, Summary};
pub use sqlite::SqliteStore;
pub use sweep_interface::SweepStore;
pub use sweep_record::{Sweep, SweepChunk, SweepDetails, SweepEnd, SweepFilter};
