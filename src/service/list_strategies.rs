//! Lists the strategies.

use std::sync::Arc;

use crate::error::Result;

use super::cancellation::Cancellation;
use super::catalogue::CatalogueEntry;
use super::engine::Engine;

impl Engine {
    /// Returns every strategy: the built-in ones in their fixed order, then the registered ones by id.
    ///
    /// # Errors
    /// `CLOSED`, `STORAGE`: a list that silently omits the registered strategies would be wrong.
    pub async fn list_strategies(&self) -> Result<Vec<CatalogueEntry>> {
        let _call = self.start_call(&Cancellation::default())?;
        let catalogue = self.full_catalogue().await?;
        let entries = catalogue.registry.list().map(|strategy| CatalogueEntry {
            strategy: Arc::clone(strategy),
            is_function: catalogue.functions.contains_key(&strategy.definition().id),
        });
        Ok(entries.collect())
    }
}
