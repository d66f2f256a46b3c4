//! How long judging takes. Run with `--release -- --ignored --nocapture`.

#![allow(clippy::print_stdout, reason = "prints what it measured")]

use std::hint::black_box;
use std::time::Instant;

use super::cscv::{BlockReturns, SplitPlan, cscv};
use super::signs::Signs;
use super::sketch::{Sketch, SketchScratch};
use crate::compute::parallel::Sequential;
use crate::observer::NoObserver;
use crate::random::SplitMix64;

/// Returns the sums of chunks of trials with correlated neighbors, as a grid has them, and their squares.
fn grid(trials: usize, chunks: usize) -> Vec<(Vec<f64>, f64)> {
    let mut random = SplitMix64::new(1);
    let mut noise = move || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
    let mut sums = vec![0.0; chunks];
    (0..trials)
        .map(|_| {
            for sum in &mut sums {
                *sum = 0.95 * *sum + 0.312 * noise();
            }
            (sums.clone(), chunks as f64)
        })
        .collect()
}

#[test]
#[ignore = "measures time"]
fn the_sketch() {
    for (trials, chunks) in
        [(1_000, 64), (4_950, 64), (100_000, 64), (10_000, 12), (10_000, 500), (2_000, 3_650)]
    {
        let signs = Signs::new(600..600 + chunks as i64).unwrap();
        let trials = grid(trials, chunks);
        let mut least = f64::INFINITY;
        for _ in 0..7 {
            let (mut sketch, mut scratch) = (Sketch::new().unwrap(), SketchScratch::default());
            let start = Instant::now();
            for (sums, squares) in &trials {
                sketch.add(&signs, sums, *squares, &mut scratch).unwrap();
            }
            least = least.min(start.elapsed().as_secs_f64());
            black_box(&sketch);
        }
        println!(
            "{} trials, {chunks} chunks: {:.3} µs a trial",
            trials.len(),
            least * 1e6 / trials.len() as f64
        );
    }
}

#[test]
#[ignore = "measures time"]
fn cross_validation() {
    let bars = [625; 16];
    for trials in [100, 1_000, 10_000, 100_000] {
        let mut random = SplitMix64::new(2);
        let sums: Vec<[[f64; 2]; 16]> = (0..trials)
            .map(|_| std::array::from_fn(|_| [random.unit() - 0.5, 50.0 + random.unit()]))
            .collect();
        let read = |trial: usize, into: &mut [[f64; 2]]| into.copy_from_slice(&sums[trial]);
        let returns = BlockReturns { trials, bars: &bars, read: &read };
        for budget in [u64::MAX, 200_000_000] {
            let start = Instant::now();
            let found = cscv(&returns, SplitPlan { budget, seed: 1 }, &Sequential, &NoObserver)
                .unwrap()
                .unwrap();
            let took = start.elapsed().as_secs_f64();
            let evaluations = found.splits.len() as f64 * trials as f64;
            println!(
                "{trials} trials, {} splits: {took:.3} s, {:.2} ns a trial and split",
                found.splits.len(),
                took * 1e9 / evaluations
            );
        }
    }
}
