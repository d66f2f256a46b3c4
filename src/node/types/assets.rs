//! Assets and imports.

use napi_derive::napi;
use serde::Serialize;

use super::count::count;
use crate::data::Asset;
use crate::market::time;
use crate::service;

/// The result of an import.
#[napi(object, object_from_js = false, js_name = "ImportSummary")]
pub struct JsImportSummary {
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe.
    #[napi(ts_type = "Timeframe")]
    pub timeframe: String,
    /// Number of imported bars, including replacements.
    pub imported: f64,
    /// Number of imported bars that replaced a bar with the same timestamp.
    pub replaced: f64,
    /// Opening time of the first imported bar, ISO 8601.
    pub first: String,
    /// Opening time of the last imported bar, ISO 8601.
    pub last: String,
}

impl From<service::ImportSummary> for JsImportSummary {
    fn from(summary: service::ImportSummary) -> Self {
        Self {
            asset_symbol: summary.asset_symbol,
            timeframe: summary.timeframe.as_str().to_owned(),
            imported: count(summary.imported.imported),
            replaced: count(summary.imported.replaced),
            first: time::format(summary.imported.first),
            last: time::format(summary.imported.last),
        }
    }
}

/// The bars of one timeframe.
#[napi(object, object_from_js = false, object_to_js = false)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetTimeframe {
    /// The timeframe.
    #[napi(ts_type = "Timeframe")]
    pub timeframe: String,
    /// Number of bars.
    pub bars: f64,
    /// Opening time of the first bar, ISO 8601.
    pub first: String,
    /// Opening time of the last bar, ISO 8601.
    pub last: String,
    /// Where the bars are stored: `embedded` (the embedded store), `imported` (imported into PostgreSQL), or the name of the
    /// PostgreSQL table or view with prices.
    pub source: String,
}

/// An asset and its bars.
#[napi(object, object_from_js = false, object_to_js = false)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetInfo {
    /// The asset.
    pub asset_symbol: String,
    /// Its bars by timeframe, finest first.
    pub timeframes: Vec<AssetTimeframe>,
}

impl From<Asset> for AssetInfo {
    fn from(asset: Asset) -> Self {
        let timeframes = asset.series.into_iter().map(|series| AssetTimeframe {
            timeframe: series.timeframe.as_str().to_owned(),
            bars: count(series.bars),
            first: time::format(series.first),
            last: time::format(series.last),
            source: series.source,
        });
        Self { asset_symbol: asset.symbol, timeframes: timeframes.collect() }
    }
}
