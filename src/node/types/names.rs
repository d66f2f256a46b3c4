//! Closed sets of names.

use napi_derive::napi;

/// What went wrong, as a stable code. A cancelled promise rejects with an `AbortError` (code `ABORT_ERR`) instead.
#[napi(string_enum)]
#[derive(Debug)]
pub enum ErrorCode {
    /// A field is missing, of the wrong type, out of range or unknown; `issues` lists all of them.
    #[napi(value = "INVALID_ARGUMENT")]
    InvalidArgument,
    /// No strategy has that id; the message names the nearest known ids.
    #[napi(value = "UNKNOWN_STRATEGY")]
    UnknownStrategy,
    /// No bars for that asset, timeframe and range; the message says what there is.
    #[napi(value = "NO_DATA")]
    NoData,
    /// Bars break an invariant, or a file of bars cannot be read.
    #[napi(value = "BAD_DATA")]
    BadData,
    /// One of the configured limits; the message says which, the value and the limit.
    #[napi(value = "LIMIT_EXCEEDED")]
    LimitExceeded,
    /// No backtest with that id.
    #[napi(value = "NOT_FOUND")]
    NotFound,
    /// Database or file system; `retryable` says whether trying again can help.
    #[napi(value = "STORAGE")]
    Storage,
    /// The engine was closed.
    #[napi(value = "CLOSED")]
    Closed,
    /// A defect of this package.
    #[napi(value = "INTERNAL")]
    Internal,
}

/// The length of a bar. Days begin at UTC midnight, weeks on Monday.
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
    /// A quarter of an hour.
    #[napi(value = "15m")]
    M15,
    /// Half an hour.
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

/// How far a backtest has come.
#[napi(string_enum)]
#[derive(Debug)]
pub enum BacktestStatus {
    /// Waiting for its turn.
    #[napi(value = "pending")]
    Pending,
    /// Being computed.
    #[napi(value = "running")]
    Running,
    /// CompletedRun, with results.
    #[napi(value = "completed")]
    Completed,
    /// Ended by an error.
    #[napi(value = "failed")]
    Failed,
    /// Ended by its caller.
    #[napi(value = "cancelled")]
    Cancelled,
}
