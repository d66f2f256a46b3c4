//! Keeps a sweep in the store while it is computed.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use serde_json::Value;
use tracing::instrument::WithSubscriber;

use crate::error::{Code, Error, Result};
use crate::store::{
    Status, Store, Sweep, SweepChunk, SweepDetails, SweepEnd, is_duplicate, is_ended,
};
use crate::sweep::columns::SweepColumns;
use crate::sweep::space::Space;
use crate::sweep::standing::Standing;
use crate::sweep::sum_columns::SumColumns;

use super::clock;
use super::engine::Engine;
use super::stored_sweep::StoredRequest;
use super::sweep_result::SweepSummary;
use super::sweep_run::SweepRun;

/// A checkpoint is written at least this often.
const CHECKPOINT: Duration = Duration::from_secs(20);

/// The delay before the end of a sweep is recorded again. It doubles with each attempt, up to the maximum.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// See [`FIRST_DELAY`].
const MAX_DELAY: Duration = Duration::from_secs(30);

/// A sweep that the store keeps.
#[derive(Debug)]
pub(super) struct KeptSweep {
    store: Arc<dyn Store>,
    id: String,
    claim: String,
    /// What the store keeps as the request.
    stored: StoredRequest,
    /// The names of the columns of a chunk.
    columns: Vec<String>,
    /// The number of combinations that are kept.
    done: usize,
    /// The number of series whose bars are known to the store.
    series: usize,
    /// The hashes of the bars of the series that an interrupted call loaded.
    fingerprints: Vec<String>,
    last: Instant,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock times checkpoints; it does not affect results"
)]
impl KeptSweep {
    /// Keeps a new sweep, without combinations. In the rare case that its id is taken, it gets another one.
    pub(super) async fn create(
        engine: &Engine,
        run: &mut SweepRun,
        request: Value,
        is_waiting: bool,
    ) -> Result<Self> {
        let store = Arc::clone(&engine.backends().await?.store);
        let sweep = &run.sweep;
        let mut stored = StoredRequest {
            request,
            metrics: sweep.metrics.iter().map(|metric| metric.name.to_owned()).collect(),
            lists_assets: sweep.lists_assets,
            lists_timeframes: sweep.lists_timeframes,
            ..StoredRequest::default()
        };
        stored.set_space(&sweep.space, |axis| sweep.is_flag(axis));
        let columns = stored.columns();
        let mut record = Sweep {
            id: run.id.clone(),
            claim: clock::claim(),
            user_id: sweep.user_id.clone(),
            strategy_id: sweep.strategy_id().to_owned(),
            strategy_source: sweep.strategy_source.clone(),
            asset_symbols: sweep.asset_symbols.clone(),
            timeframes: run.intervals().take(sweep.timeframes.len()).collect(),
            start: sweep.start,
            end: sweep.end,
            objective: sweep.objective.text().to_owned(),
            combinations: run.total() as u64,
            done: 0,
            best: None,
            status: if is_waiting { Status::Pending } else { Status::Running },
            error: None,
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            created_at: clock::now(),
            updated_at: clock::now(),
            completed_at: None,
        };
        let details = SweepDetails {
            request: serde_json::to_value(&stored).map_err(|error| {
                Error::internal(format!("the request of a sweep cannot be stored: {error}"))
            })?,
            columns: columns.clone(),
            fingerprints: Vec::new(),
            summary: None,
        };
        loop {
            match store.create_sweep(record.clone(), details.clone()).await {
                Err(error) if is_duplicate(&error) => record.id = clock::sweep_id(),
                result => break result?,
            }
        }
        run.id.clone_from(&record.id);
        Ok(Self {
            store,
            id: record.id,
            claim: record.claim,
            stored,
            columns,
            done: 0,
            series: 0,
            fingerprints: Vec::new(),
            last: Instant::now(),
        })
    }

    /// Returns a sweep with its request.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub(super) async fn find(engine: &Engine, id: &str) -> Result<(Sweep, Value)> {
        let store = Arc::clone(&engine.backends().await?.store);
        let (sweep, details) = store.sweep(id).await?.ok_or_else(|| unknown(id))?;
        let stored = StoredRequest::of(&sweep, &details)?;
        Ok((sweep, stored.request))
    }

    /// Takes over a sweep that was interrupted.
    ///
    /// # Errors
    /// `NOT_FOUND`; `INVALID_ARGUMENT` if it is under way or completed.
    pub(super) async fn resume(engine: &Engine, id: &str) -> Result<(Self, Sweep)> {
        let store = Arc::clone(&engine.backends().await?.store);
        let claim = clock::claim();
        let version = env!("CARGO_PKG_VERSION");
        let found = store.resume_sweep(id, &claim, version, clock::now()).await?;
        let (sweep, details) = found.ok_or_else(|| unknown(id))?;
        let stored = StoredRequest::of(&sweep, &details)?;
        let kept = Self {
            store,
            stored,
            id: sweep.id.clone(),
            claim,
            columns: details.columns,
            done: usize::try_from(sweep.done).unwrap_or(usize::MAX),
            series: 0,
            fingerprints: details.fingerprints,
            last: Instant::now(),
        };
        Ok((kept, sweep))
    }

    /// Returns the combinations that are kept.
    pub(super) async fn read(&self, run: &SweepRun) -> Result<SweepColumns> {
        let (metrics, total) = (run.sweep.metrics.len(), run.total());
        let mut columns = run.columns(0, total)?;
        // The metrics, the objective and the standing.
        let names: Vec<String> = self.columns.iter().take(metrics + 2).cloned().collect();
        while columns.len() < self.done {
            let next = columns.len() as u64;
            let chunk = self.store.sweep_chunk(&self.id, next, names.clone()).await?;
            let chunk = chunk.ok_or_else(|| {
                Error::storage(format!(
                    "combination {next} of sweep {} is not kept any more",
                    self.id
                ))
            })?;
            columns.append(&columns_of(chunk, metrics, total)?)?;
        }
        Ok(columns)
    }

    /// Returns how many rows the columns may have before the next checkpoint.
    pub(super) fn limit(&self) -> usize {
        self.done + SweepChunk::combinations_for(self.columns.len())
    }

    /// Returns whether it is time for a checkpoint.
    pub(super) fn is_due(&self, columns: &SweepColumns) -> bool {
        columns.len() >= self.limit() || self.last.elapsed() >= CHECKPOINT
    }

    /// Keeps the hashes of bars that were loaded.
    ///
    /// # Errors
    /// `BAD_DATA` if the bars of a resumed sweep have changed.
    pub(super) async fn bars_loaded(&mut self, run: &SweepRun) -> Result<()> {
        if run.bars.len() == self.series {
            return Ok(());
        }
        let found: Vec<String> =
            run.bars.iter().map(|series| series.fingerprint.clone().unwrap_or_default()).collect();
        for (index, (found, kept)) in found.iter().zip(&self.fingerprints).enumerate() {
            if found != kept {
                let (symbol, timeframe) = run.names(index);
                let message = format!(
                    "the {timeframe} bars of {symbol} have changed since sweep {} was interrupted, so that it cannot go on with the same \
                     result; run it again",
                    self.id
                );
                return Err(Error::new(Code::BadData, message));
            }
        }
        self.series = found.len();
        if found.len() > self.fingerprints.len() {
            self.fingerprints.clone_from(&found);
            self.store.begin_sweep(&self.id, &self.claim, found, clock::now()).await?;
        }
        Ok(())
    }

    /// Keeps the combinations that are not kept yet.
    pub(super) async fn append(&mut self, space: &Space, columns: &SweepColumns) -> Result<()> {
        let rows = self.done..columns.len();
        if rows.is_empty() {
            return Ok(());
        }
        let cut = |column: &[f64]| column.get(rows.clone()).unwrap_or(&[]).to_vec();
        let standing = columns.standing.get(rows.clone()).unwrap_or(&[]);
        let standing = standing.iter().map(|standing| f64::from(*standing as u8)).collect();
        let values = columns.metrics.iter().map(|column| cut(column));
        let values = values.chain([cut(&columns.objective), standing]);
        let sums = columns.sums.as_ref().map(|sums| sums.to_flat(rows.clone()));
        let values = values.chain(sums.unwrap_or_default());
        let values = values.chain(self.stored.points(space, rows.clone())?);
        let chunk = SweepChunk {
            from: self.done as u64,
            count: rows.len(),
            columns: self.columns.iter().cloned().zip(values).collect(),
        };
        let chunk = Arc::new(chunk);
        self.store.append_sweep_chunk(&self.id, &self.claim, chunk, clock::now()).await?;
        self.done = rows.end;
        self.last = Instant::now();
        Ok(())
    }

    /// Keeps the result of a completed sweep.
    pub(super) async fn complete(&self, summary: &SweepSummary) -> Result<()> {
        let best = summary.top.first().map(|best| best.objective);
        let summary = serde_json::to_value(summary)
            .map_err(|error| Error::internal(format!("a summary cannot be stored: {error}")))?;
        let end = SweepEnd {
            status: Status::Completed,
            error: None,
            best,
            summary: Some(summary),
            at: clock::now(),
        };
        self.store.end_sweep(&self.id, &self.claim, end).await
    }

    /// Returns an error as the record of a sweep has it.
    pub(super) fn describe_error(error: &Error) -> String {
        format!("{}: {}", error.code, error.message)
    }

    /// Records that the sweep failed or was cancelled. The caller receives the error in any case.
    pub(super) async fn fail(&self, error: &Error) {
        let status = if matches!(error.code, Code::Cancelled | Code::Closed) {
            Status::Cancelled
        } else {
            Status::Failed
        };
        tracing::warn!(sweep_id = %self.id, status = status.as_str(), code = %error.code, error = %error, "sweep ended early");
        let text = Self::describe_error(error);
        let end =
            SweepEnd { status, error: Some(text), best: None, summary: None, at: clock::now() };
        if let Err(failure) = self.store.end_sweep(&self.id, &self.claim, end.clone()).await
            && !is_ended(&failure)
        {
            tracing::error!(sweep_id = %self.id, error = %failure, "the end of the sweep could not be recorded");
            let (id, claim) = (self.id.clone(), self.claim.clone());
            let retry = record_end_later(Arc::downgrade(&self.store), id, claim, end);
            tokio::spawn(retry.with_current_subscriber());
        }
    }
}

fn unknown(id: &str) -> Error {
    Error::new(Code::NotFound, format!("there is no sweep with id {id}"))
}

/// Records the end of a sweep as soon as the store is writable again; until then it is listed as running. Ends when the
/// store is dropped.
async fn record_end_later(store: Weak<dyn Store>, id: String, claim: String, end: SweepEnd) {
    let mut delay = FIRST_DELAY;
    loop {
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(MAX_DELAY);
        let Some(store) = store.upgrade() else { return };
        match store.end_sweep(&id, &claim, end.clone()).await {
            Ok(()) => return,
            // It may already have ended: only the response was lost.
            Err(error) if error.code != Code::Storage || is_ended(&error) => return,
            Err(_) => {}
        }
    }
}

/// Returns a chunk as columns.
fn columns_of(chunk: SweepChunk, metrics: usize, total: usize) -> Result<SweepColumns> {
    let damaged = || Error::storage("a chunk of a sweep lacks a column");
    let mut values = chunk.columns.into_iter().map(|(_, values)| values);
    let metrics: Vec<Vec<f64>> = values.by_ref().take(metrics).collect();
    let objective = values.next().ok_or_else(damaged)?;
    let standing = values.next().ok_or_else(damaged)?;
    let standing = standing.into_iter().map(Standing::from_number).collect::<Option<_>>();
    Ok(SweepColumns {
        from: usize::try_from(chunk.from).unwrap_or(usize::MAX),
        metrics,
        objective,
        standing: standing.ok_or_else(damaged)?,
        sums: SumColumns::from_flat(&values.collect::<Vec<_>>(), total)?,
    })
}
