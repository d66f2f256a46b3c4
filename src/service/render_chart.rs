//! Draws a backtest as a picture.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::chart::{self, Headline, Style, Subject, Theme};
use crate::error::{Code, Error, Result};
use crate::market::resample::resample;
use crate::market::{Bars, Limit, Timeframe};
use crate::portfolio::Trades;
use crate::quote::quoted;
use crate::request::{Fields, Input, Issues, Range};
use crate::store::record::{Outcome, Run, Status};
use crate::strategies;

use super::cancel::Cancel;
use super::chart_input;
use super::engine::Engine;
use super::load::Wanted;
use super::pool::Length;
use super::run_backtest::fingerprint;
use super::{bars_input, pool};

/// What kind of file a picture becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Png,
    Svg,
}

const FORMATS: [(&str, Format); 2] = [("png", Format::Png), ("svg", Format::Svg)];
const DEFAULT_WIDTH: u32 = 1200;
const DEFAULT_HEIGHT: u32 = 800;

/// A completed run that is to be drawn.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) strategy_id: String,
    pub(super) strategy_source: Option<String>,
    pub(super) asset_symbol: String,
    pub(super) timeframe: Timeframe,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) initial_capital: f64,
    pub(super) parameters: Map<String, Value>,
    pub(super) fingerprint: Option<String>,
    pub(super) outcome: Arc<Outcome>,
}

struct Options<'a> {
    format: Format,
    style: Style,
    bars: Option<&'a Input>,
}

impl Engine {
    /// Draws a run, kept or handed over as a result, and returns the bytes of a PNG or SVG file. Prices come from
    /// `options.bars`, or else from the source that the run had them from, if they are still those of the run; the picture
    /// says so where there are none.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for options and results that are not right, for a run that is not completed and for bars that are
    /// not those of the run, `BAD_DATA` for bars that break an invariant, `NOT_FOUND`, `STORAGE`, `CLOSED`.
    pub async fn render_chart(&self, backtest: &Input, options: &Input) -> Result<Vec<u8>> {
        let cancel = Cancel::default();
        let _work = self.enter(&cancel)?;
        let mut issues = Issues::default();
        let options = Options::read(options, &mut issues);
        let given = chart_input::read(backtest, &mut issues);
        issues.into_result(Code::InvalidArgument)?;
        let run = match given {
            Some(chart_input::Given::Id(id)) => cancel.or(self.kept(&id)).await?,
            Some(chart_input::Given::Result(run)) => *run,
            None => return Err(Error::internal("a field was neither read nor refused")),
        };
        let (bars, note) = match options.bars {
            Some(bars) => {
                // They may be finer than those of the run, and so more than a run may have.
                let limit = Limit {
                    subject: ("options.bars", "rows"),
                    ..Limit::of_import(self.config.max_import_rows)
                };
                (Some(given_bars(bars, &run, limit).await?), "")
            }
            None => cancel.or(self.stored_bars(&run)).await?,
        };
        let strategy = self.name_of(&run);
        let (format, style) = (options.format, options.style);
        cancel.check()?;
        let length = Length::of(run.outcome.timestamps.len());
        pool::run(length, move || render(&run, &strategy, bars.as_deref(), note, format, &style))
            .await
    }

    /// Returns a run of the store that is completed.
    async fn kept(&self, id: &str) -> Result<Drawn> {
        let Some((run, outcome)) = self.opened().await?.store.run(id).await? else {
            let message = format!("there is no backtest with id {}", quoted(id));
            return Err(Error::new(Code::NotFound, message));
        };
        match outcome {
            Some(outcome) if run.status == Status::Completed => Ok(Drawn::new(run, outcome)),
            _ => Err(chart_input::not_completed("backtestId", id, run.status.as_str())),
        }
    }

    /// Returns the bars of a run, if its source still has them, or why there are none.
    async fn stored_bars(&self, run: &Drawn) -> Result<(Option<Arc<Bars>>, &'static str)> {
        let mut note = "no prices: the store has no bars of this run";
        // Where ticks are kept, a run may have had a bar of each of them, and only the bars tell whether it had.
        for timeframe in [Some(run.timeframe), None] {
            let wanted = Wanted {
                asset_symbol: &run.asset_symbol,
                start: run.start,
                end: run.end,
                timeframe,
                bars: None,
            };
            let loaded = match self.plan_bars(&wanted).await {
                Ok(plan) if timeframe.is_none() && !plan.is_ticks() => break,
                Ok(plan) => self.load(&wanted, &plan).await,
                Err(error) => Err(error),
            };
            match loaded {
                Ok(loaded) if run.was_on(&loaded.bars) => {
                    return Ok((Some(Arc::clone(&loaded.bars)), ""));
                }
                Ok(_) => note = "no prices: the stored bars have changed since this run",
                // A picture without prices is better than none.
                Err(error)
                    if matches!(error.code, Code::NoData | Code::BadData | Code::LimitExceeded) => {
                }
                Err(error) => return Err(error),
            }
        }
        Ok((None, note))
    }

    /// Returns the strategy's name for people, or its id where the name is not known.
    fn name_of(&self, run: &Drawn) -> String {
        let name = if let Some(source) = &run.strategy_source {
            strategies::parse(source).ok().map(|definition| definition.name)
        } else {
            let known = self.at_hand().registry.get(&run.strategy_id);
            known.ok().map(|strategy| strategy.definition().name.clone())
        };
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| run.strategy_id.clone())
    }
}

impl<'a> Options<'a> {
    fn read(input: &'a Input, issues: &mut Issues) -> Self {
        static NOTHING: Input = Input::Record(Vec::new());
        let input = if matches!(input, Input::Null) { &NOTHING } else { input };
        let mut fields = Fields::open("options", input, issues);
        let range = Range::between(chart::SMALLEST.into(), chart::LARGEST.into());
        let mut pixels = |name, default: u32| {
            let pixels = fields.integer(name, range, issues);
            pixels.and_then(|pixels| u32::try_from(pixels).ok()).unwrap_or(default)
        };
        let (width, height) = (pixels("width", DEFAULT_WIDTH), pixels("height", DEFAULT_HEIGHT));
        let format = fields.choice("format", &FORMATS, issues).unwrap_or(Format::Png);
        let theme = fields.choice("theme", &Theme::ALL, issues).unwrap_or(Theme::Light);
        let bars = fields.take("bars");
        fields.finish(issues);
        Self { format, style: Style { width, height, theme }, bars }
    }
}

impl Drawn {
    fn new(run: Run, outcome: Outcome) -> Self {
        Self {
            strategy_id: run.strategy_id,
            strategy_source: run.strategy_source,
            asset_symbol: run.asset_symbol,
            timeframe: run.timeframe,
            start: run.start,
            end: run.end,
            initial_capital: run.initial_capital,
            parameters: run.parameters,
            fingerprint: run.fingerprint,
            outcome: Arc::new(outcome),
        }
    }

    fn metric(&self, name: &str) -> Option<f64> {
        let metrics = &self.outcome.summary.metrics;
        metrics.iter().find(|(known, _)| known == name).and_then(|(_, value)| *value)
    }

    /// Returns whether bars are those that the run was computed on: by their hash, or for a run that was not kept by their
    /// moments and by what holding them returned.
    fn was_on(&self, bars: &Bars) -> bool {
        if *bars.timestamps() != *self.outcome.timestamps {
            return false;
        }
        if let Some(print) = &self.fingerprint {
            return *print == fingerprint(bars, self.timeframe);
        }
        let (Some(held), Some(first), Some(last)) =
            (self.metric("benchmarkReturn"), bars.close().first(), bars.close().last())
        else {
            return true;
        };
        let found = (last / first - 1.0) * 100.0;
        (found - held).abs() <= 1e-9 * held.abs().max(1.0)
    }

    fn parameters_text(&self) -> String {
        let all_in =
            |name: &str, value: &Value| name == "position_size" && value.as_f64() == Some(1.0);
        let shown = self.parameters.iter().filter(|(name, value)| !all_in(name, value));
        let texts: Vec<String> = shown.map(|(name, value)| format!("{name} {value}")).collect();
        texts.join(", ")
    }
}

/// Reads bars that the caller brought, which may be finer than those of the run and of a longer range.
async fn given_bars(input: &Input, run: &Drawn, limit: Limit) -> Result<Arc<Bars>> {
    let bars = bars_input::read("options.bars", input, limit)?.between(run.start, run.end);
    let wanted = run.timeframe;
    let is_finer = || bars.inferred_timeframe().is_some_and(|own| own < wanted);
    let bars = if *bars.timestamps() != *run.outcome.timestamps && is_finer() {
        pool::run(Length::of_resampling(bars.len()), move || resample(&bars, wanted)).await?
    } else {
        bars
    };
    if run.was_on(&bars) {
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
    run: &Drawn,
    strategy: &str,
    bars: Option<&Bars>,
    note: &str,
    format: Format,
    style: &Style,
) -> Result<Vec<u8>> {
    let outcome = &run.outcome;
    let trades: &Trades = &outcome.trades;
    let subject = Subject {
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
        headline: Headline {
            total_return: run.metric("totalReturn"),
            benchmark_return: run.metric("benchmarkReturn"),
            sharpe_ratio: run.metric("sharpeRatio"),
            max_drawdown: run.metric("maxDrawdown"),
            total_trades: run.metric("totalTrades"),
            win_rate: run.metric("winRate"),
        },
    };
    let picture = chart::draw(&subject, style)?;
    match format {
        Format::Png => picture.to_png(),
        Format::Svg => picture.to_svg().map(String::into_bytes),
    }
}
