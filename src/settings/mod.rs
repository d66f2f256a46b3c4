//! The settings of a run: costs, sizing, signal rules, stops, conventions.
//!
//! [`SETTINGS`] lists every setting once; requests are read, runs are stored and the TypeScript interface is made by that list.

mod choices;
mod groups;
mod list;
mod mistakes;
mod read;
mod value;

pub use choices::{
    Accumulate, Conflict, Direction, DirectionConflict, Execution, OppositeEntry, SizeType,
    StopEntryPrice, StopExit, StopExitPrice, StopUpdate, YearDays,
};
pub use groups::{Conventions, Costs, Settings, SignalRules, Sizing, Stops};
#[cfg(feature = "node")]
pub(crate) use list::each_setting;
pub use list::{SETTINGS, Setting, SettingKind};
pub use mistakes::{Mistake, Sides, in_percent, meant, of_percent};
pub use value::SettingValue;
