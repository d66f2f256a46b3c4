//! Reads a run back.

use std::sync::Arc;

use crate::error::Result;
use crate::store::record::{Outcome, Run};

use super::backtest_id;
use super::cancel::Cancel;
use super::engine::Engine;
use crate::request::Input;

impl Engine {
    /// Returns a run with what came out of it, if it is done; nothing for an id that is not known.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `STORAGE`, `CLOSED`.
    pub async fn get_backtest_results(
        &self,
        id: &Input,
    ) -> Result<Option<(Run, Option<Arc<Outcome>>)>> {
        let _work = self.enter(&Cancel::default())?;
        let id = backtest_id::backtest_id(id)?;
        let found = self.opened().await?.store.run(&id).await?;
        Ok(found.map(|(run, outcome)| (run, outcome.map(Arc::new))))
    }
}
