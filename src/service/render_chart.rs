//! Draws a chart of a backtest.

use std::sync::Arc;

use crate::chart::{self, ChartData, ChartSummary};
use crate::error::{Code, Error, Result};
use crate::market::raw::ReadOptions;
use crate::market::resample::resample;
use crate::market::{Bars, Limit};
use crate::portfolio::Trades;
use crate::quote::quoted;
use crate::request::{Fields, Input, Issues};
use crate::store::record::Status;
use crate::strategies;

use super::cancellation::Cancellation;
use super::chart_input::{self, ChartInput};
use super::charted_run::{ChartedRun, not_completed, without_outputs};
use super::engine::Engine;
use super::load::BarQuery;
use super::picture_options::PictureOptions;
use super::pool::JobLength;
use super::{bars_input, pool};

/// The alert in the chart of a run that looked ahead.
const LOOKS_AHEAD: &str =
    "The signals look ahead or change from call to call: nobody could have traded like this";

struct Options<'a> {
    picture: PictureOptions,
    bars: Option<&'a Input>,
}

impl Engine {
    /// Draws a stored run or a result and returns the bytes of a PNG or SVG file. Prices come from `options.bars`, or from
    /// the source of the run if its bars have not changed. Without prices, the chart says so.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for invalid options or results, for a run that is not completed, and for bars that are not those of
    /// the run; `BAD_DATA` for bars that violate an invariant; `NOT_FOUND`, `STORAGE`, `CLOSED`.
    pub async fn render_chart(&self, backtest: &Input, options: &Input) -> Result<Vec<u8>> {
        let cancellation = Cancellation::default();
        let _call = self.start_call(&cancellation)?;
        let mut issues = Issues::default();
        let options = Options::read(options, &mut issues);
        let chart_input = chart_input::read(backtest, &mut issues);
        issues.into_result(Code::InvalidArgument)?;
        let run = match chart_input {
            Some(ChartInput::Stored(id)) => cancellation.or(self.completed_run(&id)).await?,
            Some(ChartInput::Result(run)) => *run,
            None => return Err(Error::internal("a field was neither read nor rejected")),
        };
        let (bars, note) = match options.bars {
            Some(bars) => {
                // They may be of a finer timeframe, so the limit of an import applies, not that of a run.
                let limit = Limit {
                    subject: ("options.bars", "rows"),
                    ..Limit::of_import(self.config.max_import_rows)
                };
                (Some(read_bars(bars, &run, limit).await?), "")
            }
            None => cancellation.or(self.stored_bars(&run)).await?,
        };
        let strategy = self.strategy_name(&run.strategy_id, run.strategy_source.as_deref());
        let picture = options.picture;
        cancellation.check()?;
        let length = JobLength::of(run.outcome.timestamps.len());
        pool::run(length, move || render(&run, &strategy, bars.as_deref(), note, &picture)).await
    }

    /// Returns a completed run of the store.
    async fn completed_run(&self, id: &str) -> Result<ChartedRun> {
        let Some((run, outcome)) = self.backends().await?.store.run(id).await? else {
            let message = format!("there is no backtest with id {}", quoted(id));
            return Err(Error::new(Code::NotFound, message));
        };
        match outcome {
            Some(outcome) if run.status == Status::Completed => {
                let parts = outcome.summary.parts;
                if parts.equity && parts.trades {
                    Ok(ChartedRun::new(run, outcome))
                } else {
                    Err(without_outputs("backtestId", &format!("backtest {id}")))
                }
            }
            _ => Err(not_completed("backtestId", id, run.status.as_str())),
        }
    }

    /// Returns the bars of a run if its source still has them, or a note that says why there are no prices.
    async fn stored_bars(&self, run: &ChartedRun) -> Result<(Option<Arc<Bars>>, &'static str)> {
        let mut note = if run.is_on_imported_bars {
            "no prices: the bars of this run are gone"
        } else {
            "no prices: the store has no bars of this run"
        };
        // Older versions stored runs on single ticks under a timeframe; only a comparison of the bars shows whether one is.
        let timeframe = run.timeframe.timeframe();
        for timeframe in timeframe.map(Some).into_iter().chain([None]) {
            let query = BarQuery {
                asset_symbol: &run.asset_symbol,
                start: run.start,
                end: run.end,
                timeframe,
                bars: None,
            };
            let loaded = match self.plan_load(&query).await {
                Ok(plan) if timeframe.is_none() && !plan.is_ticks() => break,
                Ok(plan) => self.load(&query, &plan).await,
                Err(error) => Err(error),
            };
            match loaded {
                Ok(loaded) if run.matches(&loaded.bars) => {
                    return Ok((Some(Arc::clone(&loaded.bars)), ""));
                }
                Ok(_) => note = "no prices: the stored bars have changed since this run",
                // A chart without prices is better than none.
                Err(error)
                    if matches!(error.code, Code::NoData | Code::BadData | Code::LimitExceeded) => {
                }
                Err(error) => return Err(error),
            }
        }
        Ok((None, note))
    }

    /// Returns the display name of a strategy, or its id if the name is unknown.
    pub(super) fn strategy_name(&self, id: &str, source: Option<&str>) -> String {
        let name = if let Some(source) = source {
            strategies::parse(source).ok().map(|definition| definition.name)
        } else {
            let strategy = self.local_catalog().registry.get(id);
            strategy.ok().map(|strategy| strategy.definition().name.clone())
        };
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| id.to_owned())
    }
}

impl<'a> Options<'a> {
    fn read(input: &'a Input, issues: &mut Issues) -> Self {
        static EMPTY: Input = Input::Record(Vec::new());
        let input = if matches!(input, Input::Null) { &EMPTY } else { input };
        let mut fields = Fields::open("options", input, issues);
        let picture = PictureOptions::read(&mut fields, issues);
        let bars = fields.take("bars");
        fields.finish(issues);
        Self { picture, bars }
    }
}

/// Reads bars that the caller passed. They may have a finer timeframe and a longer range than those of the run.
async fn read_bars(input: &Input, run: &ChartedRun, limit: Limit) -> Result<Arc<Bars>> {
    let bars = bars_input::read("options.bars", input, limit, &ReadOptions::of_request(None))?
        .bars
        .between(run.start, run.end);
    let finer_than = |timeframe| bars.inferred_timeframe().is_some_and(|own| own < timeframe);
    let wanted = run.timeframe.timeframe().filter(|timeframe| {
        *bars.timestamps() != *run.outcome.timestamps && finer_than(*timeframe)
    });
    let bars = match wanted {
        Some(timeframe) => {
            let length = JobLength::of_resampling(bars.len());
            pool::run(length, move || resample(&bars, timeframe)).await?
        }
        None => bars,
    };
    if run.matches(&bars) {
        return Ok(Arc::new(bars));
    }
    let message = format!(
        "options.bars are not the {} bars of {} that the run was computed on",
        run.timeframe,
        quoted(&run.asset_symbol)
    );
    Err(Error::invalid("options.bars", "conflict", message))
}

fn render(
    run: &ChartedRun,
    strategy: &str,
    bars: Option<&Bars>,
    note: &str,
    options: &PictureOptions,
) -> Result<Vec<u8>> {
    let outcome = &run.outcome;
    let trades: &Trades = &outcome.trades;
    let data = ChartData {
        strategy,
        parameters: &run.parameters_text(),
        asset: &run.asset_symbol,
        timeframe: run.timeframe,
        timestamps: &outcome.timestamps,
        equity: &outcome.equity,
        initial_capital: run.initial_capital,
        trades,
        bars,
        note,
        alert: if run.looks_ahead { LOOKS_AHEAD } else { "" },
        summary: ChartSummary {
            total_return: run.metric("totalReturn"),
            benchmark_return: run.metric("benchmarkReturn"),
            sharpe_ratio: run.metric("sharpeRatio"),
            max_drawdown: run.metric("maxDrawdown"),
            total_trades: run.metric("totalTrades"),
            win_rate: run.metric("winRate"),
        },
    };
    options.write(&chart::render(&data, &options.style)?)
}
