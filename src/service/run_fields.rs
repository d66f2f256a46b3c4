//! The fields that requests for backtests and for sweeps have in common.

use crate::data::LoadedBars;
use crate::error::{Code, Result};
use crate::market::raw::ReadOptions;
use crate::market::{Limit, Timeframe};
use crate::request::{Fields, Input, Issues, Range};
use crate::settings::{SETTINGS, Settings};

use super::bars_input;
use super::warm_up_setting::WarmUp;

/// What is traded with, and when.
#[derive(Debug)]
pub(super) struct RunFields {
    /// First timestamp of the range, UTC milliseconds.
    pub(super) start: Option<i64>,
    /// Last timestamp of the range, UTC milliseconds, inclusive.
    pub(super) end: Option<i64>,
    /// Initial capital.
    pub(super) initial_capital: Option<f64>,
    /// How many stored bars before the range compute signals; as many as needed if it is not stated.
    pub(super) warm_up: WarmUp,
    /// First timestamp that is traded, if it is not the first of the range.
    pub(super) trade_from: Option<i64>,
    /// The settings of the simulation.
    pub(super) settings: Settings,
    /// The names of the settings that `simulation` states.
    pub(super) stated_settings: Vec<&'static str>,
}

impl RunFields {
    /// Reads the fields. `beside` has all fields of the request, which may be in `simulation` by mistake.
    pub(super) fn read(
        fields: &mut Fields<'_>,
        has_bars: bool,
        beside: &[&'static str],
        issues: &mut Issues,
    ) -> Self {
        let start = fields.required_timestamp("startDate", issues);
        let end = fields.required_end_timestamp("endDate", issues);
        if let (Some(start), Some(end)) = (start, end)
            && end < start
        {
            use crate::market::time::{short, short_end};
            let message =
                format!("endDate {} is before startDate {}", short_end(end), short(start));
            issues.add("endDate", "range", message);
        }
        let initial_capital = fields.required_number("initialCapital", Range::POSITIVE, issues);
        let warm_up = WarmUp::read(fields, issues);
        if has_bars && matches!(warm_up, Some(WarmUp::Bars(1..))) {
            let message = "warmup is for stored bars; for bars of the request, set tradeFrom to where trading begins";
            issues.add("warmup", "conflict", message);
        }
        let trade_from = fields.timestamp("tradeFrom", issues);
        if warm_up == Some(WarmUp::Bars(0)) && trade_from.is_some() {
            let message = "warmup none and tradeFrom contradict each other: the bars before tradeFrom are the warm-up; pass one of them";
            issues.add("warmup", "conflict", message);
        }
        if let Some(trade_from) = trade_from {
            check_trade_from(trade_from, has_bars, start, end, issues);
        }
        let simulation = fields.take("simulation");
        fields.expect_within("simulation", SETTINGS.iter().map(|setting| setting.name));
        let settings = Settings::read("simulation", simulation, beside, issues);
        let is_stated =
            |name: &&'static str| simulation.is_some_and(|settings| settings.has_field(name));
        Self {
            start,
            end,
            initial_capital,
            warm_up: warm_up.unwrap_or(WarmUp::Auto),
            trade_from,
            settings,
            stated_settings: SETTINGS
                .iter()
                .map(|setting| setting.name)
                .filter(is_stated)
                .collect(),
        }
    }

    /// Returns whether `simulation` sets the size of orders.
    pub(super) fn has_order_size(&self) -> bool {
        self.stated_settings.iter().any(|name| matches!(*name, "size" | "sizeType"))
    }
}

/// Checks that trading begins within the range, on bars of the request.
fn check_trade_from(
    trade_from: i64,
    has_bars: bool,
    start: Option<i64>,
    end: Option<i64>,
    issues: &mut Issues,
) {
    use crate::market::time::{short, short_end};
    if !has_bars {
        let message = "tradeFrom is for bars of the request; for stored bars, set startDate to where trading begins, and warmup";
        issues.add("tradeFrom", "conflict", message);
    }
    if let (Some(start), Some(end)) = (start, end)
        && !(start..=end).contains(&trade_from)
    {
        let message = format!(
            "tradeFrom must be between startDate {} and endDate {}, was {}",
            short(start),
            short_end(end),
            short(trade_from)
        );
        issues.add("tradeFrom", "range", message);
    }
}

/// Reads the bars of a request. Bars that violate an invariant are only an error if the request is otherwise valid.
///
/// # Errors
/// `BAD_DATA` for bars that violate an invariant; `LIMIT_EXCEEDED` for Arrow bytes with more rows than the limit.
pub(super) fn read_bars(
    bars: Option<&Input>,
    limit: Limit,
    timeframe: Option<Timeframe>,
    issues: &mut Issues,
) -> Result<Option<LoadedBars>> {
    let options = ReadOptions::of_request(timeframe);
    match bars.map(|bars| bars_input::read("bars", bars, limit, &options)).transpose() {
        Err(error) if error.code == Code::InvalidArgument => {
            issues.extend(error.issues);
            Ok(None)
        }
        Err(error) if issues.is_empty() => Err(error),
        bars => Ok(bars.ok().flatten().map(LoadedBars::from)),
    }
}
