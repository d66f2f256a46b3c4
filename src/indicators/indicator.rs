//! What an indicator is: its inputs, parameters, outputs, look-back and computation.

use std::sync::LazyLock;

use ta_lib::{Core, OutRange, RetCode};

use super::segments;
use crate::error::{Error, Result};
use crate::observer::{NoObserver, ProgressObserver};

/// The longest period, in bars.
pub const LONGEST: f64 = 10_000.0;

/// A column of the bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Series {
    /// Opening price.
    Open,
    /// Highest price.
    High,
    /// Lowest price.
    Low,
    /// Closing price.
    Close,
    /// Traded volume.
    Volume,
}

impl Series {
    /// Every column with its name in the language.
    pub const ALL: [(&'static str, Self); 5] = [
        ("open", Self::Open),
        ("high", Self::High),
        ("low", Self::Low),
        ("close", Self::Close),
        ("volume", Self::Volume),
    ];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// A number that changes what an indicator computes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// The name, for messages and documentation.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// The value where none is given: TA-Lib's.
    pub default: f64,
    /// The least value allowed.
    pub minimum: f64,
    /// The greatest value allowed.
    pub maximum: f64,
    /// Whether only whole numbers are allowed.
    pub integer: bool,
}

impl Parameter {
    /// Describes a number of bars.
    pub const fn period(name: &'static str, doc: &'static str, default: f64, minimum: f64) -> Self {
        Self { name, doc, default, minimum, maximum: LONGEST, integer: true }
    }

    /// Describes a factor.
    pub const fn factor(
        name: &'static str,
        doc: &'static str,
        default: f64,
        minimum: f64,
        maximum: f64,
    ) -> Self {
        Self { name, doc, default, minimum, maximum, integer: false }
    }
}

/// One of the series that an indicator gives: a function of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// The name of the function.
    pub name: &'static str,
    /// What it gives.
    pub doc: &'static str,
}

/// Computes an indicator on inputs of one length that have no missing values and more bars than the look-back.
///
/// Each output slice has as many values as there are bars after the look-back. Returns where the values begin and how
/// many there are. One that takes long asks the observer now and then and gives up, with any error, where that says so.
pub type Kernel = fn(
    inputs: &[&[f64]],
    parameters: &[f64],
    outputs: &mut [&mut [f64]],
    observer: &dyn ProgressObserver,
) -> std::result::Result<OutRange, RetCode>;

/// An indicator: one computation with one or more outputs.
#[derive(Debug)]
pub struct Indicator {
    /// The title, for documentation.
    pub title: &'static str,
    /// What it computes.
    pub doc: &'static str,
    /// The columns of the bars that it reads if no other series are given.
    pub inputs: &'static [Series],
    /// Its parameters, in order.
    pub parameters: &'static [Parameter],
    /// Its outputs, computed together.
    pub outputs: &'static [Output],
    /// Returns the number of bars before the first value.
    pub look_back: fn(parameters: &[f64]) -> usize,
    /// Computes all outputs.
    pub kernel: Kernel,
}

impl PartialEq for Indicator {
    fn eq(&self, other: &Self) -> bool {
        self.outputs == other.outputs
    }
}

impl Indicator {
    /// Computes every output, one value a bar, NaN where there is none.
    ///
    /// `complete` says that the inputs are known to have no missing value, which saves looking for them.
    ///
    /// # Errors
    /// `INTERNAL` if the parameters are outside their ranges or the inputs are fewer than the indicator reads.
    pub fn compute(
        &self,
        inputs: &[&[f64]],
        parameters: &[f64],
        complete: bool,
    ) -> Result<Vec<Vec<f64>>> {
        self.compute_observed(inputs, parameters, complete, &NoObserver)
    }

    /// Does the same and stops where the observer says so.
    ///
    /// # Errors
    /// As [`compute`](Self::compute); `ABORT_ERR` if it was stopped.
    pub fn compute_observed(
        &self,
        inputs: &[&[f64]],
        parameters: &[f64],
        complete: bool,
        observer: &dyn ProgressObserver,
    ) -> Result<Vec<Vec<f64>>> {
        let bars = inputs.iter().map(|input| input.len()).min().unwrap_or(0);
        if inputs.len() != self.inputs.len() || parameters.len() != self.parameters.len() {
            return Err(Error::internal(format!(
                "{} was given {} inputs and {} parameters",
                self.title,
                inputs.len(),
                parameters.len()
            )));
        }
        let look_back = (self.look_back)(parameters);
        let mut columns: Vec<Vec<f64>> =
            self.outputs.iter().map(|_| vec![f64::NAN; bars]).collect();
        let stretches =
            if complete { std::iter::once(0..bars).collect() } else { segments(inputs) };
        for stretch in stretches {
            if stretch.len() <= look_back {
                continue;
            }
            let parts: Vec<&[f64]> =
                inputs.iter().filter_map(|input| input.get(stretch.clone())).collect();
            let mut outputs: Vec<&mut [f64]> = columns
                .iter_mut()
                .filter_map(|column| column.get_mut(stretch.start + look_back..stretch.end))
                .collect();
            let computed = (self.kernel)(&parts, parameters, &mut outputs, observer);
            if observer.is_cancelled() {
                return Err(Error::cancelled());
            }
            let range = computed.map_err(|code| {
                Error::internal(format!(
                    "{} with parameters {parameters:?} failed: {code:?}",
                    self.title
                ))
            })?;
            if range.beg_idx != look_back || range.count != stretch.len() - look_back {
                return Err(Error::internal(format!(
                    "{} begins at bar {} where {look_back} was expected",
                    self.title, range.beg_idx
                )));
            }
        }
        Ok(columns)
    }
}

/// Returns TA-Lib with its default settings.
pub(super) fn core() -> &'static Core {
    static CORE: LazyLock<Core> = LazyLock::new(Core::new);
    &CORE
}

/// Returns a parameter as the whole number that TA-Lib takes.
#[expect(
    clippy::cast_possible_truncation,
    reason = "periods are checked to be whole and at most 10,000; a cast saturates"
)]
pub(super) fn whole(parameters: &[f64], index: usize) -> i32 {
    parameters.get(index).map_or(i32::MAX, |value| *value as i32)
}

/// Returns a parameter; NaN where it is missing, which TA-Lib refuses.
pub(super) fn real(parameters: &[f64], index: usize) -> f64 {
    parameters.get(index).copied().unwrap_or(f64::NAN)
}

/// Returns a look-back, or one that no series is long enough for where TA-Lib refuses the parameters.
pub(super) fn bars(look_back: std::result::Result<usize, RetCode>) -> usize {
    look_back.unwrap_or(usize::MAX)
}
