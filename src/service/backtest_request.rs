//! A request for a backtest, read once. Its problems are collected until the strategy is resolved, so that all are reported
//! together.

use std::sync::Arc;

use crate::error::{Code, Error, Issue, Result};
use crate::market::{Limit, Timeframe};
use crate::request::{Fields, Input, Issues};
use crate::settings::{Settings, SizeType};
use crate::store::result_parts::ResultParts;

use super::bound_request::BoundRequest;
use super::catalog::Catalog;
use super::pool::BRIEF_BARS;
use super::run_fields::{RunFields, read_bars};
use super::strategy_request::{StrategyRef, StrategyRequest};
use super::strategy_selection::StrategySelection;
use super::{names, outputs};

/// A request for a backtest. Its strategy is a reference, and its bars are not checked yet.
#[derive(Debug)]
pub struct BacktestRequest {
    pub(super) strategy: StrategyRequest,
    asset_symbol: Option<String>,
    timeframe: Option<Timeframe>,
    run: RunFields,
    bars: Option<Input>,
    persist: bool,
    parts: ResultParts,
    max_points: Option<usize>,
    allow_look_ahead: bool,
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
        let timeframe = fields.choice("timeframe", &Timeframe::ALL, &mut issues);
        let has_bars = bars.as_ref().is_some_and(|bars| !matches!(bars, Input::Null));
        let run = RunFields::read(&mut fields, has_bars, &BESIDE_SIMULATION, &mut issues);
        let persist = fields.boolean("persist", &mut issues).unwrap_or(true);
        let parts = outputs::read_outputs(&mut fields, &ResultParts::NAMES, &mut issues)
            .map_or(ResultParts::ALL, ResultParts::named);
        let max_points = outputs::read_max_points(&mut fields, &mut issues);
        let allow_look_ahead = fields.boolean("allowLookAhead", &mut issues).unwrap_or(false);
        let user_id = names::user_id(&mut fields, &mut issues);
        fields.finish(&mut issues);
        Self {
            strategy,
            asset_symbol,
            timeframe,
            run,
            bars,
            persist,
            parts,
            max_points,
            allow_look_ahead,
            user_id,
            issues,
        }
    }

    /// Returns whether the run may be so small that it can be computed on the calling thread: over few bars of the request, or
    /// over stored ones whose number is not known yet, with a strategy by its id, and not persisted. With a built-in strategy it
    /// only waits for bars that are not in the cache.
    pub fn may_be_small(&self) -> bool {
        let may_have_few_bars = match &self.bars {
            None | Some(Input::Null) => true,
            Some(Input::Bars(bars)) => bars.len() <= BRIEF_BARS,
            Some(_) => false,
        };
        may_have_few_bars && !self.persist && matches!(self.strategy.reference, StrategyRef::Id(_))
    }

    /// Returns whether the request has no bars, so that they come from the store.
    pub fn needs_stored_bars(&self) -> bool {
        matches!(&self.bars, None | Some(Input::Null))
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
        let run = self.run;
        let is_conflict = run.has_order_size() && position_size < 1.0;
        if is_conflict {
            let message = format!(
                "parameters.position_size {position_size} and simulation.size are mutually exclusive: set only one of them"
            );
            issues.add("parameters.position_size", "conflict", message);
        }
        let mut settings = run.settings;
        if position_size < 1.0 {
            settings.sizing.size = position_size;
            settings.sizing.size_type = SizeType::Percent;
        }
        let has_short_signals =
            selection.bound.as_ref().and_then(|bound| bound.has_short_signals());
        issues.extend(mistakes(&settings, has_short_signals));
        let bars = read_bars(self.bars.as_ref(), limit, self.timeframe, &mut issues)?;
        let code = if selection.is_unknown { Code::UnknownStrategy } else { Code::InvalidArgument };
        issues.into_result(code)?;
        match (
            selection.strategy,
            selection.bound,
            self.asset_symbol,
            run.start,
            run.end,
            run.initial_capital,
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
                start: run.trade_from.unwrap_or(start),
                history_start: start,
                warm_up: run.warm_up,
                end,
                initial_capital,
                timeframe: self.timeframe,
                settings,
                bars: bars.map(Arc::new),
                persist: self.persist,
                parts: self.parts,
                max_points: self.max_points,
                allow_look_ahead: self.allow_look_ahead,
                user_id: self.user_id,
            }),
            _ => Err(Error::internal("a field was neither read nor rejected")),
        }
    }
}

/// Fields of a request that other libraries have among the settings.
const BESIDE_SIMULATION: [&str; 14] = [
    "strategyId",
    "strategy",
    "parameters",
    "assetSymbol",
    "startDate",
    "endDate",
    "initialCapital",
    "timeframe",
    "warmup",
    "tradeFrom",
    "bars",
    "persist",
    "outputs",
    "maxPoints",
];

/// Returns issues about settings that can only be a mistake.
pub(super) fn mistakes(
    settings: &Settings,
    has_short_signals: Option<bool>,
) -> impl Iterator<Item = Issue> {
    settings.mistakes(has_short_signals).into_iter().map(|mistake| {
        let path = format!("simulation.{}", mistake.setting);
        let message = format!("{path} {}", mistake.text);
        Issue::new(path, mistake.code, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::FIELD_SYNONYMS;
    use crate::settings::SETTINGS;
    use serde_json::{Map, Value, json};

    /// Returns the messages about unknown fields of a request with one field, in `simulation` or beside it.
    fn unknown(field: &str, within: bool) -> Vec<String> {
        let mut object = Map::new();
        object.insert(field.to_owned(), json!(1));
        let object = Value::Object(object);
        let request = if within { json!({ "simulation": object }) } else { object };
        let issues = BacktestRequest::read(Input::from(request)).issues.into_vec();
        issues
            .into_iter()
            .filter(|issue| issue.code == "unknown")
            .map(|issue| issue.message)
            .collect()
    }

    #[test]
    fn every_advice_names_an_existing_field() {
        let settings = || SETTINGS.iter().map(|setting| setting.name);
        for field in BESIDE_SIMULATION {
            assert!(unknown(field, false).is_empty(), "{field}");
            assert_eq!(
                unknown(field, true),
                [format!(
                    "unknown field simulation.{field}: it belongs beside simulation, not in it"
                )]
            );
        }
        for name in settings() {
            assert!(unknown(name, true).is_empty(), "{name}");
            assert_eq!(
                unknown(name, false),
                [format!(
                    "unknown field {name}: it belongs in simulation, write simulation: {{ {name}: … }}"
                )]
            );
        }
        // Fields of other requests than that of a backtest.
        let others = [
            "from",
            "to",
            "close",
            "volume",
            "timestamps",
            "step",
            "count",
            "timeframes",
            "assetSymbols",
            "constraints",
            "objective",
            "sample",
            "minTrades",
            "top",
        ];
        for (words, advice) in FIELD_SYNONYMS {
            for (field, example) in *advice {
                let is_own =
                    unknown(field, false).is_empty() || settings().any(|name| name == *field);
                assert!(is_own || others.contains(field), "{words}: {field}");
                for setting in example.split(", ").filter(|example| !example.is_empty()) {
                    let name = setting.split(": ").next().unwrap();
                    assert!(settings().any(|known| known == name), "{words}: {example}");
                }
            }
            let Some((field, example)) = advice.iter().find(|(field, _)| !others.contains(field))
            else {
                continue;
            };
            let expected = if example.is_empty() { field } else { example };
            for word in words.split(' ').filter(|word| !unknown(word, false).is_empty()) {
                let message = unknown(word, false).join("; ");
                assert!(message.contains(expected), "{word}: {message}");
            }
        }
    }

    #[test]
    fn the_words_of_other_libraries_lead_to_the_fields() {
        for (field, within, hint) in [
            ("capital", false, ", did you mean initialCapital?"),
            ("cash", false, ", did you mean initialCapital?"),
            ("from", false, ", did you mean startDate?"),
            ("end", false, ", did you mean endDate?"),
            ("interval", false, ", did you mean timeframe?"),
            ("ticker", false, ", did you mean assetSymbol?"),
            ("start_date", false, ", did you mean startDate?"),
            ("commission", false, ", write simulation: { fees: … }"),
            ("sl_stop", false, ", write simulation: { slStop: … }"),
            ("stopLoss", false, ", write simulation: { slStop: 0.05 }"),
            ("takeProfit", true, ", write tpStop: 0.1"),
            ("trailingStop", true, ", write slStop: 0.05, slTrail: true"),
            ("commission", true, ", did you mean fees?"),
            ("positionSize", true, ", write size: 0.5, sizeType: 'percent'"),
            ("price", true, ", write execution: 'nextOpen'"),
            ("freq", true, ", write timeframe beside simulation, not in it"),
            ("init_cash", true, ", write initialCapital beside simulation, not in it"),
            ("sl_stop", true, ", did you mean slStop?"),
            ("SLSTOP", true, ", did you mean slStop?"),
            ("slipage", true, ", did you mean slippage?"),
        ] {
            let path = if within { "simulation." } else { "" };
            assert_eq!(unknown(field, within), [format!("unknown field {path}{field}{hint}")]);
        }
        assert!(unknown("banana", false)[0].contains("known fields: "));
        assert!(unknown(&"a".repeat(10_000), true)[0].contains("known fields: "));
    }
}
