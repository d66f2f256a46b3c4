//! What values an axis takes.

use super::axis::Target;
use crate::language::Binding;
use crate::market::bars::formatted;
use crate::request::Input;
use crate::settings::{Setting, SettingKind, SettingValue, Settings};
use crate::strategies::{Definition, Parameter, ParameterType, check_position_size};

/// A code of an issue, and its message without the path that precedes it.
pub(super) type Problem = (&'static str, String);

/// What the values of an axis are checked against.
#[derive(Debug, Clone, Copy)]
pub(super) enum ValueDomain<'a> {
    /// The declaration of a parameter.
    Parameter(&'a Parameter),
    /// The range of the position size.
    PositionSize,
    /// The range of a setting, which is not a choice.
    Setting(&'static Setting),
}

impl<'a> ValueDomain<'a> {
    /// Returns the domain of a target.
    pub(super) fn of(target: Target, definition: &'a Definition) -> Option<Self> {
        Some(match target {
            Target::Parameter(index) => Self::Parameter(definition.parameters.get(index)?),
            Target::PositionSize => Self::PositionSize,
            Target::Setting(setting) => Self::Setting(setting),
        })
    }

    /// Returns whether only whole numbers are allowed.
    pub(super) fn is_integer(self) -> bool {
        matches!(self, Self::Parameter(parameter) if parameter.parameter_type == ParameterType::Integer)
    }

    /// Returns whether the values are booleans.
    pub(super) fn is_boolean(self) -> bool {
        match self {
            Self::Parameter(parameter) => parameter.parameter_type == ParameterType::Boolean,
            Self::PositionSize => false,
            Self::Setting(setting) => setting.kind == SettingKind::Boolean,
        }
    }

    /// Returns the type with its article, for messages.
    fn expected(self) -> &'static str {
        if self.is_boolean() {
            "a boolean"
        } else if self.is_integer() {
            "a whole number"
        } else {
            "a number"
        }
    }

    /// Reads one value.
    pub(super) fn read(self, input: &Input) -> Result<f64, Problem> {
        match input {
            Input::Number(value) => self.check(*value),
            Input::Bool(value) if self.is_boolean() => Ok(f64::from(*value)),
            Input::Null => {
                self.off().ok_or_else(|| ("type", format!("must be {}, was null", self.expected())))
            }
            other => {
                Err(("type", format!("must be {}, was {}", self.expected(), other.describe())))
            }
        }
    }

    /// Returns the value of a setting that is off or has no limit, if the setting can be.
    fn off(self) -> Option<f64> {
        let Self::Setting(setting) = self else { return None };
        match setting.get(&Settings::default()) {
            SettingValue::Unset => Some(f64::NAN),
            SettingValue::Number(value) if value.is_infinite() => Some(value),
            _ => None,
        }
    }

    /// Checks a number.
    pub(super) fn check(self, value: f64) -> Result<f64, Problem> {
        match self {
            Self::Parameter(parameter) => parameter.check(Binding::Number(value)).map(|()| value),
            Self::PositionSize => check_position_size(value).map_err(|problem| ("range", problem)),
            Self::Setting(setting) => check_setting(setting, value),
        }
    }
}

fn check_setting(setting: &Setting, value: f64) -> Result<f64, Problem> {
    let range = match setting.kind {
        SettingKind::Number(range) | SettingKind::NumberOrAuto(range) => range,
        SettingKind::Boolean | SettingKind::Choice(_) => {
            return Err(("type", format!("must be a boolean, was number {value}")));
        }
    };
    let problem =
        |allowed: String| ("range", format!("must be {allowed}, was {}", formatted(value)));
    if !range.allows(value) {
        return Err(problem(range.describe()));
    }
    // As in `Settings::read`.
    if setting.name == "slippage" && value >= 1.0 {
        return Err(problem("below 1".to_owned()));
    }
    Ok(value)
}
