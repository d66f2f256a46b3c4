//! What the sources of bars ([`crate::data`]) and the store of runs ([`crate::store`]) share: connections to a database and
//! the encoding of columns.

pub mod encoding;
mod errors;
pub mod postgres;
pub mod sqlite;
