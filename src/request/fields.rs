//! Typed access to the fields of one object.

use super::field_synonyms::{self, simplified};
use super::input::Input;
use super::issues::Issues;
use super::range::Range;
use crate::error::{known_names, nearest};
use crate::market::bars::formatted;
use crate::market::time;
use crate::quote::{self, quoted};

/// The fields of one object. [`Fields::finish`] reports those that were never read.
#[derive(Debug)]
pub struct Fields<'a> {
    path: String,
    entries: &'a [(String, Input)],
    known: Vec<&'static str>,
    nested: Option<Neighbor>,
    outer: Option<Neighbor>,
}

/// The fields of an object within another, or of the one around it.
#[derive(Debug)]
struct Neighbor {
    /// The field that has the inner object.
    object: &'static str,
    names: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Opens an object. Any other value adds a `type` issue and is treated as an empty object.
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
        Self { path: path.to_owned(), entries, known: Vec::new(), nested: None, outer: None }
    }

    /// Returns the path of a field of this object.
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Returns the value of a field; `None` if it is absent or `null`.
    pub fn take(&mut self, name: &'static str) -> Option<&'a Input> {
        self.known.push(name);
        self.entries
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
            .filter(|value| !matches!(value, Input::Null))
    }

    /// Marks fields as known that were moved out of the object before.
    pub fn declare(&mut self, names: impl IntoIterator<Item = &'static str>) {
        self.known.extend(names);
    }

    /// Says which fields the object in the field `object` has, so that a message can send a misplaced field there.
    pub fn expect_within(
        &mut self,
        object: &'static str,
        names: impl IntoIterator<Item = &'static str>,
    ) {
        self.nested = Some(Neighbor { object, names: names.into_iter().collect() });
    }

    /// Says which fields the object has that has this one in its field `object`, so that a message can send a misplaced field
    /// there.
    pub fn expect_beside(
        &mut self,
        object: &'static str,
        names: impl IntoIterator<Item = &'static str>,
    ) {
        self.outer = Some(Neighbor { object, names: names.into_iter().collect() });
    }

    /// Adds the issue of a missing required field.
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

    /// Reads a non-empty string.
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

    /// Reads a required, non-empty string.
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
                    format!("{path} must be {}, was {}", range.describe(), formatted(*value)),
                );
                None
            }
            other => {
                self.mistyped(name, "a number", other, issues);
                None
            }
        }
    }

    /// Reads a number within a range, or one of several named values.
    pub fn number_or_choice<T: Copy>(
        &mut self,
        name: &'static str,
        range: Range,
        choices: &[(&'static str, T)],
        issues: &mut Issues,
    ) -> Option<NumberOrChoice<T>> {
        match self.take(name)? {
            Input::Number(_) => self.number(name, range, issues).map(NumberOrChoice::Number),
            found => {
                let chosen = |value: &String| choices.iter().find(|(known, _)| known == value);
                if let Input::Text(value) = found
                    && let Some((_, choice)) = chosen(value)
                {
                    return Some(NumberOrChoice::Choice(*choice));
                }
                let names: Vec<String> = choices.iter().map(|(name, _)| quoted(name)).collect();
                self.mistyped(name, &format!("a number or {}", names.join(" or ")), found, issues);
                None
            }
        }
    }

    /// Reads a required number within a range.
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

    /// Reads one of several named values.
    pub fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        choices: &[(&'static str, T)],
        issues: &mut Issues,
    ) -> Option<T> {
        let found = self.take(name)?;
        self.choose(name, found, choices, issues)
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

    /// Reads a timestamp as UTC milliseconds: an ISO 8601 string or a `Date`. A date without a time means UTC midnight.
    pub fn timestamp(&mut self, name: &'static str, issues: &mut Issues) -> Option<i64> {
        self.parse_timestamp(name, time::parse, issues)
    }

    /// Reads the last timestamp of a range, as [`Self::timestamp`] does, but a date without a time means the end of that day
    /// in UTC.
    pub fn end_timestamp(&mut self, name: &'static str, issues: &mut Issues) -> Option<i64> {
        self.parse_timestamp(name, time::parse_end, issues)
    }

    fn parse_timestamp(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Option<i64>,
        issues: &mut Issues,
    ) -> Option<i64> {
        let found = self.take(name)?;
        let parsed = match found {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "JavaScript dates lie within ±8.64e15 ms"
            )]
            Input::Date(value) if value.is_finite() => Some(*value as i64),
            Input::Text(text) => parse(text),
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

    /// Reads a required timestamp.
    pub fn required_timestamp(&mut self, name: &'static str, issues: &mut Issues) -> Option<i64> {
        if self.take(name).is_none() {
            self.missing(name, issues);
            return None;
        }
        self.timestamp(name, issues)
    }

    /// Reads a required last timestamp of a range.
    pub fn required_end_timestamp(
        &mut self,
        name: &'static str,
        issues: &mut Issues,
    ) -> Option<i64> {
        if self.take(name).is_none() {
            self.missing(name, issues);
            return None;
        }
        self.end_timestamp(name, issues)
    }

    /// Adds an issue for every field that was never read, with what to write instead: the field that other libraries call so,
    /// where it belongs, or the nearest known name.
    pub fn finish(mut self, issues: &mut Issues) {
        self.known.sort_unstable();
        self.known.dedup();
        for (key, _) in self.entries {
            if self.known.iter().any(|known| known == key) {
                continue;
            }
            issues.add_with("unknown", || {
                let path = self.path(&quote::name(key));
                let hint = self.advice(key).unwrap_or_else(|| {
                    nearest(key, self.known.iter().copied()).map_or_else(
                        || known_names("fields", key, &self.known),
                        |name| format!(", did you mean {name}?"),
                    )
                });
                let message = format!("unknown field {path}{hint}");
                (path, message)
            });
        }
    }

    /// Returns what to write instead of an unknown name that is the spelling or the word of another library, or the name of a
    /// field of another object, as the end of a message.
    fn advice(&self, key: &str) -> Option<String> {
        // No known name is longer.
        const MAX_LENGTH: usize = 40;
        if key.len() > MAX_LENGTH {
            return None;
        }
        let letters = simplified(key);
        let own = || {
            let known = self.known.iter();
            let nested = self.nested.iter().flat_map(|neighbor| neighbor.names.iter());
            let outer = self.outer.iter().flat_map(|neighbor| neighbor.names.iter());
            known.chain(nested).chain(outer).copied()
        };
        let same = own().filter(|known| simplified(known) == letters).map(|known| (known, ""));
        same.chain(field_synonyms::find(key))
            .find_map(|(field, example)| self.advice_for(key, field, example))
    }

    /// Returns where to write a field; `None` if there is no such field.
    fn advice_for(&self, key: &str, field: &'static str, example: &str) -> Option<String> {
        if self.known.contains(&field) {
            return Some(if example.is_empty() {
                format!(", did you mean {field}?")
            } else {
                format!(", write {example}")
            });
        }
        let has = |neighbor: &&Neighbor| neighbor.names.contains(&field);
        if let Some(Neighbor { object, .. }) = self.nested.as_ref().filter(has) {
            let belongs =
                if key == field { format!(": it belongs in {object}") } else { String::new() };
            let example =
                if example.is_empty() { format!("{field}: …") } else { example.to_owned() };
            return Some(format!("{belongs}, write {object}: {{ {example} }}"));
        }
        let Neighbor { object, .. } = self.outer.as_ref().filter(has)?;
        Some(if key == field {
            format!(": it belongs beside {object}, not in it")
        } else {
            format!(", write {field} beside {object}, not in it")
        })
    }
}

/// A value that is a number or has a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NumberOrChoice<T> {
    /// A number.
    Number(f64),
    /// A named value.
    Choice(T),
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
}
