//! Enumerations.

use napi_derive::napi;

/// Stable code of a `BacktestError`. An aborted call rejects with an `AbortError` (code `ABORT_ERR`) instead.
#[napi(string_enum)]
#[derive(Debug)]
pub enum ErrorCode {
    /// A field is missing, of the wrong type, out of range or unknown; `issues` lists all of them.
    #[napi(value = "INVALID_ARGUMENT")]
    InvalidArgument,
    /// No strategy has this id; the message suggests known ids.
    #[napi(value = "UNKNOWN_STRATEGY")]
    UnknownStrategy,
    /// No bars exist for this asset, timeframe and range; the message lists what is available.
    #[napi(value = "NO_DATA")]
    NoData,
    /// Bars violate an invariant, or a file of bars cannot be read.
    #[napi(value = "BAD_DATA")]
    BadData,
    /// A configured limit is exceeded; the message states the limit and the value.
    #[napi(value = "LIMIT_EXCEEDED")]
    LimitExceeded,
    /// No backtest has this id.
    #[napi(value = "NOT_FOUND")]
    NotFound,
    /// The database or the file system failed; `retryable` says whether a retry can help.
    #[napi(value = "STORAGE")]
    Storage,
    /// The engine was closed.
    #[napi(value = "CLOSED")]
    Closed,
    /// A defect of this package.
    #[napi(value = "INTERNAL")]
    Internal,
}

/// Length of a bar. Days begin at midnight UTC, weeks on Monday.
#[napi(string_enum)]
#[derive(Debug)]
pub enum Timeframe {
    /// One minute.
    #[napi(value = "1m")]
    M1,
    /// Three minutes.
    #[napi(value = "3m")]
    M3,
    /// Five minutes.
    #[napi(value = "5m")]
    M5,
    /// Fifteen minutes.
    #[napi(value = "15m")]
    M15,
    /// Thirty minutes.
    #[napi(value = "30m")]
    M30,
    /// One hour.
    #[napi(value = "1h")]
    H1,
    /// Two hours.
    #[napi(value = "2h")]
    H2,
    /// Four hours.
    #[napi(value = "4h")]
    H4,
    /// Six hours.
    #[napi(value = "6h")]
    H6,
    /// Eight hours.
    #[napi(value = "8h")]
    H8,
    /// Twelve hours.
    #[napi(value = "12h")]
    H12,
    /// One day.
    #[napi(value = "1d")]
    D1,
    /// One week.
    #[napi(value = "1w")]
    W1,
}

/// Status of a backtest.
#[napi(string_enum)]
#[derive(Debug)]
pub enum BacktestStatus {
    /// Queued.
    #[napi(value = "pending")]
    Pending,
    /// Running.
    #[napi(value = "running")]
    Running,
    /// Completed, with results.
    #[napi(value = "completed")]
    Completed,
    /// Failed with an error.
    #[napi(value = "failed")]
    Failed,
    /// Cancelled by its caller, or because its engine was closed.
    #[napi(value = "cancelled")]
    Cancelled,
}

/// The imported bars of a stored backtest, compared with those that it was computed on.
#[napi(string_enum)]
#[derive(Debug)]
pub enum BarsStatus {
    /// The same.
    #[napi(value = "present")]
    Present,
    /// Some were replaced, added or deleted.
    #[napi(value = "changed")]
    Changed,
    /// None are left.
    #[napi(value = "gone")]
    Gone,
}
