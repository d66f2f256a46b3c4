//! The field `warmup` of a request.

use crate::request::{Fields, Issues, NumberOrChoice, Range};

/// The maximum of the setting. The limit on the bars of a run applies, too.
const MAX_BARS: f64 = 1e9;

/// How many bars before the range compute signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WarmUp {
    /// As many as the expressions need.
    Auto,
    /// This many.
    Bars(usize),
}

impl WarmUp {
    /// Reads the field `warmup`.
    pub(super) fn read(fields: &mut Fields<'_>, issues: &mut Issues) -> Option<Self> {
        let choices = [("auto", Self::Auto), ("none", Self::Bars(0))];
        match fields.number_or_choice("warmup", Range::between(0.0, MAX_BARS), &choices, issues)? {
            NumberOrChoice::Choice(warm_up) => Some(warm_up),
            NumberOrChoice::Number(_) => {
                let bars = fields.integer("warmup", Range::between(0.0, MAX_BARS), issues)?;
                Some(Self::Bars(usize::try_from(bars).unwrap_or(usize::MAX)))
            }
        }
    }
}
