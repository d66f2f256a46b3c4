//! Lists the strategies.

use std::sync::Arc;

use crate::error::Result;

use super::cancel::Cancel;
use super::catalogue::Known;
use super::engine::Engine;

impl Engine {
    /// Returns every strategy: the built-in ones in the order of their list, then the registered ones by id.
    ///
    /// # Errors
    /// `CLOSED`, and `STORAGE`: a list that leaves out in silence what was registered would be wrong.
    pub async fn list_strategies(&self) -> Result<Vec<Known>> {
        let _work = self.enter(&Cancel::default())?;
        let known = self.whole_catalogue().await?;
        let list = known.registry.list().map(|strategy| Known {
            strategy: Arc::clone(strategy),
            is_function: known.functions.contains_key(&strategy.definition().id),
        });
        Ok(list.collect())
    }
}
