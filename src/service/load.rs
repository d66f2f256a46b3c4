//! Finds and loads the bars of a run.

use std::sync::Arc;

use crate::data::{LoadedBars, Source, StoredSeries, TimeRange};
use crate::error::{Code, Error, Result, nearest};
use crate::market::resample::resample;
use crate::market::{Bars, Interval, Timeframe, time};
use crate::observer::NoObserver;
use crate::quote::{self, agreeing, counted, quoted};

use super::bound_request::BoundRequest;
use super::cache::Key;
use super::engine::Engine;
use super::pool::{self, JobLength};
use super::{bar_notes, bars_input};

/// The requested bars.
#[derive(Debug, Clone, Copy)]
pub(super) struct BarQuery<'a> {
    /// The asset.
    pub(super) asset_symbol: &'a str,
    /// First timestamp, UTC milliseconds, inclusive.
    pub(super) start: i64,
    /// Last timestamp, UTC milliseconds, inclusive.
    pub(super) end: i64,
    /// The requested timeframe.
    pub(super) timeframe: Option<Timeframe>,
    /// Bars in the request.
    pub(super) bars: Option<&'a Arc<LoadedBars>>,
}

impl BoundRequest {
    /// Returns the query for the bars of the request.
    pub(super) fn bar_query(&self) -> BarQuery<'_> {
        BarQuery {
            asset_symbol: &self.asset_symbol,
            start: self.start,
            end: self.end,
            timeframe: self.timeframe,
            bars: self.bars.as_ref(),
        }
    }
}

/// Where the bars of a run come from.
#[derive(Debug)]
pub(super) enum LoadPlan {
    /// From the request.
    Request {
        /// Their own timeframe.
        own: Timeframe,
        /// The timeframe of the run.
        timeframe: Timeframe,
    },
    /// From the source of the engine.
    Stored {
        /// The series to load.
        series: StoredSeries,
        /// The interval of the run: ticks are only aggregated if it has a timeframe.
        interval: Interval,
    },
}

impl LoadPlan {
    /// Returns the interval of the bars of the run.
    pub(super) fn interval(&self) -> Interval {
        match self {
            Self::Request { timeframe, .. } => (*timeframe).into(),
            Self::Stored { interval, .. } => *interval,
        }
    }

    /// Returns the revision of the series if it was imported.
    pub(super) fn imported_revision(&self) -> Option<i64> {
        match self {
            Self::Stored { series, .. } if series.is_imported => Some(series.revision),
            _ => None,
        }
    }

    /// Returns whether the run is short: it has few bars, possibly resampled from more stored ones.
    pub(super) fn is_short(&self, query: &BarQuery<'_>) -> bool {
        let source = self.max_bars(query);
        let own = match self {
            Self::Request { own, .. } => *own,
            Self::Stored { series, .. } => series.timeframe,
        };
        let wanted =
            self.interval().timeframe().filter(|wanted| !self.is_ticks() && *wanted != own);
        let Some(wanted) = wanted else { return source <= pool::SHORT_BARS };
        // The range contains at most this many bars of the wider timeframe.
        let ratio = wanted.milliseconds() / own.milliseconds().max(1);
        let resampled = source / usize::try_from(ratio).unwrap_or(1).max(1) + 2;
        resampled <= pool::SHORT_BARS && source <= pool::SHORT_SOURCE_BARS
    }

    /// Returns an upper bound of the number of stored bars in the range of a run.
    fn max_bars(&self, query: &BarQuery<'_>) -> usize {
        match self {
            Self::Request { .. } => query.bars.map_or(0, |loaded| loaded.bars.len()),
            Self::Stored { series, .. } => {
                let stored = usize::try_from(series.bars).unwrap_or(usize::MAX);
                if series.ticks {
                    // The number of ticks in the range is unknown before they are read.
                    return stored;
                }
                let first = series.first.max(query.start);
                let last = series.last.min(query.end);
                let length = last.saturating_sub(first).max(0);
                let bars = length / series.timeframe.milliseconds().max(1) + 1;
                stored.min(usize::try_from(bars).unwrap_or(usize::MAX))
            }
        }
    }

    /// Returns whether the bars are aggregated from ticks.
    pub(super) fn is_ticks(&self) -> bool {
        matches!(self, Self::Stored { series, .. } if series.ticks)
    }
}

impl StoredSeries {
    /// Returns whether these bars can be resampled to a timeframe.
    pub(super) fn can_become(&self, timeframe: Timeframe) -> bool {
        self.timeframe <= timeframe && timeframe.milliseconds() % self.timeframe.milliseconds() == 0
    }
}

impl Engine {
    /// Finds the series to load.
    pub(super) async fn plan_load(&self, query: &BarQuery<'_>) -> Result<LoadPlan> {
        if let Some(loaded) = query.bars {
            let bars = &loaded.bars;
            let own = match bars.inferred_timeframe() {
                Some(own) if query.timeframe.is_none_or(|timeframe| timeframe >= own) => own,
                _ => bars_input::timeframe("bars", bars, query.timeframe)?,
            };
            return Ok(LoadPlan::Request { own, timeframe: query.timeframe.unwrap_or(own) });
        }
        let source = &self.backends().await?.source;
        let symbol = query.asset_symbol;
        let series = source.series(symbol).await?;
        let finest_first = series.iter();
        let selection = match query.timeframe {
            None => finest_first.min_by_key(|series| series.timeframe),
            // Ticks can be aggregated to any timeframe, but that takes more work than resampling bars.
            Some(timeframe)
                if !series.iter().any(|series| !series.ticks && series.can_become(timeframe)) =>
            {
                series.iter().find(|series| series.ticks)
            }
            // The coarsest suitable series needs the least work; ideally it has the requested timeframe.
            Some(timeframe) => finest_first
                .filter(|series| !series.ticks && series.can_become(timeframe))
                .max_by_key(|series| series.timeframe),
        };
        if let Some(series) = selection {
            let interval = match query.timeframe {
                Some(timeframe) => timeframe.into(),
                None if series.ticks => Interval::Tick,
                None => series.timeframe.into(),
            };
            return Ok(LoadPlan::Stored { series: series.clone(), interval });
        }
        if series.is_empty() {
            return Err(unknown_asset(symbol, &**source).await?);
        }
        let available: Vec<&str> = series.iter().map(|series| series.timeframe.as_str()).collect();
        let timeframe = query.timeframe.map_or("", Timeframe::as_str);
        let message = format!(
            "no {timeframe} bars of {}, and none that could be resampled to {timeframe}; available timeframes: {}",
            quoted(symbol),
            available.join(", ")
        );
        Err(Error::new(Code::NoData, message))
    }

    /// Returns the bars of a run, from the cache if possible.
    pub(super) async fn load(
        &self,
        query: &BarQuery<'_>,
        plan: &LoadPlan,
    ) -> Result<Arc<LoadedBars>> {
        let loaded = match (plan, query.bars) {
            (LoadPlan::Request { own, timeframe }, Some(loaded)) => {
                let bars = Arc::new(loaded.bars.between(query.start, query.end));
                let bars = if own == timeframe {
                    bars
                } else {
                    pool::run(JobLength::of_resampling(bars.len()), {
                        let timeframe = *timeframe;
                        move || resample(&bars, timeframe).map(Arc::new)
                    })
                    .await?
                };
                let interval = Interval::from(*timeframe);
                let (mut faults, measured) =
                    bar_notes::of_loaded(&bars, interval, query.start, query.end);
                faults.extend(bar_notes::of_request(&bars, interval));
                let notes = loaded.notes.clone();
                Arc::new(LoadedBars { bars, notes, faults, measured: Some(measured) })
            }
            (LoadPlan::Stored { series, interval }, _) => {
                self.load_stored(query, series, *interval, self.config.max_data_points).await?
            }
            (LoadPlan::Request { .. }, None) => {
                return Err(Error::internal("the request of the plan has no bars"));
            }
        };
        let bars = &loaded.bars;
        if bars.is_empty() {
            return Err(no_bars_in_range(query, plan));
        }
        self.check_bar_count(bars.len(), 0)?;
        Ok(loaded)
    }

    /// Checks the number of bars of a run: those of its range, and those before it.
    pub(super) fn check_bar_count(&self, range: usize, warm_up: usize) -> Result<()> {
        let limit = self.config.max_data_points;
        if (range + warm_up) as u64 <= limit {
            return Ok(());
        }
        Err(if warm_up == 0 {
            too_many(&range.to_string(), limit)
        } else {
            let bars = range + warm_up;
            let message = format!(
                "the run has {bars} bars, {warm_up} of them for the warm-up, the limit maxDataPoints (MAX_DATA_POINTS) is \
                 {limit}; set warmup to fewer bars or to 'none', or shorten the range"
            );
            Error::new(Code::LimitExceeded, message)
        })
    }

    /// Returns stored bars of a range, from the cache if possible.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` for more bars than the limit; those of the source.
    pub(super) async fn load_stored(
        &self,
        query: &BarQuery<'_>,
        series: &StoredSeries,
        interval: Interval,
        limit: u64,
    ) -> Result<Arc<LoadedBars>> {
        let key = Self::key(query, series, interval);
        let Key { symbol, stored, wanted, ticks, start, end, .. } = key.clone();
        let load = async {
            let source = &self.backends().await?.source;
            // Not cancellable: other callers may wait for the same bars, and a cancelled caller only drops its own future.
            let observer = Arc::new(NoObserver);
            // The maximum number of stored bars per bar of the run.
            let ratio = (wanted.milliseconds() / stored.milliseconds().max(1)).max(1);
            let span = TimeRange::new(start, end)
                .with_max_bars(limit.saturating_mul(ratio.unsigned_abs()));
            let loaded = if ticks {
                source.load_ticks(&symbol, span, observer).await
            } else {
                source.load(&symbol, stored, span, observer).await
            };
            let loaded = loaded.map_err(|error| match error.code {
                Code::LimitExceeded => too_many(&format!("more than {limit}"), limit),
                _ => error,
            })?;
            tracing::debug!(asset_symbol = %quote::name(&symbol), timeframe = %stored, bars = loaded.bars.len(), "bars loaded");
            let finish = move |mut loaded: LoadedBars| {
                if stored != wanted {
                    loaded.bars = Arc::new(resample(&loaded.bars, wanted)?);
                }
                let (faults, measured) = bar_notes::of_loaded(&loaded.bars, interval, start, end);
                (loaded.faults, loaded.measured) = (faults, Some(measured));
                Ok(Arc::new(loaded))
            };
            if stored == wanted {
                return finish(loaded);
            }
            pool::run(JobLength::of_resampling(loaded.bars.len()), move || finish(loaded)).await
        };
        self.cache.get(key, load).await
    }
}

impl Engine {
    /// Returns the key of stored bars of a range in the cache.
    fn key(query: &BarQuery<'_>, series: &StoredSeries, interval: Interval) -> Key {
        let (wanted, ticks) = match interval {
            Interval::Timeframe(timeframe) => (timeframe, false),
            Interval::Tick => (series.timeframe, true),
        };
        Key {
            symbol: query.asset_symbol.to_owned(),
            // The source aggregates ticks itself, so that it need not keep all of them in memory.
            stored: if series.ticks { wanted } else { series.timeframe },
            wanted,
            ticks,
            start: query.start,
            end: query.end,
            before: 0,
            revision: series.revision,
        }
    }

    /// Returns bars before a range, at most `wanted`, followed by those of the range; from the cache if they are imported.
    ///
    /// # Errors
    /// `BAD_DATA` if the bars of the range do not follow.
    pub(super) async fn join_bars(
        &self,
        query: &BarQuery<'_>,
        plan: &LoadPlan,
        wanted: usize,
        before: Bars,
        range: &Arc<Bars>,
    ) -> Result<Arc<Bars>> {
        let length = JobLength::of_resampling(before.len() + range.len());
        let range = Arc::clone(range);
        let join = pool::run(length, move || before.followed_by(&range).map(Arc::new));
        let key = match plan {
            // The rows of a price table may change under the same revision.
            LoadPlan::Stored { series, interval } if series.is_imported => {
                Key { before: wanted, ..Self::key(query, series, *interval) }
            }
            _ => return join.await,
        };
        let join = async { Ok(Arc::new(LoadedBars::from(join.await?))) };
        Ok(Arc::clone(&self.cache.get(key, join).await?.bars))
    }
}

fn too_many(bars: &str, limit: u64) -> Error {
    let message =
        format!("the run has {bars} bars, the limit maxDataPoints (MAX_DATA_POINTS) is {limit}");
    Error::new(Code::LimitExceeded, message)
}

/// Returns the error of an asset without bars, which suggests others.
pub(super) async fn unknown_asset(symbol: &str, source: &dyn Source) -> Result<Error> {
    const MAX_LISTED: usize = 10;
    let known: Vec<String> = source.assets().await?.into_iter().map(|asset| asset.symbol).collect();
    let hint = match nearest(symbol, known.iter().map(String::as_str)) {
        Some(name) => format!("did you mean {}?", quoted(name)),
        None if known.is_empty() => "there are no assets yet; add them with importBars".to_owned(),
        None if known.len() > MAX_LISTED => {
            format!(
                "there are {} assets, such as {}; listAssets lists all of them",
                known.len(),
                known.iter().take(MAX_LISTED).cloned().collect::<Vec<_>>().join(", ")
            )
        }
        None => format!("there are {}", known.join(", ")),
    };
    Ok(Error::new(Code::NoData, format!("no bars of asset {}; {hint}", quoted(symbol))))
}

fn no_bars_in_range(query: &BarQuery<'_>, plan: &LoadPlan) -> Error {
    let available = match (plan, query.bars.map(|loaded| &**loaded)) {
        (LoadPlan::Stored { series, .. }, _) => {
            format!(
                "there {} {} from {} to {}",
                if series.bars == 1 { "is" } else { "are" },
                series.bars,
                time::short(series.first),
                time::short(series.last)
            )
        }
        (_, Some(LoadedBars { bars, .. })) => {
            match (bars.timestamps().first(), bars.timestamps().last()) {
                (Some(&first), Some(&last)) => format!(
                    "the {} of the request {} from {} to {}",
                    counted(bars.len(), "bar"),
                    agreeing(bars.len(), "is", "are"),
                    time::short(first),
                    time::short(last)
                ),
                _ => "the request has no bars".to_owned(),
            }
        }
        _ => String::new(),
    };
    let message = format!(
        "no {} bars of {} between {} and {}; {available}",
        plan.interval(),
        quoted(query.asset_symbol),
        time::short(query.start),
        time::short_end(query.end)
    );
    Error::new(Code::NoData, message)
}
