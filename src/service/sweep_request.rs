//! A request for a sweep, read once. Its problems are collected until the strategy is resolved, so that all are reported
//! together.

use std::sync::Arc;

use serde_json::Value;

use crate::error::{Code, Error, Result};
use crate::market::{Limit, Timeframe, time};
use crate::metrics::{METRICS, Metric};
use crate::observer::NoObserver;
use crate::quote::{self, listed};
use crate::request::{Fields, Input, Issues, Range};
use crate::store::Sweep;
use crate::strategies::{ParameterValues, Strategy};
use crate::sweep::objective::{DEFAULT_OBJECTIVE, Objective};
use crate::sweep::space::{Sample, Space, SpaceRequest, Target};

use super::backtest_request::mistakes;
use super::bound_sweep::BoundSweep;
use super::catalog::Catalog;
use super::metric_names::read_metrics;
use super::names;
use super::run_fields::{RunFields, read_bars};
use super::strategy_request::{StrategyRef, StrategyRequest};
use super::strategy_selection::StrategySelection;

/// The default of `minTrades`.
const MIN_TRADES: u32 = 5;

/// The default and the maximum of `top`.
const TOP: usize = 20;
const MAX_TOP: f64 = 1_000.0;

/// The field with bars.
const BARS: &str = "bars";

/// The maximum number of constraints of a request.
const MAX_CONSTRAINTS: usize = 64;

/// Metrics that do not follow from the trades of a run, so that each costs a pass over its equity. A sweep computes them if they
/// are named.
const NOT_BY_DEFAULT: [&str; 5] = [
    "avgDrawdownDurationDays",
    "conditionalValueAtRisk",
    "maxDrawdownDurationDays",
    "tailRatio",
    "valueAtRisk",
];

/// A request for a sweep. Its strategy is a reference, and its bars are not checked yet.
#[derive(Debug)]
pub struct SweepRequest(Kind);

#[derive(Debug)]
enum Kind {
    New(Box<NewSweep>),
    Resumed(Box<ResumedSweep>),
}

/// A request to go on with a stored sweep.
#[derive(Debug)]
struct ResumedSweep {
    /// The id; `None` if it has an issue.
    id: Option<String>,
    /// The bars, handed in again.
    bars: Option<Input>,
    issues: Issues,
}

/// A request for a new sweep.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the request and what it lists")]
struct NewSweep {
    /// The request as JSON, without its bars.
    source: Value,
    strategy: StrategyRequest,
    /// The text of the strategy of a stored sweep, which then has no reference.
    strategy_source: Option<String>,
    parameters: Option<Input>,
    constraints: Vec<String>,
    sample: Option<Sample>,
    asset_symbols: Vec<String>,
    lists_assets: bool,
    timeframes: Vec<Option<Timeframe>>,
    lists_timeframes: bool,
    run: RunFields,
    bars: Option<Input>,
    metrics: Vec<&'static Metric>,
    objective: Option<Objective>,
    min_trades: u32,
    top: usize,
    persist: bool,
    sums: bool,
    allow_look_ahead: bool,
    user_id: Option<String>,
    /// The problems of all fields except those of the strategy.
    issues: Issues,
}

/// The fields beside `simulation`.
const BESIDE_SIMULATION: [&str; 22] = [
    "strategyId",
    "strategy",
    "parameters",
    "assetSymbol",
    "assetSymbols",
    "startDate",
    "endDate",
    "initialCapital",
    "timeframe",
    "timeframes",
    "warmup",
    "tradeFrom",
    "bars",
    "persist",
    "constraints",
    "sample",
    "objective",
    "minTrades",
    "metrics",
    "top",
    "resume",
    "sums",
];

impl SweepRequest {
    /// Reads all fields except the bars, which can take long to read.
    pub fn read(mut input: Input) -> Self {
        let bars = input.take_field(BARS);
        if input.has_field("resume") {
            Self(Kind::Resumed(Box::new(ResumedSweep::read(&input, bars))))
        } else {
            Self(Kind::New(Box::new(NewSweep::read(input, bars, &[]))))
        }
    }

    /// Reads the request of a walk-forward, without the fields of its windows. `issues` are those of these fields.
    pub(super) fn read_for_windows(
        mut input: Input,
        window_fields: &[&'static str],
        issues: Issues,
    ) -> Self {
        let bars = input.take_field(BARS);
        let mut new = NewSweep::read(input, bars, window_fields);
        let mut all = issues;
        all.append(std::mem::take(&mut new.issues));
        if new.lists_assets || new.lists_timeframes {
            let (name, one) = if new.lists_assets {
                ("assetSymbols", "assetSymbol")
            } else {
                ("timeframes", "timeframe")
            };
            let message =
                format!("a walk-forward is on one series: set {one}, and call it once for each");
            all.add(name, "unknown", message);
        }
        new.issues = all;
        // Every metric of the choices is in the result; of the others only the objective counts.
        new.metrics = Vec::new();
        new.top = 0;
        Self(Kind::New(Box::new(new)))
    }

    /// Returns the id of the stored sweep to go on with; `None` for a new one.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the request has other fields, or the id is no text.
    pub(super) fn resumed(&self) -> Result<Option<&str>> {
        let Kind::Resumed(resumed) = &self.0 else { return Ok(None) };
        let issues = resumed.issues.listed();
        if issues.is_empty() {
            return Ok(resumed.id.as_deref());
        }
        Err(Error::with_issues(Code::InvalidArgument, issues.to_vec()))
    }

    /// Returns the request of a stored sweep as [`Self::to_json`] wrote it, with the bars of this request. The strategy is the one
    /// of the sweep, even if its id refers to another one by now.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the bars were handed in and are not now, or the reverse.
    pub(super) fn resuming(self, sweep: &Sweep, mut stored: Value) -> Result<Self> {
        let bars = match self.0 {
            Kind::New(new) => new.bars,
            Kind::Resumed(resumed) => resumed.bars,
        };
        let Value::Object(fields) = &mut stored else {
            return Err(Error::internal("the request of a stored sweep is not an object"));
        };
        let had_bars = fields.remove(BARS).is_some();
        let problem = match (had_bars, bars.is_some()) {
            (true, false) => Some((
                "required",
                "bars is required: the sweep ran on bars of its request; pass the same bars again",
            )),
            (false, true) => {
                Some(("conflict", "bars must be left out: the sweep ran on stored bars"))
            }
            _ => None,
        };
        if let Some((code, message)) = problem {
            return Err(Error::invalid(BARS, code, message));
        }
        if sweep.strategy_source.is_some() {
            fields.remove("strategyId");
            fields.remove("strategy");
        }
        let mut new = NewSweep::read(Input::from(stored), bars, &[]);
        new.strategy_source.clone_from(&sweep.strategy_source);
        Ok(Self(Kind::New(Box::new(new))))
    }

    /// Returns the request as JSON, from which [`Self::resuming`] reads it. In place of bars, it says that there are some.
    pub(super) fn to_json(&self) -> Value {
        match &self.0 {
            Kind::New(new) => new.source.clone(),
            Kind::Resumed(_) => Value::Null,
        }
    }

    /// Returns how the request refers to its strategy.
    pub(super) fn reference(&self) -> &StrategyRef {
        match &self.0 {
            Kind::New(new) => &new.strategy.reference,
            Kind::Resumed(_) => &StrategyRef::Missing,
        }
    }

    /// Resolves the strategy, reads the combinations, and reads the bars. At most `max_combinations` may be run.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with all problems; `UNKNOWN_STRATEGY` with all problems if no strategy has the id; `BAD_DATA` for bars
    /// that violate an invariant; `LIMIT_EXCEEDED` for too many combinations, and for Arrow bytes with more rows than the limit.
    pub(super) fn bind(
        self,
        catalog: &Catalog,
        limit: Limit,
        max_combinations: u64,
    ) -> Result<BoundSweep> {
        match self.0 {
            Kind::New(new) => new.bind(catalog, limit, max_combinations),
            Kind::Resumed(_) => Err(Error::internal("the request of a stored sweep was not read")),
        }
    }
}

impl ResumedSweep {
    fn read(input: &Input, bars: Option<Input>) -> Self {
        let mut issues = Issues::default();
        let mut fields = Fields::open("", input, &mut issues);
        let id = fields.text("resume", &mut issues);
        if let Input::Record(entries) = input {
            let others: Vec<String> = entries
                .iter()
                .filter(|(name, value)| name != "resume" && !matches!(value, Input::Null))
                .map(|(name, _)| quote::name(name).into_owned())
                .collect();
            if !others.is_empty() {
                let message = format!(
                    "resume goes on with the stored request of a sweep: leave out {}; pass only bars again, if the sweep had them",
                    listed(&others)
                );
                issues.add("resume", "conflict", message);
            }
        }
        Self { id, bars, issues }
    }
}

impl NewSweep {
    /// Reads the fields. The caller has taken the fields `taken` out.
    fn read(mut input: Input, bars: Option<Input>, taken: &[&'static str]) -> Self {
        let has_bars = bars.as_ref().is_some_and(|bars| !matches!(bars, Input::Null));
        let mut source = to_json(&input);
        if let Value::Object(fields) = &mut source {
            fields.remove(BARS);
            if has_bars {
                fields.insert(BARS.to_owned(), Value::Bool(true));
            }
        }
        let definition = input.take_field("strategy");
        let parameters = input.take_field("parameters");
        let mut issues = Issues::default();
        let mut shape_issues = Issues::default();
        let mut fields = Fields::open("", &input, &mut shape_issues);
        fields.declare(["bars", "resume"]);
        fields.declare(taken.iter().copied());
        let mut strategy = StrategyRequest::read(&mut fields, definition, None);
        // A request that is not an object is reported first.
        shape_issues.append(std::mem::take(&mut strategy.issues));
        strategy.issues = shape_issues;
        let (asset_symbols, lists_assets) = read_assets(&mut fields, has_bars, &mut issues);
        let (timeframes, lists_timeframes) = read_timeframes(&mut fields, has_bars, &mut issues);
        let run = RunFields::read(&mut fields, has_bars, &BESIDE_SIMULATION, &mut issues);
        let constraints = read_constraints(&mut fields, &mut issues);
        let sample = read_sample(&mut fields, &mut issues);
        let objective = read_objective(&mut fields, &mut issues);
        let any = Range::between(0.0, f64::from(u32::MAX));
        let min_trades = fields.integer("minTrades", any, &mut issues);
        let metrics = match fields.take("metrics") {
            Some(named) => read_metrics(named, &mut issues),
            None => default_metrics(),
        };
        let top = fields.integer("top", Range::between(0.0, MAX_TOP), &mut issues);
        let persist = fields.boolean("persist", &mut issues).unwrap_or(false);
        let sums = fields.boolean("sums", &mut issues).unwrap_or(false);
        let allow_look_ahead = fields.boolean("allowLookAhead", &mut issues).unwrap_or(false);
        let user_id = names::user_id(&mut fields, &mut issues);
        fields.finish(&mut issues);
        Self {
            source,
            strategy,
            strategy_source: None,
            parameters,
            constraints,
            sample,
            asset_symbols,
            lists_assets,
            timeframes,
            lists_timeframes,
            run,
            bars,
            metrics,
            objective,
            min_trades: min_trades
                .and_then(|trades| u32::try_from(trades).ok())
                .unwrap_or(MIN_TRADES),
            top: top.and_then(|top| usize::try_from(top).ok()).unwrap_or(TOP),
            persist,
            sums,
            allow_look_ahead,
            user_id,
            issues,
        }
    }

    fn bind(
        mut self,
        catalog: &Catalog,
        limit: Limit,
        max_combinations: u64,
    ) -> Result<BoundSweep> {
        let mut issues = std::mem::take(&mut self.strategy.issues);
        let selection = match self.strategy_source.take() {
            Some(source) => StrategySelection::of_source(source, &mut issues),
            None => StrategySelection::bind(&self.strategy, catalog, &mut issues),
        };
        issues.append(std::mem::take(&mut self.issues));
        let has_short_signals =
            selection.bound.as_ref().and_then(|bound| bound.has_short_signals());
        let space = match &selection.strategy {
            Some(strategy) => {
                self.read_space(strategy, has_short_signals, max_combinations, &mut issues)
            }
            None => Ok(None),
        };
        let bars = read_bars(
            self.bars.as_ref(),
            limit,
            self.timeframes.first().copied().flatten(),
            &mut issues,
        )?;
        let code = if selection.is_unknown { Code::UnknownStrategy } else { Code::InvalidArgument };
        issues.into_result(code)?;
        // Too many combinations are only an error if the request is otherwise valid.
        let space = space?;
        let run = self.run;
        match (selection.strategy, space, run.start, run.end, run.initial_capital, self.objective) {
            (
                Some(strategy),
                Some(space),
                Some(start),
                Some(end),
                Some(initial_capital),
                Some(objective),
            ) => Ok(BoundSweep {
                values: first_values(&strategy, &space)?,
                strategy,
                function: selection.function.map(|bound| bound.function),
                strategy_source: selection.source,
                space,
                settings: run.settings,
                asset_symbols: self.asset_symbols,
                lists_assets: self.lists_assets,
                timeframes: self.timeframes,
                lists_timeframes: self.lists_timeframes,
                start: run.trade_from.unwrap_or(start),
                history_start: start,
                end,
                warm_up: run.warm_up,
                initial_capital,
                bars: bars.map(Arc::new),
                metrics: self.metrics,
                objective,
                min_trades: self.min_trades,
                top: self.top,
                persist: self.persist,
                sums: self.sums,
                allow_look_ahead: self.allow_look_ahead,
                user_id: self.user_id,
            }),
            _ => Err(Error::internal("a field was neither read nor rejected")),
        }
    }

    /// Reads the combinations, and checks the settings that are the same for all of them.
    fn read_space(
        &self,
        strategy: &Strategy,
        has_short_signals: Option<bool>,
        max_combinations: u64,
        issues: &mut Issues,
    ) -> Result<Option<Space>> {
        let request = SpaceRequest {
            strategy,
            has_short_signals,
            parameters: self.parameters.as_ref(),
            constraints: &self.constraints,
            sample: self.sample,
            settings: &self.run.settings,
            stated_settings: &self.run.stated_settings,
            runs: self.asset_symbols.len().max(1) * self.timeframes.len().max(1),
            max_combinations: usize::try_from(max_combinations).unwrap_or(usize::MAX),
        };
        let sweeps_settings = matches!(&self.parameters, Some(Input::Record(entries))
            if entries.iter().any(|(name, _)| name.starts_with("simulation.")));
        if !sweeps_settings {
            // Otherwise the settings of each combination are checked.
            issues.extend(mistakes(&self.run.settings, has_short_signals));
        }
        request.read(issues, &NoObserver)
    }
}

/// Returns the defaults of the parameters, with the first value of those that are swept.
fn first_values(strategy: &Strategy, space: &Space) -> Result<ParameterValues> {
    let mut issues = Issues::default();
    let values = strategy.read_parameters(None, &mut issues);
    issues.into_result(Code::InvalidArgument)?;
    let mut values = values.ok_or_else(|| Error::internal("a strategy without defaults"))?;
    for axis in space.axes() {
        if let (Target::Parameter(parameter), Some(first)) = (axis.target, axis.values.first()) {
            values.assign(parameter, *first);
        }
    }
    Ok(values)
}

/// Returns the metrics that are kept if the request names none.
fn default_metrics() -> Vec<&'static Metric> {
    let all = METRICS.iter().copied();
    all.filter(|metric| !NOT_BY_DEFAULT.contains(&metric.name)).collect()
}

/// Reads `assetSymbol` or `assetSymbols`, and whether it is the list.
fn read_assets(
    fields: &mut Fields<'_>,
    has_bars: bool,
    issues: &mut Issues,
) -> (Vec<String>, bool) {
    let has_one = fields.take("assetSymbol").is_some();
    let several = names::symbols(fields, "assetSymbols", issues);
    match several {
        None if has_one => {
            (names::symbol(fields, "assetSymbol", issues).into_iter().collect(), false)
        }
        None => {
            issues.add("assetSymbol", "required", "assetSymbol (or assetSymbols) is required");
            (Vec::new(), false)
        }
        Some(symbols) => {
            if has_one {
                let message =
                    "assetSymbol and assetSymbols are mutually exclusive: set only one of them";
                issues.add("assetSymbols", "conflict", message);
            }
            if has_bars {
                let message =
                    "assetSymbols is for stored bars; with bars of the request, set assetSymbol";
                issues.add("assetSymbols", "conflict", message);
            }
            (symbols, true)
        }
    }
}

/// Reads `timeframe` or `timeframes`, and whether it is the list.
fn read_timeframes(
    fields: &mut Fields<'_>,
    has_bars: bool,
    issues: &mut Issues,
) -> (Vec<Option<Timeframe>>, bool) {
    let has_one = fields.take("timeframe").is_some();
    let one = fields.choice("timeframe", &Timeframe::ALL, issues);
    let read = |path: &str, item: &Input, issues: &mut Issues| {
        let found = match item {
            Input::Text(text) => Timeframe::parse(text),
            _ => None,
        };
        if found.is_none() {
            let names = Timeframe::ALL.map(|(name, _)| name).join(", ");
            let message = format!("{path} must be one of {names}, was {}", item.describe());
            issues.add(path, "choice", message);
        }
        found.map(Some)
    };
    let Some(several) = names::distinct(fields, "timeframes", read, issues) else {
        return (vec![one], false);
    };
    if has_one {
        let message = "timeframe and timeframes are mutually exclusive: set only one of them";
        issues.add("timeframes", "conflict", message);
    }
    if has_bars {
        let message = "timeframes is for stored bars; with bars of the request, set timeframe";
        issues.add("timeframes", "conflict", message);
    }
    (several, true)
}

fn read_constraints(fields: &mut Fields<'_>, issues: &mut Issues) -> Vec<String> {
    let items = match fields.take("constraints") {
        None => return Vec::new(),
        Some(Input::List(items)) if items.len() <= MAX_CONSTRAINTS => items,
        Some(Input::List(items)) => {
            let message = format!(
                "constraints has {} constraints, the maximum is {MAX_CONSTRAINTS}",
                items.len()
            );
            issues.add("constraints", "limit", message);
            return Vec::new();
        }
        Some(other) => {
            let message = format!(
                "constraints must be an array of expressions such as 'slow_period >= 2 * fast_period', was {}",
                other.describe()
            );
            issues.add("constraints", "type", message);
            return Vec::new();
        }
    };
    let mut constraints = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match item {
            Input::Text(text) => constraints.push(text.clone()),
            other => {
                let path = format!("constraints[{index}]");
                let message = format!("{path} must be a string, was {}", other.describe());
                issues.add(path, "type", message);
            }
        }
    }
    constraints
}

/// Reads `sample`: `{ count, seed }`.
fn read_sample(fields: &mut Fields<'_>, issues: &mut Issues) -> Option<Sample> {
    let input = fields.take("sample")?;
    let mut fields = Fields::open("sample", input, issues);
    let has_count = fields.take("count").is_some();
    if !has_count && matches!(input, Input::Record(_)) {
        fields.missing("count", issues);
    }
    let most = Range::between(1.0, 9_007_199_254_740_991.0);
    let count = fields.integer("count", most, issues);
    let seed = fields.integer("seed", Range::between(0.0, 9_007_199_254_740_991.0), issues);
    fields.finish(issues);
    Some(Sample { count: usize::try_from(count?).unwrap_or(usize::MAX), seed: seed.unwrap_or(0) })
}

fn read_objective(fields: &mut Fields<'_>, issues: &mut Issues) -> Option<Objective> {
    let text = if fields.take("objective").is_some() {
        fields.text("objective", issues)?
    } else {
        DEFAULT_OBJECTIVE.to_owned()
    };
    Objective::parse(&text).map_err(|found| issues.extend(found)).ok()
}

/// Returns a request as JSON that reads back the same. Dates become ISO texts.
fn to_json(input: &Input) -> Value {
    match input {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "JavaScript dates lie within ±8.64e15 ms"
        )]
        Input::Date(date) if date.is_finite() => Value::String(time::format(*date as i64)),
        Input::List(items) => Value::Array(items.iter().map(to_json).collect()),
        Input::Record(fields) => Value::Object(
            fields.iter().map(|(name, value)| (name.clone(), to_json(value))).collect(),
        ),
        other => other.to_json(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SETTINGS;
    use crate::strategies::Registry;
    use serde_json::json;

    fn catalog() -> Catalog {
        Catalog { registry: Registry::builtin().unwrap(), ..Catalog::default() }
    }

    /// Returns a valid request with changes; null removes a field.
    fn request(changes: Value) -> Value {
        let mut request = json!({
            "strategyId": "sma_crossover",
            "assetSymbol": "SPX",
            "startDate": "2020-01-01",
            "endDate": "2021-01-01",
            "initialCapital": 1000,
            "parameters": { "fast_period": [5, 10], "slow_period": { "from": 20, "to": 40, "step": 10 } },
        });
        for (name, value) in changes.as_object().unwrap() {
            request[name] = value.clone();
        }
        request
    }

    fn bind(request: SweepRequest) -> Result<BoundSweep> {
        request.bind(&catalog(), Limit::of_run(1_000_000), 5_000_000)
    }

    fn bound(changes: Value) -> Result<BoundSweep> {
        bind(SweepRequest::read(Input::from(request(changes))))
    }

    fn problems(changes: Value) -> Vec<String> {
        let error = bound(changes).unwrap_err();
        error.issues.into_iter().map(|issue| issue.message).collect()
    }

    #[test]
    fn a_request_has_defaults() {
        let sweep = bound(json!({})).unwrap();
        assert_eq!(sweep.space.len(), 6);
        assert_eq!((sweep.objective.text(), sweep.min_trades, sweep.top), ("sharpeRatio", 5, 20));
        assert_eq!((sweep.persist, sweep.sums, sweep.allow_look_ahead), (false, false, false));
        assert_eq!(sweep.metrics.len(), METRICS.len() - NOT_BY_DEFAULT.len());
        assert!(NOT_BY_DEFAULT.iter().all(|name| crate::metrics::find(name).is_some()));
        assert_eq!((sweep.asset_symbols, sweep.lists_assets), (vec!["SPX".to_owned()], false));
        assert_eq!((sweep.timeframes, sweep.lists_timeframes), (vec![None], false));
        assert!(sweep.function.is_none() && sweep.strategy_source.is_none());
        let values = serde_json::to_value(format!("{:?}", sweep.values.bindings())).unwrap();
        assert_eq!(values, json!("[Number(5.0), Number(20.0)]"));
        // A sweep without parameters is one combination.
        assert_eq!(bound(json!({ "parameters": null })).unwrap().space.len(), 1);
    }

    #[test]
    fn all_fields_are_read() {
        let sweep = bound(json!({
            "assetSymbol": null,
            "assetSymbols": ["SPX", "NDX"],
            "timeframes": ["1d", "1h"],
            "warmup": 10,
            "simulation": { "fees": 0.002 },
            "constraints": ["slow_period > 3 * fast_period"],
            "sample": { "count": 2, "seed": 7 },
            "objective": "sortinoRatio - maxDrawdown / 10",
            "minTrades": 0,
            "metrics": ["totalReturn", "valueAtRisk", "totalReturn"],
            "top": 3,
            "persist": true,
            "sums": true,
            "allowLookAhead": true,
            "userId": "me",
        }))
        .unwrap();
        assert_eq!(sweep.space.len(), 2);
        assert_eq!((sweep.asset_symbols.len(), sweep.lists_assets), (2, true));
        assert_eq!(sweep.timeframes, [Some(Timeframe::D1), Some(Timeframe::H1)]);
        assert_eq!(sweep.settings.costs.fees, 0.002);
        let names: Vec<&str> = sweep.metrics.iter().map(|metric| metric.name).collect();
        assert_eq!(names, ["totalReturn", "valueAtRisk"]);
        assert_eq!((sweep.min_trades, sweep.top, sweep.user_id.as_deref()), (0, 3, Some("me")));
        assert!(sweep.persist && sweep.sums && sweep.allow_look_ahead);
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        assert_eq!(
            problems(json!({
                "assetSymbols": ["SPX", "SPX", 5, ""],
                "timeframe": "1d",
                "timeframes": ["1x"],
                "endDate": null,
                "constraints": "fast_period < 3",
                "sample": { "seed": -1, "size": 3 },
                "objective": "sharpe",
                "minTrades": 1.5,
                "metrics": ["sharpe"],
                "top": 5000,
                "parameters": { "fast_period": [0] },
                "params": {},
                "outputs": ["metrics"],
                "simulation": { "fees": 7, "minTrades": 3 },
            })),
            [
                "assetSymbols[1] repeats string \"SPX\"",
                "assetSymbols[2] must be a string, was number 5",
                "assetSymbols[3] must not be empty",
                "assetSymbol and assetSymbols are mutually exclusive: set only one of them",
                "timeframes[0] must be one of 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d, 1w, was string \"1x\"",
                "timeframe and timeframes are mutually exclusive: set only one of them",
                "endDate is required",
                "unknown field simulation.minTrades: it belongs beside simulation, not in it",
                "constraints must be an array of expressions such as 'slow_period >= 2 * fast_period', was string \"fast_period < 3\"",
                "sample.count is required",
                "sample.seed must be between 0 and 9007199254740991, was -1",
                "unknown field sample.size; known fields: count, seed",
                "objective at 1:1: unknown metric `sharpe`, did you mean `sharpeRatio`?",
                "minTrades must be a whole number, was 1.5",
                "metrics[0]: unknown metric \"sharpe\", did you mean sharpeRatio?",
                "top must be between 0 and 1000, was 5000",
                "unknown field params, did you mean parameters?",
                "unknown field outputs; the nearest of the 25 known fields: metrics, sums, top, bars, endDate",
                "simulation.fees 7 is 700 % of the traded value for every order; 7 % is 0.07, and an amount of money per order is fixedFees",
                "parameters.fast_period[0] must be between 1 and 500, was 0",
            ]
        );
        assert_eq!(
            problems(json!({ "assetSymbol": null })),
            ["assetSymbol (or assetSymbols) is required"]
        );
        let error = bound(json!({ "strategyId": "sma", "parameters": { "x": [1] } })).unwrap_err();
        assert_eq!(error.code, Code::UnknownStrategy);
        assert_eq!(
            problems(
                json!({ "simulation": { "slTrail": true }, "parameters": { "position_size": [0.5], "simulation.size": [2] } })
            ),
            [
                "parameters.position_size and parameters.simulation.size are mutually exclusive: set only one of them",
            ]
        );
        let not_an_object = bind(SweepRequest::read(Input::Null)).unwrap_err();
        assert_eq!(not_an_object.issues[0].message, "the request must be an object, was null");
    }

    #[test]
    fn bars_of_the_request_are_of_one_asset() {
        assert_eq!(
            problems(
                json!({ "bars": {}, "assetSymbol": null, "assetSymbols": ["A"], "timeframes": ["1d"], "warmup": 5 })
            )[..3],
            [
                "assetSymbols is for stored bars; with bars of the request, set assetSymbol",
                "timeframes is for stored bars; with bars of the request, set timeframe",
                "warmup is for stored bars; for bars of the request, set tradeFrom to where trading begins",
            ]
        );
    }

    #[test]
    fn too_many_combinations_name_the_assets() {
        let many = json!({
            "assetSymbol": null,
            "assetSymbols": ["A", "B", "C"],
            "parameters": { "simulation.fees": { "from": 0, "to": 0.1, "count": 2000 }, "simulation.slippage": { "from": 0, "to": 0.1, "count": 1000 } },
        });
        let error = bound(many).unwrap_err();
        assert_eq!(error.code, Code::LimitExceeded);
        assert!(
            error.message.starts_with(
                "parameters make 2000000 combinations for each of 3 assets and timeframes, 6000000 in all, the maximum is 5000000;"
            ),
            "{}",
            error.message
        );
    }

    fn stored_sweep(source: Option<&str>) -> Sweep {
        Sweep {
            id: "sw-1".to_owned(),
            claim: String::new(),
            user_id: None,
            strategy_id: "sma_crossover".to_owned(),
            strategy_source: source.map(str::to_owned),
            asset_symbols: Vec::new(),
            timeframes: Vec::new(),
            start: 0,
            end: 0,
            objective: String::new(),
            combinations: 0,
            done: 0,
            best: None,
            status: crate::store::Status::Running,
            error: None,
            engine_version: String::new(),
            created_at: 0,
            updated_at: 0,
            completed_at: None,
        }
    }

    #[test]
    fn a_stored_request_reads_back_the_same() {
        let mut fields = request(json!({
            "warmup": "none",
            "simulation": { "size": null, "slStop": 0.1 },
            "constraints": ["slow_period > 3 * fast_period"],
        }));
        fields["startDate"] = Value::Null;
        let Input::Record(mut entries) = Input::from(fields) else { unreachable!() };
        entries.retain(|(name, _)| name != "startDate");
        entries.push(("startDate".to_owned(), Input::Date(1_577_836_800_000.0)));
        let first = SweepRequest::read(Input::Record(entries));
        let stored = first.to_json();
        assert_eq!(stored["startDate"], json!("2020-01-01T00:00:00.000Z"));
        let resume = SweepRequest::read(Input::from(json!({ "resume": "sw-1" })));
        assert_eq!(resume.resumed().unwrap(), Some("sw-1"));
        let again = resume.resuming(&stored_sweep(None), stored.clone()).unwrap();
        assert_eq!(again.to_json(), stored);
        let (first, again) = (bind(first).unwrap(), bind(again).unwrap());
        assert_eq!(format!("{:?}", first.space), format!("{:?}", again.space));
        assert_eq!((first.start, first.settings), (again.start, again.settings));
        assert_eq!(
            (first.start, again.strategy.definition().id.as_str()),
            (1_577_836_800_000, "sma_crossover")
        );
    }

    #[test]
    fn a_resumed_sweep_keeps_its_strategy_and_wants_its_bars() {
        let resume = |fields: Value| SweepRequest::read(Input::from(fields));
        let source = Registry::builtin().unwrap().get("rsi").unwrap().source().to_owned();
        let stored = request(json!({ "parameters": null }));
        let again = resume(json!({ "resume": "a" }))
            .resuming(&stored_sweep(Some(&source)), stored.clone())
            .unwrap();
        assert_eq!(bind(again).unwrap().strategy.definition().id, "rsi");
        let message = |request: SweepRequest, stored: Value| {
            request.resuming(&stored_sweep(None), stored).unwrap_err().message
        };
        let mut with_bars = stored.clone();
        with_bars["bars"] = json!(true);
        assert_eq!(
            message(resume(json!({ "resume": "a" })), with_bars),
            "bars is required: the sweep ran on bars of its request; pass the same bars again"
        );
        assert_eq!(
            message(resume(json!({ "resume": "a", "bars": [] })), stored),
            "bars must be left out: the sweep ran on stored bars"
        );
        assert_eq!(
            resume(json!({ "resume": "a", "top": 5, "strategyId": "rsi", "bars": [] }))
                .resumed()
                .unwrap_err()
                .message,
            "resume goes on with the stored request of a sweep: leave out top and strategyId; pass only bars again, if the sweep had them"
        );
        assert_eq!(
            resume(json!({ "resume": 5 })).resumed().unwrap_err().message,
            "resume must be a string, was number 5"
        );
    }

    #[test]
    fn every_setting_that_is_a_number_or_a_flag_can_be_swept() {
        for setting in SETTINGS {
            let value = match setting.name {
                "slStop" | "tpStop" | "size" | "minSize" => json!([0.5]),
                "slTrail" => continue,
                "lockCash" | "allowPartial" => json!([false, true]),
                _ => json!([1, 2]),
            };
            let name = format!("simulation.{}", setting.name);
            let found = bound(json!({ "parameters": { name: value } }));
            let is_choice = setting.typescript.starts_with('\'');
            assert_eq!(
                found.is_err(),
                is_choice || matches!(setting.name, "fees" | "slippage" | "riskFree"),
                "{}: {found:?}",
                setting.name
            );
        }
    }

    #[test]
    fn words_of_other_libraries_lead_to_the_fields() {
        for (changes, hint) in [
            (json!({ "symbols": [] }), "symbols, did you mean assetSymbols?"),
            (json!({ "grid": {} }), "grid, did you mean parameters?"),
            (json!({ "maximize": "" }), "maximize, did you mean objective?"),
            (json!({ "trials": 5 }), "trials, did you mean sample?"),
            (json!({ "filter": 5 }), "filter, did you mean constraints?"),
            (json!({ "limit": 5 }), "limit; the nearest of the 25 known fields: "),
            (json!({ "fees": 5 }), "fees: it belongs in simulation, write simulation: { fees: … }"),
            (
                json!({ "parameters": { "fast_period": { "min": 1, "max": 2 } } }),
                "parameters.fast_period.min, did you mean from?",
            ),
            (
                json!({ "parameters": { "fast_period": { "from": 1, "stop": 2, "to": 2 } } }),
                "parameters.fast_period.stop, did you mean ",
            ),
        ] {
            let found = problems(changes.clone());
            assert!(
                found.iter().any(|message| message.contains(&format!("unknown field {hint}"))),
                "{changes}: {found:?}"
            );
        }
    }
}
