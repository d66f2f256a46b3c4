//! Rank in the window.

use ta_lib::{OutRange, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series};
use super::rolling;
use crate::observer::ProgressObserver;

/// Rank in the window.
pub const RANK: Indicator = Indicator {
    title: "Rank in the window",
    doc: "The share of the last `period` values that are at most the newest; equal ones share the middle of their ranks.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Bars to look at, the newest included", 30.0, 1.0)],
    outputs: &[Output {
        name: "rank",
        doc: "The share of the last `period` values that are at most the newest; equal ones share the middle of their ranks.",
    }],
    look_back: |parameters| rolling::look_back(parameters),
    kernel: |inputs, parameters, outputs, observer| match (inputs, outputs) {
        ([values], [output]) if rolling::window(parameters) < MANY => {
            rolling::each(values, parameters, output, by_counting)
        }
        ([values], [output]) => by_tree(values, rolling::window(parameters), output, observer),
        _ => Err(RetCode::BadParam),
    },
};

/// From this period on, a tree of counts is faster than looking at each value.
const MANY: usize = 256;

fn by_counting(window: &[f64]) -> f64 {
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

/// Computes the same in time proportional to the logarithm of the window.
///
/// As many windows as a window has bars see at most twice as many values between them. Those are sorted once, and a tree
/// over them counts which are in the window.
fn by_tree(
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
        let places = places(seen);
        let mut counts = Counts::new(places.iter().max().map_or(0, |last| last + 1));
        let (early, late) = places.split_at(window - 1);
        early.iter().for_each(|place| counts.add(*place));
        for ((output, newest), oldest) in output.iter_mut().zip(late).zip(&places) {
            counts.add(*newest);
            let below = counts.below(*newest);
            let equal = counts.at(*newest);
            *output = share(below, equal, window);
            counts.remove(*oldest);
        }
    }
    Ok(OutRange { beg_idx: window - 1, count })
}

/// Returns for each value how many different ones are below it.
fn places(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    let value = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    // There are no missing values; and 0 equals −0, as in a comparison.
    order.sort_unstable_by(|a, b| {
        value(*a).partial_cmp(&value(*b)).unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut places = vec![0; values.len()];
    let mut place = 0;
    let mut before: Option<f64> = None;
    for index in order {
        place += usize::from(before.is_some_and(|before| before < value(index)));
        before = Some(value(index));
        if let Some(slot) = places.get_mut(index) {
            *slot = place;
        }
    }
    places
}

/// How many values there are at each place, with sums over places in a binary indexed tree.
struct Counts {
    at: Vec<u32>,
    /// Node i, from 1 on, holds the sum over the places i − (lowest bit of i) to i − 1.
    tree: Vec<u32>,
}

impl Counts {
    fn new(places: usize) -> Self {
        Self { at: vec![0; places], tree: vec![0; places + 1] }
    }

    fn at(&self, place: usize) -> u32 {
        self.at.get(place).copied().unwrap_or(0)
    }

    /// Returns how many values there are below a place.
    fn below(&self, place: usize) -> u32 {
        let mut node = place;
        let mut sum = 0_u32;
        while node > 0 {
            sum = sum.wrapping_add(self.tree.get(node).copied().unwrap_or(0));
            node &= node - 1;
        }
        sum
    }

    fn add(&mut self, place: usize) {
        self.change(place, 1);
    }

    fn remove(&mut self, place: usize) {
        self.change(place, u32::MAX);
    }

    /// Adds to the count of a place, modulo 2³², where `u32::MAX` is −1.
    fn change(&mut self, place: usize, by: u32) {
        if let Some(count) = self.at.get_mut(place) {
            *count = count.wrapping_add(by);
        }
        let mut node = place + 1;
        while let Some(sum) = self.tree.get_mut(node) {
            *sum = sum.wrapping_add(by);
            node += node & node.wrapping_neg();
        }
    }
}
