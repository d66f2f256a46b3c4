//! Lists stored backtests.

use crate::error::{Code, Result};
use crate::request::{Fields, Input, Issues, Range};
use crate::store::record::{Filter, Run, Status, Summary};

use super::bars_status::BarsStatus;
use super::cancellation::Cancellation;
use super::engine::Engine;

/// The default number of listed runs.
const DEFAULT_LIMIT: u32 = 50;
/// The maximum number of listed runs.
const MAX_LIMIT: f64 = 1000.0;

impl Engine {
    /// Returns the runs that match a filter, newest first, and whether their bars are still there, if the catalog of bars says
    /// so.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `STORAGE`, `CLOSED`.
    pub async fn list_backtests(
        &self,
        filter: &Input,
    ) -> Result<Vec<(Run, Option<Summary>, Option<BarsStatus>)>> {
        let _call = self.start_call(&Cancellation::default())?;
        let filter = read_filter(filter)?;
        let runs = self.backends().await?.store.list(&filter).await?;
        self.bars_statuses(runs).await
    }
}

fn read_filter(input: &Input) -> Result<Filter> {
    let mut issues = Issues::default();
    let empty = Input::Record(Vec::new());
    let mut fields =
        Fields::open("", if matches!(input, Input::Null) { &empty } else { input }, &mut issues);
    let limit = fields.integer("limit", Range::between(1.0, MAX_LIMIT), &mut issues);
    let filter = Filter {
        strategy_id: fields.text("strategyId", &mut issues),
        asset_symbol: fields.text("assetSymbol", &mut issues),
        status: fields.choice("status", &Status::ALL, &mut issues),
        user_id: fields.text("userId", &mut issues),
        limit: Some(limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(DEFAULT_LIMIT)),
        before: fields.text("before", &mut issues),
    };
    fields.finish(&mut issues);
    issues.into_result(Code::InvalidArgument)?;
    Ok(filter)
}
