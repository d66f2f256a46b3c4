//! Looks strategies up.
//!
//! Each request reads the store again, one row by its key. What another process registers, replaces or deletes is
//! therefore visible from the next call on. Built-in strategies and functions do not need the store.

use std::sync::{Arc, PoisonError};

use crate::error::{Error, Result};
use crate::store::StoredStrategy;
use crate::strategies::{self, Strategy};

use super::catalog::Catalog;
use super::engine::Engine;
use super::strategy_request::StrategyRef;

impl Engine {
    /// Returns the strategies that are known without the store: built-in ones and functions.
    pub(super) fn local_catalog(&self) -> Catalog {
        self.catalog.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the strategies that are known without the store.
    pub(super) fn change_local_catalog<T>(&self, change: impl FnOnce(&mut Catalog) -> T) -> T {
        change(&mut self.catalog.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns a catalog that contains the referenced strategy if it is known. If it is unknown, the catalog contains
    /// all strategies, so that an error can suggest the nearest id.
    ///
    /// # Errors
    /// `STORAGE` if the store is needed and fails, or contains a strategy that this version cannot read.
    pub(super) async fn catalog_for(&self, reference: &StrategyRef) -> Result<Catalog> {
        let mut catalog = self.local_catalog();
        let StrategyRef::Id(id) = reference else { return Ok(catalog) };
        if catalog.registry.is_builtin(id) || catalog.functions.contains_key(id) {
            return Ok(catalog);
        }
        match self.backends().await?.store.strategy(id).await? {
            Some(stored) => catalog.registry.insert(compile(&stored)?)?,
            None => self.add_stored(&mut catalog).await?,
        }
        Ok(catalog)
    }

    /// Returns a catalog of all strategies.
    ///
    /// # Errors
    /// `STORAGE`.
    pub(super) async fn full_catalog(&self) -> Result<Catalog> {
        let mut catalog = self.local_catalog();
        self.add_stored(&mut catalog).await?;
        Ok(catalog)
    }

    async fn add_stored(&self, catalog: &mut Catalog) -> Result<()> {
        for stored in self.backends().await?.store.strategies().await? {
            if catalog.functions.contains_key(&stored.id) {
                continue;
            }
            // A strategy that a newer version registered, or whose id is now built in, must not hide the others.
            if let Err(error) =
                compile(&stored).and_then(|strategy| catalog.registry.insert(strategy))
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
