//! Tests of heat maps from the columns of a sweep.

use super::*;
use crate::Code;
use crate::chart::{
    Cell, HeatmapCells, HeatmapContent, HeatmapData, Style, Theme, heatmap_capacity, render_heatmap,
};
use crate::error::Error;
use crate::sweep::standing::Standing;

/// A sweep over `fast`, `slow` and `stop`, in grid order, without combinations in which `fast` is not below `slow`.
struct Sweep {
    fast: Vec<f64>,
    slow: Vec<f64>,
    stop: Vec<f64>,
    size: Vec<f64>,
    metric: Vec<f64>,
    standing: Vec<Standing>,
}

impl Sweep {
    fn new(value: impl Fn(f64, f64, f64) -> f64) -> Self {
        let (mut fast, mut slow, mut stop, mut metric) = (vec![], vec![], vec![], vec![]);
        for f in [10.0, 20.0, 30.0] {
            for s in [20.0, 30.0, 40.0, 50.0] {
                for t in [0.1, 0.1 + 0.2, 0.5] {
                    if f < s {
                        fast.push(f);
                        slow.push(s);
                        stop.push(t);
                        metric.push(value(f, s, t));
                    }
                }
            }
        }
        let count = fast.len();
        let (size, standing) = (vec![1.0; count], vec![Standing::Competes; count]);
        Self { fast, slow, stop, size, metric, standing }
    }

    fn content(&self, request: &HeatmapRequest<'_>) -> Result<HeatmapContent, Error> {
        let parameter = |name, values| SweptParameter { name, values, names: &[] };
        let parameters = [
            parameter("fast", &self.fast),
            parameter("slow", &self.slow),
            parameter("stop", &self.stop),
            parameter("size", self.size.as_slice()),
        ];
        let columns = SweptColumns {
            parameters: &parameters,
            metric: &self.metric,
            objective: &self.metric,
            standing: &self.standing,
        };
        heatmap_content(&columns, request)
    }
}

fn fixed(name: &str, value: f64) -> FixedParameter {
    let path = format!("options.aggregate.{name}");
    FixedParameter { path, name: name.to_owned(), value: FixedValue::Number(value) }
}

const REQUEST: HeatmapRequest<'static> = HeatmapRequest {
    x: "fast",
    y: Some("slow"),
    aggregate: Aggregate::Median,
    fixed: &[],
    capacity: (100, 100),
};

fn cells(content: &HeatmapContent) -> &[Cell<f64>] {
    match &content.cells {
        HeatmapCells::Grid { cells, .. } => cells,
        HeatmapCells::Line(_) => panic!("a line"),
    }
}

#[test]
fn cells_are_aggregated_and_constraints_leave_them_missing() {
    // Two of three stops are alike; the third is far better.
    let sweep = Sweep::new(|fast, slow, stop| slow - fast + if stop > 0.4 { 100.0 } else { 0.0 });
    let content = sweep.content(&REQUEST).unwrap();
    assert_eq!(content.x.labels, ["10", "20", "30"]);
    let HeatmapCells::Grid { y, .. } = &content.cells else { panic!() };
    assert_eq!(y.labels, ["20", "30", "40", "50"]);
    let value = Cell::Value;
    let missing = Cell::Missing;
    let expected = [
        [value(10.0), missing, missing],
        [value(20.0), value(10.0), missing],
        [value(30.0), value(20.0), value(10.0)],
        [value(40.0), value(30.0), value(20.0)],
    ];
    assert_eq!(cells(&content), expected.concat());
    assert_eq!(content.combinations, 27);
    assert_eq!(content.remarks, ["median over stop (3 values)", "fixed: size 1"]);
    // The best has its own value, not that of its cell.
    let best = content.best.unwrap();
    assert_eq!((best.column, best.row, best.value), (0, 3, Some(140.0)));
    assert_eq!(best.parameters, "fast 10, slow 50, stop 0.5");
    let max = sweep.content(&HeatmapRequest { aggregate: Aggregate::Max, ..REQUEST }).unwrap();
    assert_eq!(cells(&max)[0], Cell::Value(110.0));
    let mean = sweep.content(&HeatmapRequest { aggregate: Aggregate::Mean, ..REQUEST }).unwrap();
    assert_eq!(cells(&mean)[0], Cell::Value(130.0 / 3.0));
}

#[test]
fn other_parameters_can_be_fixed() {
    let sweep = Sweep::new(|fast, slow, stop| slow - fast + stop);
    let fixed = [fixed("stop", 0.3)];
    let content = sweep.content(&HeatmapRequest { fixed: &fixed, ..REQUEST }).unwrap();
    assert_eq!(content.combinations, 9);
    assert_eq!(cells(&content)[0], Cell::Value(10.0 + (0.1 + 0.2)));
    assert_eq!(content.remarks, ["fixed: stop 0.3, size 1"]);
    assert_eq!(content.best.unwrap().parameters, "fast 10, slow 50, stop 0.3");
}

#[test]
fn a_setting_that_is_off_is_a_value() {
    let mut sweep = Sweep::new(|fast, slow, stop| slow - fast + stop);
    for stop in sweep.stop.iter_mut().filter(|stop| **stop > 0.4) {
        *stop = f64::NAN;
    }
    let stop = HeatmapRequest { x: "stop", ..REQUEST };
    let content = sweep.content(&stop).unwrap();
    assert_eq!(content.x.labels, ["0.1", "0.3", "off"]);
    assert_eq!(content.best.unwrap().parameters, "fast 10, slow 50, stop off");
    let off = [fixed("stop", f64::NAN)];
    let content = sweep.content(&HeatmapRequest { fixed: &off, ..REQUEST }).unwrap();
    assert_eq!((content.combinations, cells(&content)[0]), (9, Cell::Value(10.5)));
    assert_eq!(content.remarks, ["fixed: stop off, size 1"]);
}

#[test]
fn an_asset_is_fixed_by_its_name() {
    let mut sweep = Sweep::new(|fast, slow, stop| slow - fast + stop);
    // The stops are positions in a list of names.
    for stop in &mut sweep.stop {
        *stop = (*stop * 4.0).floor();
    }
    let names = ["AAPL", "MSFT", "GOOG"].map(str::to_owned);
    let content = |value: FixedValue| {
        let parameter = |name, values, names| SweptParameter { name, values, names };
        let parameters = [
            parameter("fast", &sweep.fast, &[][..]),
            parameter("slow", &sweep.slow, &[]),
            parameter("assetSymbol", &sweep.stop, &names),
        ];
        let columns = SweptColumns {
            parameters: &parameters,
            metric: &sweep.metric,
            objective: &sweep.metric,
            standing: &sweep.standing,
        };
        let fixed = [FixedParameter { value, ..fixed("assetSymbol", 0.0) }];
        heatmap_content(&columns, &HeatmapRequest { fixed: &fixed, ..REQUEST })
    };
    let found = content(FixedValue::Name("MSFT".into())).unwrap();
    assert_eq!((found.combinations, cells(&found)[0]), (9, Cell::Value(10.0 + (0.1 + 0.2))));
    assert_eq!(found.remarks, ["fixed: assetSymbol MSFT"]);
    assert_eq!(
        content(FixedValue::Name("MSTF".into())).unwrap_err().message,
        "no combination has options.aggregate.assetSymbol \"MSTF\", did you mean MSFT?"
    );
    assert_eq!(
        content(FixedValue::Number(1.0)).unwrap_err().message,
        "options.aggregate.assetSymbol must be a name, was number 1; known names: AAPL, MSFT, GOOG"
    );
}

#[test]
fn combinations_that_do_not_compete_do_not_count() {
    let mut sweep = Sweep::new(|fast, slow, _| slow - fast);
    // Of the first cell, one combination has no trades; of the second, none counts.
    sweep.standing[0] = Standing::NoTrades;
    sweep.metric[0] = 1000.0;
    for index in 3..6 {
        sweep.standing[index] = Standing::FewTrades;
    }
    // A value that is null does not count either.
    sweep.metric[6] = f64::NAN;
    let content = sweep.content(&REQUEST).unwrap();
    let found = cells(&content);
    assert_eq!(
        [found[0], found[3], found[6]],
        [Cell::Value(10.0), Cell::NotCompeting, Cell::Value(30.0)]
    );
    assert_eq!(content.remarks.last().unwrap(), "4 do not compete");
    assert_eq!(content.best.unwrap().value, Some(40.0));
    sweep.standing.fill(Standing::NoTrades);
    let content = sweep.content(&REQUEST).unwrap();
    assert_eq!(content.best, None);
    assert!(cells(&content).iter().all(|cell| !matches!(cell, Cell::Value(_))));
}

#[test]
fn one_parameter_gives_a_line_with_its_spread() {
    let sweep = Sweep::new(|fast, slow, stop| slow - fast + stop);
    let content = sweep.content(&HeatmapRequest { y: None, ..REQUEST }).unwrap();
    let HeatmapCells::Line(points) = &content.cells else { panic!() };
    assert_eq!(points.len(), 3);
    let Cell::Value(last) = points[2] else { panic!() };
    assert_eq!((last.low, last.high), (10.1, 20.5));
    assert_eq!(content.best.unwrap().column, 0);
    assert_eq!(
        content.remarks,
        ["median over slow (4 values) and stop (3 values)", "fixed: size 1"]
    );
}

#[test]
fn neighboring_values_share_cells_of_a_small_picture() {
    let sweep = Sweep::new(|fast, slow, _| slow - fast);
    let content = sweep.content(&HeatmapRequest { capacity: (2, 2), ..REQUEST }).unwrap();
    // fast 10 and 20 with slow 20 and 30: differences 10, 20 and 10, each three times.
    // And with slow 40 and 50: 30, 40, 20 and 30. fast 30 has slow 40 and 50 only: 10 and 20.
    assert_eq!(
        cells(&content),
        [Cell::Value(10.0), Cell::Missing, Cell::Value(30.0), Cell::Value(15.0)]
    );
    assert_eq!(
        content.remarks.last().unwrap(),
        "each cell is the median of 2 values of fast × 2 values of slow"
    );
}

#[test]
fn what_cannot_be_drawn_is_an_error() {
    let sweep = Sweep::new(|_, _, _| 1.0);
    let error = |request: &HeatmapRequest<'_>| sweep.content(request).unwrap_err();
    assert_eq!(
        error(&HeatmapRequest { x: "fats", ..REQUEST }).message,
        "options.x is not a parameter of the sweep: \"fats\", did you mean fast?"
    );
    assert_eq!(
        error(&HeatmapRequest { y: Some("banana"), ..REQUEST }).message,
        "options.y is not a parameter of the sweep: \"banana\"; known parameters: fast, slow, stop, size"
    );
    assert_eq!(
        error(&HeatmapRequest { y: Some("fast"), ..REQUEST }).message,
        "options.y must be another parameter than options.x"
    );
    for ((name, value), message) in [
        (
            ("stop", 0.2),
            "no combination has options.aggregate.stop 0.2; its values are 0.1, 0.3 and 0.5",
        ),
        (("fast", 10.0), "options.aggregate.fast is on an axis and cannot be fixed as well"),
        (
            ("stpo", 0.1),
            "options.aggregate.stpo is not a parameter of the sweep: \"stpo\", did you mean stop?",
        ),
        (
            ("stop", f64::NAN),
            "no combination has options.aggregate.stop off; its values are 0.1, 0.3 and 0.5",
        ),
    ] {
        let fixed = [fixed(name, value)];
        assert_eq!(error(&HeatmapRequest { fixed: &fixed, ..REQUEST }).message, message);
    }
    let size = [fixed("size", 2.0), fixed("stop", 0.1), fixed("stop", 0.5)];
    let error_of_two = error(&HeatmapRequest { fixed: &size, ..REQUEST });
    let messages: Vec<_> = error_of_two.issues.into_iter().map(|issue| issue.message).collect();
    assert_eq!(
        messages,
        [
            "no combination has options.aggregate.size 2; its only value is 1",
            "options.aggregate.stop is fixed twice",
        ]
    );
    let name = [FixedParameter { value: FixedValue::Name("low".into()), ..fixed("stop", 0.0) }];
    assert_eq!(
        error(&HeatmapRequest { fixed: &name, ..REQUEST }).message,
        "options.aggregate.stop must be a number, was string \"low\""
    );
    let mut short = Sweep::new(|_, _, _| 1.0);
    short.slow.pop();
    assert_eq!(
        short.content(&REQUEST).unwrap_err().message,
        "sweep.parameters.slow has 26 values for 27 combinations"
    );
    let none = SweptColumns { parameters: &[], metric: &[], objective: &[], standing: &[] };
    assert_eq!(heatmap_content(&none, &REQUEST).unwrap_err().code, Code::NoData);
}

#[test]
fn the_first_of_equal_combinations_is_the_best() {
    let sweep = Sweep::new(|_, _, _| 1.0);
    let best = sweep.content(&REQUEST).unwrap().best.unwrap();
    assert_eq!(best.parameters, "fast 10, slow 20, stop 0.1");
}

/// Draws a million combinations and reports how long that takes.
#[test]
fn a_million_combinations_are_drawn_quickly() {
    let side = 1000_usize;
    let x: Vec<f64> = (0..side * side).map(|index| (index / side) as f64).collect();
    let y: Vec<f64> = (0..side * side).map(|index| (index % side) as f64).collect();
    let metric: Vec<f64> =
        x.iter().zip(&y).map(|(x, y)| (x / 90.0).sin() + (y / 70.0).cos()).collect();
    let standing = vec![Standing::Competes; side * side];
    let parameters = [
        SweptParameter { name: "x", values: &x, names: &[] },
        SweptParameter { name: "y", values: &y, names: &[] },
    ];
    let columns = SweptColumns {
        parameters: &parameters,
        metric: &metric,
        objective: &metric,
        standing: &standing,
    };
    let style = Style { width: 1200, height: 800, theme: Theme::Light };
    let start = std::time::Instant::now();
    let capacity = heatmap_capacity(&style);
    let request = HeatmapRequest { x: "x", y: Some("y"), capacity, ..REQUEST };
    let content = heatmap_content(&columns, &request).unwrap();
    let aggregated = start.elapsed();
    let HeatmapCells::Grid { y, cells } = &content.cells else { panic!() };
    assert!(content.x.labels.len() <= capacity.0 && y.labels.len() <= capacity.1);
    assert!(cells.iter().all(|cell| matches!(cell, Cell::Value(_))));
    let data = HeatmapData {
        strategy: "two waves",
        asset: "none",
        timeframe: "1d",
        range: None,
        bar_length: 1,
        metric: heatmap_metric("sharpeRatio"),
        content,
    };
    let picture = render_heatmap(&data, &style).unwrap();
    let drawn = start.elapsed();
    let (png, svg) = (picture.to_png().unwrap(), picture.to_svg().unwrap());
    let written = start.elapsed();
    println!(
        "aggregated {aggregated:?}, drawn {drawn:?}, written {written:?}: PNG {} kB, SVG {} kB",
        png.len() / 1000,
        svg.len() / 1000
    );
    if let Ok(folder) = std::env::var("CHART_PICTURES") {
        std::fs::write(format!("{folder}/heatmap-million.png"), &png).unwrap();
        std::fs::write(format!("{folder}/heatmap-million.svg"), &svg).unwrap();
    }
    assert!(written.as_secs() < 10, "{written:?}");
}
