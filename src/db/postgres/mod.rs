//! Connections to a PostgreSQL server, directly or through a pooler in transaction mode, and values of its binary protocol.

mod address;
mod connection;
mod copy;
mod failure;
mod numeric;
mod pool;
mod retry;
mod row_position;
mod settings;
mod sql;
mod statement_scope;
mod timestamp;
mod tls;
mod url;

#[cfg(test)]
mod password_tests;
#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
pub(crate) use address::Address;
pub(crate) use copy::CopyWriter;
pub(crate) use failure::Failure;
pub(crate) use numeric::NumericF64;
pub(crate) use pool::Canceller;
pub use pool::Pool;
pub(crate) use retry::{Attempts, retry};
pub(crate) use row_position::RowPosition;
pub use settings::ConnectionSettings;
pub(crate) use sql::{SqlParameter, quote_identifier};
pub(crate) use timestamp::{TimeBound, Timestamp, TimestampMicros};
