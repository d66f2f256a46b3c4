//! Tests of whole heat maps.

use super::*;
use crate::chart::color_map::ColorMap;
use crate::chart::{Item, PathSegment, Picture, Style, Text, Theme};

fn axis(name: &str, values: impl IntoIterator<Item = f64>) -> HeatmapAxis {
    let labels = values.into_iter().map(|value| value.to_string()).collect();
    HeatmapAxis { name: name.to_owned(), labels }
}

fn data(metric: HeatmapMetric<'_>, content: HeatmapContent) -> HeatmapData<'_> {
    HeatmapData {
        strategy: "SMA crossover",
        asset: "SP500",
        timeframe: "1d",
        range: Some((1_199_232_000_000, 1_356_652_800_000)),
        bar_length: 86_400_000,
        metric,
        content,
    }
}

const SHARPE: HeatmapMetric<'static> =
    HeatmapMetric { name: "sharpeRatio", unit: "", is_percent: false, break_even: Some(0.0) };
const DRAWDOWN: HeatmapMetric<'static> =
    HeatmapMetric { name: "maxDrawdown", unit: "percent", is_percent: true, break_even: None };
const PROFIT: HeatmapMetric<'static> =
    HeatmapMetric { name: "totalProfit", unit: "money", is_percent: false, break_even: Some(0.0) };

/// Returns the content with a cell for each pair of positions.
fn grid(
    x: HeatmapAxis,
    y: HeatmapAxis,
    cell: impl Fn(usize, usize) -> Cell<f64>,
) -> HeatmapContent {
    let (columns, rows) = (x.labels.len(), y.labels.len());
    let cells: Vec<Cell<f64>> = (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (column, row)))
        .map(|(c, r)| cell(c, r))
        .collect();
    let value = |cell: &Cell<f64>| match cell {
        Cell::Value(value) => Some(*value),
        _ => None,
    };
    let best = (0..cells.len())
        .filter(|at| value(&cells[*at]).is_some())
        .max_by(|a, b| value(&cells[*a]).unwrap().total_cmp(&value(&cells[*b]).unwrap()));
    let best = best.map(|at| {
        let (column, row) = (at % columns, at / columns);
        let parameters = format!("{} {}, {} {}", x.name, x.labels[column], y.name, y.labels[row]);
        HeatmapBest { column, row, value: value(&cells[at]), parameters }
    });
    let combinations = cells.iter().filter(|cell| **cell != Cell::Missing).count();
    let cells = HeatmapCells::Grid { y, cells };
    HeatmapContent { x, cells, best, combinations, aggregate: "median", remarks: Vec::new() }
}

/// Returns a smooth hill with some noise, around zero.
fn hill(column: usize, row: usize) -> f64 {
    let (x, y) = (column as f64 / 12.0 - 1.0, row as f64 / 15.0 - 1.2);
    let noise = ((column * 7919 + row * 104_729) % 997) as f64 / 997.0 - 0.5;
    1.6 * (-(x * x + y * y)).exp() - 0.5 + 0.15 * noise
}

fn line(x: HeatmapAxis, width: f64, cell: impl Fn(usize) -> Cell<f64>) -> HeatmapContent {
    let points: Vec<Cell<Spread>> = (0..x.labels.len())
        .map(|column| match cell(column) {
            Cell::Value(value) => Cell::Value(Spread {
                value,
                low: value - width,
                lower_quartile: value - width * 0.3,
                upper_quartile: value + width * 0.4,
                high: value + width * 1.5,
            }),
            Cell::NotCompeting => Cell::NotCompeting,
            Cell::Missing => Cell::Missing,
        })
        .collect();
    let best = points.iter().enumerate().find_map(|(column, point)| match point {
        Cell::Value(spread) => Some(HeatmapBest {
            column,
            row: 0,
            value: Some(spread.high),
            parameters: format!("{} {}, slow_period 50", x.name, x.labels[column]),
        }),
        _ => None,
    });
    HeatmapContent {
        combinations: points.len() * 20,
        x,
        cells: HeatmapCells::Line(points),
        best,
        aggregate: "median",
        remarks: vec!["median over slow_period (20 values)".to_owned()],
    }
}

fn periods(count: u32, step: u32) -> impl Iterator<Item = f64> {
    (1..=count).map(move |index| f64::from(index * step))
}

/// The heat maps that all layouts are tested with.
fn heatmaps() -> Vec<(&'static str, HeatmapData<'static>)> {
    let value = |value: f64| Cell::Value(value);
    let fast = |count, step| axis("fast_period", periods(count, step));
    let slow = |count, step| axis("slow_period", periods(count, step));
    let triangle = |column: usize, row: usize| match column {
        _ if column >= row => Cell::Missing,
        _ if column == 1 && row > 40 || row == 49 => Cell::NotCompeting,
        _ => value(hill(column, row)),
    };
    let scattered = |column: usize, row: usize| match (column * 31 + row * 17) % 11 {
        0..5 => Cell::Missing,
        5 => Cell::NotCompeting,
        _ => value(hill(column, row)),
    };
    let mut remarks = data(SHARPE, grid(fast(12, 5), slow(9, 20), |c, r| value(hill(c, r))));
    remarks.content.remarks = vec![
        "median over stop_loss (5 values) and take_profit (7 values)".to_owned(),
        "fixed: position_size 1, rsi_period 14, exit_level 70".to_owned(),
        "312 do not compete".to_owned(),
    ];
    let mut names = data(
        PROFIT,
        grid(
            axis("simulation.aVeryLongNameOfASettingThatNobodyWouldWrite", periods(4, 1)),
            HeatmapAxis {
                name: "assetSymbol".to_owned(),
                labels: ["BTC-USDT-PERPETUAL", "AAPL", "DE0007164600.XETR"]
                    .map(str::to_owned)
                    .into(),
            },
            |column, row| value((column as f64 - 1.3) * 1e5 * row as f64),
        ),
    );
    names.strategy =
        "A strategy with a name that does not fit into the title of any picture at all";
    let big = |column: usize, row: usize| match column {
        _ if column > row => Cell::Missing,
        _ if row > 280 => Cell::NotCompeting,
        _ => value(hill(column / 8, row / 8)),
    };
    let with_outlier = |column: usize, row: usize| match (column, row) {
        (3, 3) => value(500.0),
        _ => value(1.0 + hill(column, row).abs()),
    };
    let log = axis("threshold", (0..12).map(|power| 10_f64.powi(power - 5)));
    let gaps = |column: usize| match column {
        0..3 => Cell::Missing,
        20..24 => Cell::NotCompeting,
        30 => Cell::Missing,
        32 => Cell::Missing,
        _ => value(hill(column, 18)),
    };
    vec![
        ("small", remarks),
        ("triangle", data(SHARPE, grid(fast(50, 2), slow(50, 2), triangle))),
        ("big", data(SHARPE, grid(fast(300, 1), slow(300, 1), big))),
        ("scattered", data(SHARPE, grid(fast(40, 1), slow(30, 1), scattered))),
        (
            "drawdown",
            data(DRAWDOWN, grid(fast(30, 1), slow(20, 1), |c, r| value(20.0 + 9.0 * hill(c, r)))),
        ),
        ("equal", data(SHARPE, grid(fast(8, 5), slow(6, 5), |_, _| value(0.7)))),
        (
            "negative",
            data(PROFIT, grid(fast(8, 5), slow(6, 5), |c, r| value(-1234.5 * (c + r + 1) as f64))),
        ),
        ("one", data(SHARPE, grid(fast(1, 10), slow(1, 30), |_, _| value(0.7)))),
        ("none", data(SHARPE, grid(fast(9, 1), slow(7, 1), |_, _| Cell::NotCompeting))),
        ("outlier", data(DRAWDOWN, grid(fast(20, 1), slow(20, 1), with_outlier))),
        ("log", data(SHARPE, grid(log, slow(6, 20), |c, r| value(hill(c * 2, r * 4))))),
        ("names", names),
        ("line", data(SHARPE, line(fast(40, 1), 0.4, |c| value(hill(c, 18))))),
        ("line-gaps", data(SHARPE, line(fast(40, 1), 0.4, gaps))),
        ("line-bare", data(DRAWDOWN, line(fast(9, 5), 0.0, |c| value(20.0 + hill(c, 18))))),
        ("line-one", data(PROFIT, line(fast(1, 5), 300.0, |_| value(1000.0)))),
        ("line-long", data(SHARPE, line(fast(700, 1), 0.4, |c| value(hill(c / 20, 18))))),
        ("line-none", data(SHARPE, line(fast(9, 1), 0.0, |_| Cell::NotCompeting))),
    ]
}

const SIZES: [(u32, u32); 7] =
    [(800, 600), (1200, 800), (400, 300), (200, 200), (200, 4096), (4096, 200), (1600, 400)];

fn style(width: u32, height: u32) -> Style {
    Style { width, height, theme: Theme::Light }
}

/// Returns the bounding box of a text: left, top, right, bottom.
fn bounding_box(text: &Text) -> [f64; 4] {
    let size = text.style.size;
    [text.x, text.y - size * 0.74, text.x + text.width, text.y + size * 0.1]
}

fn texts(picture: &Picture) -> Vec<&Text> {
    let texts = picture.items.iter().filter_map(|item| match item {
        Item::Text(text) if !text.text.is_empty() => Some(text),
        _ => None,
    });
    texts.collect()
}

#[test]
fn texts_do_not_overlap_and_stay_inside_the_picture() {
    for (name, data) in heatmaps() {
        for (width, height) in SIZES {
            let picture = render_heatmap(&data, &style(width, height)).unwrap();
            let texts = texts(&picture);
            for (index, text) in texts.iter().enumerate() {
                let [left, top, right, bottom] = bounding_box(text);
                let place = format!("{name} at {width} × {height}: {:?}", text.text);
                assert!(
                    left >= 0.0
                        && top >= 0.0
                        && right <= f64::from(width)
                        && bottom <= f64::from(height),
                    "{place} is outside"
                );
                for other in &texts[index + 1..] {
                    let [l, t, r, b] = bounding_box(other);
                    assert!(
                        right <= l || r <= left || bottom <= t || b <= top,
                        "{place} lies on {:?}",
                        other.text
                    );
                }
            }
        }
    }
}

#[test]
fn shapes_stay_inside_the_picture() {
    for (name, data) in heatmaps() {
        for (width, height) in SIZES {
            let picture = render_heatmap(&data, &style(width, height)).unwrap();
            for item in &picture.items {
                let path: Vec<PathSegment> = match item {
                    Item::Shape(shape) => shape.path.clone(),
                    Item::Image(image) => {
                        assert_eq!(image.rgb.len(), (image.width * image.height * 3) as usize);
                        let (x, y) = (image.x + image.width, image.y + image.height);
                        vec![PathSegment::LineTo(f64::from(x), f64::from(y))]
                    }
                    Item::Text(_) => continue,
                };
                for segment in path {
                    let (x, y) = match segment {
                        PathSegment::MoveTo(x, y)
                        | PathSegment::LineTo(x, y)
                        | PathSegment::QuadTo(_, _, x, y) => (x, y),
                        PathSegment::Close => continue,
                    };
                    assert!(
                        (0.0..=f64::from(width)).contains(&x)
                            && (0.0..=f64::from(height)).contains(&y),
                        "{name} at {width} × {height}: {x} {y}"
                    );
                }
            }
        }
    }
}

/// Returns the pixels of a PNG: width, height, and red, green and blue of each pixel.
fn decode(png: &[u8]) -> (usize, usize, Vec<[u8; 3]>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let pixels = bytes.as_chunks::<3>().0.to_vec();
    (info.width as usize, info.height as usize, pixels)
}

#[test]
fn both_formats_have_the_size_and_every_cell_its_color() {
    for (name, data) in heatmaps() {
        let picture = render_heatmap(&data, &style(800, 600)).unwrap();
        let (width, height, pixels) = decode(&picture.to_png().unwrap());
        assert_eq!((width, height, pixels.len()), (800, 600, 480_000), "{name}");
        let svg = picture.to_svg().unwrap();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{name}");
        assert!(svg.contains("width=\"800\" height=\"600\""), "{name}");
        assert_eq!(svg.contains("<image "), name == "big", "{name}");
        assert_eq!(svg.contains("href=\"data:image/png;base64,iVBOR"), name == "big", "{name}");
        assert!(svg.len() < 500_000, "{name}: {} bytes", svg.len());
    }
}

#[test]
fn colors_are_those_of_the_values() {
    // Four cells: the lowest, the break-even, the highest, and a missing one.
    let values = [Cell::Value(-1.0), Cell::Value(0.0), Cell::Value(1.0), Cell::Missing];
    let content = grid(axis("x", periods(2, 1)), axis("y", periods(2, 1)), |column, row| {
        values[row * 2 + column]
    });
    let picture = render_heatmap(&data(SHARPE, content), &style(800, 600)).unwrap();
    let svg = picture.to_svg().unwrap();
    for color in ["#733205", "#eeeeee", "#0e4882"] {
        assert!(svg.contains(&format!("fill=\"{color}\"")), "{color}");
    }
    let found: Vec<&str> = texts(&picture).iter().map(|text| text.text.as_str()).collect();
    for expected in [
        "SMA crossover · SP500 · 1d",
        "x",
        "y",
        "sharpeRatio",
        "not in the sweep",
        "3 combinations",
    ] {
        assert!(found.contains(&expected), "{expected}: {found:?}");
    }
    assert!(!found.contains(&"does not compete"), "{found:?}");
    assert!(
        found.iter().any(|text| text.starts_with("best: x 1, y 2: sharpeRatio 1")),
        "{found:?}"
    );
    assert_eq!(
        picture.title,
        "sharpeRatio of SMA crossover · SP500 · 1d, 2 Jan 2008 – 28 Dec 2012"
    );
}

#[test]
fn an_image_shows_the_same_as_shapes() {
    // The same cells, once as they are and once each in a hundred parts.
    let picture = |count: u32| {
        let part = f64::from(count) / 20.0;
        let of = |at: usize| ((at as f64 + 0.5) / part) as usize;
        let content = grid(axis("x", periods(count, 1)), axis("y", periods(count, 1)), |c, r| {
            if of(c) < of(r) { Cell::Missing } else { Cell::Value((of(c) + of(r)) as f64) }
        });
        render_heatmap(&data(DRAWDOWN, content), &style(800, 800)).unwrap().to_png().unwrap()
    };
    let (few, many) = (decode(&picture(20)), decode(&picture(200)));
    // Each color covers the same share of the cells with a value.
    let shares = |pixels: &[[u8; 3]]| {
        let mut counts = std::collections::BTreeMap::new();
        for pixel in pixels {
            *counts.entry(*pixel).or_insert(0.0) += 1.0;
        }
        let total: f64 = (0..=38).map(|sum| counts.get(&color(sum)).copied().unwrap_or(0.0)).sum();
        (0..=38)
            .map(|sum| counts.get(&color(sum)).copied().unwrap_or(0.0) / total)
            .collect::<Vec<_>>()
    };
    for (few, many) in shares(&few.2).into_iter().zip(shares(&many.2)) {
        assert!(few > 0.001 && (few - many).abs() < 0.01, "{few} {many}");
    }
}

/// Returns the color of a value between 0 and 38.
fn color(sum: u32) -> [u8; 3] {
    let level = ColorMap::level(f64::from(sum) / 38.0);
    ColorMap::Sequential.color(level).rgb
}

#[test]
fn a_heat_map_never_has_more_cells_than_pixels() {
    for (width, height) in SIZES {
        let (columns, rows) = heatmap_capacity(&style(width, height));
        assert!(columns >= 20 && rows >= 20, "{width} × {height}: {columns} × {rows}");
        // Labels as wide as they may be.
        let wide = |name, count: usize| {
            let labels = (0..count).map(|index| format!("{index}00000000")).collect();
            HeatmapAxis { name: String::from(name), labels }
        };
        let mut content = grid(wide("x", columns), wide("y", rows), |column, row| {
            Cell::Value(((column + row) % 7) as f64 * 123_456.0 - 400_000.0)
        });
        content.remarks = vec!["a long remark ".repeat(20); 3];
        let picture = render_heatmap(&data(PROFIT, content), &style(width, height)).unwrap();
        for item in &picture.items {
            if let Item::Image(image) = item {
                assert!(
                    image.width as usize >= columns && image.height as usize >= rows,
                    "{width} × {height}: {columns} × {rows} cells, {} × {} pixels",
                    image.width,
                    image.height
                );
            }
        }
    }
}

#[test]
fn cells_that_do_not_match_the_axes_are_rejected() {
    let mut content =
        grid(axis("x", periods(3, 1)), axis("y", periods(2, 1)), |_, _| Cell::Missing);
    content.x.labels.pop();
    let error = render_heatmap(&data(SHARPE, content), &style(800, 600)).unwrap_err();
    assert_eq!(error.message, "a heat map of 2 × 2 positions cannot have 6 cells");
}

/// Writes the pictures of all heat maps to the folder in `CHART_PICTURES`, for visual inspection.
#[test]
fn pictures_for_visual_inspection() {
    let Ok(folder) = std::env::var("CHART_PICTURES") else { return };
    for (name, data) in heatmaps() {
        for (width, height) in [(800, 600), (1200, 800), (400, 300), (200, 200)] {
            for (theme_name, theme) in Theme::ALL {
                let picture = render_heatmap(&data, &Style { width, height, theme }).unwrap();
                let file = format!("{folder}/heatmap-{name}-{width}-{theme_name}");
                std::fs::write(format!("{file}.png"), picture.to_png().unwrap()).unwrap();
                std::fs::write(format!("{file}.svg"), picture.to_svg().unwrap()).unwrap();
            }
        }
    }
}
