//! The definition of an indicator: inputs, parameters, outputs, look-back and computation.

use std::sync::LazyLock;

use ta_lib::{Core, OutRange, RetCode};

use super::complete_ranges::complete_ranges;
use super::memory::Memory;
use super::three_way_comparison::ThreeWayComparison;
use crate::error::{Error, Result};
use crate::observer::{NoObserver, ProgressObserver};

/// The maximum period in bars.
pub const MAX_PERIOD: f64 = 10_000.0;

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

/// A numeric parameter of an indicator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// The name, for messages and documentation.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// The default value, which is that of TA-Lib.
    pub default: f64,
    /// The minimum.
    pub minimum: f64,
    /// The maximum.
    pub maximum: f64,
    /// Whether only whole numbers are allowed.
    pub integer: bool,
}

impl Parameter {
    /// Declares a period in bars.
    pub const fn period(name: &'static str, doc: &'static str, default: f64, minimum: f64) -> Self {
        Self { name, doc, default, minimum, maximum: MAX_PERIOD, integer: true }
    }

    /// Declares a factor.
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

/// One of the series that an indicator computes, which is a function of the language.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Output {
    /// The name of the function.
    pub name: &'static str,
    /// What it computes.
    pub doc: &'static str,
    /// The values that it can take.
    pub range: OutputRange,
}

/// The values that an output can take, whatever the bars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OutputRange {
    /// Any number.
    Unbounded,
    /// A number between two bounds, both included.
    Between(f64, f64),
    /// A number between the smallest and the greatest input value.
    WithinInputs,
    /// The greatest of several values of the input at that index, the newest value included.
    MaximumOfInput(usize),
    /// The smallest of several values of the input at that index, the newest value included.
    MinimumOfInput(usize),
}

impl Output {
    /// Declares an output with an unbounded range.
    pub const fn new(name: &'static str, doc: &'static str) -> Self {
        Self { name, doc, range: OutputRange::Unbounded }
    }

    /// Declares that the values never leave the bounds.
    #[must_use]
    pub const fn between(mut self, minimum: f64, maximum: f64) -> Self {
        self.range = OutputRange::Between(minimum, maximum);
        self
    }

    /// Declares that the values leave the bounds only by the rounding of sums.
    #[must_use]
    pub const fn roughly_between(self, minimum: f64, maximum: f64) -> Self {
        const ROUNDING: f64 = 1e-6;
        self.between(minimum - ROUNDING, maximum + ROUNDING)
    }

    /// Declares that the values lie between those of the inputs.
    #[must_use]
    pub const fn within_inputs(mut self) -> Self {
        self.range = OutputRange::WithinInputs;
        self
    }

    /// Declares a rolling maximum of an input, the newest value included.
    #[must_use]
    pub const fn maximum_of_input(mut self, input: usize) -> Self {
        self.range = OutputRange::MaximumOfInput(input);
        self
    }

    /// Declares a rolling minimum of an input, the newest value included.
    #[must_use]
    pub const fn minimum_of_input(mut self, input: usize) -> Self {
        self.range = OutputRange::MinimumOfInput(input);
        self
    }
}

/// Computes an indicator on inputs of equal length, which have no missing values and more bars than the look-back.
///
/// Each output slice has one value for each bar after the look-back. Returns the first bar with a value and the number of
/// values. A slow kernel polls the observer and returns any error once it is cancelled.
pub type Kernel = fn(
    inputs: &[&[f64]],
    parameters: &[f64],
    outputs: &mut [&mut [f64]],
    observer: &dyn ProgressObserver,
) -> std::result::Result<OutRange, RetCode>;

/// The inputs and parameters of one computation of an indicator.
#[derive(Debug, Clone, Copy)]
pub struct Computation<'a> {
    /// The input columns.
    pub inputs: &'a [&'a [f64]],
    /// The parameters, in order.
    pub parameters: &'a [f64],
}

/// Compares the first outputs of two computations of one indicator, whose inputs have one length and no missing values.
///
/// The result must be that of comparing the columns. The language uses this if nothing but the comparison reads the outputs.
pub type ComparePair = fn(a: Computation<'_>, b: Computation<'_>) -> ThreeWayComparison;

/// Compares two outputs of many computations of one indicator on the same inputs, which have no missing values. `None` if it
/// cannot, or once the observer is cancelled.
///
/// The results must be those of comparing the columns. The language uses this if nothing else reads the outputs.
pub type CompareOutputs = fn(
    inputs: &[&[f64]],
    parameters: &[Vec<f64>],
    outputs: [usize; 2],
    observer: &dyn ProgressObserver,
) -> Option<Vec<ThreeWayComparison>>;

/// How the outputs of an indicator follow from a center and a width, which depend on fewer parameters: center + sign × factor × width.
/// The factor is the last parameter, the others are those of the base.
#[derive(Debug, Clone, Copy)]
pub struct Bands {
    /// Computes center and width.
    pub base: &'static Indicator,
    /// The sign of each output: 1 above the center, −1 below, 0 for the center itself.
    pub signs: &'static [f64],
}

/// Computes up to [`LANES`] computations of one indicator on the same inputs, which have no missing values, and returns their
/// outputs: one value per bar, NaN if there is none. The values must be those of the kernel.
pub type ComputeTogether = fn(inputs: &[&[f64]], parameters: &[Vec<f64>]) -> Vec<Vec<Vec<f64>>>;

/// The most computations that are made together.
pub const LANES: usize = 4;

/// What is faster than to compute the columns of one computation after the other.
#[derive(Debug, Clone, Copy)]
pub enum Shortcut {
    /// Comparing two computations without columns.
    Pair(ComparePair),
    /// Comparing two outputs of many computations without columns.
    Outputs(CompareOutputs),
    /// Sharing what the outputs follow from. The language computes the base once for all factors.
    Bands(Bands),
    /// Making several computations at once.
    Together(ComputeTogether),
}

/// An indicator: one computation with one or more outputs.
#[derive(Debug)]
pub struct Indicator {
    /// The title, for documentation.
    pub title: &'static str,
    /// What it computes.
    pub doc: &'static str,
    /// The columns of the bars that it reads by default.
    pub inputs: &'static [Series],
    /// Its parameters, in order.
    pub parameters: &'static [Parameter],
    /// Its outputs, computed together.
    pub outputs: &'static [Output],
    /// Returns the number of bars before the first value.
    pub look_back: fn(parameters: &[f64]) -> usize,
    /// Which bars before the look-back change a value.
    pub memory: Memory,
    /// Computes all outputs.
    pub kernel: Kernel,
    /// What it computes in a faster way, if it can.
    pub shortcut: Option<Shortcut>,
}

impl PartialEq for Indicator {
    fn eq(&self, other: &Self) -> bool {
        self.outputs == other.outputs
    }
}

impl Indicator {
    /// Computes every output: one value per bar, NaN if there is none.
    ///
    /// Set `complete` if the inputs are known to have no missing value; this skips the search for them.
    ///
    /// # Errors
    /// `INTERNAL` if the parameters are out of range or the number of inputs is wrong.
    pub fn compute(
        &self,
        inputs: &[&[f64]],
        parameters: &[f64],
        complete: bool,
    ) -> Result<Vec<Vec<f64>>> {
        self.compute_cancellable(inputs, parameters, complete, &NoObserver)
    }

    /// Computes every output and stops once the observer is cancelled.
    ///
    /// # Errors
    /// As [`compute`](Self::compute), and `ABORT_ERR` if the observer is cancelled.
    pub fn compute_cancellable(
        &self,
        inputs: &[&[f64]],
        parameters: &[f64],
        complete: bool,
        observer: &dyn ProgressObserver,
    ) -> Result<Vec<Vec<f64>>> {
        let length = inputs.iter().map(|input| input.len()).min().unwrap_or(0);
        if inputs.len() != self.inputs.len() || parameters.len() != self.parameters.len() {
            return Err(Error::internal(format!(
                "{} received {} inputs and {} parameters",
                self.title,
                inputs.len(),
                parameters.len()
            )));
        }
        let look_back = (self.look_back)(parameters);
        let mut columns: Vec<Vec<f64>> =
            self.outputs.iter().map(|_| vec![f64::NAN; length]).collect();
        let ranges =
            if complete { std::iter::once(0..length).collect() } else { complete_ranges(inputs) };
        for bars in ranges {
            if bars.len() <= look_back {
                continue;
            }
            let parts: Vec<&[f64]> =
                inputs.iter().filter_map(|input| input.get(bars.clone())).collect();
            let mut outputs: Vec<&mut [f64]> = columns
                .iter_mut()
                .filter_map(|column| column.get_mut(bars.start + look_back..bars.end))
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
            if range.beg_idx != look_back || range.count != bars.len() - look_back {
                return Err(Error::internal(format!(
                    "{} starts at bar {}, expected {look_back}",
                    self.title, range.beg_idx
                )));
            }
        }
        Ok(columns)
    }
}

/// Returns a TA-Lib instance with default settings.
pub(super) fn core() -> &'static Core {
    static CORE: LazyLock<Core> = LazyLock::new(Core::new);
    &CORE
}

/// Returns a parameter as the integer that TA-Lib expects.
#[expect(
    clippy::cast_possible_truncation,
    reason = "periods are whole numbers up to 10,000, and a cast saturates"
)]
pub(super) fn integer(parameters: &[f64], index: usize) -> i32 {
    parameters.get(index).map_or(i32::MAX, |value| *value as i32)
}

/// Returns a parameter, or NaN if it is missing, which TA-Lib rejects.
pub(super) fn real(parameters: &[f64], index: usize) -> f64 {
    parameters.get(index).copied().unwrap_or(f64::NAN)
}

/// Returns the look-back, or `usize::MAX` if TA-Lib rejects the parameters.
pub(super) fn look_back_bars(look_back: std::result::Result<usize, RetCode>) -> usize {
    look_back.unwrap_or(usize::MAX)
}
