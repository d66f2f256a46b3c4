//! All that is wrong with a strategy and its parameters, at once.

use std::sync::Arc;

use super::bound::{BoundStrategy, Given};
use super::definition::{Definition, Origin};
use super::registry::Registry;
use super::strategy::Strategy;
use crate::error::Issue;
use crate::request::{Input, Issues};

/// The outcome of [`validate`].
#[derive(Debug)]
pub struct Validation {
    /// The strategy, if it is known and sound.
    pub strategy: Option<Arc<Strategy>>,
    /// The strategy with its parameters, if there is no issue.
    pub bound: Option<Arc<BoundStrategy>>,
    /// The same, if there is no issue with the parameters.
    with_parameters: Option<Arc<BoundStrategy>>,
    /// Whether a strategy was named that there is none of.
    pub is_unknown: bool,
    /// Every problem.
    pub issues: Issues,
}

impl Validation {
    /// Returns what is allowed but hardly meant.
    pub fn warnings(&self) -> Vec<String> {
        let unused = self.strategy.iter().flat_map(|strategy| strategy.unused_parameters());
        let mut warnings: Vec<String> =
            unused.map(|name| format!("no expression uses the parameter {name}")).collect();
        if let Some(bound) = &self.with_parameters {
            warnings.extend_from_slice(bound.warnings());
        }
        warnings
    }
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
            let mut reading = Reading::of(input, Origin::Expressions);
            reading.check_values(parameters);
            issues.append(reading.issues);
            reading.strategy.map(Arc::new)
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
    let with_parameters = strategy
        .as_ref()
        .and_then(|strategy| strategy.bind_shared(parameters, "parameters", &mut issues));
    let bound = with_parameters.clone().filter(|_| issues.is_empty());
    Validation { strategy, bound, with_parameters, is_unknown, issues }
}

impl Strategy {
    /// Reads a `StrategyDefinition` and compiles it; every problem is noted.
    ///
    /// What one problem does not hide is found all the same: expressions next to faulty fields.
    pub fn read(input: &Input, issues: &mut Issues) -> Option<Self> {
        let reading = Reading::of(input, Origin::Expressions);
        issues.append(reading.issues);
        reading.strategy
    }

    /// Reads a strategy whose signals a function of the caller computes, as [`Self::read`] does: a `StrategyDefinition`
    /// without expressions, with `generateSignals` in their place.
    pub fn read_declaration(input: &Input, issues: &mut Issues) -> Option<Self> {
        let reading = Reading::of(input, Origin::Elsewhere);
        issues.append(reading.issues);
        reading.strategy
    }
}

/// What was read of a definition.
struct Reading {
    /// The strategy, if there is no issue.
    strategy: Option<Strategy>,
    /// The definition, as far as it could be read, if there is one.
    faulty: Option<Definition>,
    issues: Issues,
}

impl Reading {
    fn of(input: &Input, origin: Origin) -> Self {
        let mut issues = Issues::default();
        let definition = Definition::read_with_gaps("strategy", input, origin, &mut issues);
        let Some(definition) = definition else {
            return Self { strategy: None, faulty: None, issues };
        };
        // A function that was refused stands in for the expressions: that they are missing is not told as well.
        let has_function =
            issues.listed().iter().any(|issue| issue.path == "strategy.generateSignals");
        let origin = if has_function { Origin::Elsewhere } else { origin };
        match Strategy::check(definition.clone(), origin) {
            Ok(strategy) if issues.is_empty() => {
                return Self { strategy: Some(strategy), faulty: None, issues };
            }
            Ok(_) => {}
            Err(problems) => {
                // Of a field that could not be read, only that is told; and where a parameter could not, nothing of what
                // follows from its default.
                let is_new = |problem: &Issue| {
                    let is_of_defaults = problem.path == PARAMETERS || problem.code == "range";
                    !issues.listed().iter().any(|issue| {
                        is_about(&problem.path, &issue.path)
                            || (is_of_defaults && is_about(&issue.path, PARAMETERS))
                    })
                };
                let new: Vec<Issue> = problems.into_iter().filter(is_new).collect();
                issues.extend(new);
            }
        }
        Self { strategy: None, faulty: Some(definition), issues }
    }

    /// Checks values for the parameters of a strategy that does not compile, where those are declared well.
    fn check_values(&mut self, parameters: Option<&Input>) {
        let Some(definition) = &self.faulty else { return };
        let is_faulty =
            |issue: &Issue| issue.path != PARAMETERS && is_about(&issue.path, PARAMETERS);
        if self.issues.listed().iter().any(is_faulty) {
            return;
        }
        let mut found = Issues::default();
        Given::read(definition, parameters, "parameters", &mut found);
        self.issues.append(found);
    }
}

/// Where the declarations of the parameters are.
const PARAMETERS: &str = "strategy.parameters";

/// Returns whether a path is another or leads through it.
fn is_about(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
