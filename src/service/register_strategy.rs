//! Registers a strategy.

use std::sync::Arc;

use crate::error::{Code, Error, Result};
use crate::request::{Input, Issues};
use crate::store::StoredStrategy;
use crate::strategies::{self, Strategy};

use super::cancellation::Cancellation;
use super::catalog::CatalogEntry;
use super::clock;
use super::engine::Engine;
use super::function::SignalFunction;

impl Engine {
    /// Registers a strategy, replacing one with the same id.
    ///
    /// A definition is stored for all engines that use the same store and for later processes. A function is only known to
    /// this engine until it is closed; it hides a stored definition with the same id from this engine.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with all problems, also for the id of a built-in strategy; `STORAGE`, `CLOSED`.
    pub async fn register_strategy(
        &self,
        input: &Input,
        function: Option<Arc<dyn SignalFunction>>,
    ) -> Result<CatalogEntry> {
        let _call = self.start_call(&Cancellation::default())?;
        let strategy = self.read_registered(input, function.is_some())?;
        let is_function = function.is_some();
        let id = strategy.definition().id.clone();
        if let Some(function) = function {
            self.change_local_catalog(|catalog| {
                catalog.registry.insert(Arc::clone(&strategy))?;
                catalog.functions.insert(id, function);
                Ok(())
            })?;
        } else {
            self.backends().await?.store.save_strategy(record(&strategy)).await?;
            self.change_local_catalog(|catalog| {
                catalog.functions.remove(&id);
                catalog.registry.remove(&id);
            });
        }
        tracing::info!(strategy_id = %strategy.definition().id, function = is_function, "strategy registered");
        Ok(CatalogEntry { strategy, is_function })
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
            self.local_catalog().registry.check_free(id, &mut issues);
        }
        issues.into_result(Code::InvalidArgument)?;
        let strategy =
            strategy.ok_or_else(|| Error::internal("a strategy was neither read nor rejected"))?;
        if is_function {
            return Ok(Arc::new(strategy));
        }
        // Engines run the stored text, so it must compile.
        let read_back = strategies::parse(strategy.source()).and_then(Strategy::compile);
        read_back.map(Arc::new).map_err(|issues| {
            let error = Error::with_issues(Code::Internal, issues);
            Error::internal(format!("the stored strategy cannot be read back: {}", error.message))
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
        kind: definition.strategy_type.as_str().to_owned(),
        parameters_schema: strategy.parameters_schema(),
        default_parameters: strategy.default_parameters(),
        definition: strategy.source().to_owned(),
        created_at: now,
        updated_at: now,
    }
}
