//! Lists the strategies.

use std::sync::Arc;

use crate::error::Result;

use super::cancellation::Cancellation;
use super::catalog::CatalogEntry;
use super::engine::Engine;

impl Engine {
    /// Returns every strategy: the built-in ones in their fixed order, then the registered ones by id.
    ///
    /// # Errors
    /// `CLOSED`, `STORAGE`: a list that silently omits the registered strategies would be wrong.
    pub async fn list_strategies(&self) -> Result<Vec<CatalogEntry>> {
        let _call = self.start_call(&Cancellation::default())?;
        let catalog = self.full_catalog().await?;
        let entries = catalog.registry.list().map(|strategy| CatalogEntry {
            strategy: Arc::clone(strategy),
            is_function: catalog.functions.contains_key(&strategy.definition().id),
        });
        Ok(entries.collect())
    }
}
