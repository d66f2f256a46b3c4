//! The sums of all combinations that judging needs.

use std::ops::Range;

use super::measure::{BLOCKS, TrialSums};
use crate::compute::reserve;
use crate::error::{Error, Result};

/// Above this many combinations, the sums of blocks are kept with single precision: 128 bytes per combination.
const MAX_DOUBLE: usize = 100_000;

/// The sums of combinations: one entry each, and [`BLOCKS`] entries each for the sums of blocks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SumColumns {
    /// Σ r of each combination.
    pub returns: Vec<f64>,
    /// Σ r².
    pub squares: Vec<f64>,
    /// Σ r·m.
    pub products: Vec<f64>,
    /// The mean signed exposure.
    pub exposure: Vec<f64>,
    /// Σ r of each block.
    pub block_returns: BlockColumn,
    /// Σ r² of each block.
    pub block_squares: BlockColumn,
}

/// The sums of the blocks of each combination, one combination after the other.
#[derive(Debug, Clone, PartialEq)]
pub enum BlockColumn {
    /// Of up to 100,000 combinations.
    Double(Vec<f64>),
    /// Of more.
    Single(Vec<f32>),
}

impl Default for BlockColumn {
    fn default() -> Self {
        Self::Double(Vec::new())
    }
}

impl BlockColumn {
    fn new(combinations: usize, total: usize) -> Result<Self> {
        let count = combinations.saturating_mul(BLOCKS);
        Ok(if total > MAX_DOUBLE {
            Self::Single(reserve::with_capacity(count, "sums of blocks")?)
        } else {
            Self::Double(reserve::with_capacity(count, "sums of blocks")?)
        })
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        match self {
            Self::Double(column) => column.len(),
            Self::Single(column) => column.len(),
        }
    }

    /// Returns whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns an entry; NaN if there is none.
    pub fn get(&self, index: usize) -> f64 {
        match self {
            Self::Double(column) => column.get(index).copied(),
            Self::Single(column) => column.get(index).copied().map(f64::from),
        }
        .unwrap_or(f64::NAN)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the precision is meant to be single")]
    fn extend(&mut self, values: impl Iterator<Item = f64>) {
        match self {
            Self::Double(column) => column.extend(values),
            Self::Single(column) => column.extend(values.map(|value| value as f32)),
        }
    }

    fn append(&mut self, next: &Self) -> Result<()> {
        match (self, next) {
            (Self::Double(column), Self::Double(next)) => {
                reserve::additional(column, next.len(), "sums of blocks")?;
                column.extend_from_slice(next);
            }
            (Self::Single(column), Self::Single(next)) => {
                reserve::additional(column, next.len(), "sums of blocks")?;
                column.extend_from_slice(next);
            }
            _ => return Err(Error::internal("sums of different precision cannot be joined")),
        }
        Ok(())
    }
}

impl SumColumns {
    /// Creates columns with capacity for some of the combinations of a sweep, which has `total` of them.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn with_capacity(combinations: usize, total: usize) -> Result<Self> {
        let column = || reserve::with_capacity(combinations, "combinations");
        Ok(Self {
            returns: column()?,
            squares: column()?,
            products: column()?,
            exposure: column()?,
            block_returns: BlockColumn::new(combinations, total)?,
            block_squares: BlockColumn::new(combinations, total)?,
        })
    }

    /// Appends the sums of a combination; without sums, it failed and has none.
    #[expect(clippy::cast_precision_loss, reason = "numbers of bars are below 2^32")]
    pub(super) fn push(&mut self, sums: Option<&TrialSums>) {
        let nothing = TrialSums {
            returns: f64::NAN,
            squares: f64::NAN,
            products: f64::NAN,
            exposure: f64::NAN,
            ..TrialSums::default()
        };
        let sums = sums.unwrap_or(&nothing);
        self.returns.push(sums.returns);
        self.squares.push(sums.squares);
        self.products.push(sums.products);
        self.exposure.push(sums.exposure / sums.bars.max(1) as f64);
        self.block_returns.extend(sums.blocks.iter().map(|block| block.returns));
        self.block_squares.extend(sums.blocks.iter().map(|block| block.squares));
    }

    /// Appends the combinations that follow.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn append(&mut self, next: &Self) -> Result<()> {
        for (column, next) in [
            (&mut self.returns, &next.returns),
            (&mut self.squares, &next.squares),
            (&mut self.products, &next.products),
            (&mut self.exposure, &next.exposure),
        ] {
            reserve::additional(column, next.len(), "combinations")?;
            column.extend_from_slice(next);
        }
        self.block_returns.append(&next.block_returns)?;
        self.block_squares.append(&next.block_squares)
    }

    /// Returns the names of the columns of [`Self::to_flat`].
    pub fn flat_names() -> impl Iterator<Item = String> {
        let of = |name: &'static str| (0..BLOCKS).map(move |block| format!("sums.{name}.{block}"));
        ["sums.returns", "sums.squares", "sums.products", "sums.exposure"]
            .into_iter()
            .map(str::to_owned)
            .chain(of("blockReturns"))
            .chain(of("blockSquares"))
    }

    /// Returns some rows as columns with one entry per combination each.
    pub fn to_flat(&self, rows: Range<usize>) -> Vec<Vec<f64>> {
        let cut = |column: &[f64]| column.get(rows.clone()).unwrap_or(&[]).to_vec();
        let sums = [&self.returns, &self.squares, &self.products, &self.exposure];
        let blocks = [&self.block_returns, &self.block_squares].into_iter().flat_map(|column| {
            let rows = rows.clone();
            (0..BLOCKS).map(move |block| {
                rows.clone().map(|row| column.get(row * BLOCKS + block)).collect::<Vec<f64>>()
            })
        });
        sums.into_iter().map(|column| cut(column)).chain(blocks).collect()
    }

    /// Returns the sums whose rows [`Self::to_flat`] returned; `None` if columns are missing. The whole sweep has `total`
    /// combinations.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn from_flat(columns: &[Vec<f64>], total: usize) -> Result<Option<Self>> {
        let [returns, squares, products, exposure, blocks @ ..] = columns else { return Ok(None) };
        let (Some(of_returns), Some(of_squares)) =
            (blocks.get(..BLOCKS), blocks.get(BLOCKS..2 * BLOCKS))
        else {
            return Ok(None);
        };
        let rows = returns.len();
        let mut sums = Self::with_capacity(0, total)?;
        for (into, from) in
            [(&mut sums.block_returns, of_returns), (&mut sums.block_squares, of_squares)]
        {
            *into = BlockColumn::new(rows, total)?;
            for row in 0..rows {
                into.extend(from.iter().map(|block| block.get(row).copied().unwrap_or(f64::NAN)));
            }
        }
        (sums.returns, sums.squares) = (returns.clone(), squares.clone());
        (sums.products, sums.exposure) = (products.clone(), exposure.clone());
        Ok(Some(sums))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_columns_are_the_inverse_at_both_precisions() {
        for total in [3, MAX_DOUBLE + 1] {
            let mut sums = SumColumns::with_capacity(3, total).unwrap();
            for combination in 0..3_u8 {
                let mut trial = TrialSums { bars: 10, returns: 0.1, ..TrialSums::default() };
                for (block, of_block) in trial.blocks.iter_mut().enumerate() {
                    of_block.returns = f64::from(combination) + block as f64 / 7.0;
                }
                sums.push((combination != 1).then_some(&trial));
            }
            let flat = sums.to_flat(0..3);
            assert_eq!(flat.len(), SumColumns::flat_names().count());
            let again = SumColumns::from_flat(&flat, total).unwrap().unwrap();
            assert_eq!(again.to_flat(0..3).len(), flat.len());
            assert_eq!(again.block_returns, sums.block_returns);
            assert_eq!(again.returns[2], 0.1);
            assert!(again.returns[1].is_nan());
            assert_eq!(matches!(sums.block_returns, BlockColumn::Single(_)), total > MAX_DOUBLE);
        }
        assert_eq!(SumColumns::from_flat(&[], 3).unwrap(), None);
    }
}
