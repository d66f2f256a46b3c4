//! Runs on windows that follow each other, joined to one: each begins with the money that the one before left.

use crate::error::Result;
use crate::simulation::Simulation;

/// A run on one window, which ended flat.
#[derive(Debug)]
pub struct WindowRun<'a> {
    /// What it did with the initial capital, which is the same for every window.
    pub simulation: &'a Simulation,
    /// The number of its bars.
    pub bars: usize,
    /// Money at its end.
    pub final_capital: f64,
}

/// Joins runs on windows, whose bars follow each other in the order of the windows. Sizes, fees and holdings are scaled by what
/// the windows before made of `initial_capital`. After a window that leaves nothing, nothing is traded.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the memory cannot be allocated.
pub fn stitch(windows: &[WindowRun<'_>], initial_capital: f64) -> Result<Simulation> {
    let mut joined = Simulation { cash: initial_capital, position: 0.0, ..Simulation::default() };
    let (mut scale, mut first_bar) = (1.0, 0_usize);
    for window in windows {
        joined.append_scaled(
            window.simulation,
            u32::try_from(first_bar).unwrap_or(u32::MAX),
            scale,
        )?;
        scale *= window.final_capital / initial_capital;
        first_bar += window.bars;
        if !(scale.is_finite() && scale > 0.0) {
            break;
        }
    }
    Ok(joined)
}
