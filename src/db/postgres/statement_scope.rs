//! A connection for statements that do not need a transaction.

use std::ops::Deref;

use deadpool_postgres::Transaction;
use tokio_postgres::Client;

use super::failure::Failure;

/// A connection for statements that do not need a transaction.
///
/// Behind a pooler in transaction mode, it is still a transaction: only a transaction has a session of its own, and the
/// statement timeout can only be set in one.
pub(crate) enum StatementScope<'a> {
    /// Each statement commits by itself.
    Autocommit(&'a Client),
    /// A transaction; it rolls back unless [`Self::commit`] is called.
    Transaction(Transaction<'a>),
}

impl Deref for StatementScope<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        match self {
            Self::Autocommit(client) => client,
            Self::Transaction(transaction) => transaction.client(),
        }
    }
}

impl StatementScope<'_> {
    /// Commits what was written.
    pub async fn commit(self) -> Result<(), Failure> {
        match self {
            Self::Autocommit(_) => Ok(()),
            Self::Transaction(transaction) => Ok(transaction.commit().await?),
        }
    }
}
