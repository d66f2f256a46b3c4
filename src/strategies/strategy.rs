//! A checked strategy.

use std::collections::BTreeSet;

use super::bind_cache::BindCache;
use super::definition::{Definition, Origin, Parameter, ParameterKind, Value};
use crate::error::Issue;
use crate::indicators::Series;
use crate::language::{
    self, Binding, Builder, Checked, Kind, Problem, Scope,
    functions::{Clock, KEYWORDS, function_names},
};
use crate::quote::{self, quoted};

/// The parameter that every strategy has: the share of the available cash that an entry uses.
pub const POSITION_SIZE: &str = "position_size";

/// How many parameters a strategy may have.
const MAX_PARAMETERS: usize = 64;

/// How many conditions between its parameters a strategy may have.
const MAX_CONSTRAINTS: usize = 64;

/// A strategy whose expressions are checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Strategy {
    definition: Definition,
    source: String,
    /// The checked constraints with their texts.
    constraints: Vec<(String, Checked)>,
    /// The checked expressions with the names of their fields: entries, exits, and those of the short side that there are.
    expressions: Vec<(&'static str, Checked)>,
    bind_cache: BindCache,
}

impl Strategy {
    /// Checks a definition.
    ///
    /// # Errors
    /// Every problem, with paths such as `strategy.entries` and messages with line and column.
    pub fn compile(definition: Definition) -> Result<Self, Vec<Issue>> {
        Self::check(definition, Origin::Expressions)
    }

    /// Checks a definition as [`compile`](Self::compile) does. One whose signals a function of the caller computes has no
    /// expressions: its own signals are empty and its text too.
    pub(super) fn check(definition: Definition, origin: Origin) -> Result<Self, Vec<Issue>> {
        let mut issues = check_counts(&definition);
        if !issues.is_empty() {
            return Err(issues);
        }
        check_names(&definition, &mut issues);
        for parameter in &definition.parameters {
            check_parameter(parameter, &mut issues);
        }
        // The id may be wrong without making the defaults wrong.
        let are_parameters_sound =
            !issues.iter().any(|issue| issue.path.starts_with("strategy.parameters"));
        let parameters: Vec<(&str, Kind, bool)> =
            definition.parameters.iter().map(scope_entry).collect();
        let mut constraints = Vec::new();
        for (index, text) in definition.constraints.iter().enumerate() {
            let scope = Scope { parameters: &parameters, series: false };
            let path = format!("strategy.constraints[{index}]");
            let checked = expression(&path, text, scope, &mut issues);
            constraints.extend(checked.map(|checked| (text.trim().to_owned(), checked)));
        }
        let mut expressions = Vec::new();
        let (texts, source) = match origin {
            Origin::Expressions => (definition.expressions(), definition.to_text()),
            Origin::Elsewhere => Default::default(),
        };
        for (name, text) in texts {
            let scope = Scope { parameters: &parameters, series: true };
            let checked = text
                .and_then(|text| expression(&format!("strategy.{name}"), text, scope, &mut issues));
            expressions.extend(checked.map(|checked| (name, checked)));
        }
        let bind_cache = BindCache::default();
        let strategy = Self { definition, source, constraints, expressions, bind_cache };
        if are_parameters_sound {
            let defaults = strategy.default_bindings();
            strategy.check_constraints(&defaults, "strategy.parameters", &mut issues);
            strategy.check_lengths(&defaults, &mut issues);
        }
        if issues.is_empty() { Ok(strategy) } else { Err(issues) }
    }

    /// Returns the strategy as data.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// Returns the strategy in the text format; nothing for one whose signals a function computes.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns what the strategy was last made ready with.
    pub(super) fn bind_cache(&self) -> &BindCache {
        &self.bind_cache
    }

    /// Returns the checked expressions with the names of their fields.
    pub(super) fn expressions(&self) -> &[(&'static str, Checked)] {
        &self.expressions
    }

    /// Returns the names of parameters that no expression uses; a constraint alone changes no signal.
    pub fn unused_parameters(&self) -> Vec<&str> {
        let used: BTreeSet<usize> = self
            .expressions
            .iter()
            .map(|(_, checked)| checked)
            .flat_map(Checked::parameters)
            .collect();
        let names = self.definition.parameters.iter().enumerate();
        names
            .filter(|(index, _)| !used.contains(index))
            .map(|(_, parameter)| parameter.name.as_str())
            .collect()
    }

    fn default_bindings(&self) -> Vec<Binding> {
        self.definition.parameters.iter().map(|parameter| binding(parameter.default)).collect()
    }

    /// Notes the constraints that do not hold.
    pub(super) fn check_constraints(
        &self,
        values: &[Binding],
        path: &str,
        issues: &mut Vec<Issue>,
    ) {
        for (text, checked) in &self.constraints {
            let mut builder = Builder::default();
            let holds = match builder.add(checked, values) {
                Ok(root) => builder.finish(&[root]).constant(0) == Some(Binding::Condition(true)),
                Err(_) => false,
            };
            if holds {
                continue;
            }
            let mut named = BTreeSet::new();
            let mut found = Vec::new();
            for index in checked.parameters() {
                if let (true, Some(parameter), Some(value)) =
                    (named.insert(index), self.definition.parameters.get(index), values.get(index))
                {
                    found.push(match value {
                        Binding::Number(value) => format!("{} {value}", parameter.name),
                        Binding::Condition(value) => format!("{} {value}", parameter.name),
                    });
                }
            }
            issues.push(Issue::new(
                path,
                "conflict",
                format!("{path}: {text} does not hold for {}", found.join(", ")),
            ));
        }
    }

    /// Notes lengths that are out of range with these values.
    fn check_lengths(&self, values: &[Binding], issues: &mut Vec<Issue>) {
        let mut builder = Builder::default();
        for (name, checked) in &self.expressions {
            if let Err(problems) = builder.add(checked, values) {
                let path = format!("strategy.{name}");
                issues.extend(problems.into_iter().map(|problem| issue(&path, &problem)));
            }
        }
    }
}

/// Returns the value as the language takes it.
pub(super) fn binding(value: Value) -> Binding {
    match value {
        Value::Number(value) => Binding::Number(value),
        Value::Boolean(value) => Binding::Condition(value),
    }
}

fn scope_entry(parameter: &Parameter) -> (&str, Kind, bool) {
    let kind =
        if parameter.kind == ParameterKind::Boolean { Kind::Condition } else { Kind::Number };
    (&parameter.name, kind, parameter.kind == ParameterKind::Integer)
}

/// Turns a problem of an expression into an issue of the strategy.
pub(super) fn issue(path: &str, problem: &Problem) -> Issue {
    Issue::new(path, problem.code, format!("{path} at {problem}"))
}

fn expression(
    path: &str,
    text: &str,
    scope: Scope<'_>,
    issues: &mut Vec<Issue>,
) -> Option<Checked> {
    let checked = language::parse(text)
        .map_err(|problem| vec![problem])
        .and_then(|tree| language::check(&tree, Kind::Condition, scope));
    checked
        .map_err(|problems| {
            issues.extend(problems.into_iter().map(|problem| issue(path, &problem)));
        })
        .ok()
}

fn is_snake_case(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.len() <= 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Returns what there is too much of: that is told alone, so that hostile definitions cost nothing.
fn check_counts(definition: &Definition) -> Vec<Issue> {
    let counts = [
        ("parameters", definition.parameters.len(), MAX_PARAMETERS),
        ("constraints", definition.constraints.len(), MAX_CONSTRAINTS),
    ];
    counts
        .into_iter()
        .filter(|(_, count, limit)| count > limit)
        .map(|(name, count, limit)| {
            let message =
                format!("strategy.{name} has {count} {name}, at most {limit} are allowed");
            Issue::new(format!("strategy.{name}"), "limit", message)
        })
        .collect()
}

fn check_names(definition: &Definition, issues: &mut Vec<Issue>) {
    const ALLOWED: &str =
        "must be snake_case: a small letter, then at most 63 small letters, digits and underscores";
    if !is_snake_case(&definition.id) {
        issues.push(Issue::new(
            "strategy.id",
            "range",
            format!("strategy.id {ALLOWED}, was {}", quoted(&definition.id)),
        ));
    }
    let mut seen = BTreeSet::new();
    for parameter in &definition.parameters {
        let name = parameter.name.as_str();
        let path = format!("strategy.parameters.{}", quote::name(name));
        let is_series = Series::ALL.iter().any(|(known, _)| *known == name)
            || Clock::ALL.iter().any(|(known, _, _)| *known == name);
        if name == POSITION_SIZE {
            issues.push(Issue::new(
                &path,
                "conflict",
                format!("{path} must not be declared: every strategy has it"),
            ));
        } else if !is_snake_case(name) {
            issues.push(Issue::new(&path, "range", format!("the name of {path} {ALLOWED}")));
        } else if is_series
            || KEYWORDS.contains(&name)
            || function_names().any(|known| known == name)
        {
            issues.push(Issue::new(
                &path,
                "conflict",
                format!("{path}: `{name}` is a word of the language, choose another name"),
            ));
        }
        if !seen.insert(name) {
            issues.push(Issue::new(&path, "conflict", format!("{path} is declared twice")));
        }
    }
}

fn check_parameter(parameter: &Parameter, issues: &mut Vec<Issue>) {
    let path = format!("strategy.parameters.{}", quote::name(&parameter.name));
    let (minimum, maximum) = (parameter.minimum, parameter.maximum);
    if parameter.kind == ParameterKind::Boolean {
        if minimum.is_some() || maximum.is_some() {
            issues.push(Issue::new(
                &path,
                "conflict",
                format!("{path} is a boolean and has no minimum or maximum"),
            ));
        }
    } else if let (Some(minimum), Some(maximum)) = (minimum, maximum)
        && minimum > maximum
    {
        issues.push(Issue::new(
            format!("{path}.minimum"),
            "conflict",
            format!("{path}.minimum {minimum} is above its maximum {maximum}"),
        ));
    }
    if let Err((code, message)) = parameter.check(parameter.default) {
        let path = format!("{path}.default");
        issues.push(Issue::new(&path, code, format!("{path} {message}")));
    }
}

impl Parameter {
    /// Checks a value against the type and the range; an error is a code and the rest of a sentence that begins with the name.
    pub(super) fn check(&self, value: Value) -> Result<(), (&'static str, String)> {
        let value = match (self.kind, value) {
            (ParameterKind::Boolean, Value::Boolean(_)) => return Ok(()),
            (ParameterKind::Boolean, Value::Number(value)) => {
                return Err(("type", format!("must be a boolean, was number {value}")));
            }
            (_, Value::Boolean(value)) => {
                return Err(("type", format!("must be {}, was boolean {value}", self.expected())));
            }
            (_, Value::Number(value)) => value,
        };
        let is_whole = self.kind != ParameterKind::Integer || value.fract() == 0.0;
        if !is_whole || !value.is_finite() {
            return Err(("type", format!("must be {}, was number {value}", self.expected())));
        }
        if self.minimum.is_some_and(|minimum| value < minimum)
            || self.maximum.is_some_and(|maximum| value > maximum)
        {
            return Err(("range", format!("must be {}, was {value}", self.allowed())));
        }
        Ok(())
    }

    /// Names the type in a message.
    pub(super) fn expected(&self) -> &'static str {
        match self.kind {
            ParameterKind::Integer => "a whole number",
            ParameterKind::Number => "a number",
            ParameterKind::Boolean => "a boolean",
        }
    }

    fn allowed(&self) -> String {
        match (self.minimum, self.maximum) {
            (Some(minimum), Some(maximum)) => format!("between {minimum} and {maximum}"),
            (Some(minimum), None) => format!("at least {minimum}"),
            (None, Some(maximum)) => format!("at most {maximum}"),
            (None, None) => "a finite number".into(),
        }
    }
}
