//! What the sources of bars and the store of runs share: connections to a database and the encoding of columns.

pub mod encoding;
mod errors;
pub mod postgres;
pub mod sqlite;
