//! Tests of whole pictures.

use std::sync::Arc;

use super::*;
use crate::market::{Bars, Timeframe};
use crate::portfolio::Trades;

/// Owns the data of a run to draw.
struct Run {
    timestamps: Vec<i64>,
    equity: Vec<f64>,
    trades: Trades,
    bars: Arc<Bars>,
    timeframe: Timeframe,
}

impl Run {
    /// Creates a run over closes. Each trade is an entry bar, an exit bar and a direction.
    fn new(closes: &[f64], start: i64, timeframe: Timeframe, trades: &[(u32, u32, u8)]) -> Self {
        let step = timeframe.milliseconds();
        let timestamps: Vec<i64> =
            (0_i64..).take(closes.len()).map(|bar| start + bar * step).collect();
        let open: Vec<f64> = (0..closes.len()).map(|bar| closes[bar.saturating_sub(1)]).collect();
        let high: Vec<f64> =
            open.iter().zip(closes).map(|(open, close)| open.max(*close) * 1.002).collect();
        let low: Vec<f64> =
            open.iter().zip(closes).map(|(open, close)| open.min(*close) * 0.998).collect();
        let mut equity = vec![10_000.0; closes.len()];
        let mut columns = Trades::default();
        for &(entry, exit, direction) in trades {
            let (from, to) = (closes[entry as usize], closes[exit as usize]);
            let sign = if direction == 0 { 1.0 } else { -1.0 };
            let size = equity[entry as usize] / from;
            for bar in entry as usize..closes.len() {
                let price = closes[bar.min(exit as usize)];
                equity[bar] = equity[entry as usize] + sign * size * (price - from);
            }
            columns.entry_bar.push(entry);
            columns.exit_bar.push(exit);
            columns.direction.push(direction);
            columns.status.push(1);
            columns.size.push(size);
            columns.entry_price.push(from);
            columns.exit_price.push(to);
            columns.entry_fees.push(0.0);
            columns.exit_fees.push(0.0);
            columns.pnl.push(sign * size * (to - from));
            columns.pnl_percent.push(sign * (to / from - 1.0) * 100.0);
        }
        let bars = Bars::new(
            timestamps.clone(),
            open.into(),
            high.into(),
            low.into(),
            closes.to_vec().into(),
            None,
        );
        Self { timestamps, equity, trades: columns, bars: Arc::new(bars.unwrap()), timeframe }
    }

    fn data(&self) -> ChartData<'_> {
        let last = self.equity.last().copied().unwrap_or(10_000.0);
        ChartData {
            strategy: "SMA crossover",
            parameters: "fast_period 10, slow_period 30",
            asset: "SP500",
            timeframe: self.timeframe.into(),
            timestamps: &self.timestamps,
            equity: &self.equity,
            initial_capital: 10_000.0,
            trades: &self.trades,
            bars: Some(&self.bars),
            note: "",
            alert: "",
            summary: ChartSummary {
                total_return: Some((last / 10_000.0 - 1.0) * 100.0),
                benchmark_return: Some(81.7),
                sharpe_ratio: Some(0.823),
                max_drawdown: Some(19.82),
                total_trades: Some(self.trades.pnl.len() as f64),
                win_rate: Some(60.0),
            },
        }
    }
}

/// Returns a random walk, the same for the same seed.
fn prices(count: usize, start: f64, volatility: f64, mut seed: u64) -> Vec<f64> {
    let mut price = start;
    (0..count)
        .map(|_| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let uniform = (seed >> 11) as f64 / (1_u64 << 53) as f64;
            price *= 1.0 + volatility * (uniform - 0.499);
            price
        })
        .collect()
}

fn trades(count: u32, step: u32, direction: impl Fn(u32) -> u8) -> Vec<(u32, u32, u8)> {
    (0..(count - 1) / step)
        .map(|index| (index * step, index * step + step / 2 + 1, direction(index)))
        .filter(|trade| trade.1 < count)
        .collect()
}

/// The runs that all layouts are tested with.
fn runs() -> Vec<(&'static str, Run)> {
    let start = 1_199_232_000_000;
    let day = Timeframe::D1;
    let ruin: Vec<f64> = prices(500, 100.0, 0.04, 5)
        .iter()
        .zip(0..)
        .map(|(price, bar)| price * 0.985_f64.powi(bar))
        .collect();
    vec![
        ("few", Run::new(&prices(1258, 1400.0, 0.03, 3), start, day, &trades(1258, 180, |_| 0))),
        (
            "many",
            Run::new(
                &prices(20_000, 30_000.0, 0.01, 4),
                start,
                Timeframe::H1,
                &trades(20_000, 8, |_| 0),
            ),
        ),
        (
            "hundred",
            Run::new(
                &prices(2500, 30.0, 0.03, 9),
                start,
                day,
                &trades(2500, 26, |index| (index % 2) as u8),
            ),
        ),
        (
            "reversals",
            Run::new(
                &prices(1258, 100.0, 0.03, 8),
                start,
                day,
                &(0..40)
                    .map(|index| (index * 31, index * 31 + 31, (index % 2) as u8))
                    .collect::<Vec<_>>(),
            ),
        ),
        ("short", Run::new(&prices(252, 100.0, 0.03, 8), start, day, &trades(252, 25, |_| 1))),
        ("ruin", Run::new(&ruin, start, day, &trades(500, 60, |_| 0))),
        ("one", Run::new(&[100.0], start, day, &[])),
        ("two", Run::new(&[100.0, 101.0], start, day, &[(0, 1, 0)])),
        (
            "month",
            Run::new(
                &prices(30, 100.0, 0.03, 8),
                start,
                day,
                &trades(30, 6, |index| (index % 2) as u8),
            ),
        ),
        ("flat", Run::new(&[100.0; 300], start, day, &[])),
        ("tiny", Run::new(&prices(252, 1.2e-7, 0.03, 8), start, day, &trades(252, 40, |_| 0))),
        ("large", Run::new(&prices(252, 1.2e9, 0.03, 8), start, day, &trades(252, 40, |_| 0))),
        (
            "thousandfold",
            Run::new(
                &prices(3000, 1.0, 0.05, 8)
                    .iter()
                    .zip(0..)
                    .map(|(price, bar)| price * 1.0025_f64.powi(bar))
                    .collect::<Vec<_>>(),
                start,
                day,
                &trades(3000, 400, |_| 0),
            ),
        ),
        (
            "minutes",
            Run::new(
                &prices(600, 100.0, 0.002, 8),
                start + 36_000_000,
                Timeframe::M1,
                &trades(600, 60, |_| 0),
            ),
        ),
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

#[test]
fn texts_do_not_overlap_and_stay_inside_the_picture() {
    for (name, run) in runs() {
        for (width, height) in SIZES {
            for bars in [true, false] {
                let mut data = run.data();
                if !bars {
                    data.bars = None;
                    data.note = "no prices: the bars of this run were handed in";
                    data.alert = "the strategy looks ahead: nobody could have traded like this";
                }
                let picture = render(&data, &style(width, height)).unwrap();
                let texts: Vec<&Text> = picture
                    .items
                    .iter()
                    .filter_map(|item| match item {
                        Item::Text(text) if !text.text.is_empty() => Some(text),
                        _ => None,
                    })
                    .collect();
                let place = format!("{name} at {width} × {height}, bars {bars}");
                for (index, text) in texts.iter().enumerate() {
                    let [left, top, right, bottom] = bounding_box(text);
                    assert!(
                        left >= 0.0
                            && top >= 0.0
                            && right <= f64::from(width)
                            && bottom <= f64::from(height),
                        "{place}: {:?} is outside",
                        text.text
                    );
                    for other in &texts[index + 1..] {
                        let [l, t, r, b] = bounding_box(other);
                        assert!(
                            right <= l || r <= left || bottom <= t || b <= top,
                            "{place}: {:?} lies on {:?}",
                            text.text,
                            other.text
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn an_alert_has_a_line_of_its_own() {
    let run = runs().remove(0).1;
    let texts = |alert| {
        let picture = render(&ChartData { alert, ..run.data() }, &style(1200, 800)).unwrap();
        let texts = picture.items.into_iter().filter_map(|item| match item {
            Item::Text(text) => Some(text),
            _ => None,
        });
        texts.collect::<Vec<_>>()
    };
    let (without, with) = (texts(""), texts("the strategy looks ahead"));
    assert_eq!(with.len(), without.len() + 1);
    let alert = with.iter().find(|text| text.text == "the strategy looks ahead").unwrap();
    let same_line = with.iter().filter(|text| (text.y - alert.y).abs() < 1.0).count();
    assert_eq!(same_line, 1);
}

#[test]
fn shapes_stay_inside_the_picture() {
    for (name, run) in runs() {
        for (width, height) in SIZES {
            let picture = render(&run.data(), &style(width, height)).unwrap();
            for item in &picture.items {
                let Item::Shape(shape) = item else { continue };
                for segment in &shape.path {
                    let (x, y) = match *segment {
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

/// Writes the pictures of all runs to the folder in `CHART_PICTURES`, for visual inspection.
#[test]
fn pictures_for_visual_inspection() {
    let Ok(folder) = std::env::var("CHART_PICTURES") else { return };
    for (name, run) in runs() {
        for (width, height) in [(800, 600), (1200, 800), (400, 300), (200, 200)] {
            for (theme_name, theme) in Theme::ALL {
                let picture = render(&run.data(), &Style { width, height, theme }).unwrap();
                let file = format!("{folder}/{name}-{width}-{theme_name}");
                std::fs::write(format!("{file}.png"), picture.to_png().unwrap()).unwrap();
                std::fs::write(format!("{file}.svg"), picture.to_svg().unwrap()).unwrap();
            }
        }
    }
}

#[test]
fn a_run_gives_the_same_bytes_on_every_thread() {
    let (_, run) = runs().swap_remove(1);
    let make = || {
        let picture = render(&run.data(), &style(800, 600)).unwrap();
        (picture.to_svg().unwrap(), picture.to_png().unwrap())
    };
    let expected = make();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
        for thread in threads {
            assert!(thread.join().unwrap() == expected);
        }
    });
}

#[test]
fn a_run_without_bars_is_rejected() {
    let run = Run::new(&[100.0], 0, Timeframe::D1, &[]);
    let data = ChartData { timestamps: &[], equity: &[], ..run.data() };
    assert_eq!(render(&data, &style(800, 600)).unwrap_err().code, crate::Code::Internal);
}

#[test]
fn names_are_escaped_in_svg() {
    let run = Run::new(&[100.0, 101.0], 0, Timeframe::D1, &[]);
    let data = ChartData {
        strategy: "<script>\"&'\u{0}\u{1b}\u{ffff}",
        asset: "]]></title><x/>",
        ..run.data()
    };
    let svg = render(&data, &style(800, 600)).unwrap().to_svg().unwrap();
    assert!(
        svg.contains("<title>&lt;script&gt;\"&amp;' on ]]&gt;&lt;/title&gt;&lt;x/&gt;, 1d, "),
        "{svg}"
    );
    assert!(!svg.contains("<script") && !svg.chars().any(|c| c.is_control() && c != '\n'));
    assert_well_formed(&svg);
}

#[test]
fn every_svg_is_well_formed() {
    for (_, run) in runs() {
        assert_well_formed(&render(&run.data(), &style(800, 600)).unwrap().to_svg().unwrap());
    }
}

/// Checks the tags of a document, that attributes are quoted, and that references have a target.
fn assert_well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut ids = Vec::new();
    let mut used = Vec::new();
    let mut rest = svg.trim_end();
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        assert!(!text.contains('>') && (open.len() > 1 || text.is_empty()), "{text:?}");
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let (tag, closes) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let name = tag.split(' ').next().unwrap();
        let mut attributes = &tag[name.len()..];
        while !attributes.is_empty() {
            let (key, value) =
                attributes.trim_start().split_once("=\"").expect("a value in quotes");
            assert!(key.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == 'B'), "{key:?}");
            let (value, after) = value.split_once('"').expect("a quote ends");
            if key == "id" {
                ids.push(value);
            }
            if key == "href" {
                used.push(value.strip_prefix('#').unwrap());
            }
            attributes = after;
        }
        if !closes {
            open.push(name);
        }
    }
    assert!(open.is_empty() && rest.is_empty(), "{open:?} {rest:?}");
    assert!(used.iter().all(|name| ids.contains(name)));
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count);
}
