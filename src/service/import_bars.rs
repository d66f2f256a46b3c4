//! Takes bars into the store.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::compute::reserve;
use crate::data::{Imported, files};
use crate::error::{Code, Error, Result};
use crate::market::{Bars, Limit, Timeframe, arrow};
use crate::observer::ProgressObserver;
use crate::quote;
use crate::request::{Fields, Input, Issues};

use super::engine::Engine;
use super::progress::{Control, ImportProgress, PAUSE, Progress};
use super::{backtest_request, bars_input, reader_threads};

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
    Bytes(Vec<u8>),
    File(PathBuf),
}

impl Engine {
    /// Imports bars from memory or a file, all or none.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `BAD_DATA`, `LIMIT_EXCEEDED`, `STORAGE`, `CLOSED`, and `Cancelled` when the caller stops it;
    /// nothing is imported then.
    pub async fn import_bars(&self, input: &Input, control: Control) -> Result<ImportSummary> {
        let _work = self.enter(&control.cancel)?;
        let cancel = control.cancel.clone();
        let limit = Limit::of_import(self.config.max_import_rows);
        let (asset_symbol, timeframe, origin) = read(input, limit)?;
        let follower = Arc::new(Follower::new(&asset_symbol, timeframe, control));
        let observer = Arc::clone(&follower);
        let decode = move || {
            let bars = match origin {
                Origin::Memory(bars) => bars,
                Origin::Bytes(bytes) => arrow::from_ipc(&bytes, limit, &*observer)?,
                Origin::File(path) => files::read(&path, limit, &*observer)?,
            };
            if bars.is_empty() {
                return Err(Error::new(Code::BadData, "there are no bars to import"));
            }
            bars_input::timeframe("bars", &bars, Some(timeframe))?;
            Ok(bars)
        };
        // A loop that was stopped says only that; who stopped it is known here.
        let told =
            |error: Error| if error.code == Code::Cancelled { cancel.error() } else { error };
        follower.report("reading", 0.0, 0, true);
        let bars = cancel.or(reader_threads::run(decode)).await.map_err(told)?;
        let opened = cancel.or(self.opened()).await?;
        follower.expect(bars.len());
        let observer = Arc::clone(&follower);
        let mut writing = opened.source.import_watched(&asset_symbol, timeframe, bars, observer);
        let imported = tokio::select! {
            biased;
            () = cancel.cancelled() => {
                if follower.abandon() {
                    return Err(cancel.error());
                }
                // It is being made final: whether it was is the only answer there is.
                writing.await
            }
            imported = &mut writing => imported,
        };
        let imported = imported.map_err(told)?;
        tracing::info!(asset_symbol = %quote::name(&asset_symbol), timeframe = %timeframe, imported = imported.imported, replaced = imported.replaced, "bars imported");
        Ok(ImportSummary { asset_symbol, timeframe, imported })
    }
}

fn read(input: &Input, limit: Limit) -> Result<(String, Timeframe, Origin)> {
    let mut issues = Issues::default();
    let mut fields = Fields::open("", input, &mut issues);
    let symbol = backtest_request::symbol(&mut fields, "assetSymbol", &mut issues);
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
        Some(Input::Bytes(bytes)) => {
            let mut copy = reserve::with_room(bytes.len(), "bytes of Arrow")?;
            copy.extend_from_slice(bytes);
            Origin::Bytes(copy)
        }
        Some(bars) => {
            let bars = bars_input::read("bars", bars, limit)?;
            limit.check(bars.len() as u64)?;
            Origin::Memory(bars)
        }
        None => return Err(Error::internal("bars were neither read nor refused")),
    };
    match (symbol, timeframe) {
        (Some(symbol), Some(timeframe)) => Ok((symbol, timeframe, origin)),
        _ => Err(Error::internal("a field was neither read nor refused")),
    }
}

/// The import goes on; it was given up; it is being made final.
const OPEN: u8 = 0;
const ABANDONED: u8 = 1;
const FINAL: u8 = 2;

/// Where reading ends and writing begins, percent, and where that ends.
const READ: f64 = 50.0;
const WRITTEN: f64 = 99.0;

/// Reports how far an import is and stops it.
#[derive(Debug)]
struct Follower {
    asset_symbol: String,
    timeframe: Timeframe,
    control: Control,
    end: AtomicU8,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    progress: f64,
    stage: &'static str,
    /// How many bars there are to write.
    bars: usize,
}

impl Follower {
    fn new(asset_symbol: &str, timeframe: Timeframe, control: Control) -> Self {
        let (asset_symbol, state) = (asset_symbol.to_owned(), Mutex::default());
        Self { asset_symbol, timeframe, control, end: AtomicU8::new(OPEN), state }
    }

    /// Gives the import up; returns false where it is being made final already.
    fn abandon(&self) -> bool {
        self.decide(ABANDONED)
    }

    fn decide(&self, end: u8) -> bool {
        let decided = self.end.compare_exchange(OPEN, end, Ordering::AcqRel, Ordering::Acquire);
        decided.is_ok() || decided == Err(end)
    }

    /// Says how many bars are about to be written.
    fn expect(&self, bars: usize) {
        if let Ok(mut state) = self.state.lock() {
            state.bars = bars;
        }
        self.report("writing", 0.0, 0, true);
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "reports are paced by the clock; results are not touched by it"
    )]
    fn report(&self, stage: &'static str, share: f64, rows: usize, always: bool) {
        let Some(listener) = &self.control.listener else { return };
        let Ok(mut state) = self.state.lock() else { return };
        // A thread that was left behind has nothing to report.
        let is_stale = state.stage == "writing" && stage == "reading";
        if is_stale || !always && state.last.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        let (from, to) = if stage == "reading" { (0.0, READ) } else { (READ, WRITTEN) };
        (state.last, state.stage) = (Some(Instant::now()), stage);
        state.progress = state.progress.max(from + (to - from) * share.clamp(0.0, 1.0));
        listener(Progress::Import(ImportProgress {
            asset_symbol: self.asset_symbol.clone(),
            timeframe: self.timeframe,
            progress: state.progress,
            stage,
            rows: rows as u64,
        }));
    }
}

impl ProgressObserver for Follower {
    fn is_cancelled(&self) -> bool {
        match self.end.load(Ordering::Acquire) {
            OPEN => self.control.cancel.is_cancelled(),
            end => end == ABANDONED,
        }
    }

    fn on_bar(&self, bar: usize, _: usize) {
        let Ok(bars) = self.state.lock().map(|state| state.bars) else { return };
        #[expect(clippy::cast_precision_loss, reason = "a share of the work, for people")]
        let share = bar as f64 / bars.max(1) as f64;
        self.report("writing", share, bar, false);
    }

    fn on_read(&self, share: f64, rows: usize) {
        self.report("reading", share, rows, false);
    }

    fn may_commit(&self) -> bool {
        !self.is_cancelled() && self.decide(FINAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_given_up_or_made_final_and_never_both() {
        let follower = || Follower::new("A", Timeframe::D1, Control::default());
        let given_up = follower();
        assert!(given_up.abandon() && given_up.is_cancelled() && !given_up.may_commit());
        let made_final = follower();
        // Asked again where the first attempt to commit failed.
        assert!(made_final.may_commit() && made_final.may_commit() && !made_final.abandon());
        made_final.control.cancel.cancel();
        assert!(!made_final.is_cancelled());
        let stopped = follower();
        stopped.control.cancel.cancel();
        assert!(stopped.is_cancelled() && !stopped.may_commit());
    }
}
