//! Lists the strategies.

use std::sync::Arc;

use crate::error::Result;
use crate::strategies::Strategy;

use super::engine::Engine;

impl Engine {
    /// Returns every strategy, in the order of the registry.
    ///
    /// # Errors
    /// `CLOSED`.
    pub fn list_strategies(&self) -> Result<Vec<Arc<Strategy>>> {
        self.check_open()?;
        Ok(self.registry.list().cloned().collect())
    }
}
