//! Compares many MACD lines with their signal lines, without storing them.
//!
//! Each line is a chain of dependent operations. Four pairs of a fast and a slow average are computed at a time, and for each of
//! them one signal line after the other. The order of the operations is that of TA-Lib, so that the bits are the same.

use super::three_way_comparison::{BLOCK_BARS, ThreeWayComparison};
use crate::compute::averages::{Averages, Rows};
use crate::compute::multiversion::simd_multiversion;
use crate::observer::ProgressObserver;

/// The number of pairs of averages that are computed at a time.
const LANES: usize = 4;

/// The periods of one computation. The fast period is at least 2 and at most the slow one, the signal period at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Periods {
    pub(super) fast: usize,
    pub(super) slow: usize,
    pub(super) signal: usize,
}

impl Periods {
    /// Returns the first bar with a value.
    fn first_bar(self) -> usize {
        self.slow.saturating_sub(1).saturating_add(self.signal.saturating_sub(1))
    }
}

/// Returns the weight of a new value, and what is kept of the value before.
#[expect(clippy::cast_precision_loss, reason = "a period is at most 10,000")]
fn weights(period: usize) -> (f64, f64) {
    let rest = (period as f64 - 1.0) / (period as f64 + 1.0);
    let weight = 1.0 - rest;
    (weight, if rest < 0.5 { 1.0 - weight } else { rest })
}

/// The words of one comparison.
#[derive(Debug, Clone, Default)]
struct Sides {
    above: Vec<u64>,
    below: Vec<u64>,
    defined: Vec<u64>,
}

/// The state of one computation.
#[derive(Debug, Clone, Copy)]
struct State {
    periods: Periods,
    /// The fast average, the slow one, and the signal line: their sums until they have their first values.
    values: [f64; 3],
    next_bar: usize,
}

impl State {
    fn new(periods: Periods) -> Self {
        Self { periods, values: [0.0; 3], next_bar: 0 }
    }

    /// Computes bar by bar up to one (exclusive) and writes the words.
    #[expect(clippy::cast_precision_loss, reason = "a period is at most 10,000")]
    fn advance(&mut self, prices: &[f64], end: usize, sides: &mut Sides) {
        let Periods { fast, slow, signal } = self.periods;
        let [fast_weights, slow_weights, signal_weights] = [fast, slow, signal].map(weights);
        let next =
            |(weight, rest): (f64, f64), value: f64, new: f64| rest.mul_add(value, weight * new);
        let [fast_value, slow_value, signal_value] = &mut self.values;
        for (bar, &price) in prices.iter().enumerate().take(end).skip(self.next_bar) {
            if bar < slow {
                // The sums begin so that both averages have their first value on the same bar.
                *slow_value += price;
                if bar >= slow - fast {
                    *fast_value += price;
                }
                if bar + 1 == slow {
                    *slow_value /= slow as f64;
                    *fast_value /= fast as f64;
                }
            } else {
                *fast_value = next(fast_weights, *fast_value, price);
                *slow_value = next(slow_weights, *slow_value, price);
            }
            if bar + 1 < slow {
                continue;
            }
            let line = *fast_value - *slow_value;
            let count = bar + 1 - slow;
            if count < signal {
                *signal_value += line;
                if count + 1 < signal {
                    continue;
                }
                *signal_value /= signal as f64;
            } else if signal == 1 {
                *signal_value = line;
            } else {
                *signal_value = next(signal_weights, *signal_value, line);
            }
            let bit = 1 << (bar % BLOCK_BARS);
            let set = |words: &mut Vec<u64>, holds: bool| {
                if let Some(word) = words.get_mut(bar / BLOCK_BARS).filter(|_| holds) {
                    *word |= bit;
                }
            };
            set(&mut sides.above, line > *signal_value);
            set(&mut sides.below, line < *signal_value);
            set(&mut sides.defined, true);
        }
        self.next_bar = end.max(self.next_bar);
    }
}

/// Compares the lines of computations with their signal lines. The prices have no missing values. Returns `None` once the observer
/// is cancelled.
pub(super) fn compare_lines(
    prices: &[f64],
    all: &[Periods],
    observer: &dyn ProgressObserver,
) -> Option<Vec<ThreeWayComparison>> {
    let words = prices.len().div_ceil(BLOCK_BARS);
    let mut sides: Vec<Sides> =
        vec![
            Sides { above: vec![0; words], below: vec![0; words], defined: vec![0; words] };
            all.len()
        ];
    // Computations with the same averages become neighbors.
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|index| all.get(*index));
    let pair = |index: &usize| all.get(*index).map(|periods| (periods.fast, periods.slow));
    let pairs: Vec<&[usize]> = order.chunk_by(|a, b| pair(a) == pair(b)).collect();
    for lanes in pairs.chunks(LANES) {
        if observer.is_cancelled() {
            return None;
        }
        compare_four(prices, all, lanes, &mut sides);
    }
    let comparison = |sides: Sides| {
        ThreeWayComparison::from_words(sides.above, sides.below, sides.defined, prices.len())
    };
    Some(sides.into_iter().map(comparison).collect())
}

/// The computations of up to four pairs of averages. Missing lanes and computations repeat others; nobody reads their results.
struct Four<'a> {
    all: &'a [Periods],
    lanes: &'a [&'a [usize]],
    /// The most computations of a lane.
    depth: usize,
    /// The state of each computation on the first bar of the first block that is computed in lanes.
    states: Vec<State>,
}

impl<'a> Four<'a> {
    fn new(all: &'a [Periods], lanes: &'a [&'a [usize]]) -> Self {
        let depth = lanes.iter().map(|lane| lane.len()).max().unwrap_or(0);
        Self { all, lanes, depth, states: Vec::with_capacity(LANES * depth) }
    }

    fn index(&self, lane: usize, signal: usize) -> usize {
        let Some(lane) = self.lanes.get(lane).or(self.lanes.last()) else { return usize::MAX };
        lane.get(signal).or(lane.last()).copied().unwrap_or(usize::MAX)
    }

    fn periods(&self, lane: usize, signal: usize) -> Periods {
        let periods = self.all.get(self.index(lane, signal)).copied();
        periods.unwrap_or(Periods { fast: 2, slow: 2, signal: 1 })
    }

    /// Returns where the result of a computation belongs, `None` if it repeats another one.
    fn sides<'b>(
        &self,
        lane: usize,
        signal: usize,
        sides: &'b mut [Sides],
    ) -> Option<&'b mut Sides> {
        let is_read = self.lanes.get(lane).is_some_and(|lane| signal < lane.len());
        sides.get_mut(self.index(lane, signal)).filter(|_| is_read)
    }

    /// Returns the first block in which all computations have values, at most a number.
    fn first_block(&self, blocks: usize) -> usize {
        let computations = (0..LANES).flat_map(|lane| (0..self.depth).map(move |at| (lane, at)));
        computations
            .map(|(lane, signal)| self.periods(lane, signal).first_bar() / BLOCK_BARS + 1)
            .max()
            .unwrap_or(0)
            .min(blocks)
    }

    /// Computes bar by bar up to one (exclusive).
    fn begin(&mut self, prices: &[f64], end: usize, sides: &mut [Sides]) {
        for signal in 0..self.depth {
            for lane in 0..LANES {
                let mut state = State::new(self.periods(lane, signal));
                if let Some(sides) = self.sides(lane, signal, sides) {
                    state.advance(prices, end, sides);
                } else {
                    state.advance(prices, end, &mut Sides::default());
                }
                self.states.push(state);
            }
        }
    }

    fn state(&self, lane: usize, signal: usize) -> State {
        let signal = signal.min(self.depth.saturating_sub(1));
        let state = self.states.get(signal * LANES + lane).copied();
        state.unwrap_or(State::new(self.periods(lane, signal)))
    }

    /// Returns the averages: fast, slow or signal lines of each lane.
    fn averages(&self, signal: usize, which: usize) -> Averages {
        let mut averages = Averages::default();
        for lane in 0..LANES {
            let state = self.state(lane, signal);
            let Periods { fast, slow, signal } = state.periods;
            (averages.weights[lane], averages.rests[lane]) = weights([fast, slow, signal][which]);
            averages.values[lane] = state.values[which];
        }
        averages
    }

    /// Stores the words of a block of two times four computations.
    fn store(
        &self,
        (word, two): (usize, usize),
        above: &[[u64; LANES]; 2],
        below: &[[u64; LANES]; 2],
        sides: &mut [Sides],
    ) {
        for (second, (above, below)) in above.iter().zip(below).enumerate() {
            for (lane, (above, below)) in above.iter().zip(below).enumerate() {
                let Some(to) = self.sides(lane, 2 * two + second, sides) else { continue };
                for (words, found) in
                    [(&mut to.above, *above), (&mut to.below, *below), (&mut to.defined, u64::MAX)]
                {
                    if let Some(word) = words.get_mut(word) {
                        *word = found;
                    }
                }
            }
        }
    }

    /// Computes the bars after the last block bar by bar.
    fn finish(&mut self, prices: &[f64], sides: &mut [Sides]) {
        for signal in 0..self.depth {
            for lane in 0..LANES {
                let mut state = self.state(lane, signal);
                if let Some(sides) = self.sides(lane, signal, sides) {
                    state.advance(prices, prices.len(), sides);
                }
            }
        }
    }

    /// Replaces the states by those after the last block.
    fn set_states(&mut self, lines: &[Averages; 2], signals: &[[Averages; 2]], next_bar: usize) {
        for (index, state) in self.states.iter_mut().enumerate() {
            let (signal, lane) = (index / LANES, index % LANES);
            let value =
                signals.get(signal / 2).map_or(f64::NAN, |two| two[signal % 2].values[lane]);
            state.values = [lines[0].values[lane], lines[1].values[lane], value];
            state.next_bar = next_bar;
        }
    }
}

simd_multiversion! {
    /// Compares all computations of up to four pairs of averages.
    fn compare_four(
        simd,
        prices: &[f64],
        all: &[Periods],
        lanes: &[&[usize]],
        sides: &mut [Sides],
    ) -> () {
        let mut four = Four::new(all, lanes);
        let (blocks, _) = prices.as_chunks::<BLOCK_BARS>();
        let first = four.first_block(blocks.len());
        four.begin(prices, first * BLOCK_BARS, sides);
        let mut lines = [four.averages(0, 0), four.averages(0, 1)];
        // Two times four signal lines are computed at once.
        let mut signals: Vec<[Averages; 2]> = (0..four.depth.div_ceil(2))
            .map(|two| [four.averages(2 * two, 2), four.averages(2 * two + 1, 2)])
            .collect();
        let mut rows: Rows = [[0.0; LANES]; BLOCK_BARS];
        for (word, block) in blocks.iter().enumerate().skip(first) {
            simd.subtract(block, &mut lines, &mut rows);
            for (two, averages) in signals.iter_mut().enumerate() {
                let before = *averages;
                let mut above = [[0; LANES]; 2];
                let has_equal = simd.follow(&rows, averages, &mut above);
                let below = if has_equal {
                    compare_exactly(&rows, before, &mut above)
                } else {
                    above.map(|words| words.map(|word: u64| !word))
                };
                four.store((word, two), &above, &below, sides);
            }
        }
        if first < blocks.len() {
            four.set_states(&lines, &signals, blocks.len() * BLOCK_BARS);
        }
        four.finish(prices, sides);
    }
}

/// Compares a block again, value by value, and returns where the line is below its signal.
#[cold]
#[inline(never)]
fn compare_exactly(
    rows: &Rows,
    mut averages: [Averages; 2],
    above: &mut [[u64; LANES]; 2],
) -> [[u64; LANES]; 2] {
    let mut below = [[0; LANES]; 2];
    *above = [[0; LANES]; 2];
    for (bar, row) in rows.iter().enumerate() {
        for (two, averages) in averages.iter_mut().enumerate() {
            for (lane, line) in row.iter().enumerate() {
                let signal = averages.advance(lane, *line);
                above[two][lane] |= u64::from(*line > signal) << bar;
                below[two][lane] |= u64::from(*line < signal) << bar;
            }
        }
    }
    below
}
