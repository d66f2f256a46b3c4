//! The shapes that cross the boundary, as TypeScript sees them in `index.d.ts`.

#![allow(clippy::doc_markdown, reason = "these comments are the documentation of the npm package")]

mod crossing;
mod names;
mod requests;
mod results;
mod simulation_options;

pub use crossing::{CrossingColumns, CrossingResult, ResultColumns, metric_names};
pub use names::*;
pub use requests::*;
pub use results::*;
pub use simulation_options::SimulationOptions;
