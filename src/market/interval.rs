//! What one row of a run is: a bar of a timeframe, or a tick.

use std::fmt;

use super::Timeframe;

/// The interval of the bars of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// Bars of a fixed length.
    Timeframe(Timeframe),
    /// Ticks, each as a bar of its own, at irregular times.
    Tick,
}

impl Interval {
    /// The name of [`Interval::Tick`].
    const TICK: &'static str = "tick";

    /// All intervals with their names, ticks last.
    pub const ALL: [(&'static str, Self); Timeframe::ALL.len() + 1] = {
        let mut all = [(Self::TICK, Self::Tick); Timeframe::ALL.len() + 1];
        let mut at = 0;
        while at < Timeframe::ALL.len() {
            let (name, timeframe) = Timeframe::ALL[at];
            all[at] = (name, Self::Timeframe(timeframe));
            at += 1;
        }
        all
    };

    /// Returns the name: `1d` or `tick`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeframe(timeframe) => timeframe.as_str(),
            Self::Tick => Self::TICK,
        }
    }

    /// Finds an interval by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, interval)| *interval)
    }

    /// Returns the timeframe; `None` for ticks.
    pub const fn timeframe(self) -> Option<Timeframe> {
        match self {
            Self::Timeframe(timeframe) => Some(timeframe),
            Self::Tick => None,
        }
    }
}

impl From<Timeframe> for Interval {
    fn from(timeframe: Timeframe) -> Self {
        Self::Timeframe(timeframe)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
