//! Validates a strategy together with its parameters and reports all problems.

use std::sync::Arc;

use super::bound_strategy::BoundStrategy;
use super::definition::SignalSource;
use super::definition_reading::DefinitionReading;
use super::read_parameters::ParameterReading;
use super::registry::Registry;
use super::strategy::Strategy;
use crate::request::{Input, Issues};

/// The result of [`validate`].
#[derive(Debug)]
pub struct Validation {
    /// The strategy, if it is known and valid.
    pub strategy: Option<Arc<Strategy>>,
    /// The strategy with its parameters, if there are no issues.
    pub bound: Option<Arc<BoundStrategy>>,
    /// The position size. It is known even if the strategy or another parameter has an issue.
    pub position_size: f64,
    /// Whether no strategy has the requested id.
    pub is_unknown: bool,
    /// All problems.
    pub issues: Issues,
    warnings: Vec<String>,
}

impl Validation {
    /// Returns the result for a request without a usable reference to a strategy, which the caller has reported.
    pub fn without_strategy(parameters: Option<&Input>) -> Self {
        Self {
            strategy: None,
            bound: None,
            position_size: ParameterReading::without_strategy(parameters).position_size,
            is_unknown: false,
            issues: Issues::default(),
            warnings: Vec::new(),
        }
    }

    /// Returns warnings about what is valid but probably not intended.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Validates a strategy, referenced by id or passed as a `StrategyDefinition`, together with its parameters.
///
/// The paths of the issues are those of a request: `strategyId`, `strategy.…` and `parameters.…`.
pub fn validate(
    registry: &Registry,
    id: Option<&str>,
    definition: Option<&Input>,
    parameters: Option<&Input>,
) -> Validation {
    let mut validation = Validation::without_strategy(parameters);
    let issues = &mut validation.issues;
    if id.is_some() && definition.is_some() {
        issues.add(
            "strategy",
            "conflict",
            "strategyId and strategy are mutually exclusive: set only one of them",
        );
    }
    validation.strategy = match (id, definition) {
        (_, Some(input)) => {
            let mut reading = DefinitionReading::new(input, SignalSource::Expressions);
            reading.check_parameters(parameters);
            issues.append(reading.issues);
            reading.strategy.map(Arc::new)
        }
        (Some(id), None) => match registry.get(id) {
            Ok(strategy) => Some(strategy),
            Err(error) => {
                validation.is_unknown = true;
                issues.add("strategyId", "unknown", error.message);
                None
            }
        },
        (None, None) => {
            issues.add("strategyId", "required", "strategyId (or strategy) is required");
            None
        }
    };
    let Some(strategy) = &validation.strategy else { return validation };
    let unused = strategy.unused_parameters().into_iter();
    validation
        .warnings
        .extend(unused.map(|name| format!("no expression uses the parameter {name}")));
    let Some(values) = strategy.read_parameters(parameters, issues) else { return validation };
    match strategy.bind_cached(&values) {
        Ok(bound) => {
            validation.warnings.extend_from_slice(bound.warnings());
            validation.bound = issues.is_empty().then_some(bound);
        }
        Err(found) => issues.extend(found),
    }
    validation
}
