//! The data of a heat map.

/// A heat map of a sweep, or with one parameter a line with its spread.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatmapData<'a> {
    /// Name of the strategy.
    pub strategy: &'a str,
    /// Symbol of the asset, or a text such as `3 assets`.
    pub asset: &'a str,
    /// Name of the timeframe, or a text such as `2 timeframes`; may be empty.
    pub timeframe: &'a str,
    /// Opening times of the first and of the last bar, UTC milliseconds.
    pub range: Option<(i64, i64)>,
    /// Length of a bar, milliseconds.
    pub bar_length: i64,
    /// What the colors show.
    pub metric: HeatmapMetric<'a>,
    /// The content.
    pub content: HeatmapContent,
}

/// What the colors of a heat map show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeatmapMetric<'a> {
    /// Name of the metric, or `objective`.
    pub name: &'a str,
    /// The unit as text, such as `percent per year`; empty for a plain number.
    pub unit: &'a str,
    /// Whether the values are percentages.
    pub is_percent: bool,
    /// The value that separates good from bad: 0 for a return, 1 for a profit factor. If there are values on both sides, the
    /// colors diverge from it.
    pub break_even: Option<f64>,
}

/// The content of a heat map: axes and cells.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatmapContent {
    /// The horizontal axis.
    pub x: HeatmapAxis,
    /// The cells, or the points of a line.
    pub cells: HeatmapCells,
    /// The best combination, if one competes.
    pub best: Option<HeatmapBest>,
    /// Combinations of the sweep.
    pub combinations: usize,
    /// What a cell and a point of a line show of their combinations: `median`.
    pub aggregate: &'static str,
    /// How the other parameters are treated, one remark each: `median over slow_period (20 values)`.
    pub remarks: Vec<String>,
}

/// An axis. Its positions are equally far apart, whatever their values are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeatmapAxis {
    /// Name of the parameter.
    pub name: String,
    /// The value at each position, as text.
    pub labels: Vec<String>,
}

/// The cells of a heat map or the points of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum HeatmapCells {
    /// A heat map.
    Grid {
        /// The vertical axis, from the bottom up.
        y: HeatmapAxis,
        /// One cell for each pair of positions, the rows of the vertical axis one after another.
        cells: Vec<Cell<f64>>,
    },
    /// A line with its spread: one point for each position of the horizontal axis.
    Line(Vec<Cell<Spread>>),
}

/// What there is to show at a position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<T> {
    /// A value.
    Value(T),
    /// There are combinations, but none of them competes and has a value.
    NotCompeting,
    /// The sweep has no combination here.
    Missing,
}

/// The values behind a point of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The value of the line.
    pub value: f64,
    /// The lowest value.
    pub low: f64,
    /// The lower quartile.
    pub lower_quartile: f64,
    /// The upper quartile.
    pub upper_quartile: f64,
    /// The highest value.
    pub high: f64,
}

/// The best combination.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatmapBest {
    /// Position on the horizontal axis.
    pub column: usize,
    /// Position on the vertical axis; 0 for a line.
    pub row: usize,
    /// Its value, which is not that of its cell if the cell has other combinations; `None` if the metric has none.
    pub value: Option<f64>,
    /// Its parameters as text.
    pub parameters: String,
}
