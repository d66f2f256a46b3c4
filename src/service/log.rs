//! Structured logs of one engine, to standard error; standard output belongs to the caller.
//!
//! Lines go through a bounded queue to a thread that does nothing but write them. Standard error may be a pipe that nobody
//! reads, and then only that thread waits: lines that find the queue full are dropped and counted.

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

/// How many lines wait for the writer at most.
const MOST_LINES: usize = 1024;

/// Lines that were handed to the writer, that it has written, and that were dropped since it last said so.
static HANDED: AtomicU64 = AtomicU64::new(0);
static WRITTEN: AtomicU64 = AtomicU64::new(0);
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Returns the queue of the writer, or `None` if there is no thread for it.
fn queue() -> Option<&'static SyncSender<Vec<u8>>> {
    static QUEUE: OnceLock<Option<SyncSender<Vec<u8>>>> = OnceLock::new();
    let made = QUEUE.get_or_init(|| {
        let (sender, receiver) = sync_channel(MOST_LINES);
        let writer = thread::Builder::new().name("backtest-log".into());
        writer.spawn(move || write(&receiver)).ok().map(|_| sender)
    });
    made.as_ref()
}

fn write(lines: &Receiver<Vec<u8>>) {
    for line in lines {
        // There is nowhere to report that the log cannot be written.
        let _ = io::stderr().write_all(&line);
        let dropped = DROPPED.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let noun = if dropped == 1 { "line was" } else { "lines were" };
            let _ = writeln!(
                io::stderr(),
                "{dropped} {noun} dropped from the log: it is not read fast enough"
            );
        }
        WRITTEN.fetch_add(1, Ordering::Release);
    }
}

/// Reports panics through the queue, too: the hook that Rust brings writes to standard error on the thread that panics, and
/// a decoder that gives up on a broken file would wait there for whoever reads the log.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        // Dropped at once, which hands it over.
        let _ = writeln!(Line::default(), "{panic}");
    }));
}

/// Waits until what was logged so far is written, for 200 ms at most: the process is about to end.
pub fn flush() {
    const LONGEST: Duration = Duration::from_millis(200);
    let handed = HANDED.load(Ordering::Acquire);
    #[expect(clippy::disallowed_methods, reason = "no result is touched by the clock")]
    let began = Instant::now();
    while WRITTEN.load(Ordering::Acquire) < handed && began.elapsed() < LONGEST {
        thread::sleep(Duration::from_millis(1));
    }
}

/// One line on its way to the writer.
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
        HANDED.fetch_add(1, Ordering::Release);
        match queue.try_send(std::mem::take(&mut self.0)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                HANDED.fetch_sub(1, Ordering::Release);
                DROPPED.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
