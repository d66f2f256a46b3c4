//! Looks strategies up.
//!
//! Each request reads the store again, one row by its key. What another process registers, replaces or deletes is
//! therefore visible from the next call on. Built-in strategies and functions do not need the store.

use std::sync::{Arc, PoisonError};

use crate::error::{Error, Result};
use crate::store::StoredStrategy;
use crate::strategies::{self, Strategy};

use super::catalogue::Catalogue;
use super::engine::Engine;
use super::strategy_request::StrategyRef;

impl Engine {
    /// Returns the strategies that are known without the store: built-in ones and functions.
    pub(super) fn local_catalogue(&self) -> Catalogue {
        self.catalogue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the strategies that are known without the store.
    pub(super) fn change_local_catalogue<T>(&self, change: impl FnOnce(&mut Catalogue) -> T) -> T {
        change(&mut self.catalogue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns a catalogue that contains the referenced strategy if it is known. If it is unknown, the catalogue contains
    /// all strategies, so that an error can suggest the nearest id.
    ///
    /// # Errors
    /// `STORAGE` if the store is needed and fails, or contains a strategy that this version cannot read.
    pub(super) async fn catalogue_for(&self, reference: &StrategyRef) -> Result<Catalogue> {
        let mut catalogue = self.local_catalogue();
        let StrategyRef::Id(id) = reference else { return Ok(catalogue) };
        if catalogue.registry.is_builtin(id) || catalogue.functions.contains_key(id) {
            return Ok(catalogue);
        }
        match self.backends().await?.store.strategy(id).await? {
            Some(stored) => catalogue.registry.insert(compile(&stored)?)?,
            None => self.add_stored(&mut catalogue).await?,
        }
        Ok(catalogue)
    }

    /// Returns a catalogue of all strategies.
    ///
    /// # Errors
    /// `STORAGE`.
    pub(super) async fn full_catalogue(&self) -> Result<Catalogue> {
        let mut catalogue = self.local_catalogue();
        self.add_stored(&mut catalogue).await?;
        Ok(catalogue)
    }

    async fn add_stored(&self, catalogue: &mut Catalogue) -> Result<()> {
        for stored in self.backends().await?.store.strategies().await? {
            if catalogue.functions.contains_key(&stored.id) {
                continue;
            }
            // A strategy that a newer version registered, or whose id is now built in, must not hide the others.
            if let Err(error) =
                compile(&stored).and_then(|strategy| catalogue.registry.insert(strategy))
            {
                tracing::warn!(strategy_id = %stored.id, error = %error, "a registered strategy was skipped");
            }
        }
        Ok(())
    }
}

fn compile(stored: &StoredStrategy) -> Result<Arc<Strategy>> {
    let strategy = strategies::parse(&stored.definition).and_then(Strategy::compile);
    strategy.map(Arc::new).map_err(|issues| {
        let reason = issues.first().map_or("", |issue| issue.message.as_str());
        Error::storage(format!(
            "this version cannot read the registered strategy {:?}: {reason}",
            stored.id
        ))
    })
}
