//! The use cases, one a file, as methods of [`Engine`]: limits, queue, cache, cancellation, progress, persistence.

pub mod bars_input;
pub mod cache;
pub mod cancel;
pub mod catalogue;
mod chart_input;
mod clock;
mod compute;
mod delete_backtest;
pub mod engine;
pub mod function;
pub mod gate;
mod get_backtest_results;
mod get_metrics;
mod identify;
pub mod import_bars;
mod list_assets;
mod list_backtests;
mod list_strategies;
mod load;
mod log;
mod look_ahead;
pub mod pool;
pub mod progress;
mod register_strategy;
mod render_chart;
pub mod request;
mod run_backtest;
pub mod simulate_signals;
pub mod validate_strategy;
mod warnings;

pub use cancel::Cancel;
pub use catalogue::Known;
pub use engine::Engine;
pub use function::{Columns, Signaller};
pub use import_bars::ImportSummary;
pub use progress::{Control, Listener, Progress};
