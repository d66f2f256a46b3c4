//! Reads a stored backtest.

use crate::error::{Code, Result};
use crate::request::{Fields, Input, Issues};
use crate::store::record::{Outcome, Run};

use super::bars_status::BarsStatus;
use super::cancellation::Cancellation;
use super::engine::Engine;
use super::{backtest_id, outputs};

/// A backtest as it is stored.
#[derive(Debug)]
pub struct StoredBacktest {
    /// The record of the run.
    pub run: Run,
    /// The results if it is completed. The warnings include one if the bars are gone.
    pub outcome: Option<Outcome>,
    /// Whether its bars are still there; `None` if that is unknown.
    pub bars_status: Option<BarsStatus>,
    /// The maximum number of points of the returned curve; `None` for all of them.
    pub max_points: Option<usize>,
}

impl Engine {
    /// Returns a run, with its results if it is completed; `None` if no run has the id.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `STORAGE`, `CLOSED`.
    pub async fn get_backtest_results(
        &self,
        id: &Input,
        options: &Input,
    ) -> Result<Option<StoredBacktest>> {
        let _call = self.start_call(&Cancellation::default())?;
        let id = backtest_id::backtest_id(id)?;
        let max_points = read_options(options)?;
        let Some((run, mut outcome)) = self.backends().await?.store.run(&id).await? else {
            return Ok(None);
        };
        let bars_status = match &mut outcome {
            Some(outcome) => self.bars_status(&run, outcome).await,
            None => None,
        };
        Ok(Some(StoredBacktest { run, outcome, bars_status, max_points }))
    }
}

/// Reads the maximum number of points.
fn read_options(options: &Input) -> Result<Option<usize>> {
    if matches!(options, Input::Null) {
        return Ok(None);
    }
    let mut issues = Issues::default();
    let mut fields = Fields::open("options", options, &mut issues);
    let max_points = outputs::read_max_points(&mut fields, &mut issues);
    fields.finish(&mut issues);
    issues.into_result(Code::InvalidArgument)?;
    Ok(max_points)
}
