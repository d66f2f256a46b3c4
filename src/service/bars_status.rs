//! Whether the bars of a stored run are still there.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::data::StoredSeries;
use crate::error::{Code, Result};
use crate::note::{Note, NoteCode};
use crate::quote::quoted;
use crate::store::{Outcome, Run, Status, Summary};

use super::engine::Engine;
use super::fingerprint::fingerprint;
use super::load::BarQuery;
use super::pool::{self, JobLength};

/// The imported bars of a run, compared with those that it was computed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarsStatus {
    /// The same.
    Present,
    /// Some were replaced, added or deleted.
    Changed,
    /// There are none.
    Gone,
}

impl BarsStatus {
    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }

    /// Returns the status of a run that has just been computed.
    pub fn of_new(run: &Run) -> Option<Self> {
        run.bars_revision.map(|_| Self::Present)
    }

    /// Returns the note of a run whose bars are gone. Bars that have changed need none: imports add bars all the time, and
    /// otherwise a stored result stays as it was returned.
    fn note(self, run: &Run) -> Option<Note> {
        (self == Self::Gone).then(|| {
            let text = format!(
                "the bars of {} that this run was computed on are gone: to repeat it or to draw its prices, import them again",
                quoted(&run.asset_symbol)
            );
            Note::new(NoteCode::BarsGone, text)
        })
    }
}

/// What the series of an asset say about the bars of a run without reading any; `None` if that is not enough.
fn from_series(run: &Run, series: &[StoredSeries]) -> Option<BarsStatus> {
    let revision = run.bars_revision?;
    if series.iter().any(|series| series.revision == revision) {
        return Some(BarsStatus::Present);
    }
    let may_have_bars = |series: &StoredSeries| {
        run.timeframe.timeframe().is_some_and(|timeframe| series.can_become(timeframe))
            && series.first <= run.end
            && series.last >= run.start
    };
    (!series.iter().any(may_have_bars)).then_some(BarsStatus::Gone)
}

impl Engine {
    /// Returns whether the bars of a stored run are still there, and adds a warning if they are gone. `None` if that is unknown:
    /// for a run that is not completed, on bars that were not imported, or of an earlier version, and if the bars cannot be
    /// read now.
    ///
    /// Bars are only read if their series has changed since the run.
    pub(super) async fn bars_status(&self, run: &Run, outcome: &mut Outcome) -> Option<BarsStatus> {
        run.bars_revision.filter(|_| run.status == Status::Completed)?;
        let found = match self.find_bars_status(run, outcome).await {
            Ok(found) => found,
            Err(error) => {
                // The results of the run are readable, whatever has happened to its bars.
                tracing::warn!(backtest_id = %run.id, code = %error.code, error = %error, "the bars of a run cannot be checked");
                None
            }
        };
        if let Some(note) = found.and_then(|status| status.note(run)) {
            outcome.summary.remarks.push(note);
        }
        found
    }

    async fn find_bars_status(&self, run: &Run, outcome: &Outcome) -> Result<Option<BarsStatus>> {
        let source = &self.backends().await?.source;
        let imported = source.imported().series(&run.asset_symbol).await?;
        let status = from_series(run, &imported);
        if status.is_some() {
            return Ok(status);
        }
        let query = BarQuery {
            asset_symbol: &run.asset_symbol,
            start: run.start,
            end: run.end,
            timeframe: run.timeframe.timeframe(),
            bars: None,
        };
        let plan = self.plan_load(&query).await;
        let loaded = match &plan {
            Ok(plan) => self.load(&query, plan).await,
            Err(error) => Err(error.clone()),
        };
        let bars = match loaded {
            Ok(loaded) => Arc::clone(&loaded.bars),
            Err(error) if error.code == Code::NoData => return Ok(Some(BarsStatus::Gone)),
            Err(error) => return Err(error),
        };
        let (Some(expected), timeframe) = (run.fingerprint.clone(), run.timeframe) else {
            return Ok(None);
        };
        // The hash is of the times, too.
        let may_be_same =
            outcome.timestamps.is_empty() || *bars.timestamps() == *outcome.timestamps;
        let is_same = if may_be_same {
            let length = JobLength::of_resampling(bars.len());
            let first = bars.timestamps().first().copied();
            pool::run(length, move || Ok(fingerprint(&bars, timeframe) == expected)).await?
                && self.has_same_warm_up(&query, &plan?, first, outcome).await?
        } else {
            false
        };
        Ok(Some(if is_same { BarsStatus::Present } else { BarsStatus::Changed }))
    }

    /// Like [`Self::bars_status`] for many runs, without reading any bars: also `None` for runs whose series has changed.
    pub(super) async fn bars_statuses(
        &self,
        runs: Vec<(Run, Option<Summary>)>,
    ) -> Result<Vec<(Run, Option<Summary>, Option<BarsStatus>)>> {
        let source = self.backends().await?.source.imported();
        let is_known = |run: &Run| run.bars_revision.is_some() && run.status == Status::Completed;
        let mut symbols = runs.iter().map(|(run, _)| run).filter(|run| is_known(run));
        let Some(first) = symbols.next() else {
            return Ok(runs.into_iter().map(|(run, summary)| (run, summary, None)).collect());
        };
        // All series of the store are read in one query, unless one asset is enough.
        let mut all: BTreeMap<String, Vec<StoredSeries>> = BTreeMap::new();
        if symbols.all(|run| run.asset_symbol == first.asset_symbol) {
            all.insert(first.asset_symbol.clone(), source.series(&first.asset_symbol).await?);
        } else {
            let assets = source.assets().await?;
            all.extend(assets.into_iter().map(|asset| (asset.symbol, asset.series)));
        }
        let with_status = |(run, mut summary): (Run, Option<Summary>)| {
            let status = is_known(&run)
                .then(|| from_series(&run, all.get(&run.asset_symbol).map_or(&[], Vec::as_slice)))
                .flatten();
            if let Some(summary) = &mut summary
                && let Some(note) = status.and_then(|status| status.note(&run))
            {
                summary.remarks.push(note);
            }
            (run, summary, status)
        };
        Ok(runs.into_iter().map(with_status).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Timeframe;
    use crate::store::conformance::run;

    /// A series with bars from one time to another, both UTC milliseconds.
    fn series(timeframe: Timeframe, (first, last): (i64, i64), revision: i64) -> StoredSeries {
        StoredSeries {
            timeframe,
            bars: 2,
            first,
            last,
            revision,
            source: "embedded".into(),
            is_imported: true,
            ticks: false,
        }
    }

    #[test]
    fn the_series_say_whether_bars_are_gone() {
        let day = 86_400_000;
        let hourly = Run {
            timeframe: Timeframe::H1.into(),
            start: 10 * day,
            end: 20 * day,
            bars_revision: Some(7),
            ..run("bt-1")
        };
        let status = |series: &[StoredSeries]| from_series(&hourly, series);
        let whole = (0, 30 * day);
        assert_eq!(status(&[]), Some(BarsStatus::Gone));
        // The revision decides, whatever else there is.
        assert_eq!(status(&[series(Timeframe::H1, whole, 7)]), Some(BarsStatus::Present));
        let both = [series(Timeframe::M1, whole, 7), series(Timeframe::H1, whole, 8)];
        assert_eq!(status(&both), Some(BarsStatus::Present));
        // Bars must be read, because some may be those of the run.
        for range in [whole, (0, 10 * day), (20 * day, 30 * day)] {
            assert_eq!(status(&[series(Timeframe::H1, range, 8)]), None, "{range:?}");
            assert_eq!(status(&[series(Timeframe::M15, range, 8)]), None, "{range:?}");
        }
        // Other bars: before, after, of a longer timeframe.
        for range in [(0, 10 * day - 1), (20 * day + 1, 30 * day)] {
            assert_eq!(status(&[series(Timeframe::H1, range, 8)]), Some(BarsStatus::Gone));
        }
        assert_eq!(status(&[series(Timeframe::H4, whole, 8)]), Some(BarsStatus::Gone));
        let unknown = Run { bars_revision: None, ..hourly };
        assert_eq!(from_series(&unknown, &[]), None);
    }
}
