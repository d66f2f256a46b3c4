//! Parts of SQL statements.

use tokio_postgres::types::{ToSql, Type};

/// A value of a statement and its type.
pub(crate) type SqlParameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// Writes a name as an SQL identifier.
pub(crate) fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
