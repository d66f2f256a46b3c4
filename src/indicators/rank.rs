//! Rank in the window.

use ta_lib::{OutRange, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series};
use super::memory::Memory;
use super::rolling;
use crate::observer::ProgressObserver;

/// The percentile rank of the newest value among the last `period` values, 0 to 1; equal values share the middle of their ranks.
pub const RANK: Indicator = Indicator {
    title: "Rank in the window",
    doc: "The percentile rank of the newest value among the last `period` values, 0 to 1; equal values share the middle of their ranks.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Window length in bars, including the newest bar", 30.0, 1.0)],
    outputs: &[Output::new("rank", "The percentile rank of the newest value among the last `period` values, 0 to 1; equal values share the middle of their ranks.").between(0.0, 1.0)],
    look_back: |parameters| rolling::look_back(parameters),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, observer| match (inputs, outputs) {
        ([values], [output]) if rolling::window(parameters) < TREE_MIN_PERIOD => {
            rolling::each(values, parameters, output, rank_by_scan)
        }
        ([values], [output]) => rank_by_tree(values, rolling::window(parameters), output, observer),
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};

/// The shortest period for which the tree is faster than a linear scan of the window.
const TREE_MIN_PERIOD: usize = 256;

fn rank_by_scan(window: &[f64]) -> f64 {
    let newest = window.last().copied().unwrap_or(f64::NAN);
    let mut below = 0;
    let mut equal = 0;
    for value in window {
        below += u32::from(*value < newest);
        #[expect(clippy::float_cmp, reason = "equal means the same number")]
        let is_equal = *value == newest;
        equal += u32::from(is_equal);
    }
    share(below, equal, window.len())
}

fn share(below: u32, equal: u32, window: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a window has at most 10,000 bars")]
    let bars = window as f64;
    (f64::from(below) + f64::midpoint(f64::from(equal), 1.0)) / bars
}

/// Computes the rank in time proportional to the logarithm of the window length.
///
/// Windows are processed in blocks of as many windows as a window has bars. The windows of a block cover at most twice that
/// many values. These are sorted once, and a Fenwick tree over their sort order counts those in the window.
fn rank_by_tree(
    values: &[f64],
    window: usize,
    output: &mut [f64],
    observer: &dyn ProgressObserver,
) -> Result<OutRange, RetCode> {
    let count = output.len();
    for (block, output) in output.chunks_mut(window).enumerate() {
        if observer.is_cancelled() {
            return Err(RetCode::InternalError);
        }
        let first = block * window;
        let seen = values.get(first..first + output.len() + window - 1).ok_or(RetCode::BadParam)?;
        let ranks = dense_ranks(seen);
        let mut counts = FenwickTree::new(ranks.iter().max().map_or(0, |last| last + 1));
        let (warm_up, rest) = ranks.split_at(window - 1);
        warm_up.iter().for_each(|rank| counts.add(*rank));
        for ((output, newest), oldest) in output.iter_mut().zip(rest).zip(&ranks) {
            counts.add(*newest);
            let below = counts.below(*newest);
            let equal = counts.at(*newest);
            *output = share(below, equal, window);
            counts.remove(*oldest);
        }
    }
    Ok(OutRange { beg_idx: window - 1, count })
}

/// Returns for each value the number of distinct smaller values.
fn dense_ranks(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    let value = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    // No value is missing, and 0 equals −0 as in a comparison.
    order.sort_unstable_by(|a, b| {
        value(*a).partial_cmp(&value(*b)).unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut ranks = vec![0; values.len()];
    let mut rank = 0;
    let mut before: Option<f64> = None;
    for index in order {
        rank += usize::from(before.is_some_and(|before| before < value(index)));
        before = Some(value(index));
        if let Some(slot) = ranks.get_mut(index) {
            *slot = rank;
        }
    }
    ranks
}

/// Counts of values by rank, with prefix sums in a Fenwick tree (binary indexed tree).
struct FenwickTree {
    at: Vec<u32>,
    /// Node i, from 1 on, holds the sum over the ranks i − (lowest bit of i) to i − 1.
    tree: Vec<u32>,
}

impl FenwickTree {
    fn new(ranks: usize) -> Self {
        Self { at: vec![0; ranks], tree: vec![0; ranks + 1] }
    }

    fn at(&self, rank: usize) -> u32 {
        self.at.get(rank).copied().unwrap_or(0)
    }

    /// Returns the number of values with a smaller rank.
    fn below(&self, rank: usize) -> u32 {
        let mut node = rank;
        let mut sum = 0_u32;
        while node > 0 {
            sum = sum.wrapping_add(self.tree.get(node).copied().unwrap_or(0));
            node &= node - 1;
        }
        sum
    }

    fn add(&mut self, rank: usize) {
        self.change(rank, 1);
    }

    fn remove(&mut self, rank: usize) {
        self.change(rank, u32::MAX);
    }

    /// Adds to the count of a rank, modulo 2³², where `u32::MAX` is −1.
    fn change(&mut self, rank: usize, by: u32) {
        if let Some(count) = self.at.get_mut(rank) {
            *count = count.wrapping_add(by);
        }
        let mut node = rank + 1;
        while let Some(sum) = self.tree.get_mut(node) {
            *sum = sum.wrapping_add(by);
            node += node & node.wrapping_neg();
        }
    }
}
