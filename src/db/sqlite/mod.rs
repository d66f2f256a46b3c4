//! A file of `SQLite` that several processes may open at once.

mod connection;
mod database;
mod failure;
mod worker;

pub(crate) use connection::open_writer;
pub use database::Database;
pub(crate) use failure::{Failure, describe, describe_io};
