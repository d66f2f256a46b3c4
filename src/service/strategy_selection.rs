//! The strategy of a request, looked up and bound to its parameters. Runs and checks share this code, so that both report
//! the same problems.

use std::sync::Arc;

use crate::request::{Input, Issues};
use crate::strategies::{BoundStrategy, POSITION_SIZE, Strategy, Validation, validate};

use super::catalogue::Catalogue;
use super::function::BoundFunction;
use super::strategy_request::{StrategyRef, StrategyRequest};

/// A resolved strategy. If an issue was added, it must not be run.
#[derive(Debug, Default)]
pub(super) struct StrategySelection<'a> {
    /// The strategy, if it is known and valid.
    pub(super) strategy: Option<Arc<Strategy>>,
    /// The strategy with its parameters, if neither has an issue.
    pub(super) bound: Option<Arc<BoundStrategy>>,
    /// The function that computes the signals. `bound` then has no expressions.
    pub(super) function: Option<BoundFunction>,
    /// The source text, unless the strategy is built in or a function: its id may refer to another strategy later.
    pub(super) source: Option<String>,
    /// The parameters of the request.
    parameters: Option<&'a Input>,
    /// Whether no strategy has the id of the request.
    pub(super) is_unknown: bool,
    /// The result of the check.
    validation: Option<Validation>,
}

impl<'a> StrategySelection<'a> {
    /// Looks up the strategy of a request and binds its parameters. Every problem is added to `issues`.
    pub(super) fn bind(
        request: &'a StrategyRequest,
        catalogue: &Catalogue,
        issues: &mut Issues,
    ) -> Self {
        let parameters = request.parameters.as_ref();
        let (id, definition) = match &request.reference {
            StrategyRef::Id(id) => (Some(id.as_str()), None),
            StrategyRef::Inline { definition, conflicting_id } => {
                (conflicting_id.as_deref(), Some(definition.as_ref()))
            }
            StrategyRef::Missing => (None, None),
            StrategyRef::Invalid => return Self { parameters, ..Self::default() },
        };
        let mut validation = validate(&catalogue.registry, id, definition, parameters);
        issues.append(std::mem::take(&mut validation.issues));
        let named = id.filter(|_| definition.is_none());
        let function = named.and_then(|id| catalogue.functions.get(id));
        let has_source =
            function.is_none() && named.is_none_or(|id| !catalogue.registry.is_builtin(id));
        Self {
            source: validation
                .strategy
                .as_ref()
                .filter(|_| has_source)
                .map(|strategy| strategy.source().to_owned()),
            function: function.zip(validation.bound.as_ref()).map(|(function, bound)| {
                BoundFunction {
                    function: Arc::clone(function),
                    parameters: bound.parameters().clone(),
                }
            }),
            strategy: validation.strategy.clone(),
            bound: validation.bound.clone(),
            parameters,
            is_unknown: validation.is_unknown,
            validation: Some(validation),
        }
    }

    /// Returns warnings about valid settings that are probably a mistake.
    pub(super) fn warnings(&self) -> Vec<String> {
        // Warnings about expressions do not apply to a function.
        let validation = self.validation.as_ref().filter(|_| self.function.is_none());
        validation.map(Validation::warnings).unwrap_or_default()
    }

    /// Returns the share of the cash that an entry uses, even if the strategy has other problems.
    pub(super) fn position_size(&self) -> f64 {
        if let Some(bound) = &self.bound {
            return bound.position_size();
        }
        let Some(Input::Record(entries)) = self.parameters else { return 1.0 };
        let stated = entries.iter().find_map(|(name, value)| match value {
            Input::Number(value) if name == POSITION_SIZE => Some(*value),
            _ => None,
        });
        stated.filter(|share| *share > 0.0 && *share < 1.0).unwrap_or(1.0)
    }
}
