//! Hostile files of bars: none may end the process, hang, or take memory out of proportion.
//!
//! Every file is made from its number alone, so that one that fails can be made again. `cargo test` decodes a thousand;
//! `npm run fuzz:files` decodes a hundred thousand. The number of the file under way is kept in a file, which tells where a
//! process that was ended had been:
//!
//! ```sh
//! FUZZ_CASES=100000 cargo test --test fuzz_files -- --nocapture
//! FUZZ_FIRST=4711 FUZZ_CASES=1 cargo test --test fuzz_files -- --nocapture
//! ```

#![cfg(feature = "service")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::format_push_string,
    clippy::missing_docs_in_private_items,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_debug_implementations,
    missing_docs,
    reason = "the whole file is a test, which looks at the clock to find what takes long"
)]

mod hostile_files;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aitradepro_backtesting::data::files;
use aitradepro_backtesting::error::Code;
use aitradepro_backtesting::market::raw::ReadOptions;
use aitradepro_backtesting::market::{Bars, Limit, arrow};
use aitradepro_backtesting::observer::NoObserver;

/// The most rows of a file: some have a few more.
const MOST_ROWS: u64 = 850;

/// How much more memory one file may take than the process had, KiB. The files have some 10 kB, the largest a megabyte.
const MOST_MEMORY: u64 = 96 * 1024;

/// What the process may address beyond what it has, bytes: an allocation that is out of all proportion fails at once.
#[cfg(target_os = "linux")]
const MOST_ADDRESSES: u64 = 3 << 30;

/// The longest that one file may take: a thousand times what it should, since other programs run as well.
const LONGEST: Duration = Duration::from_secs(5);

/// How long the watchdog waits for a file to end.
const HANGS_AFTER: Duration = Duration::from_secs(30);

/// Panics of decoders, which are caught.
static PANICS: AtomicU64 = AtomicU64::new(0);

#[derive(Debug, Default)]
struct Outcome {
    accepted: u64,
    refused: u64,
    limited: u64,
    sound: u64,
    sound_accepted: u64,
    slowest: Duration,
    slowest_case: u64,
    largest: u64,
    largest_case: u64,
}

#[test]
fn hostile_files_are_read_or_refused() {
    let cases: u64 = std::env::var("FUZZ_CASES").map_or(1_000, |count| count.parse().unwrap());
    let first: u64 = std::env::var("FUZZ_FIRST").map_or(0, |count| count.parse().unwrap());
    let marker = std::env::var("FUZZ_MARKER").map_or_else(
        |_| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fuzz-files.case"),
        PathBuf::from,
    );
    let loud = cases <= 10;
    if !loud {
        std::panic::set_hook(Box::new(|_| {
            PANICS.fetch_add(1, Ordering::Relaxed);
        }));
    }
    limit_addresses();
    let folder = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let at = AtomicU64::new(first);
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| observer(&at));
        let worker = scope.spawn(|| {
            let mut outcome = Outcome::default();
            for case in first..first + cases {
                at.store(case, Ordering::Relaxed);
                fs::write(&marker, case.to_string()).unwrap();
                run(case, folder.path().to_owned(), loud, &mut outcome);
            }
            outcome
        });
        let outcome = worker.join();
        at.store(u64::MAX, Ordering::Relaxed);
        outcome
    });
    let Ok(outcome) = outcome else {
        panic!(
            "case {} failed: FUZZ_FIRST={0} FUZZ_CASES=1 shows it",
            fs::read_to_string(&marker).unwrap()
        );
    };
    println!(
        "{cases} files in {:.1} s: {} accepted, {} refused, {} of them for a limit; {} of {} sound ones accepted; {} panics of decoders caught; the slowest (case {}) in {:?}, the largest (case {}) took {:.1} MB",
        started.elapsed().as_secs_f64(),
        outcome.accepted,
        outcome.refused,
        outcome.limited,
        outcome.sound_accepted,
        outcome.sound,
        PANICS.load(Ordering::Relaxed),
        outcome.slowest_case,
        outcome.slowest,
        outcome.largest_case,
        outcome.largest as f64 / 1024.0,
    );
    assert_eq!(outcome.accepted + outcome.refused, cases);
    // A fuzzer whose files are all refused at the door tests nothing behind it.
    assert!(cases < 500 || outcome.accepted > cases / 20, "{outcome:?}");
    assert!(cases < 500 || outcome.refused > cases / 5, "{outcome:?}");
    assert!(outcome.slowest < LONGEST, "case {} took {:?}", outcome.slowest_case, outcome.slowest);
}

fn run(case: u64, folder: PathBuf, loud: bool, outcome: &mut Outcome) {
    let input = hostile_files::make(case);
    let path = folder.join(format!("bars.{}", input.extension));
    fs::write(&path, &input.bytes).unwrap();
    let limit = Limit::of_import(MOST_ROWS);
    let before = reset_peak();
    let began = Instant::now();
    let options = ReadOptions::default();
    let result = files::read(&path, limit, &options, &NoObserver).map(|noted| noted.bars);
    let took = began.elapsed();
    let grown = peak().saturating_sub(before);
    if loud {
        println!("case {case}: {} of {} bytes: {result:?}", path.display(), input.bytes.len());
        if let Ok(kept) = std::env::var("FUZZ_KEEP") {
            fs::write(kept, &input.bytes).unwrap();
        }
    }
    if input.extension == "arrow" {
        // Bytes in memory come to the same.
        let again =
            arrow::from_ipc(&input.bytes, limit, &options, &NoObserver).map(|noted| noted.bars);
        match (&result, &again) {
            (Ok(one), Ok(other)) => assert!(are_same(one, other), "case {case}"),
            (Err(one), Err(other)) => assert_eq!(one.code, other.code, "case {case}"),
            // An empty file has no bytes to be read.
            _ => assert!(input.bytes.is_empty(), "case {case}: {result:?} and {again:?}"),
        }
    }
    assert!(grown < MOST_MEMORY, "case {case} took {grown} KiB");
    if took > outcome.slowest {
        (outcome.slowest, outcome.slowest_case) = (took, case);
    }
    if grown > outcome.largest {
        (outcome.largest, outcome.largest_case) = (grown, case);
    }
    outcome.sound += u64::from(input.is_sound);
    match result {
        Ok(bars) => {
            assert_is_sound(case, &bars);
            outcome.accepted += 1;
            outcome.sound_accepted += u64::from(input.is_sound);
        }
        Err(error) => {
            let known = [Code::BadData, Code::LimitExceeded, Code::InvalidArgument];
            assert!(known.contains(&error.code), "case {case}: {error:?}");
            assert!(error.message.len() < 3_000, "case {case}: {} bytes", error.message.len());
            // A sound file is refused for its length only.
            let is_fair = !input.is_sound || error.code == Code::LimitExceeded;
            assert!(is_fair, "case {case} is sound: {error}");
            outcome.refused += 1;
            outcome.limited += u64::from(error.code == Code::LimitExceeded);
        }
    }
}

fn assert_is_sound(case: u64, bars: &Bars) {
    assert!(bars.len() as u64 <= MOST_ROWS, "case {case}");
    assert!(bars.timestamps().is_sorted_by(|before, after| before < after), "case {case}");
    for column in [bars.open(), bars.high(), bars.low(), bars.close()] {
        assert_eq!(column.len(), bars.len(), "case {case}");
        assert!(column.iter().all(|price| price.is_finite() && *price > 0.0), "case {case}");
    }
    for bar in 0..bars.len() {
        let (low, high) = (bars.low()[bar], bars.high()[bar]);
        for price in [bars.open()[bar], bars.close()[bar]] {
            assert!(low <= price && price <= high, "case {case}");
        }
    }
    let volume = bars.volume().into_iter().flat_map(|volume| volume.iter());
    // NaN where there is no volume.
    let is_sound = |volume: &f64| volume.is_nan() || volume.is_finite() && *volume >= 0.0;
    assert!(volume.clone().all(is_sound), "case {case}");
}

/// Returns whether bars are the same, missing volumes included.
fn are_same(one: &Bars, other: &Bars) -> bool {
    let columns = |bars: &Bars| -> Vec<Vec<u64>> {
        let columns = [bars.open(), bars.high(), bars.low(), bars.close()].into_iter();
        let columns = columns.chain(bars.volume());
        columns.map(|column| column.iter().map(|value| value.to_bits()).collect()).collect()
    };
    one.timestamps() == other.timestamps() && columns(one) == columns(other)
}

/// Ends the process where a file does not end.
fn observer(at: &AtomicU64) {
    let step = Duration::from_millis(100);
    let (mut seen, mut waited) = (u64::MAX, Duration::ZERO);
    loop {
        std::thread::sleep(step);
        let now = at.load(Ordering::Relaxed);
        if now == u64::MAX {
            return;
        }
        waited = if now == seen { waited + step } else { Duration::ZERO };
        seen = now;
        if waited > HANGS_AFTER {
            eprintln!("case {now} hangs: FUZZ_FIRST={now} FUZZ_CASES=1 shows it");
            std::process::exit(1);
        }
    }
}

/// Forgets the greatest memory so far; returns what the process has, KiB.
fn reset_peak() -> u64 {
    // Where the system does not know this, the peak is that of all files so far.
    let _ = fs::write("/proc/self/clear_refs", "5");
    memory("VmRSS:")
}

/// Returns the greatest memory since then, KiB.
fn peak() -> u64 {
    memory("VmHWM:")
}

fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "there is no safe way to limit a process")]
fn limit_addresses() {
    let most = memory("VmSize:") * 1024 + MOST_ADDRESSES;
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the limit is a value of the type that the call reads, and nothing else is touched.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
}

#[cfg(not(target_os = "linux"))]
fn limit_addresses() {}
