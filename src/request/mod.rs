//! Untyped input, read with every problem noted: missing, unknown and mistyped fields are found in one go.
//!
//! Conversions of a foreign-function layer are not validation (there, 1.7 becomes 1 and an unknown key vanishes), so
//! requests cross it as [`Input`] trees and are checked here, for JavaScript and JSON alike.

use crate::error::{Code, Error, Issue, MOST_ISSUES, Result, nearest};
use crate::market::{Bars, Column, Timestamps};
use crate::quote::{self, quoted};
use crate::signals::Bits;

/// A value as a caller gave it.
#[derive(Debug, Clone)]
pub enum Input {
    /// `null` or `undefined`: the same as a field that is not there.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number; NaN and infinities included.
    Number(f64),
    /// A string.
    Text(String),
    /// A `Date`, in UTC milliseconds; NaN for an invalid date.
    Date(f64),
    /// An array.
    List(Vec<Input>),
    /// An object, in the order of its keys.
    Record(Vec<(String, Input)>),
    /// An object that is sound bars and nothing else.
    Bars(Bars),
    /// A `Float64Array`.
    Floats(Column),
    /// A `Float64Array` whose values are all finite and above 0.
    Prices(Column),
    /// A `Float64Array` of sound timestamps.
    Timestamps(Timestamps),
    /// A `Uint8Array` or `Buffer`.
    Bytes(Vec<u8>),
    /// A `Uint8Array` of zeros and ones.
    Bits(Bits),
    /// An array of numbers.
    Numbers(Column),
    /// An array of zeros and ones, or of booleans.
    Flags(Bits),
    /// An array, read as a column up to an item that does not belong into it.
    Mixed(Box<Mixed>),
    /// Anything else, by its type's name.
    Other(String),
}

/// An array of which one item is no number, or no signal.
#[derive(Debug, Clone)]
pub struct Mixed {
    /// How many items the array has.
    pub length: usize,
    /// The place of the first such item.
    pub index: usize,
    /// The item.
    pub item: Input,
}

impl Input {
    /// Names the kind of value and shows it, for messages: `number 1.7`, `string "x"`.
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Bool(value) => format!("boolean {value}"),
            Self::Number(value) => format!("number {value}"),
            Self::Text(value) => format!("string {}", quoted(value)),
            Self::Date(_) => "a Date".into(),
            Self::List(items) => format!("an array of {} items", items.len()),
            Self::Record(_) | Self::Bars(_) => "an object".into(),
            Self::Floats(values) | Self::Prices(values) => {
                format!("a Float64Array of {} items", values.len())
            }
            Self::Timestamps(timestamps) => {
                format!("a Float64Array of {} items", timestamps.values.len())
            }
            Self::Bytes(bytes) => format!("a Uint8Array of {} bytes", bytes.len()),
            Self::Bits(bits) => format!("a Uint8Array of {} bytes", bits.len()),
            Self::Numbers(values) => format!("an array of {} items", values.len()),
            Self::Flags(bits) => format!("an array of {} items", bits.len()),
            Self::Mixed(mixed) => format!("an array of {} items", mixed.length),
            Self::Other(kind) => format!("a {kind}"),
        }
    }

    /// Returns the input as JSON; what JSON lacks becomes `null`.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            // Of bars and broken columns there is no JSON: whoever wants some asks for them.
            Self::Null | Self::Other(_) | Self::Bars(_) | Self::Mixed(_) => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(value) | Self::Date(value) => json_number(*value),
            Self::Text(value) => Value::String(value.clone()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Self::Record(fields) => Value::Object(
                fields.iter().map(|(key, value)| (key.clone(), value.to_json())).collect(),
            ),
            Self::Floats(values) | Self::Prices(values) | Self::Numbers(values) => {
                Value::Array(values.iter().map(|value| json_number(*value)).collect())
            }
            Self::Timestamps(timestamps) => Value::Array(
                timestamps.values.iter().map(|timestamp| Value::from(*timestamp)).collect(),
            ),
            Self::Bytes(bytes) => {
                Value::Array(bytes.iter().map(|byte| Value::from(*byte)).collect())
            }
            Self::Bits(bits) | Self::Flags(bits) => Value::Array(
                (0..bits.len()).map(|bar| Value::from(u8::from(bits.get(bar)))).collect(),
            ),
        }
    }
}

impl From<serde_json::Value> for Input {
    fn from(value: serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(value) => Self::Number(value.as_f64().unwrap_or(f64::NAN)),
            Value::String(value) => Self::Text(value),
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(fields) => Self::Record(
                fields.into_iter().map(|(key, value)| (key, Self::from(value))).collect(),
            ),
        }
    }
}

/// Returns a JSON number: an integer where the value is whole, `null` where JSON has no number for it.
pub fn json_number(value: f64) -> serde_json::Value {
    #[expect(clippy::cast_possible_truncation, reason = "guarded by the range check")]
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        return serde_json::Value::from(value as i64);
    }
    serde_json::Number::from_f64(value).map_or(serde_json::Value::Null, serde_json::Value::Number)
}

/// The problems found so far: the first [`MOST_ISSUES`] of them, and how many more there are.
#[derive(Debug, Default)]
pub struct Issues {
    listed: Vec<Issue>,
    more: usize,
}

impl Issues {
    /// Notes a problem.
    pub fn add(&mut self, path: impl Into<String>, code: &str, message: impl Into<String>) {
        if self.is_full() {
            self.more += 1;
        } else {
            self.listed.push(Issue::new(path, code, message));
        }
    }

    /// Notes a problem whose message costs something to make: it is made only if it is listed.
    pub fn add_with(&mut self, code: &str, describe: impl FnOnce() -> (String, String)) {
        if self.is_full() {
            self.more += 1;
        } else {
            let (path, message) = describe();
            self.listed.push(Issue::new(path, code, message));
        }
    }

    /// Notes problems found elsewhere.
    pub fn extend(&mut self, issues: impl IntoIterator<Item = Issue>) {
        for issue in issues {
            if self.is_full() {
                self.more += 1;
            } else {
                self.listed.push(issue);
            }
        }
    }

    /// Notes the problems of another list.
    pub fn append(&mut self, other: Self) {
        self.extend(other.listed);
        self.more += other.more;
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// Returns the problems that are listed.
    pub fn listed(&self) -> &[Issue] {
        &self.listed
    }

    /// Returns whether further problems are counted and not listed.
    fn is_full(&self) -> bool {
        self.listed.len() >= MOST_ISSUES
    }

    /// Returns the list; its last issue says how many are left out, if any are.
    pub fn into_vec(self) -> Vec<Issue> {
        let mut issues = self.listed;
        if self.more > 0 {
            issues.push(Issue::more(self.more));
        }
        issues
    }

    /// Returns an error with all problems, or nothing where there are none.
    ///
    /// # Errors
    /// With `code`, if any problem was noted.
    pub fn into_result(self, code: Code) -> Result<()> {
        if self.is_empty() { Ok(()) } else { Err(Error::with_issues(code, self.into_vec())) }
    }
}

/// What numbers a field allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    minimum: f64,
    maximum: f64,
    minimum_excluded: bool,
    infinite: bool,
}

impl Range {
    /// Any finite number.
    pub const ANY: Self = Self {
        minimum: f64::NEG_INFINITY,
        maximum: f64::INFINITY,
        minimum_excluded: false,
        infinite: false,
    };
    /// A finite number above 0.
    pub const POSITIVE: Self = Self { minimum: 0.0, minimum_excluded: true, ..Self::ANY };
    /// A finite number, 0 or above.
    pub const NOT_NEGATIVE: Self = Self { minimum: 0.0, ..Self::ANY };

    /// A finite number between two bounds, both allowed.
    pub const fn between(minimum: f64, maximum: f64) -> Self {
        Self { minimum, maximum, ..Self::ANY }
    }

    /// The same range, its lower bound excluded.
    #[must_use]
    pub const fn above(mut self) -> Self {
        self.minimum_excluded = true;
        self
    }

    /// The same range, with positive infinity allowed.
    #[must_use]
    pub const fn or_infinite(mut self) -> Self {
        self.infinite = true;
        self
    }

    /// Returns whether a value is allowed.
    pub fn allows(&self, value: f64) -> bool {
        if value == f64::INFINITY {
            return self.infinite;
        }
        value.is_finite()
            && value <= self.maximum
            && (if self.minimum_excluded { value > self.minimum } else { value >= self.minimum })
    }

    /// Says in words what is allowed: `above 0`, `between 2 and 500`.
    pub fn describe(&self) -> String {
        let words =
            match (self.minimum.is_finite(), self.maximum.is_finite(), self.minimum_excluded) {
                (true, true, false) => format!("between {} and {}", self.minimum, self.maximum),
                (true, true, true) => {
                    format!("above {} and at most {}", self.minimum, self.maximum)
                }
                (true, false, false) => format!("at least {}", self.minimum),
                (true, false, true) => format!("above {}", self.minimum),
                (false, true, _) => format!("at most {}", self.maximum),
                (false, false, _) => "a finite number".into(),
            };
        if self.infinite { format!("{words}, or Infinity") } else { words }
    }
}

/// The fields of one object, each read once; [`Fields::finish`] names those that nobody asked for.
#[derive(Debug)]
pub struct Fields<'a> {
    path: String,
    entries: &'a [(String, Input)],
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Opens an object; anything else is a `type` issue and reads as an empty object.
    pub fn open(path: &str, input: &'a Input, issues: &mut Issues) -> Self {
        let entries: &'a [(String, Input)] = match input {
            Input::Record(entries) => entries,
            other => {
                let name = if path.is_empty() { "the request" } else { path };
                issues.add(
                    path,
                    "type",
                    format!("{name} must be an object, was {}", other.describe()),
                );
                &[]
            }
        };
        Self { path: path.to_owned(), entries, known: Vec::new() }
    }

    /// Returns the path of a field of this object.
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Returns a field as it is; `null` is the same as absent.
    pub fn take(&mut self, name: &'static str) -> Option<&'a Input> {
        self.known.push(name);
        self.entries
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
            .filter(|value| !matches!(value, Input::Null))
    }

    /// Notes that a required field is missing.
    pub fn missing(&self, name: &str, issues: &mut Issues) {
        let path = self.path(name);
        issues.add(path.clone(), "required", format!("{path} is required"));
    }

    fn mistyped(&self, name: &str, expected: &str, found: &Input, issues: &mut Issues) {
        let path = self.path(name);
        issues.add(
            path.clone(),
            "type",
            format!("{path} must be {expected}, was {}", found.describe()),
        );
    }

    /// Reads a string that is not empty.
    pub fn text(&mut self, name: &'static str, issues: &mut Issues) -> Option<String> {
        match self.take(name)? {
            Input::Text(value) if value.trim().is_empty() => {
                let path = self.path(name);
                issues.add(path.clone(), "range", format!("{path} must not be empty"));
                None
            }
            Input::Text(value) => Some(value.clone()),
            other => {
                self.mistyped(name, "a string", other, issues);
                None
            }
        }
    }

    /// Reads a string that must be there.
    pub fn required_text(&mut self, name: &'static str, issues: &mut Issues) -> Option<String> {
        if self.take(name).is_none() {
            self.missing(name, issues);
            return None;
        }
        self.text(name, issues)
    }

    /// Reads a number within a range.
    pub fn number(&mut self, name: &'static str, range: Range, issues: &mut Issues) -> Option<f64> {
        match self.take(name)? {
            Input::Number(value) if range.allows(*value) => Some(*value),
            Input::Number(value) => {
                let path = self.path(name);
                issues.add(
                    path.clone(),
                    "range",
                    format!("{path} must be {}, was {value}", range.describe()),
                );
                None
            }
            other => {
                self.mistyped(name, "a number", other, issues);
                None
            }
        }
    }

    /// Reads a number that must be there.
    pub fn required_number(
        &mut self,
        name: &'static str,
        range: Range,
        issues: &mut Issues,
    ) -> Option<f64> {
        if self.take(name).is_none() {
            self.missing(name, issues);
            return None;
        }
        self.number(name, range, issues)
    }

    /// Reads a whole number within a range.
    pub fn integer(
        &mut self,
        name: &'static str,
        range: Range,
        issues: &mut Issues,
    ) -> Option<u64> {
        let value = self.number(name, range, issues)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be whole and not negative"
        )]
        if value.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&value) {
            return Some(value as u64);
        }
        let path = self.path(name);
        issues.add(path.clone(), "type", format!("{path} must be a whole number, was {value}"));
        None
    }

    /// Reads a boolean.
    pub fn boolean(&mut self, name: &'static str, issues: &mut Issues) -> Option<bool> {
        match self.take(name)? {
            Input::Bool(value) => Some(*value),
            other => {
                self.mistyped(name, "a boolean", other, issues);
                None
            }
        }
    }

    /// Reads one of several named choices.
    pub fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        choices: &[(&'static str, T)],
        issues: &mut Issues,
    ) -> Option<T> {
        let found = self.take(name)?;
        self.choose(name, found, choices, issues)
    }

    fn choose<T: Copy>(
        &self,
        name: &str,
        found: &Input,
        choices: &[(&'static str, T)],
        issues: &mut Issues,
    ) -> Option<T> {
        if let Input::Text(value) = found
            && let Some((_, choice)) = choices.iter().find(|(name, _)| name == value)
        {
            return Some(*choice);
        }
        let path = self.path(name);
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        issues.add(
            path.clone(),
            "choice",
            format!("{path} must be one of {}, was {}", names.join(", "), found.describe()),
        );
        None
    }

    /// Reads one of several names.
    pub fn name(
        &mut self,
        name: &'static str,
        names: &[&'static str],
        issues: &mut Issues,
    ) -> Option<&'static str> {
        let found = self.take(name)?;
        let choices: Vec<_> = names.iter().map(|name| (*name, *name)).collect();
        self.choose(name, found, &choices, issues)
    }

    /// Reads a timestamp: an ISO 8601 string or a `Date`; a date alone is UTC midnight. Returns UTC milliseconds.
    pub fn timestamp(&mut self, name: &'static str, issues: &mut Issues) -> Option<i64> {
        let found = self.take(name)?;
        let parsed = match found {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "dates of JavaScript lie within ±8.64e15 ms"
            )]
            Input::Date(value) if value.is_finite() => Some(*value as i64),
            Input::Text(text) => crate::market::time::parse(text),
            _ => None,
        };
        if parsed.is_none() {
            let path = self.path(name);
            issues.add(
                path.clone(),
                "type",
                format!(
                    "{path} must be an ISO 8601 date or a valid Date, was {}",
                    found.describe()
                ),
            );
        }
        parsed
    }

    /// Reads a timestamp that must be there.
    pub fn required_timestamp(&mut self, name: &'static str, issues: &mut Issues) -> Option<i64> {
        if self.take(name).is_none() {
            self.missing(name, issues);
            return None;
        }
        self.timestamp(name, issues)
    }

    /// Notes every field that nobody asked for, with the nearest known name.
    pub fn finish(mut self, issues: &mut Issues) {
        self.known.sort_unstable();
        self.known.dedup();
        for (key, _) in self.entries {
            if self.known.iter().any(|known| known == key) {
                continue;
            }
            issues.add_with("unknown", || {
                let path = self.path(&quote::name(key));
                let hint = nearest(key, self.known.iter().copied()).map_or_else(
                    || format!("; known fields: {}", self.known.join(", ")),
                    |name| format!(", did you mean {name}?"),
                );
                let message = format!("unknown field {path}{hint}");
                (path, message)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_problem_is_found_at_once() {
        let input = Input::from(json!({"capital": -1, "symbl": "X", "kind": "c"}));
        let mut issues = Issues::default();
        let mut fields = Fields::open("", &input, &mut issues);
        fields.required_number("capital", Range::POSITIVE, &mut issues);
        fields.required_text("symbol", &mut issues);
        fields.choice("kind", &[("a", 1), ("b", 2)], &mut issues);
        fields.finish(&mut issues);
        let messages: Vec<String> =
            issues.into_vec().into_iter().map(|issue| issue.message).collect();
        assert_eq!(
            messages,
            [
                "capital must be above 0, was -1",
                "symbol is required",
                "kind must be one of a, b, was string \"c\"",
                "unknown field symbl, did you mean symbol?"
            ]
        );
    }

    #[test]
    fn beyond_a_hundred_problems_are_counted() {
        let fields = (0..1_000).map(|index| (format!("\u{1b}{index}"), Input::Null)).collect();
        let input = Input::Record(fields);
        let mut issues = Issues::default();
        Fields::open("options", &input, &mut issues).finish(&mut issues);
        let mut all = Issues::default();
        all.add("a", "required", "a is required");
        all.append(issues);
        let error = all.into_result(Code::InvalidArgument).unwrap_err();
        assert_eq!(error.issues.len(), 101);
        assert_eq!(error.issues[1].path, "options.\\u{1b}0");
        assert_eq!(error.issues[100].message, "and 901 more problems");
    }
}
