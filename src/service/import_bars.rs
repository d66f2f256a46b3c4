//! Imports bars into the store.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::data::{MergeSummary, Source, TimeRange, files};
use crate::error::{Code, Error, Result};
use crate::market::column_names::ColumnNames;
use crate::market::raw::{NotedBars, ReadOptions, TimeUnit};
use crate::market::time_zone::TimeZone;
use crate::market::{Bars, Limit, Timeframe, arrow};
use crate::note::Note;
use crate::observer::{NoObserver, ProgressObserver};
use crate::quote;
use crate::request::{Fields, Input, Issues};

use super::cancellable_write::CancellableWrite;
use super::engine::Engine;
use super::progress::{CallControl, ImportProgress, Progress, REPORT_INTERVAL};
use super::{bars_input, names, reader_threads};

/// The result of an import.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportSummary {
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe.
    pub timeframe: Timeframe,
    /// The counts and the range of the bars imported.
    pub imported: MergeSummary,
    /// What was mended or noticed.
    pub notes: Vec<Note>,
}

/// A valid request.
struct ImportRequest {
    asset_symbol: String,
    timeframe: Timeframe,
    source: ImportSource,
    options: ReadOptions,
}

enum ImportSource {
    Bars(Box<NotedBars>),
    Arrow(Vec<u8>),
    File(PathBuf),
}

impl Engine {
    /// Imports bars from memory or a file. Either all bars are imported or none.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `BAD_DATA`, `LIMIT_EXCEEDED`, `STORAGE`, `CLOSED`, and `Cancelled` if the caller cancels it.
    pub async fn import_bars(&self, input: Input, control: CallControl) -> Result<ImportSummary> {
        let _call = self.start_call(&control.cancellation)?;
        let cancellation = control.cancellation.clone();
        let limit = Limit::of_import(self.config.max_import_rows);
        let ImportRequest { asset_symbol, timeframe, source, options } = read(input, limit)?;
        let observer = Arc::new(ImportObserver::new(&asset_symbol, timeframe, control));
        let decode_observer = Arc::clone(&observer);
        let decode = move || {
            let noted = match source {
                ImportSource::Bars(bars) => *bars,
                ImportSource::Arrow(bytes) => {
                    arrow::from_ipc(&bytes, limit, &options, &*decode_observer)?
                }
                ImportSource::File(path) => files::read(&path, limit, &options, &*decode_observer)?,
            };
            if noted.bars.is_empty() {
                return Err(Error::new(Code::BadData, "there are no bars to import"));
            }
            bars_input::timeframe("bars", &noted.bars, Some(timeframe))?;
            Ok(noted)
        };
        let explain = |error| cancellation.explain(error);
        observer.report("reading", 0.0, 0, true);
        let mut noted = cancellation.or(reader_threads::run(decode)).await.map_err(explain)?;
        let backends = cancellation.or(self.backends()).await?;
        if noted.has_unknown_days() {
            let stored = stored_neighbors(&*backends.source, &asset_symbol, timeframe, &noted.bars);
            if let Some(stored) = cancellation.or(stored).await? {
                noted = noted.with_days_of(&stored, timeframe)?;
            }
        }
        let NotedBars { bars, notes } = noted;
        observer.start_writing(bars.len());
        let write_observer = Arc::clone(&observer);
        let writing =
            backends.source.import_observed(&asset_symbol, timeframe, bars, write_observer);
        let imported = observer.write.or_abandon(writing).await?;
        tracing::info!(asset_symbol = %quote::name(&asset_symbol), timeframe = %timeframe, imported = imported.imported, replaced = imported.replaced, "bars imported");
        Ok(ImportSummary { asset_symbol, timeframe, imported, notes })
    }
}

fn read(mut input: Input, limit: Limit) -> Result<ImportRequest> {
    let bars = input.take_field("bars");
    let mut issues = Issues::default();
    let mut fields = Fields::open("", &input, &mut issues);
    fields.declare(["bars"]);
    let symbol = names::symbol(&mut fields, "assetSymbol", &mut issues);
    if fields.take("timeframe").is_none() {
        fields.missing("timeframe", &mut issues);
    }
    let timeframe = fields.choice("timeframe", &Timeframe::ALL, &mut issues);
    if bars.is_none() {
        fields.missing("bars", &mut issues);
    }
    let options = ReadOptions {
        timeframe,
        columns: read_columns(fields.take("columns"), &mut issues),
        time_unit: fields.choice("timeUnit", &TimeUnit::ALL, &mut issues),
        timezone: read_timezone(&mut fields, &mut issues),
        adjust: fields.boolean("adjust", &mut issues).unwrap_or(false),
        is_series: true,
    };
    let is_table = matches!(bars, Some(Input::Text(_) | Input::Bytes(_)) | None);
    for name in ["columns", "timeUnit"] {
        if !is_table && fields.take(name).is_some() {
            let message = format!(
                "{name} is for files and Arrow bytes; bars in arrays have named columns and milliseconds"
            );
            issues.add(name, "conflict", message);
        }
    }
    if !is_table && options.adjust {
        let message = "adjust is for files and Arrow bytes; bars in arrays have no adjusted close";
        issues.add("adjust", "conflict", message);
    }
    fields.finish(&mut issues);
    issues.into_result(Code::InvalidArgument)?;
    let source = match bars {
        Some(Input::Text(path)) => ImportSource::File(PathBuf::from(path)),
        Some(Input::Bytes(bytes)) => ImportSource::Arrow(bytes),
        Some(bars) => {
            let noted = bars_input::read("bars", &bars, limit, &options)?;
            limit.check(noted.bars.len() as u64)?;
            ImportSource::Bars(Box::new(noted))
        }
        None => return Err(Error::internal("bars were neither read nor rejected")),
    };
    match (symbol, timeframe) {
        (Some(asset_symbol), Some(timeframe)) => {
            Ok(ImportRequest { asset_symbol, timeframe, source, options })
        }
        _ => Err(Error::internal("a field was neither read nor rejected")),
    }
}

/// Returns the stored bars of a series around new ones; `None` if there are none.
async fn stored_neighbors(
    source: &dyn Source,
    symbol: &str,
    timeframe: Timeframe,
    new: &Bars,
) -> Result<Option<Arc<Bars>>> {
    let series = source.series(symbol).await?;
    let is_stored = series.iter().any(|series| series.timeframe == timeframe && !series.ticks);
    let (Some(first), Some(last)) = (new.timestamps().first(), new.timestamps().last()) else {
        return Ok(None);
    };
    if !is_stored {
        return Ok(None);
    }
    let margin = NEIGHBORS * timeframe.milliseconds();
    let span = TimeRange::new(first.saturating_sub(margin), last.saturating_add(margin));
    match source.load(symbol, timeframe, span, Arc::new(NoObserver)).await {
        Ok(loaded) => Ok(Some(loaded.bars)),
        Err(error) if error.code == Code::NoData => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the names of columns.
fn read_columns(input: Option<&Input>, issues: &mut Issues) -> ColumnNames {
    let Some(input) = input else { return ColumnNames::default() };
    let mut fields = Fields::open("columns", input, issues);
    let timestamp = fields.text("timestamp", issues);
    let date = fields.text("date", issues);
    let clock = fields.text("time", issues);
    if timestamp.is_some() && (date.is_some() || clock.is_some()) {
        let message = "columns.timestamp excludes columns.date and columns.time: name one column, or a date and a time of day";
        issues.add("columns.timestamp", "conflict", message);
    }
    let prices = ["open", "high", "low", "close"].map(|name| fields.text(name, issues));
    let adjusted_close = fields.text("adjustedClose", issues);
    let volume = fields.text("volume", issues);
    fields.finish(issues);
    ColumnNames { time: timestamp.or(date), clock, prices, adjusted_close, volume }
}

fn read_timezone(fields: &mut Fields<'_>, issues: &mut Issues) -> Option<TimeZone> {
    let name = fields.text("timezone", issues)?;
    let zone = TimeZone::parse(&name);
    if zone.is_none() {
        let message = format!(
            "timezone must be an IANA name such as America/New_York or UTC, was {}",
            quote::quoted(&name)
        );
        issues.add("timezone", "choice", message);
    }
    zone
}

/// How many intervals before and after new bars show how their series is stamped.
const NEIGHBORS: i64 = 100;

/// The progress when all bars are read, percent.
const READ: f64 = 50.0;
/// The progress when all bars are written, percent.
const WRITTEN: f64 = 99.0;

/// Reports the progress of an import and cancels it.
#[derive(Debug)]
struct ImportObserver {
    asset_symbol: String,
    timeframe: Timeframe,
    control: CallControl,
    write: CancellableWrite,
    state: Mutex<ImportReportState>,
}

#[derive(Debug, Default)]
struct ImportReportState {
    last_report: Option<Instant>,
    progress: f64,
    stage: &'static str,
    /// The number of bars to write.
    bars: usize,
}

impl ImportObserver {
    fn new(asset_symbol: &str, timeframe: Timeframe, control: CallControl) -> Self {
        let write = CancellableWrite::new(control.cancellation.clone());
        let (asset_symbol, state) = (asset_symbol.to_owned(), Mutex::default());
        Self { asset_symbol, timeframe, control, write, state }
    }

    /// Reports that writing begins.
    fn start_writing(&self, bars: usize) {
        if let Ok(mut state) = self.state.lock() {
            state.bars = bars;
        }
        self.report("writing", 0.0, 0, true);
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the clock limits the rate of reports; it does not affect results"
    )]
    fn report(&self, stage: &'static str, fraction: f64, rows: usize, is_forced: bool) {
        let Some(on_progress) = &self.control.on_progress else { return };
        let Ok(mut state) = self.state.lock() else { return };
        // An abandoned reader thread may still report.
        let is_stale = state.stage == "writing" && stage == "reading";
        if is_stale
            || !is_forced && state.last_report.is_some_and(|last| last.elapsed() < REPORT_INTERVAL)
        {
            return;
        }
        let (from, to) = if stage == "reading" { (0.0, READ) } else { (READ, WRITTEN) };
        (state.last_report, state.stage) = (Some(Instant::now()), stage);
        state.progress = state.progress.max(from + (to - from) * fraction.clamp(0.0, 1.0));
        on_progress(Progress::Import(ImportProgress {
            asset_symbol: self.asset_symbol.clone(),
            timeframe: self.timeframe,
            progress: state.progress,
            stage,
            rows: rows as u64,
        }));
    }
}

impl ProgressObserver for ImportObserver {
    fn is_cancelled(&self) -> bool {
        self.write.is_cancelled()
    }

    fn on_bar(&self, bar: usize, _: usize) {
        let Ok(bars) = self.state.lock().map(|state| state.bars) else { return };
        #[expect(clippy::cast_precision_loss, reason = "only displayed")]
        let fraction = bar as f64 / bars.max(1) as f64;
        self.report("writing", fraction, bar, false);
    }

    fn on_read(&self, fraction: f64, rows: usize) {
        self.report("reading", fraction, rows, false);
    }

    fn may_commit(&self) -> bool {
        self.write.may_commit()
    }
}
