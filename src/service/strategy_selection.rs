//! The strategy of a request, looked up and bound to its parameters. Runs and checks share this code, so that both report
//! the same problems.

use std::sync::Arc;

use crate::request::Issues;
use crate::strategies::{self, BoundStrategy, Strategy, Validation, validate};

use super::catalog::Catalog;
use super::function::BoundFunction;
use super::strategy_request::{StrategyRef, StrategyRequest};

/// A resolved strategy. If an issue was added, it must not be run.
#[derive(Debug)]
pub(super) struct StrategySelection {
    /// The strategy, if it is known and valid.
    pub(super) strategy: Option<Arc<Strategy>>,
    /// The strategy with its parameters, if neither has an issue.
    pub(super) bound: Option<Arc<BoundStrategy>>,
    /// The function that computes the signals. `bound` then has no expressions.
    pub(super) function: Option<BoundFunction>,
    /// The source text, unless the strategy is built in or a function: its id may refer to another strategy later.
    pub(super) source: Option<String>,
    /// The share of the available cash that an entry uses. It is known even if the strategy has an issue.
    pub(super) position_size: f64,
    /// Whether no strategy has the id of the request.
    pub(super) is_unknown: bool,
    /// Warnings about valid settings that are probably a mistake.
    pub(super) warnings: Vec<String>,
}

impl StrategySelection {
    /// Reads the text of a strategy and binds it to its defaults. Every problem is added to `issues`.
    pub(super) fn of_source(source: String, issues: &mut Issues) -> Self {
        let compiled = strategies::parse(&source).and_then(Strategy::compile);
        let strategy = compiled.map_err(|found| issues.extend(found)).ok().map(Arc::new);
        let bound = strategy.as_ref().and_then(|strategy| strategy.bind(None, issues));
        Self {
            strategy,
            bound: bound.map(Arc::new),
            function: None,
            source: Some(source),
            position_size: 1.0,
            is_unknown: false,
            warnings: Vec::new(),
        }
    }

    /// Looks up the strategy of a request and binds its parameters. Every problem is added to `issues`.
    pub(super) fn bind(request: &StrategyRequest, catalog: &Catalog, issues: &mut Issues) -> Self {
        let parameters = request.parameters.as_ref();
        let (id, definition) = match &request.reference {
            StrategyRef::Id(id) => (Some(id.as_str()), None),
            StrategyRef::Inline { definition, conflicting_id } => {
                (conflicting_id.as_deref(), Some(definition.as_ref()))
            }
            StrategyRef::Missing | StrategyRef::Invalid => (None, None),
        };
        let mut validation = if matches!(request.reference, StrategyRef::Invalid) {
            // The id has been reported, and there is no other strategy to check.
            Validation::without_strategy(parameters)
        } else {
            validate(&catalog.registry, id, definition, parameters)
        };
        issues.append(std::mem::take(&mut validation.issues));
        let named = id.filter(|_| definition.is_none());
        let function = named.and_then(|id| catalog.functions.get(id));
        let has_source =
            function.is_none() && named.is_none_or(|id| !catalog.registry.is_builtin(id));
        let function = function.zip(validation.bound.as_ref()).map(|(function, bound)| {
            BoundFunction { function: Arc::clone(function), parameters: bound.parameters().clone() }
        });
        // Warnings about expressions do not apply to a function.
        let warnings = if function.is_none() { validation.warnings().to_vec() } else { Vec::new() };
        let strategy = validation.strategy.as_ref();
        Self {
            source: strategy.filter(|_| has_source).map(|strategy| strategy.source().to_owned()),
            function,
            warnings,
            position_size: validation.position_size,
            is_unknown: validation.is_unknown,
            strategy: validation.strategy,
            bound: validation.bound,
        }
    }
}
