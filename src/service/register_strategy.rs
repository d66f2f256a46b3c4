//! Registers a strategy under its id.

use std::sync::Arc;

use crate::error::{Code, Error, Result};
use crate::request::{Input, Issues};
use crate::store::StoredStrategy;
use crate::strategies::{self, Strategy};

use super::cancel::Cancel;
use super::catalogue::Known;
use super::clock;
use super::engine::Engine;
use super::function::SignalFunction;

impl Engine {
    /// Registers a strategy; one of the same id is replaced.
    ///
    /// A definition is kept in the store, for every engine on it and for later processes. A function is known to this
    /// engine only, until it is closed; a definition of the same id in the store stays there, hidden from this engine.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with all problems, the id of a built-in strategy among them; `STORAGE`, `CLOSED`.
    pub async fn register_strategy(
        &self,
        input: &Input,
        function: Option<Arc<dyn SignalFunction>>,
    ) -> Result<Known> {
        let _work = self.enter(&Cancel::default())?;
        let strategy = self.read_registered(input, function.is_some())?;
        let is_function = function.is_some();
        let id = strategy.definition().id.clone();
        if let Some(function) = function {
            self.change_catalogue(|known| {
                known.registry.insert(Arc::clone(&strategy))?;
                known.functions.insert(id, function);
                Ok(())
            })?;
        } else {
            self.opened().await?.store.save_strategy(record(&strategy)).await?;
            self.change_catalogue(|known| {
                known.functions.remove(&id);
                known.registry.remove(&id);
            });
        }
        tracing::info!(strategy_id = %strategy.definition().id, function = is_function, "strategy registered");
        Ok(Known { strategy, is_function })
    }

    fn read_registered(&self, input: &Input, is_function: bool) -> Result<Arc<Strategy>> {
        let mut issues = Issues::default();
        let strategy = if is_function {
            Strategy::read_declaration(input, &mut issues)
        } else {
            Strategy::read(input, &mut issues)
        };
        if let Input::Record(fields) = input
            && let Some((_, Input::Text(id))) = fields.iter().find(|(name, _)| name == "id")
        {
            self.at_hand().registry.check_free(id, &mut issues);
        }
        issues.into_result(Code::InvalidArgument)?;
        let strategy =
            strategy.ok_or_else(|| Error::internal("a strategy was neither read nor refused"))?;
        if is_function {
            return Ok(Arc::new(strategy));
        }
        // What runs from now on is what a later process will read.
        let read_back = strategies::parse(strategy.source()).and_then(Strategy::compile);
        read_back.map(Arc::new).map_err(|issues| {
            let error = Error::with_issues(Code::Internal, issues);
            Error::internal(format!("the strategy does not survive being kept: {}", error.message))
        })
    }
}

fn record(strategy: &Strategy) -> StoredStrategy {
    let definition = strategy.definition();
    let now = clock::now();
    StoredStrategy {
        id: definition.id.clone(),
        name: definition.name.clone(),
        description: definition.description.clone(),
        kind: definition.kind.as_str().to_owned(),
        parameters_schema: strategy.parameters_schema(),
        default_parameters: strategy.default_parameters(),
        definition: strategy.source().to_owned(),
        created_at: now,
        updated_at: now,
    }
}
