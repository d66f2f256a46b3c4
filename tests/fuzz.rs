//! Fuzzes the language and the text format: no input may panic, hang or use much memory.
//!
//! Every input is generated from its case number, so that a failure is reproducible. `cargo test` runs 20,000;
//! `npm run fuzz` runs ten million:
//!
//! ```sh
//! FUZZ_CASES=10000000 cargo test --no-default-features --test fuzz -- --nocapture
//! ```

#![allow(
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the whole file is a test, which looks at the clock to find what takes long"
)]

mod inputs;

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aitradepro_backtesting::language::{
    self, Binding, ParameterDeclaration, PlanBuilder, Scope, ValueType,
};
use aitradepro_backtesting::strategies::{self, Strategy};
use inputs::Input;

/// Maximum memory of the process in KiB.
const MAX_MEMORY: u64 = 100 * 1024;

/// Maximum duration of one input: a thousand times the expected one, because other programs run at the same time.
const MAX_DURATION: Duration = Duration::from_secs(2);

/// The time after which the watchdog considers an input hung.
const HANG_TIMEOUT: Duration = Duration::from_secs(20);

const PARAMETERS: &[ParameterDeclaration<'static>] = &[
    ParameterDeclaration { name: "period", value_type: ValueType::Number, is_integer: true },
    ParameterDeclaration { name: "factor", value_type: ValueType::Number, is_integer: false },
    ParameterDeclaration { name: "flag", value_type: ValueType::Condition, is_integer: false },
];
const VALUES: &[Binding] = &[Binding::Number(4.0), Binding::Number(0.5), Binding::Condition(true)];

/// The results of the inputs.
#[derive(Debug, Default)]
struct Outcome {
    accepted: u64,
    rejected: u64,
    slowest: Duration,
    slowest_case: u64,
}

#[test]
fn hostile_inputs_are_accepted_or_rejected() {
    let cases = std::env::var("FUZZ_CASES").map_or(20_000, |count| count.parse().unwrap());
    let first: u64 = std::env::var("FUZZ_FIRST").map_or(0, |count| count.parse().unwrap());
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let started = Instant::now();
    let at: Vec<AtomicU64> = (0..threads).map(|_| AtomicU64::new(u64::MAX)).collect();
    let outcome = std::thread::scope(|scope| {
        let at = &at;
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let mine = (first + thread..first + cases).step_by(threads as usize);
                scope.spawn(move || run(mine, &at[thread as usize]))
            })
            .collect();
        scope.spawn(|| watch(at));
        workers.into_iter().fold(Outcome::default(), |all, worker| {
            let one = worker.join().unwrap();
            let slower = if one.slowest > all.slowest { &one } else { &all };
            Outcome {
                slowest: slower.slowest,
                slowest_case: slower.slowest_case,
                accepted: all.accepted + one.accepted,
                rejected: all.rejected + one.rejected,
            }
        })
    });
    let memory = peak_memory();
    println!(
        "{cases} inputs in {:.1} s on {threads} threads: {} accepted, {} rejected, the slowest (case {}) in {:?}, {} at most",
        started.elapsed().as_secs_f64(),
        outcome.accepted,
        outcome.rejected,
        outcome.slowest_case,
        outcome.slowest,
        memory.map_or("memory unknown".into(), |kib| format!("{:.1} MB", kib as f64 / 1024.0)),
    );
    assert_eq!(outcome.accepted + outcome.rejected, cases);
    // If nearly all inputs are rejected early, the later stages are not tested.
    assert!(
        cases < 1_000 || (outcome.accepted > cases / 20 && outcome.rejected > cases / 20),
        "{outcome:?}"
    );
    assert!(
        outcome.slowest < MAX_DURATION,
        "case {} took {:?}",
        outcome.slowest_case,
        outcome.slowest
    );
    assert!(memory.is_none_or(|kib| kib < MAX_MEMORY), "{memory:?} KiB");
}

fn run(cases: impl Iterator<Item = u64>, at: &AtomicU64) -> Outcome {
    let mut outcome = Outcome::default();
    for case in cases {
        at.store(case, Ordering::Relaxed);
        let input = inputs::make(case);
        let started = Instant::now();
        match catch_unwind(|| is_accepted(&input)) {
            Ok(true) => outcome.accepted += 1,
            Ok(false) => outcome.rejected += 1,
            Err(cause) => {
                eprintln!("case {case} panicked: {input:?}");
                std::panic::resume_unwind(cause)
            }
        }
        let elapsed = started.elapsed();
        if elapsed > outcome.slowest {
            outcome.slowest = elapsed;
            outcome.slowest_case = case;
        }
    }
    at.store(u64::MAX, Ordering::Relaxed);
    outcome
}

/// Exits the process if a thread hangs on one input.
fn watch(at: &[AtomicU64]) {
    let mut seen: Vec<(u64, Duration)> = vec![(u64::MAX, Duration::ZERO); at.len()];
    let step = Duration::from_millis(100);
    loop {
        std::thread::sleep(step);
        for ((case, waited), at) in seen.iter_mut().zip(at) {
            let now = at.load(Ordering::Relaxed);
            *waited = if *case == now { *waited + step } else { Duration::ZERO };
            *case = now;
            if now != u64::MAX && *waited > HANG_TIMEOUT {
                eprintln!("case {now} hangs: {:?}", inputs::make(now));
                std::process::exit(1);
            }
        }
        if seen.iter().all(|(case, _)| *case == u64::MAX) {
            return;
        }
    }
}

fn is_accepted(input: &Input) -> bool {
    match input {
        Input::Expression(text) => is_expression_accepted(text),
        Input::Strategy(text) => is_strategy_accepted(text),
    }
}

fn is_expression_accepted(text: &str) -> bool {
    let tree = match language::parse(text) {
        Ok(tree) => tree,
        Err(problem) => {
            assert_is_inside(text, &problem);
            return false;
        }
    };
    let types = [ValueType::Condition, ValueType::Number];
    let checked = types.map(|value_type| {
        let scope =
            Scope { parameters: PARAMETERS, allows_series: value_type == ValueType::Condition };
        let checked = language::check(&tree, value_type, scope);
        for problem in checked.as_ref().err().into_iter().flatten() {
            assert_is_inside(text, problem);
        }
        checked.ok()
    });
    let mut builder = PlanBuilder::default();
    let mut is_accepted = false;
    for checked in checked.iter().flatten() {
        match builder.add(checked, VALUES) {
            Ok(_) => is_accepted = true,
            Err(diagnostics) => {
                diagnostics.iter().for_each(|diagnostic| assert_is_inside(text, diagnostic));
            }
        }
    }
    is_accepted
}

fn assert_is_inside(text: &str, problem: &language::Diagnostic) {
    let span = problem.span;
    assert!(text.is_char_boundary(span.offset), "{problem} at byte {}", span.offset);
    let before = &text[..span.offset];
    assert_eq!(span.line, before.matches('\n').count() + 1, "{problem}");
    assert_eq!(span.column, before.rsplit('\n').next().unwrap_or("").chars().count() + 1);
    assert!(!problem.message.is_empty());
}

fn is_strategy_accepted(text: &str) -> bool {
    let Ok(strategy) = strategies::parse(text).and_then(Strategy::compile) else { return false };
    // The canonical text of an accepted strategy parses to the same strategy.
    let again = strategies::parse(strategy.source()).and_then(Strategy::compile);
    assert_eq!(again.map(|again| again.source().to_owned()).as_deref(), Ok(strategy.source()));
    let _ = strategy.parameters_schema();
    let _ = strategy.bind(None, &mut aitradepro_backtesting::request::Issues::default());
    true
}

/// Returns the peak memory of the process in KiB, if the system reports it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
