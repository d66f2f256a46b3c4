//! The one public error: a closed catalogue of codes, and every problem of a request at once.

use std::any::Any;
use std::fmt::{self, Write};
use std::sync::Arc;

use crate::quote;

/// The most issues that an error lists.
pub const MOST_ISSUES: usize = 100;

/// What went wrong, as a stable code that callers branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// A field is missing, unknown, of the wrong type or out of range; or an amount of a run overflows.
    InvalidArgument,
    /// No strategy has that id.
    UnknownStrategy,
    /// There are no bars for that asset, timeframe and range.
    NoData,
    /// Bars break an invariant, or a file of bars cannot be read.
    BadData,
    /// A configured limit is exceeded.
    LimitExceeded,
    /// No backtest has that id.
    NotFound,
    /// The database or the file system failed.
    Storage,
    /// The engine was closed.
    Closed,
    /// The caller cancelled the work; JavaScript sees an `AbortError`.
    Cancelled,
    /// A defect of this library.
    Internal,
}

impl Code {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::InvalidArgument,
        Self::UnknownStrategy,
        Self::NoData,
        Self::BadData,
        Self::LimitExceeded,
        Self::NotFound,
        Self::Storage,
        Self::Closed,
        Self::Cancelled,
        Self::Internal,
    ];

    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::UnknownStrategy => "UNKNOWN_STRATEGY",
            Self::NoData => "NO_DATA",
            Self::BadData => "BAD_DATA",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::Storage => "STORAGE",
            Self::Closed => "CLOSED",
            Self::Cancelled => "ABORT_ERR",
            Self::Internal => "INTERNAL",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One problem, at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Where: `parameters.fast_period`, `bars.close[17]`; empty for the whole request.
    pub path: String,
    /// What kind: `required`, `type`, `range`, `unknown`, `choice`, `conflict`, …
    pub code: String,
    /// What is wrong, the value found, and what is allowed.
    pub message: String,
}

impl Issue {
    /// The code of the issue that says how many more there are.
    const MORE: &'static str = "more";

    /// Creates an issue. Path and message are escaped and cut, since they may repeat what a caller gave.
    pub fn new(path: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self {
            path: quote::path(path.into()),
            code: code.to_owned(),
            message: quote::issue(message.into()),
        }
    }

    /// Creates the last issue of a list that leaves some out.
    pub(crate) fn more(count: usize) -> Self {
        let problems = if count == 1 { "problem" } else { "problems" };
        Self::new("", Self::MORE, format!("and {count} more {problems}"))
    }

    /// Returns whether this stands for issues that are left out.
    pub(crate) fn is_more(&self) -> bool {
        self.code == Self::MORE
    }
}

/// What every fallible function of the crate returns.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The kind.
    pub code: Code,
    /// What went wrong, for a person; never contains a password.
    pub message: String,
    /// Whether the same call can succeed later without a change of the request.
    pub retryable: bool,
    /// Every problem found in the request or the data; empty for failures from outside.
    pub issues: Vec<Issue>,
    /// What a function of the caller threw; only the binding that called it knows what that is.
    pub cause: Option<Arc<dyn Any + Send + Sync>>,
}

/// A result with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Creates an error without issues that is not worth retrying. The message is escaped and cut, since it may repeat what a
    /// caller gave.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let message = quote::message(message.into());
        Self { code, message, retryable: false, issues: Vec::new(), cause: None }
    }

    /// Creates an error from all the problems of a request or of data. Of more than [`MOST_ISSUES`], the rest is counted.
    pub fn with_issues(code: Code, mut issues: Vec<Issue>) -> Self {
        if let Some(left_out) = issues.len().checked_sub(MOST_ISSUES).filter(|count| *count > 0)
            && !issues.last().is_some_and(Issue::is_more)
        {
            issues.truncate(MOST_ISSUES);
            issues.push(Issue::more(left_out));
        }
        let message = match issues.as_slice() {
            [] => code.as_str().to_lowercase().replace('_', " "),
            [only] => only.message.clone(),
            [all @ .., more] if more.is_more() => {
                format!("more than {} problems: {}; {}", all.len(), joined(all), more.message)
            }
            all => format!("{} problems: {}", all.len(), joined(all)),
        };
        Self { issues, ..Self::new(code, message) }
    }

    /// Creates an `INVALID_ARGUMENT` about one field.
    pub fn invalid(path: &str, code: &str, message: impl Into<String>) -> Self {
        Self::with_issues(Code::InvalidArgument, vec![Issue::new(path, code, message)])
    }

    /// Creates a `STORAGE` error.
    pub fn storage(message: impl Into<String>) -> Self {
        Self::new(Code::Storage, message)
    }

    /// Creates an `INTERNAL` error.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Code::Internal, message)
    }

    /// Creates the error of work that its caller cancelled.
    pub fn cancelled() -> Self {
        Self::new(Code::Cancelled, "the operation was aborted")
    }

    /// Marks the error as worth retrying.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}

/// Joins the messages of issues, as many as a message has room for.
fn joined(issues: &[Issue]) -> String {
    // What comes before and after them needs some room too.
    const MOST_BYTES: usize = quote::LONGEST_MESSAGE - 200;
    let mut all = String::new();
    for (index, issue) in issues.iter().enumerate() {
        if all.len() + issue.message.len() > MOST_BYTES {
            let rest = issues.len() - index;
            let _ = write!(all, "; … ({rest} of them only in the issues)");
            break;
        }
        if index > 0 {
            all.push_str("; ");
        }
        all.push_str(&issue.message);
    }
    all
}

/// Returns the known name nearest to `name`, if it is near enough to be a slip: few letters off, or cut short.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const SHORTEST_BEGINNING: usize = 3;
    // The measure of distance takes time in the length of both, and no name is that long.
    const LONGEST_NAME: usize = 64;
    if name.len() > LONGEST_NAME {
        return None;
    }
    let lower = name.to_lowercase();
    known
        .into_iter()
        .filter_map(|candidate| {
            let known = candidate.to_lowercase();
            let distance = strsim::damerau_levenshtein(&lower, &known);
            let begins = lower.chars().count() >= SHORTEST_BEGINNING && known.starts_with(&lower);
            let (length, other) = (known.chars().count(), lower.chars().count());
            // A slip leaves a letter at its place.
            let near = distance <= length.max(3) / 3 + 1 && distance < length.max(other);
            (near || begins).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_issues_make_one_message() {
        let error = Error::with_issues(
            Code::InvalidArgument,
            vec![
                Issue::new("a", "required", "a is required"),
                Issue::new("b", "type", "b must be a number"),
            ],
        );
        assert_eq!(error.to_string(), "2 problems: a is required; b must be a number");
    }

    #[test]
    fn an_error_has_a_bound_whatever_is_wrong() {
        let issue = |index: usize| Issue::new(format!("a[{index}]"), "type", "x".repeat(3_000));
        let error = Error::with_issues(Code::InvalidArgument, (0..250).map(issue).collect());
        assert_eq!(error.issues.len(), MOST_ISSUES + 1);
        assert_eq!(error.issues[MOST_ISSUES].message, "and 150 more problems");
        assert!(error.issues.iter().all(|issue| issue.message.len() <= 2_000));
        assert!(error.message.len() <= quote::LONGEST_MESSAGE);
        assert!(error.message.starts_with("more than 100 problems: x"), "{}", error.message);
        assert!(error.message.ends_with("only in the issues); and 150 more problems"));
        assert!(Error::storage("x".repeat(1 << 20)).message.len() <= quote::LONGEST_MESSAGE);
    }

    #[test]
    fn nearest_finds_slips_only() {
        assert_eq!(nearest("sma_crosover", ["rsi", "sma_crossover"]), Some("sma_crossover"));
        assert_eq!(nearest("fastPeriod", ["fast_period", "slow_period"]), Some("fast_period"));
        assert_eq!(nearest("cacheTtl", ["cacheTtlSeconds", "chunkSize"]), Some("cacheTtlSeconds"));
        assert_eq!(nearest("banana", ["rsi", "macd"]), None);
    }
}
