//! All that is wrong with a strategy and its parameters, at once.

use std::sync::Arc;

use super::bound::{Bound, Given};
use super::definition::{Definition, Origin};
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
    /// Whether a strategy was named that there is none of.
    pub is_unknown: bool,
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
    let mut is_unknown = false;
    if id.is_some() && definition.is_some() {
        issues.add(
            "strategy",
            "conflict",
            "strategyId and strategy exclude each other: give one of them",
        );
    }
    let strategy = match (id, definition) {
        (_, Some(input)) => {
            read(input, Origin::Expressions, Some(parameters), &mut issues).map(Arc::new)
        }
        (Some(id), None) => match registry.get(id) {
            Ok(strategy) => Some(strategy),
            Err(error) => {
                is_unknown = true;
                issues.add("strategyId", "unknown", error.message);
                None
            }
        },
        (None, None) => {
            issues.add("strategyId", "required", "strategyId (or strategy) is required");
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
    let bound = bound.filter(|_| issues.is_empty());
    Validation { strategy, bound, is_unknown, issues: issues.into_vec(), warnings }
}

impl Strategy {
    /// Reads a `StrategyDefinition` and compiles it; every problem is noted.
    ///
    /// What one problem does not hide is found all the same: expressions next to faulty fields.
    pub fn read(input: &Input, issues: &mut Issues) -> Option<Self> {
        read(input, Origin::Expressions, None, issues)
    }

    /// Reads a strategy whose signals a function of the caller computes, as [`Self::read`] does: a `StrategyDefinition`
    /// without expressions, with `generateSignals` in their place.
    pub fn read_declaration(input: &Input, issues: &mut Issues) -> Option<Self> {
        read(input, Origin::Elsewhere, None, issues)
    }
}

/// Reads and compiles a definition, and for one that does not compile the values of its parameters, where a request has
/// them.
fn read(
    input: &Input,
    origin: Origin,
    values: Option<Option<&Input>>,
    issues: &mut Issues,
) -> Option<Strategy> {
    let mut found = Issues::default();
    let definition = Definition::read_with_gaps("strategy", input, origin, &mut found);
    let mut found = found.into_vec();
    let is_read = found.is_empty();
    // A function that was refused stands in for the expressions: that they are missing is not told as well.
    let has_function = found.iter().any(|issue| issue.path == "strategy.generateSignals");
    let origin = if has_function { Origin::Elsewhere } else { origin };
    let mut strategy = None;
    if let Some(definition) = definition {
        match Strategy::check(definition.clone(), origin) {
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
        if let (None, Some(values)) = (&strategy, values) {
            let mut of_values = Issues::default();
            Given::read(&definition, values, "parameters", &mut of_values);
            let is_faulty =
                |issue: &Issue| issue.path != PARAMETERS && is_about(&issue.path, PARAMETERS);
            let are_declared = !found.iter().any(is_faulty);
            found.extend(of_values.into_vec().into_iter().filter(|_| are_declared));
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
