//! What a caller asks for, checked whole: every problem of a request comes out at once.

use std::sync::Arc;

use crate::error::{Code, Error, Result};
use crate::market::{Bars, Limit, Timeframe};
use crate::quote::quoted;
use crate::request::{Fields, Input, Issues, Range};
use crate::settings::{Settings, SizeType};
use crate::strategies::BoundStrategy;

use super::bars_input;
use super::catalogue::Catalogue;
use super::function::Call;
use super::strategy_selection::StrategySelection;

/// The longest symbol, user id and path that are taken.
const LONGEST_TEXT: usize = 255;

/// A request for a backtest, checked.
#[derive(Debug)]
pub struct BacktestRequest {
    /// The strategy, its parameters bound.
    pub bound: Arc<BoundStrategy>,
    /// The function that computes the signals, where the strategy has one; `bound` then has none of its own.
    pub(super) function: Option<Call>,
    /// The id that the run is kept under.
    pub strategy_id: String,
    /// The text of the strategy, unless it is a built-in one or a function: the id may mean another one tomorrow.
    pub strategy_source: Option<String>,
    /// The asset.
    pub asset_symbol: String,
    /// First moment, UTC milliseconds, included.
    pub start: i64,
    /// Last moment, UTC milliseconds, included.
    pub end: i64,
    /// Money at the start.
    pub initial_capital: f64,
    /// The timeframe asked for.
    pub timeframe: Option<Timeframe>,
    /// The simulation's settings, the strategy's position size included.
    pub settings: Settings,
    /// Bars handed in, of their own timeframe.
    pub bars: Option<Arc<Bars>>,
    /// Whether to keep the run.
    pub persist: bool,
    /// Whose run it is.
    pub user_id: Option<String>,
}

/// A run over at most so many bars takes less time than waking the thread that would do it.
pub const FEW_BARS: usize = 1_000;

/// Returns whether a request is about few bars that it brings along, and a strategy by its id, and keeps nothing: such a
/// run waits for nothing where that strategy is a built-in one.
pub fn is_small(request: &Input) -> bool {
    let Input::Record(fields) = request else { return false };
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let few = matches!(field("bars"), Some(Input::Bars(bars)) if bars.len() <= FEW_BARS);
    few && matches!(field("persist"), Some(Input::Bool(false)))
        && matches!(field("strategyId"), Some(Input::Text(_)))
}

/// More values than this take longer to read than a task should keep its thread.
const MANY_VALUES: usize = 10_000;

/// Returns whether it takes long to read a request: where it has columns that are plain arrays, or files in memory.
pub fn is_long(request: &Input) -> bool {
    fn values(input: &Input) -> usize {
        match input {
            Input::List(items) => items.len(),
            Input::Bytes(bytes) => bytes.len() / size_of::<f64>(),
            Input::Floats(column) => column.len(),
            Input::Record(fields) => {
                fields.iter().fold(0, |sum, (_, value)| sum.saturating_add(values(value)))
            }
            _ => 1,
        }
    }
    values(request) > MANY_VALUES
}

impl BacktestRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with all problems; `UNKNOWN_STRATEGY` (with all problems too) where the id is not known;
    /// `BAD_DATA` for bars that break an invariant; `LIMIT_EXCEEDED` for Arrow bytes of more rows than the limit.
    pub fn read(input: &Input, known: &Catalogue, limit: Limit) -> Result<Self> {
        let mut issues = Issues::default();
        let mut fields = Fields::open("", input, &mut issues);
        let selection = StrategySelection::read(&mut fields, known, &mut issues);
        let rest = Rest::read(&mut fields, selection.position_size(), &mut issues);
        fields.finish(&mut issues);
        let bars = match rest.bars.map(|bars| bars_input::read("bars", bars, limit)).transpose() {
            Err(error) if error.code == Code::InvalidArgument => {
                issues.extend(error.issues);
                None
            }
            // Of bars that break an invariant is told where the request is sound.
            Err(error) if issues.is_empty() => return Err(error),
            bars => bars.ok().flatten(),
        };
        let code = if selection.is_unknown { Code::UnknownStrategy } else { Code::InvalidArgument };
        issues.into_result(code)?;
        match (
            selection.strategy,
            selection.bound,
            rest.asset_symbol,
            rest.start,
            rest.end,
            rest.initial_capital,
        ) {
            (
                Some(strategy),
                Some(bound),
                Some(asset_symbol),
                Some(start),
                Some(end),
                Some(initial_capital),
            ) => Ok(Self {
                function: selection.function,
                strategy_id: strategy.definition().id.clone(),
                strategy_source: selection.source,
                bound,
                asset_symbol,
                start,
                end,
                initial_capital,
                timeframe: rest.timeframe,
                settings: rest.settings,
                bars: bars.map(Arc::new),
                persist: rest.persist,
                user_id: rest.user_id,
            }),
            _ => Err(Error::internal("a field was neither read nor refused")),
        }
    }
}

/// The fields that are not about the strategy.
struct Rest<'a> {
    asset_symbol: Option<String>,
    start: Option<i64>,
    end: Option<i64>,
    initial_capital: Option<f64>,
    timeframe: Option<Timeframe>,
    settings: Settings,
    bars: Option<&'a Input>,
    persist: bool,
    user_id: Option<String>,
}

impl<'a> Rest<'a> {
    fn read(fields: &mut Fields<'a>, position_size: f64, issues: &mut Issues) -> Self {
        let asset_symbol = symbol(fields, "assetSymbol", issues);
        let start = fields.required_timestamp("startDate", issues);
        let end = fields.required_timestamp("endDate", issues);
        if let (Some(start), Some(end)) = (start, end)
            && end < start
        {
            use crate::market::time::short;
            let message = format!("endDate {} is before startDate {}", short(end), short(start));
            issues.add("endDate", "range", message);
        }
        let initial_capital = fields.required_number("initialCapital", Range::POSITIVE, issues);
        let timeframe = fields.choice("timeframe", &Timeframe::ALL, issues);
        let simulation = fields.take("simulation");
        let mut settings = Settings::read("simulation", simulation, issues);
        apply_position_size(&mut settings, position_size, simulation, issues);
        let bars = fields.take("bars");
        let persist = fields.boolean("persist", issues).unwrap_or(true);
        let user_id = fields.text("userId", issues).filter(|id| short_enough("userId", id, issues));
        Self {
            asset_symbol,
            start,
            end,
            initial_capital,
            timeframe,
            settings,
            bars,
            persist,
            user_id,
        }
    }
}

/// Applies the share of the cash that an entry uses; 1 is the engine's own all-in.
fn apply_position_size(
    settings: &mut Settings,
    position_size: f64,
    simulation: Option<&Input>,
    issues: &mut Issues,
) {
    if position_size >= 1.0 {
        return;
    }
    let sized = matches!(simulation, Some(Input::Record(entries))
        if entries.iter().any(|(key, value)| (key == "size" || key == "sizeType") && !matches!(value, Input::Null)));
    if sized {
        let message = format!(
            "parameters.position_size {position_size} and simulation.size exclude each other: give one of them"
        );
        issues.add("parameters.position_size", "conflict", message);
        return;
    }
    settings.sizing.size = position_size;
    settings.sizing.size_type = SizeType::Percent;
}

/// Reads the symbol of an asset.
pub fn symbol(fields: &mut Fields<'_>, name: &'static str, issues: &mut Issues) -> Option<String> {
    let symbol = fields.required_text(name, issues)?;
    if symbol.chars().any(char::is_control) || symbol.trim() != symbol {
        let path = fields.path(name);
        issues.add(
            path.clone(),
            "range",
            format!(
                "{path} must have no control characters and no spaces around it, was {}",
                quoted(&symbol)
            ),
        );
        return None;
    }
    short_enough(name, &symbol, issues).then_some(symbol)
}

/// Notes a text that is too long to be one.
pub fn short_enough(path: &str, text: &str, issues: &mut Issues) -> bool {
    let length = text.chars().count();
    if length > LONGEST_TEXT {
        issues.add(
            path,
            "range",
            format!("{path} must have at most {LONGEST_TEXT} characters, had {length}"),
        );
    }
    length <= LONGEST_TEXT
}
