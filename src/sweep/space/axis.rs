//! One dimension of a sweep.

use crate::settings::{Setting, SettingKind, SettingValue, Settings, SizeType};

/// What the values of an axis are values of.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// The parameter of the strategy at this index of its declarations.
    Parameter(usize),
    /// The share of the available cash that an entry uses.
    PositionSize,
    /// A numeric setting or a flag of the simulation.
    Setting(&'static Setting),
}

/// One dimension of a sweep: a name and its values.
#[derive(Debug, Clone)]
pub struct Axis {
    /// The name as in the request: `fast_period`, `position_size`, `simulation.slStop`.
    pub name: String,
    /// What the values are values of.
    pub target: Target,
    /// The values, distinct, in the order of the request. Flags are 0 and 1; NaN is a setting that is off.
    pub values: Vec<f64>,
}

impl Axis {
    /// Changes the settings of a run to a value of this axis. A parameter of the strategy changes nothing.
    pub fn assign(&self, value: f64, settings: &mut Settings) {
        match self.target {
            Target::Parameter(_) => {}
            Target::PositionSize => {
                if value < 1.0 {
                    settings.sizing.size = value;
                    settings.sizing.size_type = SizeType::Percent;
                }
            }
            Target::Setting(setting) => setting.set(settings, setting_value(setting, value)),
        }
    }
}

/// Returns the value of an axis as that of a setting.
fn setting_value(setting: &Setting, value: f64) -> SettingValue {
    match setting.kind {
        SettingKind::Boolean => SettingValue::Boolean(value != 0.0),
        _ if value.is_nan() => SettingValue::Unset,
        _ => SettingValue::Number(value),
    }
}
