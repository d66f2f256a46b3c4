//! The one list of settings. Reading requests, writing stored settings and the TypeScript interface derive from it.

use super::choices::{
    Accumulate, Conflict, Direction, DirectionConflict, Execution, OppositeEntry, SizeType,
    StopEntryPrice, StopExit, StopExitPrice, StopUpdate,
};
use super::groups::Settings;
use super::value::{SettingField, SettingValue};
use crate::request::Range;

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SettingKind {
    /// A number within a range.
    Number(Range),
    /// A number within a range, or `auto`.
    NumberOrAuto(Range),
    /// A flag.
    Boolean,
    /// One of these names.
    Choice(&'static [&'static str]),
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The name in JavaScript, camelCase.
    pub name: &'static str,
    /// What values it takes.
    pub kind: SettingKind,
    /// The type in TypeScript.
    pub typescript: &'static str,
    /// What it does, with its unit and its default.
    pub description: &'static str,
    get: fn(&Settings) -> SettingValue,
    set: fn(&mut Settings, SettingValue),
}

impl Setting {
    /// Returns the value of the setting.
    #[must_use]
    pub fn get(&self, settings: &Settings) -> SettingValue {
        (self.get)(settings)
    }

    /// Sets the setting. The value must be of its kind and within its range.
    pub fn set(&self, settings: &mut Settings, value: SettingValue) {
        (self.set)(settings, value);
    }
}

/// Calls a macro with every setting: its group and field, its name in JavaScript, the types of the binding and of TypeScript, its
/// kind, and its description. Adding a setting takes a line here and a field in its group.
macro_rules! each_setting {
    ($callback:ident) => {
        $callback! {
            costs.fees, "fees", f64, "number", SettingKind::Number(Range::between(-1.0, f64::INFINITY).above()), "Fees as a fraction of the traded value; 0.001 is 0.1 %. @default 0.001";
            costs.fixed_fees, "fixedFees", f64, "number", SettingKind::Number(Range::ANY), "Fixed fee per order, money. @default 0";
            costs.slippage, "slippage", f64, "number", SettingKind::Number(Range::NOT_NEGATIVE), "Fraction by which a fill is worse than its reference price; 0.001 is 0.1 %. @default 0.001";
            sizing.size, "size", f64, "number | null", SettingKind::Number(Range::NOT_NEGATIVE.or_infinite()), "Size of an entry. `Infinity` or null: the largest size that the cash or the position allows.";
            sizing.size_type, "sizeType", String, "'amount' | 'value' | 'percent'", SettingKind::Choice(SizeType::NAMES), "What `size` is measured in: units of the asset, money, or a fraction of the cash (buying) or the position (selling). @default 'amount'";
            sizing.min_size, "minSize", f64, "number", SettingKind::Number(Range::NOT_NEGATIVE), "Smaller orders are rejected; units of the asset. @default 1e-8";
            sizing.max_size, "maxSize", f64, "number | null", SettingKind::Number(Range::POSITIVE.or_infinite()), "Larger orders are reduced to this size; units of the asset. `Infinity` or null: no limit.";
            sizing.size_granularity, "sizeGranularity", f64, "number | null", SettingKind::Number(Range::POSITIVE), "Sizes are rounded down to multiples of this; units of the asset.";
            rules.direction, "direction", String, "'longOnly' | 'shortOnly' | 'both'", SettingKind::Choice(Direction::NAMES), "Which positions `entries` and `exits` open and close. @default 'longOnly'";
            rules.accumulate, "accumulate", String, "'disabled' | 'both' | 'addOnly' | 'removeOnly'", SettingKind::Choice(Accumulate::NAMES), "Whether signals in the direction of a position change its size. @default 'disabled'";
            rules.upon_long_conflict, "uponLongConflict", String, "'ignore' | 'entry' | 'exit' | 'adjacent' | 'opposite'", SettingKind::Choice(Conflict::NAMES), "What happens if a long entry and a long exit occur on one bar. @default 'ignore'";
            rules.upon_short_conflict, "uponShortConflict", String, "'ignore' | 'entry' | 'exit' | 'adjacent' | 'opposite'", SettingKind::Choice(Conflict::NAMES), "What happens if a short entry and a short exit occur on one bar. @default 'ignore'";
            rules.upon_dir_conflict, "uponDirConflict", String, "'ignore' | 'long' | 'short' | 'adjacent' | 'opposite'", SettingKind::Choice(DirectionConflict::NAMES), "What happens if a long entry and a short entry occur on one bar. @default 'ignore'";
            rules.upon_opposite_entry, "uponOppositeEntry", String, "'ignore' | 'close' | 'closeReduce' | 'reverse' | 'reverseReduce'", SettingKind::Choice(OppositeEntry::NAMES), "What an entry against the position does. @default 'reverseReduce'";
            stops.sl_stop, "slStop", f64, "number | null", SettingKind::Number(Range::NOT_NEGATIVE), "Stop loss as a fraction of its reference price; 0.1 is 10 %. A backtest refuses 0, and 1 or more for long positions.";
            stops.sl_trail, "slTrail", bool, "boolean", SettingKind::Boolean, "Whether the stop loss, `slStop`, trails the best price since entry. @default false";
            stops.tp_stop, "tpStop", f64, "number | null", SettingKind::Number(Range::NOT_NEGATIVE), "Take profit as a fraction of its reference price; 0.1 is 10 %. A backtest refuses 0, and 1 or more for short positions.";
            stops.stop_entry_price, "stopEntryPrice", String, "'valPrice' | 'price' | 'fillPrice' | 'close'", SettingKind::Choice(StopEntryPrice::NAMES), "The price that stops are measured from. @default 'fillPrice'";
            stops.stop_exit_price, "stopExitPrice", String, "'stopLimit' | 'stopMarket' | 'price' | 'close'", SettingKind::Choice(StopExitPrice::NAMES), "The price at which stops are filled. @default 'stopMarket'";
            stops.upon_stop_exit, "uponStopExit", String, "'close' | 'closeReduce' | 'reverse' | 'reverseReduce'", SettingKind::Choice(StopExit::NAMES), "What a stop does to the position. @default 'close'";
            stops.upon_stop_update, "uponStopUpdate", String, "'keep' | 'override' | 'overrideNaN'", SettingKind::Choice(StopUpdate::NAMES), "What happens to the stops when a position is increased. @default 'override'";
            sizing.lock_cash, "lockCash", bool, "boolean", SettingKind::Boolean, "Whether cash that secures short positions may not be spent again. @default false";
            sizing.allow_partial, "allowPartial", bool, "boolean", SettingKind::Boolean, "Whether an order may be filled in part. @default true";
            conventions.execution, "execution", String, "'close' | 'nextOpen'", SettingKind::Choice(Execution::NAMES), "When a signal is filled: at the close of its bar, or at the open of the next one. @default 'close'";
            conventions.risk_free, "riskFree", f64, "number", SettingKind::Number(Range::between(-1.0, f64::INFINITY).above()), "Annual risk-free rate as a fraction; 0.02 is 2 %. @default 0";
            conventions.year_days, "yearDays", String, "number | 'auto'", SettingKind::NumberOrAuto(Range::POSITIVE), "Days per year for annualized metrics. `auto`: 365 if there are bars on all seven days of the week, else 252, times the median number of bars on a day with bars (longer bars: 365 ÷ their days); `annualizedReturn` is then the growth between the first and the last bar. A number: that many days ÷ days per bar, as in vectorbt. @default 'auto'";
        }
    };
}
#[cfg_attr(not(feature = "node"), allow(unused_imports, reason = "only the binding needs it"))]
pub(crate) use each_setting;

macro_rules! list {
    ($($group:ident.$field:ident, $name:tt, $binding:ty, $typescript:tt, $kind:expr, $description:tt;)+) => {
        /// Every setting, in the order in which they are stored and documented.
        pub const SETTINGS: &[Setting] = &[$(Setting {
            name: $name,
            kind: $kind,
            typescript: $typescript,
            description: $description,
            get: |settings| settings.$group.$field.to_value(),
            set: |settings, value| settings.$group.$field.assign(value),
        }),+];
    };
}
each_setting!(list);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_state_the_default() {
        let defaults = Settings::default();
        for setting in SETTINGS {
            let stated = setting.description.split("@default ").nth(1);
            let expected = match setting.get(&defaults) {
                // There is no way to write infinity or "not set" that is shorter than the sentence before.
                SettingValue::Number(value) if value.is_infinite() => None,
                SettingValue::Unset => None,
                SettingValue::Number(1e-8) => Some("1e-8".to_owned()),
                SettingValue::Number(value) => Some(value.to_string()),
                SettingValue::Boolean(value) => Some(value.to_string()),
                SettingValue::Choice(name) => Some(format!("'{name}'")),
            };
            assert_eq!(stated, expected.as_deref(), "{}", setting.name);
        }
    }

    #[test]
    fn typescript_types_are_those_of_the_kinds() {
        for setting in SETTINGS {
            let expected = match setting.kind {
                SettingKind::Boolean => "boolean".to_owned(),
                SettingKind::Choice(names) => {
                    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(" | ")
                }
                // What has no limit or no value by default can be set back to it with null.
                SettingKind::Number(_) if setting.get(&Settings::default()).to_json().is_null() => {
                    "number | null".to_owned()
                }
                SettingKind::Number(_) => "number".to_owned(),
                SettingKind::NumberOrAuto(_) => "number | 'auto'".to_owned(),
            };
            assert_eq!(setting.typescript, expected, "{}", setting.name);
        }
    }
}
