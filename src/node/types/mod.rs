//! The types of requests and results, as TypeScript sees them in `index.d.ts`.

#![allow(clippy::doc_markdown, reason = "these comments are the documentation of the npm package")]

mod assets;
mod backtests;
mod count;
mod kept_sweeps;
mod limits;
mod metrics;
mod names;
mod part;
mod progress;
mod requests;
mod simulation;
mod simulation_options;
mod strategies;
mod sweeps;
mod trades;
mod walk_forwards;

pub use assets::*;
pub use backtests::*;
pub(super) use count::count;
pub use kept_sweeps::*;
pub use limits::*;
pub use metrics::to_object as metrics_object;
pub use names::*;
pub use progress::*;
pub use requests::*;
pub use simulation::*;
pub use simulation_options::SimulationOptions;
pub use strategies::*;
pub use sweeps::*;
pub use trades::Trade;
pub use walk_forwards::*;
