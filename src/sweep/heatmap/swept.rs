//! What a heat map is made of.

use super::super::standing::Standing;

/// The columns of a sweep, one entry per combination.
#[derive(Debug, Clone, Copy)]
pub struct SweptColumns<'a> {
    /// Every parameter, also those with a single value.
    pub parameters: &'a [SweptParameter<'a>],
    /// The metric to show; NaN if it has no value.
    pub metric: &'a [f64],
    /// The objective; NaN if it has no value.
    pub objective: &'a [f64],
    /// Whether each combination competes.
    pub standing: &'a [Standing],
}

/// A parameter of a sweep.
#[derive(Debug, Clone, Copy)]
pub struct SweptParameter<'a> {
    /// Its name in the request.
    pub name: &'a str,
    /// Its value in each combination; flags are 0 and 1, and NaN is a setting that is off.
    pub values: &'a [f64],
    /// If its values are positions in a list, such as that of assets: the names there. Otherwise empty.
    pub names: &'a [String],
}

/// Which heat map to make.
#[derive(Debug, Clone, Copy)]
pub struct HeatmapRequest<'a> {
    /// The parameter of the horizontal axis.
    pub x: &'a str,
    /// The parameter of the vertical axis. Without one, the heat map is a line.
    pub y: Option<&'a str>,
    /// What a cell shows of its combinations.
    pub aggregate: Aggregate,
    /// Values of other parameters. Only combinations with these values are shown.
    pub fixed: &'a [FixedParameter],
    /// The most columns and rows ([`heatmap_capacity`](crate::chart::heatmap_capacity)).
    pub capacity: (usize, usize),
}

/// A parameter of which only one value is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct FixedParameter {
    /// Where the request says so.
    pub path: String,
    /// Its name.
    pub name: String,
    /// The value.
    pub value: FixedValue,
}

/// The only value of a parameter that is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum FixedValue {
    /// A number; flags are 0 and 1, and NaN is a setting that is off.
    Number(f64),
    /// The name of an asset or a timeframe.
    Name(String),
}

/// What a cell shows of its combinations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Aggregate {
    /// The highest value.
    Max,
    /// The arithmetic mean.
    Mean,
    /// The value in the middle; between two, their mean.
    #[default]
    Median,
}

impl Aggregate {
    /// All kinds with their names.
    pub const ALL: [(&'static str, Self); 3] =
        [("max", Self::Max), ("mean", Self::Mean), ("median", Self::Median)];

    /// Returns what the value is called in a picture.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Max => "maximum",
            Self::Mean => "mean",
            Self::Median => "median",
        }
    }
}
