//! What the server, the connection and the pool report, as errors that name the database, and which of them are transient.

use deadpool_postgres::{PoolError, TimeoutType};
use std::error::Error as _;
use std::io::ErrorKind;
use tokio_postgres::error::{DbError, SqlState};

use super::address::Address;
use crate::db::encoding::Damage;
use crate::error::Error;

/// Why work on the database failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error of the server or the connection.
    Server(tokio_postgres::Error),
    /// An error of the connection pool.
    Pool(PoolError),
    /// Stored data cannot be right.
    Damaged(Damage),
    /// The error is complete.
    Complete(Error),
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
        Self::Complete(error)
    }
}

impl Failure {
    /// Returns whether the same work may soon succeed: the connection was lost, or other work interfered.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Server(error) => match error.code() {
                // pgbouncer reports a refused login and an unreachable server by the same code.
                Some(&SqlState::PROTOCOL_VIOLATION) => {
                    error.as_db_error().is_some_and(is_about_server)
                }
                // Other work interfered, or the server is starting, stopping or at its limit of connections.
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
                None => error.is_closed() || is_connection_lost(error),
            },
            _ => false,
        }
    }

    /// Returns whether a table, a column or the schema does not exist.
    pub fn is_missing_table(&self) -> bool {
        let missing =
            [SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_COLUMN, SqlState::INVALID_SCHEMA_NAME];
        matches!(self, Self::Server(error) if error.code().is_some_and(|code| missing.contains(code)))
    }

    /// Turns the failure into an error that names the database. It contains no part of the password.
    pub fn describe(self, address: &Address) -> Error {
        let transient = self.is_transient();
        let database = address.location();
        let error = match self {
            Self::Server(error) => match error.as_db_error() {
                Some(error) => {
                    let message = address.without_secret_user(error.message());
                    describe_server_error(&database, error, &message)
                }
                None if is_unknown_host(&error) => Error::storage(format!(
                    "a host in {} was not found: {}; it is not named here because it may be part of a password whose special \
                     characters are not percent-encoded, in JavaScript with encodeURIComponent(password)",
                    address.setting(),
                    chain(&error)
                )),
                None => Error::storage(format!("the PostgreSQL database {database} cannot be reached: {}", chain(&error))),
            },
            Self::Pool(PoolError::Timeout(TimeoutType::Wait)) => Error::storage(format!(
                "no connection to the PostgreSQL database {database} became free within {} s; increase dbPoolSize (DB_POOL_SIZE) \
                 or dbMaxOverflow (DB_MAX_OVERFLOW)",
                address.pool_timeout.as_secs()
            ))
            .retryable(),
            Self::Pool(PoolError::Timeout(_)) => {
                Error::storage(format!("the PostgreSQL database {database} did not answer in time")).retryable()
            }
            Self::Pool(error) => Error::storage(format!("no connection to the PostgreSQL database {database}: {error}")),
            Self::Damaged(Damage(what)) => {
                Error::storage(format!("what was read from the PostgreSQL database {database} is damaged: {what}"))
            }
            Self::Complete(error) => error,
        };
        if transient { error.retryable() } else { error }
    }
}

/// Returns whether an error of a pooler is about its server rather than the client.
fn is_about_server(error: &DbError) -> bool {
    ["server", "timeout", "pgbouncer"].iter().any(|word| error.message().contains(word))
}

/// Describes an error of the server by its message as it may be shown. The detail is omitted because it may contain values
/// of rows.
fn describe_server_error(database: &str, error: &DbError, message: &str) -> Error {
    let state = error.code();
    let what = match *state {
        SqlState::INVALID_PASSWORD => format!(
            "the PostgreSQL database {database} rejects the login: {message}; special characters of the password must be \
             percent-encoded in the URL"
        ),
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            format!("the PostgreSQL database {database} rejects the login: {message}")
        }
        SqlState::PROTOCOL_VIOLATION if !is_about_server(error) => {
            format!("the pooler of the PostgreSQL database {database} rejects the login: {message}")
        }
        SqlState::INSUFFICIENT_PRIVILEGE => format!(
            "the PostgreSQL database {database} denies access: {message}; docs/postgresql.md lists the required permissions"
        ),
        SqlState::QUERY_CANCELED => {
            // The statement timed out or was cancelled; it may be faster when the server is less busy.
            return Error::storage(format!(
                "the PostgreSQL database {database} cancelled a statement: {message}"
            ))
            .retryable();
        }
        SqlState::DISK_FULL => {
            // An immediate retry would fail again, but the call succeeds once space is free.
            return Error::storage(format!(
                "no space is left in the PostgreSQL database {database}: {message}"
            ))
            .retryable();
        }
        SqlState::UNDEFINED_TABLE | SqlState::INVALID_SCHEMA_NAME => {
            // The lease of an engine creates missing tables of the store again.
            return Error::storage(format!(
                "the PostgreSQL database {database} lacks a table: {message}; an engine creates its own tables again within \
                 a minute"
            ))
            .retryable();
        }
        _ => format!("the PostgreSQL database {database} failed: {message} ({})", state.code()),
    };
    Error::storage(what)
}

/// Returns whether an error that the server did not report is a network error.
fn is_connection_lost(error: &tokio_postgres::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() != ErrorKind::InvalidData)
        {
            return true;
        }
        source = error.source();
    }
    // A connection attempt that timed out has no source.
    error.to_string().starts_with("timeout") || error.to_string().contains("connecting")
}

/// Returns whether a connection failed before its host had an address. Until then, it may not be a host.
fn is_unknown_host(error: &tokio_postgres::Error) -> bool {
    // A failed lookup has a kind of its own on each system.
    const AFTER_LOOKUP: [ErrorKind; 10] = [
        ErrorKind::AddrNotAvailable,
        ErrorKind::ConnectionAborted,
        ErrorKind::ConnectionRefused,
        ErrorKind::ConnectionReset,
        ErrorKind::HostUnreachable,
        ErrorKind::NetworkDown,
        ErrorKind::NetworkUnreachable,
        ErrorKind::NotFound,
        ErrorKind::PermissionDenied,
        ErrorKind::TimedOut,
    ];
    let cause = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
    error.to_string().contains("connecting")
        && cause.is_some_and(|cause| !AFTER_LOOKUP.contains(&cause.kind()))
}

/// Joins the messages of an error and its sources.
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
