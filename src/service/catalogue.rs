//! The strategies that an engine knows: built-in ones, those in its store, and functions of its caller.
//!
//! The store is asked each time, for one row by its key, so that what another process registers, replaces or deletes holds
//! from the next call on. Built-in strategies and functions need no store.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use crate::error::{Error, Result};
use crate::request::Input;
use crate::store::StoredStrategy;
use crate::strategies::{self, Registry, Strategy};

use super::engine::Engine;
use super::function::SignalFunction;

/// The strategies known at one moment; those with an entry in `functions` are declared in the registry.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// Every strategy that was looked up.
    pub registry: Registry,
    /// The functions of the caller, by the id of their strategy.
    pub functions: BTreeMap<String, Arc<dyn SignalFunction>>,
}

/// A strategy that can be run.
#[derive(Debug, Clone)]
pub struct Known {
    /// The strategy.
    pub strategy: Arc<Strategy>,
    /// Whether a function of the caller computes its signals; it has no text then.
    pub is_function: bool,
}

impl Engine {
    /// Returns what is known without the store: built-in strategies and functions.
    pub(super) fn at_hand(&self) -> Catalogue {
        self.catalogue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is known without the store.
    pub(super) fn change_catalogue<T>(&self, change: impl FnOnce(&mut Catalogue) -> T) -> T {
        change(&mut self.catalogue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the strategies for a request, with the one that it names if it is known. Where it is not, all are there, so
    /// that an error can name the nearest.
    ///
    /// # Errors
    /// `STORAGE` where the store is needed and fails, or holds a strategy that this version cannot read.
    pub(super) async fn catalogue_for(&self, request: &Input) -> Result<Catalogue> {
        let mut known = self.at_hand();
        let Some(id) = named_id(request) else { return Ok(known) };
        if known.registry.is_builtin(id) || known.functions.contains_key(id) {
            return Ok(known);
        }
        match self.opened().await?.store.strategy(id).await? {
            Some(stored) => known.registry.insert(compile(&stored)?)?,
            None => self.add_stored(&mut known).await?,
        }
        Ok(known)
    }

    /// Returns every strategy there is.
    ///
    /// # Errors
    /// `STORAGE`.
    pub(super) async fn whole_catalogue(&self) -> Result<Catalogue> {
        let mut known = self.at_hand();
        self.add_stored(&mut known).await?;
        Ok(known)
    }

    async fn add_stored(&self, known: &mut Catalogue) -> Result<()> {
        for stored in self.opened().await?.store.strategies().await? {
            if known.functions.contains_key(&stored.id) {
                continue;
            }
            // One that a newer version registered, or whose id became built-in, must not hide the others.
            if let Err(error) =
                compile(&stored).and_then(|strategy| known.registry.insert(strategy))
            {
                tracing::warn!(strategy_id = %stored.id, error = %error, "a registered strategy was left out");
            }
        }
        Ok(())
    }
}

fn named_id(request: &Input) -> Option<&str> {
    let Input::Record(fields) = request else { return None };
    fields.iter().find_map(|(name, value)| match value {
        Input::Text(id) if name == "strategyId" => Some(id.as_str()),
        _ => None,
    })
}

fn compile(stored: &StoredStrategy) -> Result<Arc<Strategy>> {
    let strategy = strategies::parse(&stored.definition).and_then(Strategy::compile);
    strategy.map(Arc::new).map_err(|issues| {
        let why = issues.first().map_or("", |issue| issue.message.as_str());
        Error::storage(format!(
            "the registered strategy {:?} cannot be read by this version: {why}",
            stored.id
        ))
    })
}
