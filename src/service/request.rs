//! What a caller asks for, checked whole: every problem of a request comes out at once.

use std::sync::Arc;

use crate::error::{Code, Error, Result};
use crate::input::{Fields, Input, Issues, Range};
use crate::market::{Bars, Timeframe};
use crate::simulation::Options;
use crate::simulation::options::SizeType;
use crate::strategies::{Bound, Definition, Strategy};

use super::bars_input;
use super::catalogue::Catalogue;
use super::function::Call;

/// The longest symbol, user id and path that are taken.
const LONGEST_TEXT: usize = 255;

/// A request for a backtest, checked.
#[derive(Debug)]
pub struct BacktestRequest {
    /// The strategy, its parameters bound.
    pub bound: Bound,
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
    pub options: Options,
    /// Bars handed in, of their own timeframe.
    pub bars: Option<Arc<Bars>>,
    /// Whether to keep the run.
    pub persist: bool,
    /// Whose run it is.
    pub user_id: Option<String>,
}

impl BacktestRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with all problems; `UNKNOWN_STRATEGY` (with all problems too) where the id is not known;
    /// `BAD_DATA` for bars that break an invariant.
    pub fn read(input: &Input, known: &Catalogue) -> Result<Self> {
        let mut issues = Issues::default();
        let mut fields = Fields::open("", input, &mut issues);
        let (strategy, source) = match read_strategy(&mut fields, known, &mut issues) {
            Ok(found) => found,
            Err(unknown) => return Err(unknown_strategy(unknown, fields, issues)),
        };
        let parameters = fields.take("parameters");
        let bound = strategy
            .as_ref()
            .and_then(|strategy| strategy.bind(parameters, "parameters", &mut issues));
        let rest = Rest::read(&mut fields, bound.as_ref(), &mut issues);
        fields.finish(&mut issues);
        issues.into_result(Code::InvalidArgument)?;
        let bars = rest.bars.map(|bars| bars_input::read("bars", bars)).transpose()?.map(Arc::new);
        match (strategy, bound, rest.asset_symbol, rest.start, rest.end, rest.initial_capital) {
            (
                Some(strategy),
                Some(bound),
                Some(asset_symbol),
                Some(start),
                Some(end),
                Some(initial_capital),
            ) => Ok(Self {
                function: read_function(known, &strategy, source.as_ref(), &bound),
                strategy_id: strategy.definition().id.clone(),
                strategy_source: source,
                bound,
                asset_symbol,
                start,
                end,
                initial_capital,
                timeframe: rest.timeframe,
                options: rest.options,
                bars,
                persist: rest.persist,
                user_id: rest.user_id,
            }),
            _ => Err(Error::internal("a field was neither read nor refused")),
        }
    }
}

/// The fields that do not depend on the strategy's id being known.
struct Rest<'a> {
    asset_symbol: Option<String>,
    start: Option<i64>,
    end: Option<i64>,
    initial_capital: Option<f64>,
    timeframe: Option<Timeframe>,
    options: Options,
    bars: Option<&'a Input>,
    persist: bool,
    user_id: Option<String>,
}

impl<'a> Rest<'a> {
    fn read(fields: &mut Fields<'a>, bound: Option<&Bound>, issues: &mut Issues) -> Self {
        let asset_symbol = symbol(fields, "assetSymbol", issues);
        let start = fields.required_moment("startDate", issues);
        let end = fields.required_moment("endDate", issues);
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
        let mut options = Options::read("simulation", simulation, issues);
        if let Some(bound) = bound {
            apply_position_size(&mut options, bound.position_size(), simulation, issues);
        }
        let bars = fields.take("bars");
        let persist = fields.boolean("persist", issues).unwrap_or(true);
        let user_id = fields.text("userId", issues).filter(|id| short_enough("userId", id, issues));
        Self {
            asset_symbol,
            start,
            end,
            initial_capital,
            timeframe,
            options,
            bars,
            persist,
            user_id,
        }
    }
}

/// Reads the strategy: by id from the registry, or given on the spot. `Err` holds the error of an unknown id.
fn read_strategy(
    fields: &mut Fields<'_>,
    known: &Catalogue,
    issues: &mut Issues,
) -> std::result::Result<(Option<Arc<Strategy>>, Option<String>), Error> {
    let given = fields.take("strategy");
    let id = fields.text("strategyId", issues);
    match (given, id) {
        (Some(_), Some(_)) => {
            issues.add(
                "strategy",
                "conflict",
                "strategy and strategyId exclude each other: give one of them",
            );
            Ok((None, None))
        }
        (Some(given), None) => {
            let definition = Definition::read("strategy", given, issues);
            match definition.map(Strategy::compile) {
                Some(Ok(strategy)) => {
                    let source = strategy.source().to_owned();
                    Ok((Some(Arc::new(strategy)), Some(source)))
                }
                Some(Err(found)) => {
                    issues.extend(found);
                    Ok((None, None))
                }
                None => Ok((None, None)),
            }
        }
        (None, Some(id)) => {
            let strategy = known.registry.get(&id)?;
            let has_text = !known.registry.is_builtin(&id) && !known.functions.contains_key(&id);
            let source = has_text.then(|| strategy.source().to_owned());
            Ok((Some(strategy), source))
        }
        (None, None) => {
            if fields.take("strategyId").is_none() {
                issues.add("strategyId", "required", "strategyId (or strategy) is required");
            }
            Ok((None, None))
        }
    }
}

/// Returns the function of a strategy that was named by its id and has one.
fn read_function(
    known: &Catalogue,
    strategy: &Strategy,
    source: Option<&String>,
    bound: &Bound,
) -> Option<Call> {
    // A strategy with a text has no function, even if it was given on the spot under the id of one that has.
    let function = known.functions.get(&strategy.definition().id).filter(|_| source.is_none())?;
    Some(Call { function: Arc::clone(function), parameters: bound.parameters().clone() })
}

/// Returns the error of an unknown strategy together with all other problems of the request.
fn unknown_strategy(unknown: Error, mut fields: Fields<'_>, mut issues: Issues) -> Error {
    fields.take("parameters");
    Rest::read(&mut fields, None, &mut issues);
    fields.finish(&mut issues);
    let own = if unknown.issues.is_empty() {
        vec![crate::error::Issue::new("strategyId", "choice", unknown.message.clone())]
    } else {
        unknown.issues
    };
    Error::with_issues(unknown.code, own.into_iter().chain(issues.into_vec()).collect())
}

/// Applies the share of the cash that an entry uses; 1 is the engine's own all-in.
fn apply_position_size(
    options: &mut Options,
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
    options.size = position_size;
    options.size_type = SizeType::Percent;
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
                "{path} must have no control characters and no spaces around it, was {symbol:?}"
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
