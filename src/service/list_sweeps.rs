//! Lists stored sweeps.

use crate::error::{Code, Result};
use crate::request::{Fields, Input, Issues, Range};
use crate::store::{Status, Sweep, SweepFilter};

use super::cancellation::Cancellation;
use super::engine::Engine;

/// The default number of listed sweeps.
const DEFAULT_LIMIT: u32 = 50;
/// The maximum number of listed sweeps.
const MAX_LIMIT: f64 = 1000.0;

impl Engine {
    /// Returns the sweeps that match a filter, newest first.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `STORAGE`, `CLOSED`.
    pub async fn list_sweeps(&self, filter: &Input) -> Result<Vec<Sweep>> {
        let _call = self.start_call(&Cancellation::default())?;
        let filter = read_filter(filter)?;
        self.backends().await?.store.list_sweeps(&filter).await
    }
}

fn read_filter(input: &Input) -> Result<SweepFilter> {
    let mut issues = Issues::default();
    let empty = Input::Record(Vec::new());
    let mut fields =
        Fields::open("", if matches!(input, Input::Null) { &empty } else { input }, &mut issues);
    let limit = fields.integer("limit", Range::between(1.0, MAX_LIMIT), &mut issues);
    let filter = SweepFilter {
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
