//! Takes bars into the store.

use std::path::PathBuf;

use crate::data::{Imported, files};
use crate::error::{Code, Error, Result};
use crate::input::{Fields, Input, Issues};
use crate::market::{Bars, Timeframe};
use crate::watch::Unwatched;

use super::cancel::Cancel;
use super::engine::Engine;
use super::{bars_input, pool, request};

/// What an import did.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportSummary {
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe.
    pub timeframe: Timeframe,
    /// The counts and the range of the bars imported.
    pub imported: Imported,
}

enum Origin {
    Memory(Bars),
    File(PathBuf),
}

impl Engine {
    /// Imports bars from memory or a file, all or none.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `BAD_DATA`, `STORAGE`, `CLOSED`.
    pub async fn import_bars(&self, input: &Input) -> Result<ImportSummary> {
        let _work = self.enter(&Cancel::default())?;
        let (asset_symbol, timeframe, origin) = read(input)?;
        let bars = match origin {
            Origin::Memory(bars) => bars,
            Origin::File(path) => {
                pool::run(pool::Length::Long, move || files::read(&path, &Unwatched)).await?
            }
        };
        if bars.is_empty() {
            return Err(Error::new(Code::BadData, "there are no bars to import"));
        }
        bars_input::timeframe("bars", &bars, Some(timeframe))?;
        let imported = self.opened().await?.source.import(&asset_symbol, timeframe, bars).await?;
        tracing::info!(asset_symbol = %asset_symbol, timeframe = %timeframe, imported = imported.imported, replaced = imported.replaced, "bars imported");
        Ok(ImportSummary { asset_symbol, timeframe, imported })
    }
}

fn read(input: &Input) -> Result<(String, Timeframe, Origin)> {
    let mut issues = Issues::default();
    let mut fields = Fields::open("", input, &mut issues);
    let symbol = request::symbol(&mut fields, "assetSymbol", &mut issues);
    if fields.take("timeframe").is_none() {
        fields.missing("timeframe", &mut issues);
    }
    let timeframe = fields.choice("timeframe", &Timeframe::ALL, &mut issues);
    let bars = fields.take("bars");
    if bars.is_none() {
        fields.missing("bars", &mut issues);
    }
    fields.finish(&mut issues);
    issues.into_result(Code::InvalidArgument)?;
    let origin = match bars {
        Some(Input::Text(path)) => Origin::File(PathBuf::from(path)),
        Some(bars) => Origin::Memory(bars_input::read("bars", bars)?),
        None => return Err(Error::internal("bars were neither read nor refused")),
    };
    match (symbol, timeframe) {
        (Some(symbol), Some(timeframe)) => Ok((symbol, timeframe, origin)),
        _ => Err(Error::internal("a field was neither read nor refused")),
    }
}
