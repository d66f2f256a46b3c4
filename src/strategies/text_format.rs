//! The text format of strategies: one statement per line, starting with its keyword.
//!
//! A line that starts with white space continues the previous statement. Blank lines and lines that start with `#` are ignored.
//! Text in quotes uses JSON escapes.

use std::collections::BTreeSet;

use super::definition::{Definition, StrategyType};
use super::parameter::{Parameter, ParameterType};
use crate::error::{Issue, nearest};
use crate::language::Binding;

/// The keywords of all statements except parameter declarations.
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

/// Parses a strategy.
///
/// # Errors
/// Every invalid statement with its line, and every missing one.
pub fn parse(text: &str) -> Result<Definition, Vec<Issue>> {
    let mut parser =
        DefinitionParser { definition: empty(), seen: BTreeSet::new(), issues: Vec::new() };
    for (line, statement) in statements(text) {
        if let Err((code, message)) = parser.statement(&statement) {
            parser.issues.push(Issue::new(
                format!("line {line}"),
                code,
                format!("line {line}: {message}"),
            ));
        }
    }
    for keyword in ["strategy", "entries", "exits"] {
        if !parser.seen.contains(keyword) {
            parser.issues.push(Issue::new(
                keyword,
                "required",
                format!("the statement `{keyword}` is missing"),
            ));
        }
    }
    if parser.definition.name.is_empty() {
        parser.definition.name.clone_from(&parser.definition.id);
    }
    if parser.issues.is_empty() { Ok(parser.definition) } else { Err(parser.issues) }
}

fn empty() -> Definition {
    Definition {
        id: String::new(),
        name: String::new(),
        strategy_type: StrategyType::Custom,
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

/// Returns the statements with the number of their first line.
fn statements(text: &str) -> Vec<(usize, String)> {
    let mut statements: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        match statements.last_mut() {
            Some((_, statement)) if line.starts_with(char::is_whitespace) => {
                statement.push('\n');
                statement.push_str(trimmed);
            }
            _ => statements.push((index + 1, trimmed.to_owned())),
        }
    }
    statements
}

/// The code and the message of an issue.
type StatementError = (&'static str, String);

struct DefinitionParser {
    definition: Definition,
    seen: BTreeSet<String>,
    issues: Vec<Issue>,
}

impl DefinitionParser {
    fn statement(&mut self, statement: &str) -> Result<(), StatementError> {
        let end = statement
            .find(|character: char| !character.is_alphanumeric() && character != '_')
            .unwrap_or(statement.len());
        let (keyword, rest) = statement.split_at(end);
        if let Some(rest) = rest.trim_start().strip_prefix(':') {
            self.definition.parameters.push(parse_parameter(keyword, rest.trim())?);
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
            return Err(("conflict", format!("duplicate statement `{keyword}`")));
        }
        if rest.is_empty() {
            return Err(("required", format!("`{keyword}` requires a value")));
        }
        let definition = &mut self.definition;
        match keyword {
            "strategy" => rest.clone_into(&mut definition.id),
            "name" => definition.name = parse_quoted(rest)?,
            "description" => definition.description = parse_quoted(rest)?,
            "reference" => definition.reference = parse_quoted(rest)?,
            "type" => {
                definition.strategy_type = StrategyType::parse(rest).ok_or_else(|| {
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

fn parse_quoted(text: &str) -> Result<String, StatementError> {
    serde_json::from_str(text)
        .map_err(|_| ("syntax", format!("expected text in double quotes, found {text}")))
}

/// Parses `integer 1..=500 = 10 "Bars in the fast average"`.
fn parse_parameter(name: &str, text: &str) -> Result<Parameter, StatementError> {
    let expected = || {
        (
            "syntax",
            format!(
                "expected `{name}: type minimum..=maximum = default \"description\"`, found `{text}`"
            ),
        )
    };
    let (declared, after) = text.split_once(" = ").ok_or_else(expected)?;
    let (type_name, range) = declared.trim().split_once(' ').unwrap_or((declared.trim(), ""));
    let parameter_type = ParameterType::parse(type_name).ok_or_else(|| {
        (
            "choice",
            format!(
                "expected one of {}, found `{type_name}`",
                ParameterType::ALL.map(|(name, _)| name).join(", ")
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
        "true" => Binding::Condition(true),
        "false" => Binding::Condition(false),
        number => Binding::Number(
            number.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(expected)?,
        ),
    };
    let description =
        if description.is_empty() { String::new() } else { parse_quoted(description.trim())? };
    Ok(Parameter { name: name.to_owned(), parameter_type, default, minimum, maximum, description })
}
