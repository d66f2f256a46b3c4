//! Deletes imported bars.

use std::sync::Arc;

use crate::data::TimeRange;
use crate::error::{Code, Error, Result};
use crate::market::{Timeframe, time};
use crate::quote;
use crate::request::{Fields, Input, Issues};

use super::cancellable_write::CancellableWrite;
use super::cancellation::Cancellation;
use super::engine::Engine;
use super::load::unknown_asset;
use super::names;

/// A valid request.
struct DeleteRequest {
    asset_symbol: String,
    /// All timeframes if there is none.
    timeframe: Option<Timeframe>,
    range: TimeRange,
}

impl Engine {
    /// Deletes imported bars, all of those requested or none. Returns their number.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, also if the bars are in the price table of a backend; `NO_DATA` if there are no bars of the asset;
    /// `STORAGE`, `CLOSED`, and `Cancelled` if the caller cancels it.
    pub async fn delete_bars(&self, input: &Input, cancellation: Cancellation) -> Result<u64> {
        let _call = self.start_call(&cancellation)?;
        let DeleteRequest { asset_symbol, timeframe, range } = read(input)?;
        let source = &cancellation.or(self.backends()).await?.source;
        let write = Arc::new(CancellableWrite::new(cancellation));
        let observer = Arc::clone(&write);
        let deleting = source.delete(&asset_symbol, timeframe, range, observer);
        let deleted = write.or_abandon(deleting).await?;
        if deleted == 0 && source.series(&asset_symbol).await?.is_empty() {
            return Err(unknown_asset(&asset_symbol, &**source).await?);
        }
        tracing::info!(
            asset_symbol = %quote::name(&asset_symbol), timeframe = timeframe.map_or("all", Timeframe::as_str), deleted,
            "bars deleted"
        );
        Ok(deleted)
    }
}

fn read(input: &Input) -> Result<DeleteRequest> {
    let mut issues = Issues::default();
    let mut fields = Fields::open("", input, &mut issues);
    let symbol = names::symbol(&mut fields, "assetSymbol", &mut issues);
    let timeframe = fields.choice("timeframe", &Timeframe::ALL, &mut issues);
    let from = fields.timestamp("from", &mut issues).unwrap_or(i64::MIN);
    let to = fields.end_timestamp("to", &mut issues).unwrap_or(i64::MAX);
    if to < from {
        let message = format!("to {} is before from {}", time::short(to), time::short(from));
        issues.add("to", "range", message);
    }
    fields.finish(&mut issues);
    issues.into_result(Code::InvalidArgument)?;
    match symbol {
        Some(asset_symbol) => {
            Ok(DeleteRequest { asset_symbol, timeframe, range: TimeRange::new(from, to) })
        }
        None => Err(Error::internal("a field was neither read nor rejected")),
    }
}
