//! Assets and imports.

use napi_derive::napi;
use serde::Serialize;
use serde_json::{Map, Value};

use super::count::count;
use crate::data::Asset;
use crate::market::time;
use crate::note::Note;
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
    /// What was mended or noticed, such as rounding of highs and lows, missing volumes, or daily bars that were moved to 00:00
    /// UTC of their local day.
    #[napi(ts_type = "Array<Note>")]
    pub notes: Vec<JsNote>,
}

/// A remark about data or a result.
#[napi(object, object_from_js = false, js_name = "Note")]
pub struct JsNote {
    /// Stable code.
    pub code: String,
    /// One or two sentences for people.
    pub text: String,
    /// Counts and dates of the text, for programs.
    #[napi(ts_type = "Record<string, unknown>")]
    pub data: Option<Map<String, Value>>,
}

impl From<Note> for JsNote {
    fn from(note: Note) -> Self {
        let data = (!note.data.is_empty()).then_some(note.data);
        Self { code: note.code.as_str().to_owned(), text: note.text, data }
    }
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
            notes: summary.notes.into_iter().map(JsNote::from).collect(),
        }
    }
}

/// The bars of one timeframe.
#[napi(object, object_from_js = false, object_to_js = false)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetTimeframe {
    /// The timeframe; `tick` for ticks, which are aggregated to the timeframe of a backtest.
    #[napi(ts_type = "Timeframe | 'tick'")]
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
            timeframe: series.interval().as_str().to_owned(),
            bars: count(series.bars),
            first: time::format(series.first),
            last: time::format(series.last),
            source: series.source,
        });
        Self { asset_symbol: asset.symbol, timeframes: timeframes.collect() }
    }
}
