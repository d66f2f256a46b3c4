//! The bars before the range of a run that only compute its signals.
//!
//! An average over 200 bars has no value on the first 199. If there are earlier bars, they warm it up, so that the range is traded
//! from its first bar on, as if the run had begun earlier.

use std::sync::Arc;

use crate::data::StoredSeries;
use crate::error::{Code, Result};
use crate::market::{Bars, Interval, Timeframe, resample, time};
use crate::note::{Note, NoteCode};
use crate::quote::counted;
use crate::store::Outcome;
use crate::strategies::BoundStrategy;

use super::bound_request::BoundRequest;
use super::engine::Engine;
use super::fingerprint::fingerprint;
use super::load::{BarQuery, LoadPlan};
use super::pool::{self, JobLength};
use super::warm_up_setting::WarmUp;

/// The maximum number of bars that `auto` takes.
const MAX_AUTO_BARS: usize = 10_000;

/// Fewer bars are not worth a smaller range: ranges that several runs share are cached.
const MIN_LOADED_BARS: usize = 64;

/// A run warns if more than this share of its range only warmed up its indicators, as a divisor.
const NOTED_SHARE: usize = 10;

/// The bars on which signals are computed, and how many of them come before the range.
#[derive(Debug)]
pub(super) struct WarmBars {
    /// The bars before the range, followed by those of the range.
    pub(super) bars: Arc<Bars>,
    /// The number of bars before the range.
    pub(super) count: usize,
    /// Where that number comes from.
    pub(super) reason: String,
    /// The hash of the bars before the range, if the run is stored.
    pub(super) fingerprint: Option<String>,
}

impl WarmBars {
    /// Returns the note of a run whose first bars only warmed up indicators, if they are many.
    pub(super) fn missing(&self, request: &BoundRequest) -> Option<Note> {
        let strategy = &request.bound;
        let range = self.bars.len() - self.count;
        let needed = strategy.warm_up();
        let missing = needed.saturating_sub(self.count);
        if missing.saturating_mul(NOTED_SHARE) <= range {
            return None;
        }
        let lost = missing.min(range);
        let could = if lost == range { "enter at all" } else { "enter on them" };
        let (setting, way_out) = if request.bars.is_some() && self.count > 0 {
            ("tradeFrom", "hand in earlier bars, or set a later tradeFrom")
        } else if request.bars.is_some() {
            ("tradeFrom", "hand in earlier bars, and set tradeFrom to where trading begins")
        } else if matches!(request.warm_up, WarmUp::Bars(bars) if bars <= self.count) {
            ("warmup", "warmup: 'auto' uses the bars before startDate")
        } else {
            ("startDate", "import earlier bars, or begin later")
        };
        let subject = if lost == range {
            format!("the {} of the range only warm", counted(range, "bar"))
        } else {
            format!("the first {lost} of {} only warm", counted(range, "bar"))
        };
        let subject = if lost == 1 { format!("{subject}s") } else { subject };
        let text = format!(
            "{subject} up the indicators, and the strategy cannot {could}: it needs {} before the range and has {}; {way_out}",
            counted(needed, "bar"),
            self.count
        );
        let note = Note::new(NoteCode::WarmupMissing, text).with("missing", lost);
        let note = note.with("needed", needed).with("available", self.count);
        let note = note.with("setting", setting);
        Some(if setting == "warmup" { note.with("suggested", "auto") } else { note })
    }
}

impl BoundRequest {
    /// Returns how many bars before the range are wanted, and how many the signals depend on: those of `strategy`, or of the
    /// strategy of the request.
    pub(super) fn wanted_warm_up(
        &self,
        interval: Interval,
        strategy: Option<&BoundStrategy>,
    ) -> (usize, usize) {
        match self.warm_up {
            WarmUp::Bars(bars) => (bars, bars),
            // How far a function looks back is not known.
            WarmUp::Auto if self.function.is_some() => (0, 0),
            WarmUp::Auto => {
                let bar = interval.timeframe().map_or(1, Timeframe::milliseconds);
                let strategy = strategy.unwrap_or(&self.bound);
                let required = strategy.plan().required_bars(bar);
                (required.min(MAX_AUTO_BARS), required)
            }
        }
    }

    fn warm_up_reason(&self, required: usize, wanted: usize, found: usize) -> String {
        if self.bars.is_some() {
            return match found {
                0 => "none: the request has its own bars and no tradeFrom".to_owned(),
                _ => "the bars of the request before tradeFrom".to_owned(),
            };
        }
        if self.warm_up == WarmUp::Bars(0) {
            return "none, as the setting says".to_owned();
        }
        if self.function.is_some() && self.warm_up == WarmUp::Auto {
            return "none: how many bars a function needs is not known".to_owned();
        }
        if found < wanted {
            let needed = if let WarmUp::Bars(bars) = self.warm_up {
                format!("the setting asks for {bars}")
            } else if required == usize::MAX {
                "every earlier bar counts".to_owned()
            } else {
                format!("{required} are needed")
            };
            return format!("all earlier bars that there are; {needed}");
        }
        match self.warm_up {
            WarmUp::Bars(_) => "as the setting says".to_owned(),
            WarmUp::Auto if required == usize::MAX => {
                "the maximum: every earlier bar counts in a part of the strategy".to_owned()
            }
            WarmUp::Auto if required > wanted => {
                format!("the maximum: the signals depend on {required} earlier bars")
            }
            WarmUp::Auto => "as many as the signals depend on".to_owned(),
        }
    }
}

impl Engine {
    /// Adds the bars before the range to those of the range.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` for too many bars in total; those of the source.
    pub(super) async fn add_warm_up(
        &self,
        request: &BoundRequest,
        plan: &LoadPlan,
        range: &Arc<Bars>,
    ) -> Result<WarmBars> {
        let query = request.bar_query();
        let (before, required, wanted) = match (plan, query.bars) {
            (LoadPlan::Request { own, timeframe }, Some(loaded)) => {
                let bars = loaded.bars.between(request.history_start, query.start - 1);
                let bars = match (own, timeframe) {
                    _ if bars.is_empty() => bars,
                    (own, timeframe) if own == timeframe => bars,
                    (_, &timeframe) => {
                        let length = JobLength::of_resampling(bars.len());
                        pool::run(length, move || resample(&bars, timeframe)).await?
                    }
                };
                (Some(bars), 0, 0)
            }
            (LoadPlan::Stored { series, interval }, _) => {
                let (wanted, required) = request.wanted_warm_up(*interval, None);
                // Bars that could not be part of the run need not be read.
                let limit = usize::try_from(self.config.max_data_points).unwrap_or(usize::MAX);
                let read = wanted.min(limit.saturating_add(1));
                // One more: the last of them may be the beginning of the first bar of the range.
                let read = if read == 0 { 0 } else { read.saturating_add(1) };
                let before = self.bars_before(&query, series, *interval, read).await?;
                (before, required, wanted)
            }
            (LoadPlan::Request { .. }, None) => (None, 0, 0),
        };
        let Some(before) = before.filter(|before| !before.is_empty()) else {
            let reason = request.warm_up_reason(required, wanted, 0);
            return Ok(WarmBars { bars: Arc::clone(range), count: 0, reason, fingerprint: None });
        };
        // If bars are resampled, the range may begin within a bar, whose part before it belongs to the signals, too.
        let is_shared = before.timestamps().last() == range.timestamps().first();
        let surplus = match plan {
            LoadPlan::Stored { .. } => {
                (before.len() - usize::from(is_shared)).saturating_sub(wanted)
            }
            LoadPlan::Request { .. } => 0,
        };
        let before = before.slice(surplus..before.len());
        let count = before.len() - usize::from(is_shared);
        self.check_bar_count(range.len(), count)?;
        let reason = request.warm_up_reason(required, wanted, count);
        let fingerprint = request.persist.then(|| fingerprint(&before, plan.interval()));
        let bars = self.join_bars(&query, plan, wanted, before, range).await?;
        Ok(WarmBars { bars, count, reason, fingerprint })
    }

    /// Returns whether the bars before the range of a stored run, whose first bar is at `first`, are still the same.
    pub(super) async fn has_same_warm_up(
        &self,
        query: &BarQuery<'_>,
        plan: &LoadPlan,
        first: Option<i64>,
        outcome: &Outcome,
    ) -> Result<bool> {
        let assumptions = outcome.summary.assumptions.as_ref();
        let known = assumptions.and_then(|assumptions| {
            let count = usize::try_from(assumptions.warmup_bars).ok()?;
            Some((count, assumptions.warmup_fingerprint.as_ref()?))
        });
        let (Some((count, expected)), LoadPlan::Stored { series, interval }) = (known, plan) else {
            return Ok(true);
        };
        let before = self.bars_before(query, series, *interval, count.saturating_add(1)).await?;
        let Some(before) = before else { return Ok(false) };
        let is_shared = before.timestamps().last().copied() == first;
        let surplus = (before.len() - usize::from(is_shared)).saturating_sub(count);
        let before = before.slice(surplus..before.len());
        Ok(fingerprint(&before, *interval) == *expected)
    }

    /// Returns the last `wanted` bars before a range, or all if there are fewer; `None` if there are none.
    async fn bars_before(
        &self,
        query: &BarQuery<'_>,
        series: &StoredSeries,
        interval: Interval,
        wanted: usize,
    ) -> Result<Option<Bars>> {
        if wanted == 0 || query.start <= series.first {
            return Ok(None);
        }
        let mut span =
            first_span(series, interval, wanted.next_power_of_two().max(MIN_LOADED_BARS));
        loop {
            let start = query.start.saturating_sub(span).max(series.first);
            let earlier = BarQuery { start, end: query.start - 1, ..*query };
            match self.load_stored(&earlier, series, interval, u64::MAX).await {
                Ok(loaded) if loaded.bars.len() >= wanted || start <= series.first => {
                    let bars = &loaded.bars;
                    return Ok(Some(bars.slice(bars.len().saturating_sub(wanted)..bars.len())));
                }
                Ok(_) => {}
                // The market may have been closed.
                Err(error) if error.code == Code::NoData && start > series.first => {}
                Err(error) if error.code == Code::NoData => return Ok(None),
                Err(error) => return Err(error),
            }
            span = span.saturating_mul(4);
        }
    }
}

/// Returns the milliseconds in which that many bars probably lie, nights and weekends included.
fn first_span(series: &StoredSeries, interval: Interval, bars: usize) -> i64 {
    let stored = i64::try_from(series.bars).unwrap_or(i64::MAX).max(1);
    let spacing = (series.last.saturating_sub(series.first) / stored).max(1);
    let per_bar = match interval {
        // Stocks trade in a fifth of the time.
        Interval::Timeframe(wanted) => {
            let length = wanted.milliseconds();
            let ratio = (length / series.timeframe.milliseconds().max(1)).max(1);
            spacing.saturating_mul(ratio).clamp(length, length.saturating_mul(6))
        }
        Interval::Tick => spacing,
    };
    let bars = i64::try_from(bars).unwrap_or(i64::MAX);
    per_bar.saturating_mul(bars).saturating_add(4 * time::DAY)
}
