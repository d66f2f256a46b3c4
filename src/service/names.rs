//! Names in requests: symbols and user ids.

use crate::quote::quoted;
use crate::request::{Fields, Input, Issues};

/// The maximum length of a symbol or user id, characters.
const MAX_CHARS: usize = 255;

/// The maximum number of items of a list.
const MAX_ITEMS: usize = 1_000;

/// Reads the symbol of an asset.
pub(super) fn symbol(
    fields: &mut Fields<'_>,
    name: &'static str,
    issues: &mut Issues,
) -> Option<String> {
    let symbol = fields.required_text(name, issues)?;
    is_symbol(&fields.path(name), &symbol, issues).then_some(symbol)
}

/// Reads several different symbols; `None` if the field is absent.
pub(super) fn symbols(
    fields: &mut Fields<'_>,
    name: &'static str,
    issues: &mut Issues,
) -> Option<Vec<String>> {
    let read = |path: &str, item: &Input, issues: &mut Issues| match item {
        Input::Text(symbol) if symbol.trim().is_empty() => {
            issues.add(path, "range", format!("{path} must not be empty"));
            None
        }
        Input::Text(symbol) => is_symbol(path, symbol, issues).then(|| symbol.clone()),
        other => {
            issues.add(path, "type", format!("{path} must be a string, was {}", other.describe()));
            None
        }
    };
    distinct(fields, name, read, issues)
}

/// Reads a list of at least one item, without repetitions; `None` if the field is absent.
pub(super) fn distinct<T: PartialEq>(
    fields: &mut Fields<'_>,
    name: &'static str,
    mut read: impl FnMut(&str, &Input, &mut Issues) -> Option<T>,
    issues: &mut Issues,
) -> Option<Vec<T>> {
    let path = fields.path(name);
    let items = match fields.take(name)? {
        Input::List(items) if items.is_empty() => {
            issues.add(path.clone(), "range", format!("{path} must have at least one item"));
            return Some(Vec::new());
        }
        Input::List(items) if items.len() > MAX_ITEMS => {
            let message = format!("{path} has {} items, the maximum is {MAX_ITEMS}", items.len());
            issues.add(path, "limit", message);
            return Some(Vec::new());
        }
        Input::List(items) => items,
        other => {
            issues.add(
                path.clone(),
                "type",
                format!("{path} must be an array, was {}", other.describe()),
            );
            return Some(Vec::new());
        }
    };
    let mut found: Vec<T> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match read(&path, item, issues) {
            Some(value) if found.contains(&value) => {
                let message = format!("{path} repeats {}", item.describe());
                issues.add(path, "duplicate", message);
            }
            value => found.extend(value),
        }
    }
    Some(found)
}

/// Returns whether a text can be a symbol; adds an issue if it cannot.
fn is_symbol(path: &str, symbol: &str, issues: &mut Issues) -> bool {
    if symbol.chars().any(char::is_control) || symbol.trim() != symbol {
        issues.add(
            path,
            "range",
            format!(
                "{path} must not contain control characters or begin or end with spaces, was {}",
                quoted(symbol)
            ),
        );
        return false;
    }
    is_short_enough(path, symbol, issues)
}

/// Reads the id of a user.
pub(super) fn user_id(fields: &mut Fields<'_>, issues: &mut Issues) -> Option<String> {
    fields.text("userId", issues).filter(|id| is_short_enough("userId", id, issues))
}

/// Returns whether a text is short enough to be a name; adds an issue if it is not.
fn is_short_enough(path: &str, text: &str, issues: &mut Issues) -> bool {
    let length = text.chars().count();
    if length > MAX_CHARS {
        issues.add(
            path,
            "range",
            format!("{path} must have at most {MAX_CHARS} characters, had {length}"),
        );
    }
    length <= MAX_CHARS
}
