//! All that is wrong with a strategy and its parameters, at once.

use std::sync::Arc;

use super::bound::Bound;
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
        (None, Some(input)) => Definition::read("strategy", input, &mut issues)
            .and_then(|definition| {
                Strategy::compile(definition).map_err(|found| issues.extend(found)).ok()
            })
            .map(Arc::new),
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
