//! A request for a backtest, read once. Its problems are collected until the strategy is resolved, so that all are reported
//! together.

use std::sync::Arc;

use crate::data::LoadedBars;
use crate::error::{Code, Error, Result};
use crate::market::raw::{NotedBars, ReadOptions};
use crate::market::{Limit, Timeframe};
use crate::request::{Fields, Input, Issues, Range};
use crate::settings::{Settings, SizeType};

use super::bars_input;
use super::bound_request::BoundRequest;
use super::catalog::Catalog;
use super::names;
use super::strategy_request::{StrategyRef, StrategyRequest};
use super::strategy_selection::StrategySelection;

/// A run over at most this many bars takes less time than waking the thread that would do it.
pub const INLINE_BARS: usize = 1_000;

/// A request for a backtest. Its strategy is a reference, and its bars are not checked yet.
#[derive(Debug)]
pub struct BacktestRequest {
    pub(super) strategy: StrategyRequest,
    asset_symbol: Option<String>,
    start: Option<i64>,
    end: Option<i64>,
    initial_capital: Option<f64>,
    timeframe: Option<Timeframe>,
    settings: Settings,
    /// Whether `simulation` sets the size of orders.
    has_order_size: bool,
    bars: Option<Input>,
    persist: bool,
    user_id: Option<String>,
    /// The problems of all fields except those of the strategy.
    issues: Issues,
}

impl BacktestRequest {
    /// Reads all fields except the bars, which can take long to read.
    pub fn read(mut input: Input) -> Self {
        let definition = input.take_field("strategy");
        let parameters = input.take_field("parameters");
        let bars = input.take_field("bars");
        let mut issues = Issues::default();
        let mut shape_issues = Issues::default();
        let mut fields = Fields::open("", &input, &mut shape_issues);
        fields.declare(["bars"]);
        let mut strategy = StrategyRequest::read(&mut fields, definition, parameters);
        // A request that is not an object is reported first.
        shape_issues.append(std::mem::take(&mut strategy.issues));
        strategy.issues = shape_issues;
        let asset_symbol = names::symbol(&mut fields, "assetSymbol", &mut issues);
        let start = fields.required_timestamp("startDate", &mut issues);
        let end = fields.required_timestamp("endDate", &mut issues);
        if let (Some(start), Some(end)) = (start, end)
            && end < start
        {
            use crate::market::time::short;
            let message = format!("endDate {} is before startDate {}", short(end), short(start));
            issues.add("endDate", "range", message);
        }
        let initial_capital =
            fields.required_number("initialCapital", Range::POSITIVE, &mut issues);
        let timeframe = fields.choice("timeframe", &Timeframe::ALL, &mut issues);
        let simulation = fields.take("simulation");
        let settings = Settings::read("simulation", simulation, &mut issues);
        let persist = fields.boolean("persist", &mut issues).unwrap_or(true);
        let user_id = names::user_id(&mut fields, &mut issues);
        fields.finish(&mut issues);
        Self {
            strategy,
            asset_symbol,
            start,
            end,
            initial_capital,
            timeframe,
            settings,
            has_order_size: simulation.is_some_and(|settings| {
                settings.has_field("size") || settings.has_field("sizeType")
            }),
            bars,
            persist,
            user_id,
            issues,
        }
    }

    /// Returns whether the run is so small that it can be computed on the calling thread: over few bars that the request
    /// contains, with a strategy by its id, and not persisted. With a built-in strategy it never waits.
    pub fn is_small(&self) -> bool {
        let has_few_bars =
            matches!(&self.bars, Some(Input::Bars(bars)) if bars.len() <= INLINE_BARS);
        has_few_bars && !self.persist && matches!(self.strategy.reference, StrategyRef::Id(_))
    }

    /// Returns whether [`Self::bind`] takes long.
    pub(super) fn is_long_to_bind(&self) -> bool {
        self.bars.as_ref().is_some_and(Input::is_long_to_read)
    }

    /// Resolves the strategy, binds its parameters, and reads the bars.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with all problems; `UNKNOWN_STRATEGY` with all problems if no strategy has the id; `BAD_DATA` for
    /// bars that violate an invariant; `LIMIT_EXCEEDED` for Arrow bytes with more rows than the limit.
    pub(super) fn bind(mut self, catalog: &Catalog, limit: Limit) -> Result<BoundRequest> {
        let mut issues = std::mem::take(&mut self.strategy.issues);
        let selection = StrategySelection::bind(&self.strategy, catalog, &mut issues);
        let position_size = selection.position_size;
        issues.append(self.issues);
        let is_conflict = self.has_order_size && position_size < 1.0;
        if is_conflict {
            let message = format!(
                "parameters.position_size {position_size} and simulation.size are mutually exclusive: set only one of them"
            );
            issues.add("parameters.position_size", "conflict", message);
        }
        let bars = read_bars(self.bars.as_ref(), limit, self.timeframe, &mut issues)?;
        let code = if selection.is_unknown { Code::UnknownStrategy } else { Code::InvalidArgument };
        issues.into_result(code)?;
        let mut settings = self.settings;
        if position_size < 1.0 {
            settings.sizing.size = position_size;
            settings.sizing.size_type = SizeType::Percent;
        }
        match (
            selection.strategy,
            selection.bound,
            self.asset_symbol,
            self.start,
            self.end,
            self.initial_capital,
        ) {
            (
                Some(strategy),
                Some(bound),
                Some(asset_symbol),
                Some(start),
                Some(end),
                Some(initial_capital),
            ) => Ok(BoundRequest {
                function: selection.function,
                strategy_id: strategy.definition().id.clone(),
                strategy_source: selection.source,
                bound,
                asset_symbol,
                start,
                end,
                initial_capital,
                timeframe: self.timeframe,
                settings,
                bars: bars.map(|bars| Arc::new(LoadedBars::from(bars))),
                persist: self.persist,
                user_id: self.user_id,
            }),
            _ => Err(Error::internal("a field was neither read nor rejected")),
        }
    }
}

/// Reads the bars of a request. Bars that violate an invariant are only an error if the request is otherwise valid.
fn read_bars(
    bars: Option<&Input>,
    limit: Limit,
    timeframe: Option<Timeframe>,
    issues: &mut Issues,
) -> Result<Option<NotedBars>> {
    let options = ReadOptions::of_request(timeframe);
    match bars.map(|bars| bars_input::read("bars", bars, limit, &options)).transpose() {
        Err(error) if error.code == Code::InvalidArgument => {
            issues.extend(error.issues);
            Ok(None)
        }
        Err(error) if issues.is_empty() => Err(error),
        bars => Ok(bars.ok().flatten()),
    }
}
