//! The value of one setting, whatever its type.

use serde_json::Value;

use crate::request::json_number;

/// The name of the value that is derived from the bars.
pub(super) const AUTO: &str = "auto";

/// The value of one setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SettingValue {
    /// A number; infinity for no limit.
    Number(f64),
    /// A number that is not set.
    Unset,
    /// A flag.
    Boolean(bool),
    /// The name of a rule.
    Choice(&'static str),
}

impl SettingValue {
    /// Returns the value as JSON. No limit and not set are `null`.
    #[must_use]
    pub fn to_json(self) -> Value {
        match self {
            Self::Number(value) => json_number(value),
            Self::Unset => Value::Null,
            Self::Boolean(value) => value.into(),
            Self::Choice(name) => name.into(),
        }
    }
}

/// A field of the settings that is read and written as a [`SettingValue`].
pub(super) trait SettingField {
    /// Returns the value.
    fn to_value(&self) -> SettingValue;

    /// Sets the value. A value of another type changes nothing: callers check it against the kind of the setting.
    fn assign(&mut self, value: SettingValue);
}

impl SettingField for f64 {
    fn to_value(&self) -> SettingValue {
        SettingValue::Number(*self)
    }

    fn assign(&mut self, value: SettingValue) {
        if let SettingValue::Number(value) = value {
            *self = value;
        }
    }
}

impl SettingField for Option<f64> {
    fn to_value(&self) -> SettingValue {
        self.map_or(SettingValue::Unset, SettingValue::Number)
    }

    fn assign(&mut self, value: SettingValue) {
        match value {
            SettingValue::Number(value) => *self = Some(value),
            SettingValue::Unset => *self = None,
            SettingValue::Boolean(_) | SettingValue::Choice(_) => {}
        }
    }
}

impl SettingField for bool {
    fn to_value(&self) -> SettingValue {
        SettingValue::Boolean(*self)
    }

    fn assign(&mut self, value: SettingValue) {
        if let SettingValue::Boolean(value) = value {
            *self = value;
        }
    }
}
