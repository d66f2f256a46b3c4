//! Structured logs, written to standard error. Standard output belongs to the caller.
//!
//! A dedicated thread writes the lines of a bounded queue. If standard error is a pipe that nobody reads, only this thread
//! blocks; lines that do not fit into the queue are dropped and counted.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{Dispatch, Level};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::{Config, LogFormat, LogLevel};

/// Creates the dispatcher of an engine's events.
pub fn dispatch(config: &Config) -> Dispatch {
    let level = match config.log_level {
        LogLevel::Trace => LevelFilter::from_level(Level::TRACE),
        LogLevel::Debug => LevelFilter::from_level(Level::DEBUG),
        LogLevel::Info => LevelFilter::from_level(Level::INFO),
        LogLevel::Warn => LevelFilter::from_level(Level::WARN),
        LogLevel::Error => LevelFilter::from_level(Level::ERROR),
        LogLevel::Off => return Dispatch::none(),
    };
    // Libraries only log warnings and errors.
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(env!("CARGO_CRATE_NAME"), level);
    let layer = fmt::layer().with_writer(Line::default);
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

/// The capacity of the queue, lines.
const QUEUE_LINES: usize = 1024;

/// The number of queued lines.
static QUEUED: AtomicU64 = AtomicU64::new(0);
/// The number of written lines.
static WRITTEN: AtomicU64 = AtomicU64::new(0);
/// The number of lines that were dropped since the last report.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Returns the queue of the writer; `None` if its thread cannot be started.
fn queue() -> Option<&'static SyncSender<Vec<u8>>> {
    static QUEUE: OnceLock<Option<SyncSender<Vec<u8>>>> = OnceLock::new();
    let queue = QUEUE.get_or_init(|| {
        let (sender, receiver) = sync_channel(QUEUE_LINES);
        let writer = thread::Builder::new().name("backtest-log".into());
        writer.spawn(move || write(&receiver)).ok().map(|_| sender)
    });
    queue.as_ref()
}

fn write(lines: &Receiver<Vec<u8>>) {
    for line in lines {
        // A failure to write the log cannot be logged.
        let _ = io::stderr().write_all(&line);
        let dropped = DROPPED.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let noun = if dropped == 1 { "line was" } else { "lines were" };
            let _ = writeln!(
                io::stderr(),
                "{dropped} {noun} dropped from the log because it is not read fast enough"
            );
        }
        WRITTEN.fetch_add(1, Ordering::Release);
    }
}

/// Reports panics through the queue. Rust's default hook writes to standard error on the panicking thread, which would block
/// if nobody reads the log.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        // Dropping the line queues it.
        let _ = writeln!(Line::default(), "{panic}");
    }));
}

/// Waits until all queued lines are written, at most 200 ms, since the process is about to end.
pub fn flush() {
    const TIMEOUT: Duration = Duration::from_millis(200);
    let queued = QUEUED.load(Ordering::Acquire);
    #[expect(clippy::disallowed_methods, reason = "the clock does not affect results")]
    let start = Instant::now();
    while WRITTEN.load(Ordering::Acquire) < queued && start.elapsed() < TIMEOUT {
        thread::sleep(Duration::from_millis(1));
    }
}

/// One line, queued when it is dropped.
#[derive(Debug, Default)]
struct Line(Vec<u8>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.0.is_empty() {
            return;
        }
        let Some(queue) = queue() else { return };
        QUEUED.fetch_add(1, Ordering::Release);
        match queue.try_send(std::mem::take(&mut self.0)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                QUEUED.fetch_sub(1, Ordering::Release);
                DROPPED.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
