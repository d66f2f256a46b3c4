//! Bands of indicators: a center and a multiple of a width. Bands that differ only by their factor share both.

use super::kernels::operand::Band;
use super::plan::StepId;
use crate::error::{Error, Result};
use crate::market::Column;

/// A band as its columns.
#[derive(Debug, Clone)]
pub(super) struct StoredBand {
    pub(super) center: Column,
    pub(super) width: Column,
    pub(super) factor: f64,
}

impl StoredBand {
    /// Returns the band of an output of the indicator; `None` if the output is the center.
    pub(super) fn signed(&self, signs: &[f64], output: usize) -> Result<Option<Self>> {
        let sign = signs.get(output).ok_or_else(|| Error::internal("a band has no sign"))?;
        Ok((*sign != 0.0).then(|| Self { factor: sign * self.factor, ..self.clone() }))
    }

    pub(super) fn as_band(&self) -> Band<'_> {
        Band { center: &self.center, width: &self.width, factor: self.factor }
    }
}

/// The centers and widths of a plan that were computed last.
#[derive(Debug, Default)]
pub(super) struct Bases {
    known: Vec<Base>,
}

#[derive(Debug)]
struct Base {
    /// The indicator, its inputs, and the bits of the parameters before the factor.
    key: (usize, Vec<StepId>, Vec<u64>),
    columns: [Column; 2],
}

/// The most values of all columns that are kept. Of long columns, only those that were computed last are.
const MOST_VALUES: usize = 1 << 19;

impl Bases {
    /// Returns center and width, which are computed unless they are known.
    pub(super) fn find(
        &mut self,
        (indicator, inputs, parameters): (usize, &[StepId], &[u64]),
        compute: impl FnOnce() -> Result<Vec<Vec<f64>>>,
    ) -> Result<[Column; 2]> {
        let is_same = |base: &&Base| {
            let (known, of_inputs, of_parameters) = &base.key;
            *known == indicator && of_inputs == inputs && of_parameters == parameters
        };
        if let Some(base) = self.known.iter().find(is_same) {
            return Ok(base.columns.clone());
        }
        let columns = compute()?.into_iter().map(Column::from).collect::<Vec<_>>();
        let columns = <[Column; 2]>::try_from(columns)
            .map_err(|_| Error::internal("a base of bands has two columns"))?;
        let most = MOST_VALUES / (2 * columns[0].len()).max(1);
        if self.known.len() >= most.max(1) {
            self.known.remove(0);
        }
        let key = (indicator, inputs.to_vec(), parameters.to_vec());
        self.known.push(Base { key, columns: columns.clone() });
        Ok(columns)
    }
}
