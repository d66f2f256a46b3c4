//! Reads and compiles a definition, and reports the problems of both stages together.

use super::definition::{Definition, SignalSource};
use super::read_parameters::ParameterReading;
use super::strategy::Strategy;
use crate::error::Issue;
use crate::request::{Input, Issues};

/// The path of the parameter declarations.
const PARAMETERS_PATH: &str = "strategy.parameters";

impl Strategy {
    /// Reads and compiles a `StrategyDefinition`. Every problem is reported: an invalid field does not hide the problems of the
    /// expressions.
    pub fn read(input: &Input, issues: &mut Issues) -> Option<Self> {
        let reading = DefinitionReading::new(input, SignalSource::Expressions);
        issues.append(reading.issues);
        reading.strategy
    }

    /// Reads the declaration of a strategy whose signals a function of the caller computes: a `StrategyDefinition` with
    /// `generateSignals` instead of expressions. Every problem is reported.
    pub fn read_declaration(input: &Input, issues: &mut Issues) -> Option<Self> {
        let reading = DefinitionReading::new(input, SignalSource::Function);
        issues.append(reading.issues);
        reading.strategy
    }
}

/// The result of reading a definition.
pub(super) struct DefinitionReading {
    /// The strategy, if there are no issues.
    pub(super) strategy: Option<Strategy>,
    /// The readable part of a definition with issues.
    incomplete: Option<Definition>,
    pub(super) issues: Issues,
}

impl DefinitionReading {
    pub(super) fn new(input: &Input, signal_source: SignalSource) -> Self {
        let mut issues = Issues::default();
        let definition = Definition::read_leniently("strategy", input, signal_source, &mut issues);
        let Some(definition) = definition else {
            return Self { strategy: None, incomplete: None, issues };
        };
        // A rejected function takes the place of the expressions, so that these are not reported as missing as well.
        let has_function =
            issues.listed().iter().any(|issue| issue.path == "strategy.generateSignals");
        let signal_source = if has_function { SignalSource::Function } else { signal_source };
        match Strategy::check(definition.clone(), signal_source) {
            Ok(strategy) if issues.is_empty() => {
                return Self { strategy: Some(strategy), incomplete: None, issues };
            }
            Ok(_) => {}
            Err(found) => {
                // Skip follow-up errors of a field that has been reported, and of the default of an invalid parameter.
                let is_independent = |new: &Issue| {
                    let depends_on_defaults = new.path == PARAMETERS_PATH || new.code == "range";
                    !issues.listed().iter().any(|reported| {
                        is_within(&new.path, &reported.path)
                            || (depends_on_defaults && is_within(&reported.path, PARAMETERS_PATH))
                    })
                };
                let independent: Vec<Issue> = found.into_iter().filter(is_independent).collect();
                issues.extend(independent);
            }
        }
        Self { strategy: None, incomplete: Some(definition), issues }
    }

    /// Checks parameter values against a definition that does not compile, if its parameter declarations are valid.
    pub(super) fn check_parameters(&mut self, parameters: Option<&Input>) {
        let Some(definition) = &self.incomplete else { return };
        let is_declaration_issue = |issue: &Issue| {
            issue.path != PARAMETERS_PATH && is_within(&issue.path, PARAMETERS_PATH)
        };
        if !self.issues.listed().iter().any(is_declaration_issue) {
            ParameterReading::read(definition, parameters, &mut self.issues);
        }
    }
}

/// Returns whether a path is that of a field or leads into it.
fn is_within(path: &str, field: &str) -> bool {
    path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
