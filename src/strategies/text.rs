//! The text format of strategies: one statement a line, its keyword first.
//!
//! A line that begins with white space continues the statement before it; blank lines and lines whose first character is
//! `#` are passed over. Text in quotes has the escapes of JSON.

use std::collections::BTreeSet;

use super::definition::{Definition, Parameter, ParameterKind, StrategyType, Value};
use crate::error::{Issue, nearest};

/// The statements besides parameters.
const KEYWORDS: [&str; 10] = [
    "strategy",
    "name",
    "type",
    "description",
    "reference",
    "constraint",
    "entries",
    "exits",
    "short_entries",
    "short_exits",
];

/// Reads a strategy from text.
///
/// # Errors
/// Every statement that is not understood, each with its line.
pub fn parse(text: &str) -> Result<Definition, Vec<Issue>> {
    let mut reader = Reader { definition: empty(), seen: BTreeSet::new(), issues: Vec::new() };
    for (line, statement) in statements(text) {
        if let Err((code, message)) = reader.statement(&statement) {
            reader.issues.push(Issue::new(
                format!("line {line}"),
                code,
                format!("line {line}: {message}"),
            ));
        }
    }
    for keyword in ["strategy", "entries", "exits"] {
        if !reader.seen.contains(keyword) {
            reader.issues.push(Issue::new(
                keyword,
                "required",
                format!("the statement `{keyword}` is missing"),
            ));
        }
    }
    if reader.definition.name.is_empty() {
        reader.definition.name.clone_from(&reader.definition.id);
    }
    if reader.issues.is_empty() { Ok(reader.definition) } else { Err(reader.issues) }
}

fn empty() -> Definition {
    Definition {
        id: String::new(),
        name: String::new(),
        kind: StrategyType::Custom,
        description: String::new(),
        reference: String::new(),
        parameters: Vec::new(),
        constraints: Vec::new(),
        entries: String::new(),
        exits: String::new(),
        short_entries: None,
        short_exits: None,
    }
}

/// Returns the statements with the numbers of their first lines.
fn statements(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        match found.last_mut() {
            Some((_, statement)) if line.starts_with(char::is_whitespace) => {
                statement.push('\n');
                statement.push_str(trimmed);
            }
            _ => found.push((index + 1, trimmed.to_owned())),
        }
    }
    found
}

/// The code and the message of a problem.
type Fault = (&'static str, String);

struct Reader {
    definition: Definition,
    seen: BTreeSet<String>,
    issues: Vec<Issue>,
}

impl Reader {
    fn statement(&mut self, statement: &str) -> Result<(), Fault> {
        let end = statement
            .find(|character: char| !character.is_alphanumeric() && character != '_')
            .unwrap_or(statement.len());
        let (keyword, rest) = statement.split_at(end);
        if let Some(rest) = rest.trim_start().strip_prefix(':') {
            self.definition.parameters.push(parameter(keyword, rest.trim())?);
            return Ok(());
        }
        let rest = rest.trim();
        if !KEYWORDS.contains(&keyword) {
            let hint = nearest(keyword, KEYWORDS).map_or_else(
                || {
                    format!(
                        ", expected one of {} or a parameter `name: type = default`",
                        KEYWORDS.join(", ")
                    )
                },
                |near| format!(", did you mean `{near}`?"),
            );
            return Err(("unknown", format!("unknown statement `{keyword}`{hint}")));
        }
        if keyword != "constraint" && !self.seen.insert(keyword.to_owned()) {
            return Err(("conflict", format!("a second statement `{keyword}`")));
        }
        if rest.is_empty() {
            return Err(("required", format!("`{keyword}` has nothing after it")));
        }
        let definition = &mut self.definition;
        match keyword {
            "strategy" => rest.clone_into(&mut definition.id),
            "name" => definition.name = whole_quoted(rest)?,
            "description" => definition.description = whole_quoted(rest)?,
            "reference" => definition.reference = whole_quoted(rest)?,
            "type" => {
                definition.kind = StrategyType::parse(rest).ok_or_else(|| {
                    (
                        "choice",
                        format!(
                            "expected one of {}, found `{rest}`",
                            StrategyType::ALL.map(|(name, _)| name).join(", ")
                        ),
                    )
                })?;
            }
            "constraint" => definition.constraints.push(rest.to_owned()),
            "entries" => rest.clone_into(&mut definition.entries),
            "exits" => rest.clone_into(&mut definition.exits),
            "short_entries" => definition.short_entries = Some(rest.to_owned()),
            _ => definition.short_exits = Some(rest.to_owned()),
        }
        Ok(())
    }
}

fn whole_quoted(text: &str) -> Result<String, Fault> {
    serde_json::from_str(text)
        .map_err(|_| ("syntax", format!("expected text in double quotes, found {text}")))
}

/// Reads `integer 1..=500 = 10 "Bars in the fast average"`.
fn parameter(name: &str, text: &str) -> Result<Parameter, Fault> {
    let expected = || {
        (
            "syntax",
            format!(
                "expected `{name}: type minimum..=maximum = default \"description\"`, found `{text}`"
            ),
        )
    };
    let (declared, after) = text.split_once(" = ").ok_or_else(expected)?;
    let (kind, range) = declared.trim().split_once(' ').unwrap_or((declared.trim(), ""));
    let kind = ParameterKind::parse(kind).ok_or_else(|| {
        (
            "choice",
            format!(
                "expected one of {}, found `{kind}`",
                ParameterKind::ALL.map(|(name, _)| name).join(", ")
            ),
        )
    })?;
    let bound = |text: &str| match text.trim() {
        "" => Ok(None),
        text => text
            .parse::<f64>()
            .ok()
            .filter(|bound| bound.is_finite())
            .map(Some)
            .ok_or_else(expected),
    };
    let (minimum, maximum) = match range.trim() {
        "" => (None, None),
        range => {
            let (minimum, maximum) = range.split_once("..=").ok_or_else(expected)?;
            (bound(minimum)?, bound(maximum)?)
        }
    };
    let (default, description) =
        after.trim().split_once(char::is_whitespace).unwrap_or((after.trim(), ""));
    let default = match default {
        "true" => Value::Boolean(true),
        "false" => Value::Boolean(false),
        number => Value::Number(
            number.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(expected)?,
        ),
    };
    let description =
        if description.is_empty() { String::new() } else { whole_quoted(description.trim())? };
    Ok(Parameter { name: name.to_owned(), kind, default, minimum, maximum, description })
}
