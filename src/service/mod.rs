//! The use cases, one a file, as methods of [`Engine`]: limits, queue, cache, cancellation, progress, persistence.

mod backtest_id;
pub mod backtest_request;
pub mod bars_input;
pub mod cache;
pub mod cancel;
pub mod catalogue;
mod chart_input;
mod clock;

mod delete_backtest;
pub mod engine;
pub mod function;
mod get_backtest_results;
mod get_metrics;
pub mod import_bars;
mod list_assets;
mod list_backtests;
mod list_strategies;
mod load;
mod log;
mod look_ahead;
mod outcome;
pub mod pool;
pub mod progress;
mod reader_threads;
mod register_strategy;
mod render_chart;
mod run_backtest;
mod run_lifecycle;
pub mod run_queue;
pub mod simulate_signals;
mod strategy_selection;
pub mod validate_strategy;

pub use cancel::Cancel;
pub use catalogue::Known;
pub use engine::Engine;
pub use function::{Columns, SignalFunction};
pub use import_bars::ImportSummary;
pub use log::{flush as flush_log, report_panics};
pub use progress::{Control, ImportProgress, Listener, Progress, RunProgress};
pub use run_backtest::Done;
