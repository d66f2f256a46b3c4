//! The strategy that a request names or brings, with its parameters: read in one way for runs and for checks, so that both
//! tell of the same problems.

use std::sync::Arc;

use crate::request::{Fields, Input, Issues};
use crate::strategies::{BoundStrategy, POSITION_SIZE, Strategy, Validation, validate};

use super::catalogue::Catalogue;
use super::function::Call;

/// What a request says of its strategy; with an issue noted, it is not to be run.
#[derive(Debug, Default)]
pub(super) struct StrategySelection<'a> {
    /// The strategy, if it is known and sound.
    pub(super) strategy: Option<Arc<Strategy>>,
    /// The strategy with its parameters, if there is no issue with either.
    pub(super) bound: Option<Arc<BoundStrategy>>,
    /// The function that computes the signals, where the strategy has one; `bound` then has none of its own.
    pub(super) function: Option<Call>,
    /// The text of the strategy, unless it is a built-in one or a function: the id may mean another one tomorrow.
    pub(super) source: Option<String>,
    /// The parameters as they were given.
    parameters: Option<&'a Input>,
    /// Whether a strategy was named that there is none of.
    pub(super) is_unknown: bool,
    /// What the check found.
    found: Option<Validation>,
}

impl<'a> StrategySelection<'a> {
    /// Reads `strategyId`, `strategy` and `parameters`; every problem is noted.
    pub(super) fn read(fields: &mut Fields<'a>, known: &Catalogue, issues: &mut Issues) -> Self {
        let given = fields.take("strategyId");
        let id = fields.text("strategyId", issues);
        let definition = fields.take("strategy");
        let parameters = fields.take("parameters");
        if given.is_some() && id.is_none() && definition.is_none() {
            // An id that is no text was told, and there is nothing else to look at.
            return Self { parameters, ..Self::default() };
        }
        let mut found = validate(&known.registry, id.as_deref(), definition, parameters);
        issues.append(std::mem::take(&mut found.issues));
        let is_named = definition.is_none();
        let function = id.as_deref().filter(|_| is_named).and_then(|id| known.functions.get(id));
        let has_text = !is_named
            || id.as_deref().is_some_and(|id| !known.registry.is_builtin(id) && function.is_none());
        Self {
            source: found
                .strategy
                .as_ref()
                .filter(|_| has_text)
                .map(|strategy| strategy.source().to_owned()),
            function: function.zip(found.bound.as_ref()).map(|(function, bound)| Call {
                function: Arc::clone(function),
                parameters: bound.parameters().clone(),
            }),
            strategy: found.strategy.clone(),
            bound: found.bound.clone(),
            parameters,
            is_unknown: found.is_unknown,
            found: Some(found),
        }
    }

    /// Returns what is allowed but hardly meant.
    pub(super) fn warnings(&self) -> Vec<String> {
        // What there is to say about expressions does not apply to a function.
        let found = self.found.as_ref().filter(|_| self.function.is_none());
        found.map(Validation::warnings).unwrap_or_default()
    }

    /// Returns the share of the cash that an entry uses, also where something else about the strategy is wrong.
    pub(super) fn position_size(&self) -> f64 {
        if let Some(bound) = &self.bound {
            return bound.position_size();
        }
        let Some(Input::Record(entries)) = self.parameters else { return 1.0 };
        let given = entries.iter().find_map(|(name, value)| match value {
            Input::Number(value) if name == POSITION_SIZE => Some(*value),
            _ => None,
        });
        given.filter(|share| *share > 0.0 && *share < 1.0).unwrap_or(1.0)
    }
}
