//! What is computed once for an asset and shared by all combinations.

use super::chunks::{BenchmarkSums, Boundaries, Chunk};
use super::exact::Exact;
use super::first_hits::StopTables;
use crate::backtest::BacktestInput;
use crate::compute::prefetch::prefetch_at;
use crate::compute::reserve;
use crate::error::Result;
use crate::numbers::count_to_f64;

/// Closes outside this range are left to the plain path: squares of sizes and prices stay finite inside it.
const PRICES: std::ops::RangeInclusive<f64> = 1e-60..=1e60;

/// A range of up to this many bars is looked up in two overlapping spans of bars; a longer one in whole groups besides.
const GROUP: usize = 64;

/// Spans of 1, 2, 4 … [`GROUP`] bars.
const LEVELS: usize = GROUP.ilog2() as usize + 1;

/// Sums of closes begin anew after this many bars, so that few digits cancel in their differences.
const STRETCH: usize = 1_024;

/// Sums over the bars up to and with one bar, of the returns of the asset (`b`; 0 on the first bar). One cache line.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct Row {
    /// b, b², min(b, 0)², max(b − risk-free rate, 0).
    pub(super) low: [f64; 4],
    /// b³, b⁴, min(b − risk-free rate, 0), close.
    pub(super) high: [f64; 4],
}

/// What is read of one bar.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
pub(super) struct Point {
    pub(super) close: f64,
    /// The open; the close if opens are not known.
    pub(super) open: f64,
    /// The return of the asset.
    pub(super) benchmark: f64,
}

/// Sums of the distances of closes from the reference of their stretch.
#[derive(Debug, Clone, Copy, Default)]
struct Distances {
    /// Distances and squared distances of the bars of the stretch before this one.
    before: [f64; 2],
    /// The same with this bar.
    through: [f64; 2],
}

/// The highest and the lowest close of a span of bars.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extremes {
    pub(super) high: f64,
    pub(super) low: f64,
}

impl Extremes {
    #[inline(always)]
    fn with(self, other: Self) -> Self {
        Self {
            high: if other.high > self.high { other.high } else { self.high },
            low: if other.low < self.low { other.low } else { self.low },
        }
    }
}

/// The way from a close to the next one that is as high or higher.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Record {
    /// The bar of that close; the number of bars if there is none.
    pub(super) next: u32,
    /// The lowest close in between as a fraction below the first, at most 0.
    pub(super) depth: f64,
    /// The sum of the squares of such fractions over the bars in between; unknown if there is no next one.
    pub(super) squares: Squares,
}

/// A sum of squares that other sums cancel to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Squares {
    pub(super) sum: f64,
    /// The magnitude of what canceled: the sum is off by a few ε of it.
    pub(super) canceled: f64,
}

impl Squares {
    #[inline(always)]
    pub(super) fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.canceled += other.canceled;
    }
}

/// The largest magnitudes of the sums of [`Row`], which bound the error of their differences.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Magnitudes {
    pub(super) low: [f64; 4],
    pub(super) high: [f64; 4],
}

/// What is computed once for an asset and shared by all threads: prefix sums, tables of highs and lows, chains of records.
#[derive(Debug)]
pub struct Tables {
    pub(super) bars: usize,
    /// Rate of one bar, a fraction; NaN if it is not known.
    pub(super) risk_free: f64,
    /// Whether the closes are within the range that the fast paths are made for.
    pub(super) are_usable: bool,
    /// Whether a close misses the record before it by rounding error alone. Multiplied by a size it may equal the record and
    /// end a drawdown.
    pub(super) has_near_records: bool,
    pub(super) rows: Vec<Row>,
    pub(super) points: Vec<Point>,
    pub(super) magnitudes: Magnitudes,
    /// The returns of the asset; 0 on the first bar.
    pub(super) benchmark: Vec<f64>,
    pub(super) benchmark_mean: f64,
    /// The sum of the squared deviations of the returns of the asset from their mean, and of their squares.
    pub(super) benchmark_squares: f64,
    pub(super) benchmark_square_sum: f64,
    pub(super) records: Vec<Record>,
    spans: Vec<Extremes>,
    /// The same for 1, 2, 4 … groups of bars.
    groups: Vec<Vec<Extremes>>,
    distances: Vec<Distances>,
    references: Vec<f64>,
    pub(super) boundaries: Boundaries,
    /// Filled while combinations with stops are measured.
    pub(super) stops: StopTables,
}

impl Tables {
    /// Computes the tables for the bars and the risk-free rate of `input`. A combination with another rate takes the plain path.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn new(input: &BacktestInput<'_>) -> Result<Self> {
        let close = input.prices.close();
        let bars = close.len();
        let mut tables = Self {
            bars,
            risk_free: risk_free_of(input),
            are_usable: bars > 0 && close.iter().all(|price| PRICES.contains(price)),
            rows: Vec::new(),
            points: Vec::new(),
            magnitudes: Magnitudes::default(),
            has_near_records: false,
            benchmark: returns(close)?,
            benchmark_mean: 0.0,
            benchmark_squares: 0.0,
            benchmark_square_sum: 0.0,
            records: Vec::new(),
            spans: Vec::new(),
            groups: Vec::new(),
            distances: Vec::new(),
            references: Vec::new(),
            boundaries: Boundaries::default(),
            stops: StopTables::default(),
        };
        tables.boundaries = Boundaries::new(input, &tables.benchmark)?;
        if tables.are_usable {
            tables.add_rows(close)?;
            tables.add_points(close, input.prices.open().unwrap_or(close))?;
            tables.add_spans(close)?;
            tables.add_distances(close)?;
            tables.add_records(close)?;
        }
        Ok(tables)
    }

    /// Returns the number of bars.
    #[must_use]
    pub fn bars(&self) -> usize {
        self.bars
    }

    /// Returns the calendar chunks of the bars, in order. See [`super::Scratch::chunk_sums`].
    #[must_use]
    pub fn chunks(&self) -> &[Chunk] {
        &self.boundaries.chunks
    }

    /// Returns the sums of the returns of holding the asset.
    #[must_use]
    pub fn benchmark(&self) -> &BenchmarkSums {
        &self.boundaries.benchmark
    }

    fn add_rows(&mut self, close: &[f64]) -> Result<()> {
        self.rows = reserve::with_capacity(self.bars, "rows of sums")?;
        let mut sums = [Exact::default(); 8];
        let mut most = [0.0_f64; 8];
        for (&b, &close) in self.benchmark.iter().zip(close) {
            let (square, excess, fall) = (b * b, b - self.risk_free, b.min(0.0));
            let terms = [
                b,
                square,
                fall * fall,
                if excess > 0.0 { excess } else { 0.0 },
                square * b,
                square * square,
                if excess < 0.0 { excess } else { 0.0 },
                close,
            ];
            for ((sum, term), most) in sums.iter_mut().zip(terms).zip(&mut most) {
                sum.add(term);
                *most = most.max(sum.value().abs());
            }
            let [low, high] = halves(sums.each_ref().map(Exact::value));
            self.rows.push(Row { low, high });
        }
        let [low, high] = halves(most);
        self.magnitudes = Magnitudes { low, high };
        let count = count_to_f64(self.bars);
        let last = self.rows.last().copied().unwrap_or_default();
        self.benchmark_mean = last.low[0] / count;
        self.benchmark_square_sum = last.low[1];
        let deviations = self.benchmark.iter().map(|b| b - self.benchmark_mean);
        let (mut squares, mut rest) = (Exact::default(), Exact::default());
        for deviation in deviations {
            squares.add(deviation * deviation);
            rest.add(deviation);
        }
        self.benchmark_squares = squares.value() - rest.value() * rest.value() / count;
        Ok(())
    }

    fn add_points(&mut self, close: &[f64], open: &[f64]) -> Result<()> {
        self.points = reserve::with_capacity(self.bars, "bars")?;
        let rows = close.iter().zip(open).zip(&self.benchmark);
        self.points.extend(rows.map(|((&close, &open), &benchmark)| Point {
            close,
            open,
            benchmark,
        }));
        Ok(())
    }

    fn add_spans(&mut self, close: &[f64]) -> Result<()> {
        let one = |&price: &f64| Extremes { high: price, low: price };
        self.spans = reserve::with_capacity(self.bars * LEVELS, "extremes of spans of bars")?;
        self.spans.extend(close.iter().map(one));
        for level in 1..LEVELS {
            let (start, half) = ((level - 1) * self.bars, 1 << (level - 1));
            for bar in 0..self.bars {
                // Spans that reach beyond the end are cut off there.
                let left = self.spans.get(start + bar).copied();
                let right = self.spans.get(start + bar + half).filter(|_| bar + half < self.bars);
                if let Some(left) = left {
                    self.spans.push(right.map_or(left, |right| left.with(*right)));
                }
            }
        }
        let whole = self.bars / GROUP;
        let mut level: Vec<Extremes> = reserve::with_capacity(whole, "extremes of groups of bars")?;
        level.extend(
            (0..whole).filter_map(|group| {
                self.spans.get((LEVELS - 1) * self.bars + group * GROUP).copied()
            }),
        );
        let mut half = 1;
        while half * 2 <= whole {
            let mut wider: Vec<Extremes> =
                reserve::with_capacity(whole, "extremes of groups of bars")?;
            wider.extend(level.iter().zip(level.iter().skip(half)).map(|(a, b)| a.with(*b)));
            self.groups.push(std::mem::replace(&mut level, wider));
            half *= 2;
        }
        self.groups.push(level);
        Ok(())
    }

    fn add_distances(&mut self, close: &[f64]) -> Result<()> {
        self.distances = reserve::with_capacity(self.bars, "sums of closes")?;
        self.references = reserve::with_capacity(self.bars.div_ceil(STRETCH), "references")?;
        for stretch in close.chunks(STRETCH) {
            let reference = stretch.iter().sum::<f64>() / count_to_f64(stretch.len());
            self.references.push(reference);
            let mut sums = [Exact::default(); 2];
            for price in stretch {
                let before = sums.each_ref().map(Exact::value);
                let distance = price - reference;
                sums[0].add(distance);
                sums[1].add(distance * distance);
                let through = sums.each_ref().map(Exact::value);
                self.distances.push(Distances { before, through });
            }
        }
        Ok(())
    }

    fn add_records(&mut self, close: &[f64]) -> Result<()> {
        let mut records = reserve::with_capacity(self.bars, "records")?;
        records.resize(self.bars, Record::default());
        // The bars of the records from here on, the next one last, with the lowest close up to the record after each.
        let mut later: Vec<(usize, f64, f64)> = reserve::with_capacity(self.bars, "records")?;
        for (bar, &price) in close.iter().enumerate().rev() {
            let (mut lowest, mut highest) = (price, 0.0_f64);
            while let Some(&(_, there, low)) = later.last().filter(|later| later.1 < price) {
                lowest = lowest.min(low);
                highest = highest.max(there);
                later.pop();
            }
            self.has_near_records |= highest >= price * (1.0 - 4.0 * f64::EPSILON);
            let next = later.last().map_or(self.bars, |later| later.0);
            let squares = if next < self.bars && next > bar + 1 {
                self.squares(bar + 1, next, 1.0, 1.0 / price)
            } else {
                Squares::default()
            };
            let depth = (lowest - price) / price;
            if let Some(record) = records.get_mut(bar) {
                *record = Record { next: u32::try_from(next).unwrap_or(u32::MAX), depth, squares };
            }
            later.push((bar, price, lowest));
        }
        self.records = records;
        Ok(())
    }

    /// Returns the highest and the lowest close of the bars from `from` to before `until`, of which there is at least one.
    #[inline(always)]
    pub(super) fn extremes(&self, from: usize, until: usize) -> Extremes {
        let length = until - from;
        let level = (length.ilog2() as usize).min(LEVELS - 1);
        let start = level * self.bars;
        let (first, last) =
            (self.spans.get(start + from), self.spans.get(start + until - (1 << level)));
        let found = match (first, last) {
            (Some(first), Some(last)) => first.with(*last),
            _ => Extremes { high: f64::NAN, low: f64::NAN },
        };
        if length < 2 * GROUP { found } else { self.with_groups(found, from, until) }
    }

    /// Prefetches what a walk reads of the bars from `from` to before `until`, of which there is at least one.
    #[inline(always)]
    pub(super) fn prefetch(&self, from: usize, until: usize) {
        let level = ((until - from).ilog2() as usize).min(LEVELS - 1);
        let start = level * self.bars;
        prefetch_at(&self.rows, from);
        prefetch_at(&self.rows, until - 1);
        prefetch_at(&self.spans, start + from);
        prefetch_at(&self.spans, start + until - (1 << level));
        prefetch_at(&self.distances, from);
        prefetch_at(&self.distances, until - 1);
    }

    /// Adds the whole groups between two bars.
    #[inline(never)]
    fn with_groups(&self, found: Extremes, from: usize, until: usize) -> Extremes {
        let (first, end) = (from.div_ceil(GROUP), until / GROUP);
        if end <= first {
            return found;
        }
        let level = (end - first).ilog2() as usize;
        let Some(groups) = self.groups.get(level) else { return found };
        match (groups.get(first), groups.get(end - (1 << level))) {
            (Some(a), Some(b)) => found.with(*a).with(*b),
            _ => found,
        }
    }

    /// Returns the first bar from `from` on, before `until`, whose close is at least as high as `reaches` says; there is one.
    pub(super) fn first_reaching(
        &self,
        from: usize,
        until: usize,
        reaches: impl Fn(f64) -> bool,
    ) -> usize {
        let mut bar = from;
        let high = |level: usize, bar: usize| {
            self.spans.get(level * self.bars + bar).map_or(f64::INFINITY, |span| span.high)
        };
        while bar + GROUP <= until && !reaches(high(LEVELS - 1, bar)) {
            bar += GROUP;
        }
        for level in (0..LEVELS - 1).rev() {
            let length = 1 << level;
            if bar + length <= until && !reaches(high(level, bar)) {
                bar += length;
            }
        }
        bar.min(until - 1)
    }

    /// Returns the sum of (offset − factor × close)² over the bars from `from` to before `until`, of which there is at least
    /// one.
    #[inline(always)]
    pub(super) fn squares(&self, from: usize, until: usize, offset: f64, factor: f64) -> Squares {
        let last = until - 1;
        if from / STRETCH == last / STRETCH {
            self.squares_within(from, last, offset, factor)
        } else {
            self.squares_across(from, last, offset, factor)
        }
    }

    #[inline(never)]
    fn squares_across(&self, from: usize, last: usize, offset: f64, factor: f64) -> Squares {
        let (mut sum, mut bar) = (Squares::default(), from);
        while bar <= last {
            let end = last.min(bar / STRETCH * STRETCH + STRETCH - 1);
            sum.add(self.squares_within(bar, end, offset, factor));
            bar = end + 1;
        }
        sum
    }

    /// The same over the bars `from` to `last` of one stretch.
    #[inline(always)]
    fn squares_within(&self, from: usize, last: usize, offset: f64, factor: f64) -> Squares {
        let (Some(first), Some(end), Some(reference)) = (
            self.distances.get(from),
            self.distances.get(last),
            self.references.get(from / STRETCH),
        ) else {
            return Squares { sum: f64::NAN, canceled: 0.0 };
        };
        let count = count_to_f64(last - from + 1);
        let distance = offset - factor * reference;
        let (sum, squares) = (end.through[0] - first.before[0], end.through[1] - first.before[1]);
        let square = factor * factor;
        let found = count * distance * distance - 2.0 * distance * factor * sum + square * squares;
        Squares { sum: if found > 0.0 { found } else { 0.0 }, canceled: square * end.through[1] }
    }
}

/// Returns the first and the last four of eight values.
#[inline(always)]
fn halves(values: [f64; 8]) -> [[f64; 4]; 2] {
    let half =
        |from: usize| std::array::from_fn(|lane| values.get(from + lane).copied().unwrap_or(0.0));
    [half(0), half(4)]
}

/// Returns the risk-free rate of one bar, a fraction; not finite if it is not known.
#[inline]
pub(super) fn risk_free_of(input: &BacktestInput<'_>) -> f64 {
    let annual = input.settings.conventions.risk_free;
    // A rate of zero is zero per bar, however long that is.
    if annual == 0.0 { 0.0 } else { annual / input.annualization.bars_per_year.unwrap_or(f64::NAN) }
}

/// Returns the returns of the asset; 0 on the first bar.
fn returns(close: &[f64]) -> Result<Vec<f64>> {
    let mut returns = reserve::with_capacity(close.len(), "returns")?;
    returns.extend(close.first().map(|_| 0.0));
    returns.extend(close.iter().zip(close.iter().skip(1)).map(|(from, to)| (to - from) / from));
    Ok(returns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::measure::testing::{input_of, walk};

    #[test]
    fn extremes_squares_and_first_bars_are_those_of_a_scan() {
        let close = walk(2_500, 0.01, 3);
        let settings = crate::settings::Settings::default();
        let tables = input_of(&close, &settings, |input| Tables::new(input).unwrap());
        let spans =
            [(0, 1), (0, 2_500), (3, 4), (5, 69), (5, 70), (0, 128), (1, 129), (1_023, 1_026)];
        for (from, until) in spans {
            let span = &close[from..until];
            let found = tables.extremes(from, until);
            let highest = span.iter().copied().reduce(f64::max).unwrap();
            assert_eq!(found.high.to_bits(), highest.to_bits());
            assert_eq!(
                found.low.to_bits(),
                span.iter().copied().reduce(f64::min).unwrap().to_bits()
            );
            let expected: f64 = span.iter().map(|price| (0.9 - 0.012 * price).powi(2)).sum();
            assert!((tables.squares(from, until, 0.9, 0.012).sum / expected - 1.0).abs() < 1e-12);
            let wanted = span.iter().position(|&price| price >= highest).unwrap();
            assert_eq!(tables.first_reaching(from, until, |price| price >= highest), from + wanted);
        }
    }

    #[test]
    fn closes_that_differ_by_rounding_alone_and_extreme_ones_are_known() {
        let settings = crate::settings::Settings::default();
        let of = |close: &[f64]| {
            input_of(close, &settings, |input| {
                let tables = Tables::new(input).unwrap();
                (tables.are_usable, tables.has_near_records)
            })
        };
        assert_eq!(of(&[1.0, 1.0, 2.0, 1.0]), (true, false));
        assert_eq!(of(&[1.0, 1.0 - f64::EPSILON, 2.0]), (true, true));
        assert_eq!(of(&[1.0, 1e70]), (false, false));
        assert_eq!(of(&[]), (false, false));
    }
}
