//! The results of combinations as columns.

use crate::compute::reserve;
use crate::error::Result;

use super::standing::Standing;
use super::sum_columns::SumColumns;

/// The results of combinations in grid order, as columns with one entry per combination.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SweepColumns {
    /// The first combination.
    pub from: usize,
    /// One column for each metric, in the order of the request; NaN if a metric has no value.
    pub metrics: Vec<Vec<f64>>,
    /// The objective; NaN if it has no value.
    pub objective: Vec<f64>,
    /// Whether each combination competes.
    pub standing: Vec<Standing>,
    /// The sums that judging needs, if they are wanted.
    pub sums: Option<SumColumns>,
}

impl SweepColumns {
    /// Creates columns with capacity for `combinations` combinations from `from` on.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn with_capacity(from: usize, metrics: usize, combinations: usize) -> Result<Self> {
        let column = || reserve::with_capacity(combinations, "combinations");
        Ok(Self {
            from,
            metrics: (0..metrics).map(|_| column()).collect::<Result<_>>()?,
            objective: column()?,
            standing: reserve::with_capacity(combinations, "combinations")?,
            sums: None,
        })
    }

    /// Adds columns for the sums that judging needs. The whole sweep has `total` combinations.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn with_sums(self, total: usize) -> Result<Self> {
        let sums = SumColumns::with_capacity(self.objective.capacity(), total)?;
        Ok(Self { sums: Some(sums), ..self })
    }

    /// Returns the number of combinations.
    pub fn len(&self) -> usize {
        self.objective.len()
    }

    /// Returns whether there are no combinations.
    pub fn is_empty(&self) -> bool {
        self.objective.is_empty()
    }

    /// Appends one combination, with as many of the metrics as are kept.
    pub(super) fn push(&mut self, metrics: &[f64], objective: f64, standing: Standing) {
        for (column, value) in self.metrics.iter_mut().zip(metrics) {
            column.push(*value);
        }
        self.objective.push(objective);
        self.standing.push(standing);
    }

    /// Appends the combinations that follow.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn append(&mut self, next: &Self) -> Result<()> {
        let more = next.len();
        for (column, next) in self.metrics.iter_mut().zip(&next.metrics) {
            reserve::additional(column, more, "combinations")?;
            column.extend_from_slice(next);
        }
        reserve::additional(&mut self.objective, more, "combinations")?;
        self.objective.extend_from_slice(&next.objective);
        reserve::additional(&mut self.standing, more, "combinations")?;
        self.standing.extend_from_slice(&next.standing);
        match (&mut self.sums, &next.sums) {
            (Some(sums), Some(next)) => sums.append(next),
            _ => Ok(()),
        }
    }
}
