//! Which bars a run is about, and how they get into memory.

use std::sync::Arc;

use crate::data::{Loaded, Series, Span};
use crate::error::{Code, Error, Result, nearest};
use crate::market::resample::resample;
use crate::market::{Bars, Timeframe, time};
use crate::observer::NoObserver;
use crate::quote;
use crate::quote::quoted;

use super::backtest_request::BacktestRequest;
use super::bars_input;
use super::cache::Key;
use super::engine::Engine;
use super::pool::{self, Length};

/// The bars that are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The asset.
    pub(super) asset_symbol: &'a str,
    /// First moment, UTC milliseconds, included.
    pub(super) start: i64,
    /// Last moment, UTC milliseconds, included.
    pub(super) end: i64,
    /// The timeframe asked for.
    pub(super) timeframe: Option<Timeframe>,
    /// Bars handed in.
    pub(super) bars: Option<&'a Arc<Bars>>,
}

impl BacktestRequest {
    /// Returns the bars that the request is about.
    pub(super) fn wanted(&self) -> Wanted<'_> {
        Wanted {
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
pub(super) enum Plan {
    /// The request brought them.
    Given {
        /// Their own timeframe.
        own: Timeframe,
        /// The timeframe of the run.
        wanted: Timeframe,
    },
    /// The source has them.
    Stored {
        /// The series to load.
        series: Series,
        /// The timeframe of the run.
        wanted: Timeframe,
    },
}

impl Plan {
    /// Returns the timeframe of the run.
    pub(super) fn wanted(&self) -> Timeframe {
        match self {
            Self::Given { wanted, .. } | Self::Stored { wanted, .. } => *wanted,
        }
    }

    /// Returns whether the run is short: over few bars, which may be made of more that are stored.
    pub(super) fn is_short(&self, request: &Wanted<'_>) -> bool {
        let source = self.most_bars(request);
        let own = match self {
            Self::Given { own, .. } => *own,
            Self::Stored { series, .. } => series.timeframe,
        };
        if self.is_ticks() || self.wanted() == own {
            return source <= pool::SHORT_BARS;
        }
        // Bars of a wider timeframe are at most as many as it fits into the range.
        let ratio = self.wanted().milliseconds() / own.milliseconds().max(1);
        let made = source / usize::try_from(ratio).unwrap_or(1).max(1) + 2;
        made <= pool::SHORT_BARS && source <= pool::SHORT_SOURCE_BARS
    }

    /// Returns a number of stored bars that the range of a run does not exceed.
    fn most_bars(&self, request: &Wanted<'_>) -> usize {
        match self {
            Self::Given { .. } => request.bars.map_or(0, |bars| bars.len()),
            Self::Stored { series, .. } => {
                let stored = usize::try_from(series.bars).unwrap_or(usize::MAX);
                if series.ticks {
                    // How many of the ticks lie in the range is not known before they are read.
                    return stored;
                }
                let first = series.first.max(request.start);
                let last = series.last.min(request.end);
                let length = last.saturating_sub(first).max(0);
                let bars = length / series.timeframe.milliseconds().max(1) + 1;
                stored.min(usize::try_from(bars).unwrap_or(usize::MAX))
            }
        }
    }

    /// Returns whether the bars are made of ticks.
    pub(super) fn is_ticks(&self) -> bool {
        matches!(self, Self::Stored { series, .. } if series.ticks)
    }
}

impl Series {
    /// Returns whether bars of the wanted timeframe can be made of these.
    fn fits(&self, wanted: Timeframe) -> bool {
        self.timeframe <= wanted && wanted.milliseconds() % self.timeframe.milliseconds() == 0
    }
}

impl Engine {
    /// Finds the series that a request is about.
    pub(super) async fn plan_bars(&self, request: &Wanted<'_>) -> Result<Plan> {
        if let Some(bars) = request.bars {
            let own = match bars.inferred_timeframe() {
                Some(own) if request.timeframe.is_none_or(|wanted| wanted >= own) => own,
                _ => bars_input::timeframe("bars", bars, request.timeframe)?,
            };
            return Ok(Plan::Given { own, wanted: request.timeframe.unwrap_or(own) });
        }
        let source = &self.opened().await?.source;
        let symbol = request.asset_symbol;
        let series = source.series(symbol).await?;
        let finest_first = series.iter();
        let selection = match request.timeframe {
            None => finest_first.min_by_key(|series| series.timeframe),
            // Bars of any timeframe can be made of ticks, which takes more work than finding bars.
            Some(wanted) if !series.iter().any(|series| !series.ticks && series.fits(wanted)) => {
                series.iter().find(|series| series.ticks)
            }
            // The coarsest that still fits needs the least work; the timeframe itself fits best.
            Some(wanted) => finest_first
                .filter(|series| !series.ticks && series.fits(wanted))
                .max_by_key(|series| series.timeframe),
        };
        if let Some(series) = selection {
            return Ok(Plan::Stored {
                series: series.clone(),
                wanted: request.timeframe.unwrap_or(series.timeframe),
            });
        }
        if series.is_empty() {
            let known: Vec<String> =
                source.assets().await?.into_iter().map(|asset| asset.symbol).collect();
            return Err(Error::new(Code::NoData, unknown_asset(symbol, &known)));
        }
        let held: Vec<&str> = series.iter().map(|series| series.timeframe.as_str()).collect();
        let wanted = request.timeframe.map_or("", Timeframe::as_str);
        let message = format!(
            "no {wanted} bars of {}, and none that {wanted} bars could be made of; there are {}",
            quoted(symbol),
            held.join(", ")
        );
        Err(Error::new(Code::NoData, message))
    }

    /// Returns the bars of a run, from the cache where they are there.
    pub(super) async fn load(&self, request: &Wanted<'_>, plan: &Plan) -> Result<Arc<Loaded>> {
        let loaded = match (plan, request.bars) {
            (Plan::Given { own, wanted }, Some(bars)) => {
                let bars = Arc::new(bars.between(request.start, request.end));
                let bars = if own == wanted {
                    bars
                } else {
                    pool::run(Length::of_resampling(bars.len()), {
                        let wanted = *wanted;
                        move || resample(&bars, wanted).map(Arc::new)
                    })
                    .await?
                };
                Arc::new(Loaded { bars, warnings: Vec::new() })
            }
            (Plan::Stored { series, wanted }, _) => {
                self.load_stored(request, series, *wanted).await?
            }
            (Plan::Given { .. }, None) => {
                return Err(Error::internal(
                    "bars were planned for that the request did not bring",
                ));
            }
        };
        let bars = &loaded.bars;
        if bars.is_empty() {
            return Err(no_bars_in_range(request, plan));
        }
        let limit = self.config.max_data_points;
        if bars.len() as u64 > limit {
            return Err(too_many(&bars.len().to_string(), limit));
        }
        Ok(loaded)
    }

    async fn load_stored(
        &self,
        request: &Wanted<'_>,
        series: &Series,
        wanted: Timeframe,
    ) -> Result<Arc<Loaded>> {
        let (start, end, limit) = (request.start, request.end, self.config.max_data_points);
        // The source itself makes bars of ticks, so that it need not keep all of them in memory.
        let stored = if series.ticks { wanted } else { series.timeframe };
        let ticks = series.ticks && request.timeframe.is_none();
        let symbol = request.asset_symbol.to_owned();
        let revision = series.revision;
        let key = Key { symbol: symbol.clone(), stored, wanted, ticks, start, end, revision };
        let load = async {
            let source = &self.opened().await?.source;
            // Not watched: others may wait for the same bars, and the one who stops waiting drops its own future only.
            let observer = Arc::new(NoObserver);
            // A bar of the run is made of so many at most: where there are more in all, it has too many bars.
            let each = (wanted.milliseconds() / stored.milliseconds().max(1)).max(1);
            let span = Span::new(start, end).at_most(limit.saturating_mul(each.unsigned_abs()));
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
            if stored == wanted {
                return Ok(Arc::new(loaded));
            }
            pool::run(Length::of_resampling(loaded.bars.len()), move || {
                let bars = Arc::new(resample(&loaded.bars, wanted)?);
                Ok(Arc::new(Loaded { bars, warnings: loaded.warnings }))
            })
            .await
        };
        self.cache.get(key, load).await
    }
}

fn too_many(bars: &str, limit: u64) -> Error {
    let message =
        format!("the run has {bars} bars, the limit maxDataPoints (MAX_DATA_POINTS) is {limit}");
    Error::new(Code::LimitExceeded, message)
}

fn unknown_asset(symbol: &str, known: &[String]) -> String {
    const LISTED: usize = 10;
    let hint = match nearest(symbol, known.iter().map(String::as_str)) {
        Some(name) => format!("did you mean {}?", quoted(name)),
        None if known.is_empty() => "there are no assets yet, importBars adds them".to_owned(),
        None if known.len() > LISTED => {
            format!(
                "there are {} assets, such as {}; listAssets names all",
                known.len(),
                known.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ")
            )
        }
        None => format!("there are {}", known.join(", ")),
    };
    format!("no bars of asset {}; {hint}", quoted(symbol))
}

fn no_bars_in_range(request: &Wanted<'_>, plan: &Plan) -> Error {
    let held = match (plan, request.bars) {
        (Plan::Stored { series, .. }, _) => {
            format!(
                "there are {} from {} to {}",
                series.bars,
                time::short(series.first),
                time::short(series.last)
            )
        }
        (_, Some(bars)) => match (bars.timestamps().first(), bars.timestamps().last()) {
            (Some(&first), Some(&last)) => format!(
                "the {} bars given are from {} to {}",
                bars.len(),
                time::short(first),
                time::short(last)
            ),
            _ => "no bars were given".to_owned(),
        },
        _ => String::new(),
    };
    let message = format!(
        "no {} bars of {} between {} and {}; {held}",
        plan.wanted(),
        quoted(request.asset_symbol),
        time::short(request.start),
        time::short(request.end)
    );
    Error::new(Code::NoData, message)
}
