//! All that is wrong with a strategy and its parameters, at once.

use std::sync::Arc;

use super::bound::{Bound, Given};
use super::definition::Definition;
use super::registry::Registry;
use super::strategy::Strategy;
use crate::error::Issue;
use crate::input::{Input, Issues};

/// The outcome of [`validate`].
#[derive(Debug)]
pub struct Validation {
    /// The strategy, if it is known and sound.
    pub strategy: Option<Arc<Strategy>>,
    /// The strategy with its parameters, if there is no issue.
    pub bound: Option<Bound>,
    /// Every problem.
    pub issues: Vec<Issue>,
    /// What is allowed but hardly meant.
    pub warnings: Vec<String>,
}

/// Checks a strategy by id or as a `StrategyDefinition`, together with its parameters.
///
/// The paths of the issues are those of a request: `strategyId`, `strategy.…` and `parameters.…`.
pub fn validate(
    registry: &Registry,
    id: Option<&str>,
    definition: Option<&Input>,
    parameters: Option<&Input>,
) -> Validation {
    let mut issues = Issues::default();
    let strategy = match (id, definition) {
        (Some(id), None) => registry
            .get(id)
            .map_err(|error| issues.add("strategyId", "unknown", error.message))
            .ok(),
        (None, Some(input)) => compile(input, parameters, &mut issues).map(Arc::new),
        (Some(_), Some(_)) => {
            issues.add(
                "strategy",
                "conflict",
                "strategyId and strategy exclude each other, give one of them",
            );
            None
        }
        (None, None) => {
            issues.add("strategyId", "required", "strategyId or strategy is required");
            None
        }
    };
    let mut warnings = Vec::new();
    let bound =
        strategy.as_ref().and_then(|strategy| strategy.bind(parameters, "parameters", &mut issues));
    if let Some(strategy) = &strategy {
        warnings.extend(
            strategy
                .unused_parameters()
                .into_iter()
                .map(|name| format!("no expression uses the parameter {name}")),
        );
    }
    if let Some(bound) = &bound {
        warnings.extend(bound.warnings());
    }
    Validation { strategy, bound, issues: issues.into_vec(), warnings }
}

/// Reads and compiles a definition. What one problem does not hide is checked all the same: expressions next to faulty
/// fields, and the values of parameters of a strategy that does not compile.
fn compile(input: &Input, parameters: Option<&Input>, issues: &mut Issues) -> Option<Strategy> {
    let mut found = Issues::default();
    let definition = Definition::read_with_gaps("strategy", input, &mut found);
    let mut found = found.into_vec();
    let is_read = found.is_empty();
    let mut strategy = None;
    if let Some(definition) = definition {
        match Strategy::compile(definition.clone()) {
            Ok(compiled) => strategy = Some(compiled).filter(|_| is_read),
            Err(problems) => {
                // Of a field that could not be read, only that is told; and where a parameter could not, nothing of
                // what follows from its default.
                let is_new = |problem: &Issue| {
                    let is_of_defaults = problem.path == PARAMETERS || problem.code == "range";
                    !found.iter().any(|issue| {
                        is_about(&problem.path, &issue.path)
                            || (is_of_defaults && is_about(&issue.path, PARAMETERS))
                    })
                };
                let new: Vec<Issue> = problems.into_iter().filter(is_new).collect();
                found.extend(new);
            }
        }
        if strategy.is_none() {
            let mut values = Issues::default();
            Given::read(&definition, parameters, "parameters", &mut values);
            let is_faulty =
                |issue: &Issue| issue.path != PARAMETERS && is_about(&issue.path, PARAMETERS);
            let are_declared = !found.iter().any(is_faulty);
            found.extend(values.into_vec().into_iter().filter(|_| are_declared));
        }
    }
    issues.extend(found);
    strategy
}

/// Where the declarations of the parameters are.
const PARAMETERS: &str = "strategy.parameters";

/// Returns whether a path is another or leads through it.
fn is_about(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
