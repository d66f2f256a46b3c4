//! Blocks of equal bar counts and chunks of calendar time: where the sums that judging needs are cut.

use super::exact::Exact;
use crate::backtest::BacktestInput;
use crate::compute::reserve;
use crate::error::Result;
use crate::market::time::DAY;

/// The number of blocks of a trial.
pub const BLOCKS: usize = 16;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A run of bars within one period of calendar time, the same for all assets and ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// The number of the period since 1970-01-01 UTC.
    pub number: i64,
    /// The first bar.
    pub from: usize,
    /// The bar after the last one.
    pub until: usize,
}

/// The sums of one block of a series of returns.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BlockSums {
    /// How many bars it has.
    pub bars: u32,
    /// The sum of the returns.
    pub returns: f64,
    /// The sum of their squares.
    pub squares: f64,
}

/// The sums of the returns of holding the asset, `m`. The first bar counts as 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BenchmarkSums {
    /// Σ m.
    pub returns: f64,
    /// Σ m².
    pub squares: f64,
    /// The sums of each block.
    pub blocks: [BlockSums; BLOCKS],
    /// Σ m of each chunk.
    pub chunks: Vec<f64>,
}

/// Where the sums of a trial are cut.
#[derive(Debug, Default)]
pub(super) struct Boundaries {
    /// The ends of all blocks and chunks, ascending and different: sums over the bars before them are needed.
    pub(super) bars: Vec<u32>,
    /// The places in `bars` of the ends of the blocks. A place beyond the end stands for the sum of nothing: bar 0.
    pub(super) blocks: [u32; BLOCKS],
    /// The places in `bars` of the ends of the chunks.
    pub(super) chunk_ends: Vec<u32>,
    pub(super) block_bars: [u32; BLOCKS],
    pub(super) chunks: Vec<Chunk>,
    pub(super) benchmark: BenchmarkSums,
}

impl Boundaries {
    pub(super) fn new(input: &BacktestInput<'_>, benchmark: &[f64]) -> Result<Self> {
        let bars = input.prices.len();
        let timestamps = input.timestamps.get(..bars).unwrap_or(&[]);
        let chunks = chunks(timestamps, input.bar_milliseconds)?;
        let (share, more) = (bars / BLOCKS, bars % BLOCKS);
        let block_bars: [usize; BLOCKS] =
            std::array::from_fn(|block| share + usize::from(block < more));
        let mut end = 0;
        let block_ends = block_bars.map(|bars| {
            end += bars;
            end
        });
        let mut ends = reserve::with_capacity(chunks.len() + BLOCKS, "boundaries")?;
        ends.extend(block_ends.iter().copied().filter(|&end| end > 0));
        ends.extend(chunks.iter().map(|chunk| chunk.until));
        ends.sort_unstable();
        ends.dedup();
        let narrow = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let place = |end: usize| narrow(ends.binary_search(&end).unwrap_or(usize::MAX));
        let mut chunk_ends = reserve::with_capacity(chunks.len(), "boundaries")?;
        chunk_ends.extend(chunks.iter().map(|chunk| place(chunk.until)));
        let mut boundaries = Self {
            blocks: block_ends.map(place),
            chunk_ends,
            block_bars: block_bars.map(narrow),
            bars: ends.iter().copied().map(narrow).collect(),
            chunks,
            benchmark: BenchmarkSums::default(),
        };
        let (mut sums, mut marks, mut from) = ([Exact::default(); 2], Vec::new(), 0);
        for &end in &ends {
            for m in benchmark.get(from..end).unwrap_or(&[]) {
                sums[0].add(*m);
                sums[1].add(m * m);
            }
            marks.push(sums.each_ref().map(Exact::value));
            from = end;
        }
        let [returns, squares] = marks.last().copied().unwrap_or_default();
        let mut of_chunks = Vec::new();
        boundaries.chunk_sums(&marks, &mut of_chunks);
        boundaries.benchmark = BenchmarkSums {
            returns,
            squares,
            blocks: boundaries.block_sums(&marks),
            chunks: of_chunks,
        };
        Ok(boundaries)
    }

    /// Returns the sums of the blocks from the sums up to each boundary.
    pub(super) fn block_sums(&self, marks: &[[f64; 2]]) -> [BlockSums; BLOCKS] {
        let mut before = [0.0; 2];
        std::array::from_fn(|block| {
            let place = self.blocks.get(block).copied().unwrap_or(u32::MAX);
            let here = marks.get(place as usize).copied().unwrap_or(before);
            let bars = self.block_bars.get(block).copied().unwrap_or(0);
            let sums =
                BlockSums { bars, returns: here[0] - before[0], squares: here[1] - before[1] };
            before = here;
            sums
        })
    }

    /// Writes the sum of the returns of each chunk.
    pub(super) fn chunk_sums(&self, marks: &[[f64; 2]], into: &mut Vec<f64>) {
        let mut before = 0.0;
        into.clear();
        into.extend(self.chunk_ends.iter().map(|&place| {
            let here = marks.get(place as usize).map_or(before, |mark| mark[0]);
            let sum = here - before;
            before = here;
            sum
        }));
    }
}

/// Divides bars into chunks of calendar time. There are none without timestamps.
fn chunks(timestamps: &[i64], bar_milliseconds: Option<i64>) -> Result<Vec<Chunk>> {
    let (Some(first), Some(last)) = (timestamps.first(), timestamps.last()) else {
        return Ok(Vec::new());
    };
    let gaps = i64::try_from(timestamps.len() - 1).unwrap_or(i64::MAX).max(1);
    let bar = bar_milliseconds.unwrap_or(last.saturating_sub(*first) / gaps);
    let length = match bar {
        _ if bar <= 5 * MINUTE => DAY,
        _ if bar <= 12 * HOUR => 7 * DAY,
        _ if bar <= DAY => 28 * DAY,
        _ => 182 * DAY,
    };
    let mut chunks: Vec<Chunk> = Vec::new();
    for (bar, timestamp) in timestamps.iter().enumerate() {
        let number = timestamp.div_euclid(length);
        match chunks.last_mut().filter(|chunk| chunk.number == number) {
            Some(chunk) => chunk.until = bar + 1,
            None => {
                reserve::push(&mut chunks, Chunk { number, from: bar, until: bar + 1 }, "chunks")?;
            }
        }
    }
    Ok(chunks)
}
