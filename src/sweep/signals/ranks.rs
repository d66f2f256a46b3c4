//! Ranks: 16-bit numbers in the order of the values of all columns that are compared with each other.
//!
//! On each bar the ranks divide the interval from the smallest to the greatest value of any column into 65,534 parts. The
//! calculation is monotonic: of two values, the greater one never has the smaller rank. Where it tells nothing, for example if
//! the interval is not finite, all ranks are equal.

use super::columns::SharedColumn;
use crate::compute::multiversion::{F64x4, Lanes, simd_multiversion};
use crate::compute::parallel::{Executor, map_parts};
use crate::compute::reserve;
use crate::compute::words::{BLOCK, GREATEST_RANK, Ranks, Values};
use crate::error::{Error, Result};
use crate::market::Column;

/// The number of bars whose scale is computed at once: the columns of these bars stay in the cache.
const SECTION: usize = 16 * BLOCK;

/// The scale of the ranks on each bar.
struct Scale {
    low: Vec<f64>,
    scale: Vec<f64>,
}

/// Adds ranks to columns.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the memory cannot be allocated, `ABORT_ERR` if the executor left out a part.
pub(super) fn add_ranks(
    mut columns: Vec<&mut SharedColumn>,
    bars: usize,
    executor: &dyn Executor,
) -> Result<()> {
    let padded = bars.div_ceil(BLOCK) * BLOCK;
    let values: Vec<Column> = columns.iter().map(|column| column.values.clone()).collect();
    let sections = padded.div_ceil(SECTION);
    let scales = map_parts(executor, sections, |section| {
        let start = section * SECTION;
        section_scale(&values, start, SECTION.min(padded - start))
    });
    let mut scale = Scale {
        low: reserve::with_capacity(padded, "bars of ranks")?,
        scale: reserve::with_capacity(padded, "bars of ranks")?,
    };
    for section in scales {
        let section = section?;
        scale.low.extend(section.low);
        scale.scale.extend(section.scale);
    }
    let ranks = map_parts(executor, values.len(), |column| {
        let mut ranks = reserve::with_capacity(padded, "ranks")?;
        ranks.resize(padded, 0);
        if let Some(values) = values.get(column) {
            write_ranks(values, &scale, &mut ranks);
        }
        Ok(ranks)
    });
    if ranks.len() != columns.len() || scale.low.len() != padded {
        return Err(Error::internal("a part of the ranks is missing"));
    }
    for (column, ranks) in columns.iter_mut().zip(ranks) {
        column.ranks = ranks?;
    }
    Ok(())
}

fn section_scale(columns: &[Column], start: usize, bars: usize) -> Result<Scale> {
    let mut low = reserve::with_capacity(bars, "bars of ranks")?;
    let mut scale = reserve::with_capacity(bars, "bars of ranks")?;
    low.resize(bars, f64::INFINITY);
    scale.resize(bars, f64::NEG_INFINITY);
    for column in columns {
        let end = (start + bars).min(column.len());
        extend_range(column.get(start..end).unwrap_or(&[]), &mut low, &mut scale);
    }
    for (low, scale) in low.iter_mut().zip(&mut scale) {
        let spread = *scale - *low;
        // Without any value, or if the values are equal or not finite, all ranks are equal.
        *scale = if spread > 0.0 && spread < f64::INFINITY { GREATEST_RANK / spread } else { 0.0 };
        if !low.is_finite() {
            *low = 0.0;
        }
    }
    Ok(Scale { low, scale })
}

simd_multiversion! {
    /// Extends the range of values on each bar. Missing values are ignored.
    ///
    /// A plain loop becomes stores of some lanes, which are slow.
    fn extend_range(simd, values: &[f64], low: &mut [f64], high: &mut [f64]) -> () {
        let (fours, rest) = values.as_chunks::<4>();
        let into = low.as_chunks_mut::<4>().0.iter_mut().zip(high.as_chunks_mut::<4>().0);
        for (value, (low, high)) in fours.iter().zip(into) {
            let value = simd.load(value);
            *low = value.pmin(simd.load(low)).to_array();
            *high = value.pmax(simd.load(high)).to_array();
        }
        let into = low.iter_mut().zip(high).skip(fours.len() * 4);
        for (value, (low, high)) in rest.iter().zip(into) {
            *low = value.pmin(*low);
            *high = value.pmax(*high);
        }
    }
}

simd_multiversion! {
    fn write_ranks(simd, values: &[f64], scale: &Scale, ranks: &mut [i16]) -> () {
        let (blocks, rest) = values.as_chunks::<BLOCK>();
        let ((low, _), (factors, _), (ranks, _)) =
            (scale.low.as_chunks::<BLOCK>(), scale.scale.as_chunks::<BLOCK>(), ranks.as_chunks_mut::<BLOCK>());
        let mut last: Values = [0.0; BLOCK];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        let all = blocks.iter().chain(std::iter::once(&last));
        for (((block, low), factors), ranks) in all.zip(low).zip(factors).zip(ranks) {
            let ranks: &mut Ranks = ranks;
            simd.rank(block, low, factors, ranks);
        }
    }
}
