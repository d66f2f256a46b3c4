//! Structured logs of one engine, to standard error; standard output belongs to the caller.

use std::io::IsTerminal;

use tracing::{Dispatch, Level};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::{Config, LogFormat, LogLevel};

/// Creates what the engine's events go to.
pub fn dispatch(config: &Config) -> Dispatch {
    let level = match config.log_level {
        LogLevel::Trace => LevelFilter::from_level(Level::TRACE),
        LogLevel::Debug => LevelFilter::from_level(Level::DEBUG),
        LogLevel::Info => LevelFilter::from_level(Level::INFO),
        LogLevel::Warn => LevelFilter::from_level(Level::WARN),
        LogLevel::Error => LevelFilter::from_level(Level::ERROR),
        LogLevel::Off => return Dispatch::none(),
    };
    // Libraries are heard only when something is wrong.
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(env!("CARGO_CRATE_NAME"), level);
    let layer = fmt::layer().with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Json => Dispatch::new(
            Registry::default().with(layer.json().flatten_event(true).with_filter(filter)),
        ),
        LogFormat::Pretty => {
            let ansi = std::io::stderr().is_terminal();
            Dispatch::new(
                Registry::default().with(layer.compact().with_ansi(ansi).with_filter(filter)),
            )
        }
    }
}
