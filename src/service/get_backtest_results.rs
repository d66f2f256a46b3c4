//! Reads a stored backtest.

use std::sync::Arc;

use crate::error::Result;
use crate::store::record::{Outcome, Run};

use super::backtest_id;
use super::cancellation::Cancellation;
use super::engine::Engine;
use crate::request::Input;

impl Engine {
    /// Returns a run, with its results if it is completed; `None` if no run has the id.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `STORAGE`, `CLOSED`.
    pub async fn get_backtest_results(
        &self,
        id: &Input,
    ) -> Result<Option<(Run, Option<Arc<Outcome>>)>> {
        let _call = self.start_call(&Cancellation::default())?;
        let id = backtest_id::backtest_id(id)?;
        let found = self.backends().await?.store.run(&id).await?;
        Ok(found.map(|(run, outcome)| (run, outcome.map(Arc::new))))
    }
}
