//! What the server and the way to it report, in words that name the database, and what is worth another attempt.

use std::error::Error as _;
use std::time::Duration;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::error::{DbError, SqlState};

use crate::error::Error;
use crate::store::sqlite::blob::Damage;

/// What a piece of work fails with: an error that is yet to be described, or one that says all.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Of the server or of a connection.
    Server(tokio_postgres::Error),
    /// Of the pool of connections.
    Pool(PoolError),
    /// What was read cannot be right.
    Damaged(Damage),
    /// Ready.
    Ready(Error),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Server(error),
            other => Self::Pool(other),
        }
    }
}

impl From<Damage> for Failure {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ready(error)
    }
}

impl Failure {
    /// Returns whether the same work may well succeed in a moment: a connection was lost, or others were in the way.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Server(error) => match error.code() {
                // pgbouncer reports all by one code: a login that it refuses as well as a server that it does not reach.
                Some(&SqlState::PROTOCOL_VIOLATION) => error.as_db_error().is_some_and(of_server),
                // Others were in the way, or the server is starting, stopping or full.
                Some(state) => {
                    state.code().starts_with("08")
                        || [
                            SqlState::ADMIN_SHUTDOWN,
                            SqlState::CRASH_SHUTDOWN,
                            SqlState::CANNOT_CONNECT_NOW,
                            SqlState::T_R_SERIALIZATION_FAILURE,
                            SqlState::T_R_DEADLOCK_DETECTED,
                            SqlState::TOO_MANY_CONNECTIONS,
                            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                            SqlState::LOCK_NOT_AVAILABLE,
                        ]
                        .contains(state)
                }
                None => error.is_closed() || lost(error),
            },
            _ => false,
        }
    }

    /// Returns whether a table or a column is not there, or the whole schema.
    pub fn is_missing_table(&self) -> bool {
        let missing =
            [SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_COLUMN, SqlState::INVALID_SCHEMA_NAME];
        matches!(self, Self::Server(error) if error.code().is_some_and(|code| missing.contains(code)))
    }

    /// Describes the failure; `place` names the database.
    pub fn describe(self, place: &str, wait: Duration) -> Error {
        let transient = self.is_transient();
        let error = match self {
            Self::Server(error) => match error.as_db_error() {
                Some(error) => by_server(place, error),
                None => Error::storage(format!("the PostgreSQL database {place} cannot be reached: {}", chain(&error))),
            },
            Self::Pool(PoolError::Timeout(TimeoutType::Wait)) => Error::storage(format!(
                "no connection to the PostgreSQL database {place} became free within {} s; raise dbPoolSize (DB_POOL_SIZE) \
                 or dbMaxOverflow (DB_MAX_OVERFLOW)",
                wait.as_secs()
            ))
            .retryable(),
            Self::Pool(PoolError::Timeout(_)) => {
                Error::storage(format!("the PostgreSQL database {place} did not answer in time")).retryable()
            }
            Self::Pool(error) => Error::storage(format!("no connection to the PostgreSQL database {place}: {error}")),
            Self::Damaged(Damage(what)) => {
                Error::storage(format!("what was read from the PostgreSQL database {place} is damaged: {what}"))
            }
            Self::Ready(error) => error,
        };
        if transient { error.retryable() } else { error }
    }
}

/// Returns whether a pooler speaks of its server, and not of the client.
fn of_server(error: &DbError) -> bool {
    ["server", "timeout", "pgbouncer"].iter().any(|word| error.message().contains(word))
}

/// Describes what the server says. Its detail is left out: it may show values of rows.
fn by_server(place: &str, error: &DbError) -> Error {
    let (state, message) = (error.code(), error.message());
    let what = match *state {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            format!("the PostgreSQL database {place} refuses the login: {message}")
        }
        SqlState::PROTOCOL_VIOLATION if !of_server(error) => {
            format!("the pooler of the PostgreSQL database {place} refuses the login: {message}")
        }
        SqlState::INSUFFICIENT_PRIVILEGE => format!(
            "the PostgreSQL database {place} refuses: {message}; docs/postgresql.md lists the permissions that are needed"
        ),
        SqlState::QUERY_CANCELED => {
            // Also when a statement is too slow because others are at work: later it may not be.
            return Error::storage(format!(
                "the PostgreSQL database {place} ended a statement: {message}"
            ))
            .retryable();
        }
        SqlState::DISK_FULL => {
            // Once there is room, the same call succeeds; trying again at once is of no use.
            return Error::storage(format!(
                "no space is left in the PostgreSQL database {place}: {message}"
            ))
            .retryable();
        }
        SqlState::UNDEFINED_TABLE | SqlState::INVALID_SCHEMA_NAME => {
            // Those of the store are made again shortly; see `super::owners`.
            return Error::storage(format!(
                "the PostgreSQL database {place} lacks a table: {message}; an engine makes its own tables again within a \
                 minute"
            ))
            .retryable();
        }
        _ => format!("the PostgreSQL database {place} failed: {message} ({})", state.code()),
    };
    Error::storage(what)
}

/// Returns whether an error without a word of the server comes of the network.
fn lost(error: &tokio_postgres::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() != std::io::ErrorKind::InvalidData)
        {
            return true;
        }
        source = error.source();
    }
    // The time to connect was up, which has no cause.
    error.to_string().starts_with("timeout") || error.to_string().contains("connecting")
}

/// Joins an error and its causes.
fn chain(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
