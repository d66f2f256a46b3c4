//! The public error type: a closed set of codes, and every problem of a request at once.

use std::any::Any;
use std::fmt::{self, Write};
use std::sync::Arc;

use crate::quote;

/// The maximum number of issues that an error lists.
pub const MAX_ISSUES: usize = 100;

/// A stable code that callers can branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// A field is missing, unknown, of the wrong type or out of range, or an amount of a run overflows.
    InvalidArgument,
    /// No strategy has this id.
    UnknownStrategy,
    /// No bars exist for this asset, timeframe and range.
    NoData,
    /// Bars violate an invariant, or a file of bars cannot be read.
    BadData,
    /// A configured limit is exceeded.
    LimitExceeded,
    /// No backtest has this id.
    NotFound,
    /// The database or the file system failed.
    Storage,
    /// The engine was closed.
    Closed,
    /// The caller cancelled the call; JavaScript receives an `AbortError`.
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

/// One problem of a request or of data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// The path of the value: `parameters.fast_period`, `bars.close[17]`; empty for the whole request.
    pub path: String,
    /// The kind of problem: `required`, `type`, `range`, `unknown`, `choice`, `conflict`, …
    pub code: String,
    /// The problem, the value found, and what is allowed.
    pub message: String,
}

impl Issue {
    /// The code of the issue that counts unlisted ones.
    const MORE: &'static str = "more";

    /// Creates an issue. Its path and message may contain text of the caller, so they are escaped and truncated.
    pub fn new(path: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self {
            path: quote::path(path.into()),
            code: code.to_owned(),
            message: quote::issue(message.into()),
        }
    }

    /// Creates the last issue of a list, which counts the unlisted ones.
    pub(crate) fn more(count: usize) -> Self {
        Self::new("", Self::MORE, format!("and {}", quote::counted(count, "more problem")))
    }

    /// Returns whether this issue counts unlisted ones.
    pub(crate) fn is_more(&self) -> bool {
        self.code == Self::MORE
    }
}

/// The error type of the crate.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The code.
    pub code: Code,
    /// A message for people; never contains a password.
    pub message: String,
    /// Whether the same call can succeed later without a change to the request.
    pub retryable: bool,
    /// Every problem found in the request or the data; empty for other failures.
    pub issues: Vec<Issue>,
    /// The value that a function of the caller threw. Only the binding that called it knows its type.
    pub cause: Option<Arc<dyn Any + Send + Sync>>,
}

/// A result with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Creates an error without issues that is not retryable. The message may contain text of the caller, so it is escaped
    /// and truncated.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let message = quote::message(message.into());
        Self { code, message, retryable: false, issues: Vec::new(), cause: None }
    }

    /// Creates an error from all problems of a request or of data. Problems beyond [`MAX_ISSUES`] are counted.
    pub fn with_issues(code: Code, mut issues: Vec<Issue>) -> Self {
        if let Some(left_out) = issues.len().checked_sub(MAX_ISSUES).filter(|count| *count > 0)
            && !issues.last().is_some_and(Issue::is_more)
        {
            issues.truncate(MAX_ISSUES);
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

    /// Creates a `BAD_DATA` error with one issue.
    pub fn bad_data(path: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self::with_issues(Code::BadData, vec![Issue::new(path, code, message)])
    }

    /// Creates a `STORAGE` error.
    pub fn storage(message: impl Into<String>) -> Self {
        Self::new(Code::Storage, message)
    }

    /// Creates an `INTERNAL` error.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Code::Internal, message)
    }

    /// Creates the error of a call that its caller cancelled.
    pub fn cancelled() -> Self {
        Self::new(Code::Cancelled, "the operation was aborted")
    }

    /// Marks the error as retryable.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}

/// Joins the messages of issues until the maximum length of a message is reached.
fn joined(issues: &[Issue]) -> String {
    // Leaves space for the text before and after the messages.
    const MOST_BYTES: usize = quote::MAX_MESSAGE_BYTES - 200;
    let mut all = String::new();
    for (index, issue) in issues.iter().enumerate() {
        if all.len() + issue.message.len() > MOST_BYTES {
            let rest = issues.len() - index;
            let _ = write!(all, "; … ({rest} more in the issues)");
            break;
        }
        if index > 0 {
            all.push_str("; ");
        }
        all.push_str(&issue.message);
    }
    all
}

/// Returns the known name nearest to `name` if `name` looks like a typo of it: a few letters off, or truncated.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const MIN_PREFIX: usize = 3;
    // The distance takes time in the length of both names, and no name is this long.
    const MAX_NAME_LENGTH: usize = 64;
    if name.len() > MAX_NAME_LENGTH {
        return None;
    }
    let lower = name.to_lowercase();
    known
        .into_iter()
        .filter_map(|candidate| {
            let known = candidate.to_lowercase();
            let distance = strsim::damerau_levenshtein(&lower, &known);
            let begins = lower.chars().count() >= MIN_PREFIX && known.starts_with(&lower);
            let (length, other) = (known.chars().count(), lower.chars().count());
            // A typo leaves at least one letter in place.
            let is_similar = distance <= length.max(3) / 3 + 1 && distance < length.max(other);
            (is_similar || begins).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the end of a message about an unknown name that is no typo: the known names, or the nearest of them if they are many.
pub fn known_names(kind: &str, name: &str, known: &[&str]) -> String {
    const MAX_LISTED: usize = 12;
    const NEAREST: usize = 5;
    if known.len() <= MAX_LISTED {
        return format!("; known {kind}: {}", known.join(", "));
    }
    // As in `nearest`, the distance takes time in the length of both names.
    let start: String = name.to_lowercase().chars().take(64).collect();
    let mut sorted = known.to_vec();
    sorted.sort_by_cached_key(|known| strsim::damerau_levenshtein(&start, &known.to_lowercase()));
    sorted.truncate(NEAREST);
    format!("; the nearest of the {} known {kind}: {}", known.len(), sorted.join(", "))
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
    fn the_size_of_an_error_is_bounded() {
        let issue = |index: usize| Issue::new(format!("a[{index}]"), "type", "x".repeat(3_000));
        let error = Error::with_issues(Code::InvalidArgument, (0..250).map(issue).collect());
        assert_eq!(error.issues.len(), MAX_ISSUES + 1);
        assert_eq!(error.issues[MAX_ISSUES].message, "and 150 more problems");
        assert!(error.issues.iter().all(|issue| issue.message.len() <= 2_000));
        assert!(error.message.len() <= quote::MAX_MESSAGE_BYTES);
        assert!(error.message.starts_with("more than 100 problems: x"), "{}", error.message);
        assert!(error.message.ends_with("more in the issues); and 150 more problems"));
        assert!(Error::storage("x".repeat(1 << 20)).message.len() <= quote::MAX_MESSAGE_BYTES);
    }

    #[test]
    fn at_most_a_dozen_names_are_listed() {
        assert_eq!(known_names("fields", "x", &["a", "b"]), "; known fields: a, b");
        let names: Vec<String> = (10..40).map(|number| format!("name{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(
            known_names("metrics", "nam3", &names),
            "; the nearest of the 30 known metrics: name13, name23, name30, name31, name32"
        );
        assert!(known_names("metrics", &"é".repeat(1 << 20), &names).len() < 100);
    }

    #[test]
    fn nearest_finds_typos_only() {
        assert_eq!(nearest("sma_crosover", ["rsi", "sma_crossover"]), Some("sma_crossover"));
        assert_eq!(nearest("fastPeriod", ["fast_period", "slow_period"]), Some("fast_period"));
        assert_eq!(nearest("cacheTtl", ["cacheTtlSeconds", "chunkSize"]), Some("cacheTtlSeconds"));
        assert_eq!(nearest("banana", ["rsi", "macd"]), None);
    }
}
