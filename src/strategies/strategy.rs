//! A checked strategy.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bind_cache::BindCache;
use super::definition::{Definition, SignalSource};
use super::parameter::{POSITION_SIZE, Parameter, ParameterType};
use super::signal_field::SignalField;
use crate::error::Issue;
use crate::indicators::Series;
use crate::language::{
    self, Binding, CheckedExpression, Diagnostic, ParameterDeclaration, PlanBuilder, Scope,
    ValueType,
    functions::{KEYWORDS, TimeField, function_names},
};
use crate::quote::{self, quoted};

/// Maximum number of parameters of a strategy.
const MAX_PARAMETERS: usize = 64;

/// Maximum number of constraints of a strategy.
const MAX_CONSTRAINTS: usize = 64;

/// A strategy whose expressions are checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Strategy {
    definition: Arc<Definition>,
    source: String,
    /// The checked constraints and their texts.
    constraints: Vec<(String, CheckedExpression)>,
    /// The checked expression of each signal that the strategy has.
    expressions: Vec<(SignalField, CheckedExpression)>,
    bind_cache: BindCache,
}

impl Strategy {
    /// Checks a definition.
    ///
    /// # Errors
    /// Every problem. Paths name the field, such as `strategy.entries`, and messages name the line and column.
    pub fn compile(definition: Definition) -> Result<Self, Vec<Issue>> {
        Self::check(definition, SignalSource::Expressions)
    }

    /// Checks a definition as [`compile`](Self::compile) does. If a function computes the signals, the strategy has no
    /// expressions, and its source is empty.
    pub(super) fn check(
        definition: Definition,
        signal_source: SignalSource,
    ) -> Result<Self, Vec<Issue>> {
        let mut issues = check_counts(&definition);
        if !issues.is_empty() {
            return Err(issues);
        }
        check_names(&definition, &mut issues);
        for parameter in &definition.parameters {
            check_parameter(parameter, &mut issues);
        }
        // An invalid id does not affect the defaults.
        let has_valid_parameters =
            !issues.iter().any(|issue| issue.path.starts_with("strategy.parameters"));
        let parameters: Vec<ParameterDeclaration<'_>> =
            definition.parameters.iter().map(declaration).collect();
        let mut constraints = Vec::new();
        for (index, text) in definition.constraints.iter().enumerate() {
            let scope = Scope { parameters: &parameters, allows_series: false };
            let path = format!("strategy.constraints[{index}]");
            let checked = check_expression(&path, text, scope, &mut issues);
            constraints.extend(checked.map(|checked| (text.trim().to_owned(), checked)));
        }
        let mut expressions = Vec::new();
        let (texts, source) = match signal_source {
            SignalSource::Expressions => (
                definition.expressions().map(|(kind, text)| text.map(|text| (kind, text))),
                definition.to_text(),
            ),
            SignalSource::Function => Default::default(),
        };
        for (kind, text) in texts.into_iter().flatten() {
            let scope = Scope { parameters: &parameters, allows_series: true };
            let path = format!("strategy.{}", kind.as_str());
            let checked = check_expression(&path, text, scope, &mut issues);
            expressions.extend(checked.map(|checked| (kind, checked)));
        }
        let strategy = Self {
            definition: Arc::new(definition),
            source,
            constraints,
            expressions,
            bind_cache: BindCache::default(),
        };
        if has_valid_parameters {
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

    /// Returns the definition, to be shared with bound strategies.
    pub(super) fn shared_definition(&self) -> Arc<Definition> {
        Arc::clone(&self.definition)
    }

    /// Returns the strategy in the text format. The text is empty if a function computes the signals.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the cache of the last binding.
    pub(super) fn bind_cache(&self) -> &BindCache {
        &self.bind_cache
    }

    /// Returns the checked expression of each signal that the strategy has.
    pub fn expressions(&self) -> &[(SignalField, CheckedExpression)] {
        &self.expressions
    }

    /// Returns the checked constraints with their texts. Their scope is the declared parameters.
    pub fn constraints(&self) -> &[(String, CheckedExpression)] {
        &self.constraints
    }

    /// Returns the names of parameters that no expression uses. A use in a constraint does not count.
    pub fn unused_parameters(&self) -> Vec<&str> {
        let used: BTreeSet<usize> = self
            .expressions
            .iter()
            .map(|(_, checked)| checked)
            .flat_map(CheckedExpression::parameters)
            .collect();
        let names = self.definition.parameters.iter().enumerate();
        names
            .filter(|(index, _)| !used.contains(index))
            .map(|(_, parameter)| parameter.name.as_str())
            .collect()
    }

    fn default_bindings(&self) -> Vec<Binding> {
        self.definition.parameters.iter().map(|parameter| parameter.default).collect()
    }

    /// Reports the constraints that do not hold.
    pub(super) fn check_constraints(
        &self,
        values: &[Binding],
        path: &str,
        issues: &mut Vec<Issue>,
    ) {
        for (text, checked) in &self.constraints {
            let mut builder = PlanBuilder::default();
            let holds = match builder.add(checked, values) {
                Ok(root) => builder.finish(&[root]).constant(0) == Some(Binding::Condition(true)),
                Err(_) => false,
            };
            if holds {
                continue;
            }
            let mut seen = BTreeSet::new();
            let mut used = Vec::new();
            for index in checked.parameters() {
                if let (true, Some(parameter), Some(value)) =
                    (seen.insert(index), self.definition.parameters.get(index), values.get(index))
                {
                    used.push(format!("{} {value}", parameter.name));
                }
            }
            issues.push(Issue::new(
                path,
                "conflict",
                format!("{path}: {text} does not hold for {}", used.join(", ")),
            ));
        }
    }

    /// Reports lengths and indicator parameters that are out of range with these values.
    fn check_lengths(&self, values: &[Binding], issues: &mut Vec<Issue>) {
        let mut builder = PlanBuilder::default();
        for (kind, checked) in &self.expressions {
            if let Err(diagnostics) = builder.add(checked, values) {
                let path = format!("strategy.{}", kind.as_str());
                issues.extend(diagnostics.iter().map(|diagnostic| issue(&path, diagnostic)));
            }
        }
    }
}

/// Returns a parameter as expressions see it.
pub(super) fn declaration(parameter: &Parameter) -> ParameterDeclaration<'_> {
    ParameterDeclaration {
        name: &parameter.name,
        value_type: match parameter.parameter_type {
            ParameterType::Boolean => ValueType::Condition,
            ParameterType::Integer | ParameterType::Number => ValueType::Number,
        },
        is_integer: parameter.parameter_type == ParameterType::Integer,
    }
}

/// Converts a diagnostic of an expression to an issue of the strategy.
pub(super) fn issue(path: &str, diagnostic: &Diagnostic) -> Issue {
    Issue::new(path, diagnostic.code, format!("{path} at {diagnostic}"))
}

fn check_expression(
    path: &str,
    text: &str,
    scope: Scope<'_>,
    issues: &mut Vec<Issue>,
) -> Option<CheckedExpression> {
    let checked = language::parse(text)
        .map_err(|diagnostic| vec![diagnostic])
        .and_then(|tree| language::check(&tree, ValueType::Condition, scope));
    checked
        .map_err(|diagnostics| {
            issues.extend(diagnostics.iter().map(|diagnostic| issue(path, diagnostic)));
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

/// Checks the number of parameters and constraints. Nothing else is checked if there are too many, so that the cost of a hostile
/// definition stays bounded.
fn check_counts(definition: &Definition) -> Vec<Issue> {
    let counts = [
        ("parameters", definition.parameters.len(), MAX_PARAMETERS),
        ("constraints", definition.constraints.len(), MAX_CONSTRAINTS),
    ];
    counts
        .into_iter()
        .filter(|(_, count, limit)| count > limit)
        .map(|(name, count, limit)| {
            let message = format!("strategy.{name} has {count} {name}, the maximum is {limit}");
            Issue::new(format!("strategy.{name}"), "limit", message)
        })
        .collect()
}

fn check_names(definition: &Definition, issues: &mut Vec<Issue>) {
    const ALLOWED: &str = "must be snake_case: a lowercase letter followed by at most 63 lowercase letters, digits and underscores";
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
            || TimeField::ALL.iter().any(|(known, _, _)| *known == name);
        if name == POSITION_SIZE {
            issues.push(Issue::new(
                &path,
                "conflict",
                format!("{path} must not be declared: every strategy has this parameter"),
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
                format!("{path}: `{name}` is reserved by the language, choose another name"),
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
    if parameter.parameter_type == ParameterType::Boolean {
        if minimum.is_some() || maximum.is_some() {
            issues.push(Issue::new(
                &path,
                "conflict",
                format!("{path} is a boolean and must not have a minimum or maximum"),
            ));
        }
    } else if let (Some(minimum), Some(maximum)) = (minimum, maximum)
        && minimum > maximum
    {
        issues.push(Issue::new(
            format!("{path}.minimum"),
            "conflict",
            format!("{path}.minimum must be at most the maximum {maximum}, was {minimum}"),
        ));
    }
    if let Err((code, message)) = parameter.check(parameter.default) {
        let path = format!("{path}.default");
        issues.push(Issue::new(&path, code, format!("{path} {message}")));
    }
}
