//! The names that constraints and filters may use, and where their values come from.

use super::axis::{Axis, Target};
use crate::language::{Binding, ParameterDeclaration, ValueType};
use crate::settings::{SETTINGS, Setting, SettingKind, SettingValue, Settings};
use crate::strategies::{Definition, POSITION_SIZE, ParameterType};

/// What precedes the name of a setting among parameters.
pub(super) const SETTING_PREFIX: &str = "simulation.";

/// Where the value of a name comes from.
#[derive(Debug, Clone, Copy)]
pub enum NameSource {
    /// The axis with this index.
    Axis(usize),
    /// The same for every combination.
    Fixed(f64),
}

/// A name that an expression may use.
#[derive(Debug, Clone)]
pub struct SweptName {
    /// The name.
    pub name: String,
    /// Whether it is a number or a condition.
    pub value_type: ValueType,
    /// Whether only whole numbers are allowed.
    pub is_integer: bool,
    /// Where its value comes from.
    pub source: NameSource,
}

impl SweptName {
    /// Returns the name as expressions see it.
    pub fn declaration(&self) -> ParameterDeclaration<'_> {
        ParameterDeclaration {
            name: &self.name,
            value_type: self.value_type,
            is_integer: self.is_integer,
        }
    }
}

/// Returns whether a setting can be an axis: it is a number or a flag.
pub(super) fn is_sweepable(setting: &Setting) -> bool {
    !matches!(setting.kind, SettingKind::Choice(_))
}

/// Returns every name: the declared parameters in their order, `position_size`, and the settings that are numbers or flags, as
/// `slStop` and `simulation.slStop`. Parameters come first, so that a setting of the same name is reached by the long form.
pub fn swept_names(definition: &Definition, axes: &[Axis], settings: &Settings) -> Vec<SweptName> {
    let source = |is_own: &dyn Fn(Target) -> bool, fixed: f64| {
        let axis = axes.iter().position(|axis| is_own(axis.target));
        axis.map_or(NameSource::Fixed(fixed), NameSource::Axis)
    };
    let mut names: Vec<SweptName> = Vec::new();
    for (index, parameter) in definition.parameters.iter().enumerate() {
        let is_own = |target| matches!(target, Target::Parameter(own) if own == index);
        let default = match parameter.default {
            Binding::Number(value) => value,
            Binding::Condition(value) => f64::from(value),
        };
        names.push(SweptName {
            name: parameter.name.clone(),
            value_type: match parameter.parameter_type {
                ParameterType::Boolean => ValueType::Condition,
                ParameterType::Integer | ParameterType::Number => ValueType::Number,
            },
            is_integer: parameter.parameter_type == ParameterType::Integer,
            source: source(&is_own, default),
        });
    }
    names.push(SweptName {
        name: POSITION_SIZE.to_owned(),
        value_type: ValueType::Number,
        is_integer: false,
        source: source(&|target| matches!(target, Target::PositionSize), 1.0),
    });
    for prefix in ["", SETTING_PREFIX] {
        for setting in SETTINGS.iter().filter(|setting| is_sweepable(setting)) {
            let is_own =
                |target| matches!(target, Target::Setting(own) if own.name == setting.name);
            let fixed = match setting.get(settings) {
                SettingValue::Number(value) => value,
                SettingValue::Boolean(value) => f64::from(value),
                SettingValue::Unset | SettingValue::Choice(_) => f64::NAN,
            };
            names.push(SweptName {
                name: format!("{prefix}{}", setting.name),
                value_type: match setting.kind {
                    SettingKind::Boolean => ValueType::Condition,
                    _ => ValueType::Number,
                },
                is_integer: false,
                source: source(&is_own, fixed),
            });
        }
    }
    names
}
