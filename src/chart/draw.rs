//! The layout: what stands where, and in which order it is drawn.

use super::calendar::{self, TimeTick};
use super::font::{Fonts, Weight};
use super::heading::{self, Group, Line, Part};
use super::marks::{Counts, Mark, Marks, clear_of};
use super::picture::{Anchor, Canvas, Picture, Stroke, TextStyle, polyline, rectangle, rounded};
use super::scale::{Axis, Span, TimeScale};
use super::theme::Palette;
use super::thin::thin;
use super::ticks::{self, Notation, Ticks, Unit};
use super::{Headline, Style, Subject, number};
use crate::error::{Error, Result};

/// Draws a run.
///
/// # Errors
/// `INTERNAL` for a run without bars, or if the built-in font cannot be read.
pub fn draw(subject: &Subject<'_>, style: &Style) -> Result<Picture> {
    let (Some(&first), Some(&last)) = (subject.timestamps.first(), subject.timestamps.last())
    else {
        return Err(Error::internal("a run without bars cannot be drawn"));
    };
    let fonts = Fonts::load()?;
    let mut sheet = Sheet {
        canvas: Canvas { fonts: &fonts, items: Vec::new() },
        palette: Palette::of(style.theme),
        measures: Measures::of(style),
        subject,
        range: (first, last),
    };
    let below_header = sheet.header();
    sheet.panels(below_header);
    let figures: Vec<String> = figures(&subject.headline)
        .iter()
        .map(|figure| format!("{} {}", figure.name, figure.value))
        .collect();
    Ok(Picture {
        width: style.width,
        height: style.height,
        background: sheet.palette.background,
        title: format!(
            "{} on {}, {}, {}",
            subject.strategy,
            subject.asset,
            subject.timeframe,
            calendar::range(first, last, subject.timeframe.milliseconds())
        ),
        description: figures.join(", "),
        items: sheet.canvas.items,
    })
}

/// Sizes in pixels, which grow more slowly than the picture does.
#[derive(Debug, Clone, Copy)]
struct Measures {
    width: f64,
    height: f64,
    /// What is 1 in a picture of 800 × 600.
    unit: f64,
    label: f64,
    figure: f64,
    title: f64,
    margin: f64,
}

impl Measures {
    fn of(style: &Style) -> Self {
        let (width, height) = (f64::from(style.width), f64::from(style.height));
        let unit = (width / 800.0).min(height / 600.0).powf(0.6).clamp(0.8, 4.0);
        Self {
            width,
            height,
            unit,
            label: 12.0 * unit,
            figure: 13.0 * unit,
            title: 18.0 * unit,
            margin: 16.0 * unit,
        }
    }

    fn heading(&self) -> f64 {
        self.label * 2.1
    }
}

/// A figure of the subtitle.
struct Figure {
    name: &'static str,
    short: &'static str,
    value: String,
    /// Above 0 for a gain, below for a loss.
    gain: f64,
}

fn figures(headline: &Headline) -> Vec<Figure> {
    let percent = |value: Option<f64>| {
        value.map_or_else(|| "–".to_owned(), |value| ticks::percent(value).signed(value))
    };
    let figure = |name, short, value| Figure { name, short, value, gain: 0.0 };
    let trades = headline
        .total_trades
        .map_or_else(|| "–".to_owned(), |count| Notation::new(Unit::Amount, 1.0, 1.0).write(count));
    let sharpe = headline.sharpe_ratio.map_or_else(
        || "–".to_owned(),
        |ratio| Notation::new(Unit::Amount, ratio.abs().max(1.0), 0.01).write(ratio),
    );
    let mut figures = vec![
        Figure {
            gain: headline.total_return.unwrap_or(0.0),
            ..figure("Return", "Return", percent(headline.total_return))
        },
        figure("Buy and hold", "B&H", percent(headline.benchmark_return)),
        figure("Sharpe", "Sharpe", sharpe),
        figure("Max drawdown", "DD", percent(headline.max_drawdown.map(|value| -value))),
        figure("Trades", "Trades", trades),
    ];
    if let Some(rate) = headline.win_rate {
        let rate = Notation::new(Unit::Percent, 100.0, 1.0).write(rate);
        figures.push(figure("Won", "Won", rate));
    }
    figures
}

/// A run's picture under way.
struct Sheet<'a> {
    canvas: Canvas<'a>,
    palette: Palette,
    measures: Measures,
    subject: &'a Subject<'a>,
    range: (i64, i64),
}

/// What a panel holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Price,
    Counts,
    Equity,
    Drawdown,
}

/// A panel: where it lies, and its axis of amounts.
struct Panel {
    kind: Kind,
    top: f64,
    bottom: f64,
    axis: Axis,
    ticks: Ticks,
}

/// The last value of a line, beside its panel.
struct Tag {
    y: f64,
    text: String,
    color: super::Color,
}

impl Sheet<'_> {
    fn style(&self, size: f64, weight: Weight, color: super::Color) -> TextStyle {
        TextStyle { size, weight, color }
    }

    fn label_style(&self) -> TextStyle {
        self.style(self.measures.label, Weight::Regular, self.palette.muted)
    }

    fn bar(&self) -> i64 {
        self.subject.timeframe.milliseconds()
    }

    fn width_of(&self, text: &str, style: TextStyle) -> f64 {
        self.canvas.fonts.width(text, style.weight, style.size)
    }

    /// Writes title and subtitle, and returns where they end.
    fn header(&mut self) -> f64 {
        let m = self.measures;
        let (left, right) = (m.margin, m.width - m.margin);
        let title = self.style(m.title, Weight::SemiBold, self.palette.ink);
        let quiet = self.style(m.figure, Weight::Regular, self.palette.muted);
        let baseline = m.margin * 0.8 + self.canvas.fonts.cap_height(title.weight, title.size);
        let subject = self.subject;
        let what = format!("{} · {} · {}", subject.strategy, subject.asset, subject.timeframe);
        // The range, as precisely as there is room for beside the title.
        let (first, last) = self.range;
        let ranges = [
            calendar::range(first, last, self.bar()),
            calendar::range(first, last, crate::market::time::DAY),
            calendar::years(first, last),
        ];
        let room = right - left;
        let free = room - self.width_of(&what, title) - m.title;
        if let Some(range) = ranges.iter().find(|range| self.width_of(range, quiet) <= free) {
            self.canvas.text((right, baseline), Anchor::Right, range, quiet);
        }
        let what = self.canvas.fonts.fit(&what, title.weight, title.size, room);
        self.canvas.text((left, baseline), Anchor::Left, &what, title);
        self.subtitle(baseline + m.figure * 1.75)
    }

    fn subtitle(&mut self, baseline: f64) -> f64 {
        let m = self.measures;
        let name = self.style(m.figure, Weight::Regular, self.palette.muted);
        let value = |color| self.style(m.figure, Weight::SemiBold, color);
        let color = |gain: f64| match () {
            () if gain > 0.0 => self.palette.profit,
            () if gain < 0.0 => self.palette.loss,
            () => self.palette.ink,
        };
        let figures = figures(&self.subject.headline);
        let groups = |short: bool, size: f64| -> Vec<Group> {
            let part = |figure: &Figure| {
                let label = if short { figure.short } else { figure.name };
                let strong = value(color(figure.gain));
                vec![
                    Part::Text(label.to_owned(), TextStyle { size, ..name }),
                    Part::Text(figure.value.clone(), TextStyle { size, ..strong }),
                ]
            };
            figures.iter().map(part).collect()
        };
        let line = Line { left: m.margin, right: m.width - m.margin, baseline, size: m.figure };
        let small = Line { size: m.label * 0.9, ..line };
        let fits = |line: &Line, groups: &[Group]| {
            line.left + heading::width(&self.canvas, line.size, groups) <= line.right
        };
        let (long, short) = (groups(false, line.size), groups(true, line.size));
        let (line, chosen) = if fits(&line, &long) {
            (line, long)
        } else if fits(&line, &short) {
            (line, short)
        } else {
            (small, groups(true, small.size))
        };
        let end = heading::draw(&mut self.canvas, &line, &chosen);
        // The parameters, where there is room for all of them.
        let parameters = self.subject.parameters;
        if !parameters.is_empty()
            && end + m.figure * 2.0 + self.width_of(parameters, name) <= line.right
        {
            self.canvas.text((line.right, baseline), Anchor::Right, parameters, name);
        }
        baseline + m.figure * 0.45
    }

    /// Draws everything below the header.
    fn panels(&mut self, top: f64) {
        let m = self.measures;
        let marks = Marks::of(self.subject.trades);
        let bottom = m.height - m.margin * 0.55 - m.label * 1.6;
        let left = m.margin;
        // How wide the axis is depends on the panels and these on the marks, whose places depend on that width.
        let about = self.time_scale(left, m.width - m.margin - m.label * 5.0);
        let size = marks.size(10.0 * m.unit, |bar| self.x(&about, bar));
        let mut panels = self.layout((top, bottom), &marks, size);
        let labels = self.label_style();
        let figures = self.style(m.label, Weight::SemiBold, self.palette.on_tag);
        let widest = panels.iter().map(|panel| {
            let ticks = panel.ticks.ticks.iter().map(|tick| self.width_of(&tick.label, labels));
            let tags = self.tags(panel).into_iter().map(|tag| self.width_of(&tag.text, figures));
            ticks.chain(tags).fold(0.0, f64::max)
        });
        let axis_width = widest.fold(0.0, f64::max);
        let right = (m.width - m.margin - axis_width - m.label * 0.5).floor();
        let scale = self.time_scale(left, right);
        let room = (left, m.width - m.margin * 0.5);
        let times =
            calendar::ticks(&scale, self.bar(), self.canvas.fonts, m.label, m.label * 1.2, room);
        let counts = size.is_none().then(|| {
            Counts::of(self.subject.trades, &scale, self.subject.timestamps, 4.0 * m.unit)
        });
        for panel in &mut panels {
            self.frame(panel, &scale, &times);
            self.headings(panel, &scale, &marks, size, counts.as_ref());
            match panel.kind {
                Kind::Price => self.price(panel, &scale, &marks, size),
                Kind::Counts => {
                    if let Some(counts) = &counts {
                        let inside = (panel.top + 1.0, panel.bottom - 1.0);
                        counts.draw(&mut self.canvas, &self.palette, left, inside);
                    }
                }
                Kind::Equity => self.equity(panel, &scale, &marks, size),
                Kind::Drawdown => self.drawdown(panel, &scale),
            }
            self.axis(panel, right);
        }
        let strong = TextStyle { weight: Weight::SemiBold, color: self.palette.ink, ..labels };
        for tick in &times {
            let style = if tick.strong { strong } else { labels };
            self.canvas.text(
                (tick.left, bottom + m.label * 1.45),
                Anchor::Left,
                &tick.label,
                style,
            );
        }
    }

    fn time_scale(&self, left: f64, right: f64) -> TimeScale {
        TimeScale::new(self.range.0, self.range.1, self.bar(), left, right)
    }

    fn x(&self, scale: &TimeScale, bar: usize) -> f64 {
        let moment = self.subject.timestamps.get(bar).copied();
        scale.place(moment.unwrap_or(self.range.1))
    }

    /// Divides the height between the panels.
    fn layout(&self, (top, bottom): (f64, f64), marks: &Marks, size: Option<f64>) -> Vec<Panel> {
        let m = self.measures;
        let mut kinds: Vec<(Kind, f64)> = Vec::new();
        if self.subject.bars.is_some() {
            kinds.push((Kind::Price, 0.5));
        }
        if size.is_none() {
            kinds.push((Kind::Counts, 0.1));
        }
        kinds.extend([(Kind::Equity, 0.3), (Kind::Drawdown, 0.2)]);
        let shares: f64 = kinds.iter().map(|(_, share)| share).sum();
        let plots = bottom - top - m.heading() * number(kinds.len());
        let mut y = top;
        let mut panels = Vec::new();
        for (kind, share) in kinds {
            let top = (y + m.heading()).round();
            y = y + m.heading() + plots * share / shares;
            let bottom = y.round();
            let marked =
                size.filter(|_| self.carries_marks(kind)).filter(|_| !marks.marks.is_empty());
            let (axis, ticks) = self.axis_of(kind, (top, bottom), marked);
            panels.push(Panel { kind, top, bottom, axis, ticks });
        }
        panels
    }

    /// Returns whether trades are marked in a panel: on the price, or else on equity.
    fn carries_marks(&self, kind: Kind) -> bool {
        kind == if self.subject.bars.is_some() { Kind::Price } else { Kind::Equity }
    }

    fn axis_of(&self, kind: Kind, edges: (f64, f64), marked: Option<f64>) -> (Axis, Ticks) {
        let m = self.measures;
        let distance = m.label * 2.0;
        let room = 5.0 * m.unit + marked.map_or(0.0, |size| size * 1.6);
        let everything = f64::NEG_INFINITY;
        match kind {
            Kind::Price => {
                let span = self.price_span(marked.is_some());
                let axis = Axis::new(span, Axis::demands_log(span), edges, (room, room));
                (axis, Ticks::of(&axis, Unit::Amount, distance, 0.0))
            }
            Kind::Counts => {
                let axis = Axis::new(Span { low: -1.0, high: 1.0 }, false, edges, (0.0, 0.0));
                (axis, Ticks::none(Unit::Amount))
            }
            Kind::Equity => {
                let capital = self.subject.initial_capital;
                let own = Span { low: capital, high: capital }
                    .and(Span::of(self.subject.equity.iter().copied()));
                let span = own.and(self.hold_span());
                let log = Axis::demands_log(span) && span.high >= capital * 10.0;
                let axis = Axis::new(span, log, edges, (room, room));
                let floor = if span.low >= 0.0 { 0.0 } else { everything };
                (axis, Ticks::of(&axis, Unit::Amount, distance, floor))
            }
            Kind::Drawdown => {
                let low = Span::of(self.drawdowns()).map_or(0.0, |span| span.low);
                let span = Span { low: if low < 0.0 { low } else { -1.0 }, high: 0.0 };
                let axis = Axis::new(span, false, edges, (0.0, 3.0 * m.unit));
                (axis, Ticks::of(&axis, Unit::Percent, distance, everything))
            }
        }
    }

    /// Returns the range of what the price panel shows.
    fn price_span(&self, marked: bool) -> Span {
        let unknown = Span { low: 1.0, high: 1.0 };
        let Some(bars) = self.subject.bars else { return unknown };
        let span = if self.shows_candles() {
            let low = Span::of(bars.low().iter().copied());
            low.unwrap_or(unknown).and(Span::of(bars.high().iter().copied()))
        } else {
            Span::of(bars.close().iter().copied()).unwrap_or(unknown)
        };
        if !marked {
            return span;
        }
        let trades = self.subject.trades;
        let positive = |price: &f64| *price > 0.0;
        let fills = trades.entry_price.iter().chain(&trades.exit_price).copied().filter(positive);
        span.and(Span::of(fills))
    }

    /// Returns whether there is room to show each bar with its open, high, low and close.
    fn shows_candles(&self) -> bool {
        let m = self.measures;
        let about = self.time_scale(m.margin, m.width - m.margin - m.label * 5.0);
        about.pixels(self.bar()) >= 5.0 * m.unit
    }

    fn hold(&self) -> Option<impl Fn(usize) -> f64 + use<'_>> {
        let close = self.subject.bars?.close();
        let first = close.first().copied()?;
        let capital = self.subject.initial_capital;
        Some(move |bar: usize| close.get(bar).map_or(f64::NAN, |close| capital * (close / first)))
    }

    fn hold_span(&self) -> Option<Span> {
        let hold = self.hold()?;
        Span::of((0..self.subject.timestamps.len()).map(hold))
    }

    /// Returns by how much equity is below its highest so far, percent, at each bar.
    fn drawdowns(&self) -> impl Iterator<Item = f64> + use<'_> {
        let mut peak = f64::NEG_INFINITY;
        self.subject.equity.iter().map(move |&equity| {
            peak = peak.max(equity);
            if peak > 0.0 { (equity / peak - 1.0) * 100.0 } else { f64::NAN }
        })
    }

    fn frame(&mut self, panel: &Panel, scale: &TimeScale, times: &[TimeTick]) {
        let (left, right) = (scale.left, scale.right);
        // Lines of one pixel lie in the middle of their pixels.
        let sharp = |at: f64| at.floor() + 0.5;
        let grid = Stroke::new(self.palette.grid, 1.0);
        let mut lines = Vec::new();
        for tick in &panel.ticks.ticks {
            lines.extend(polyline(&[(left, sharp(tick.y)), (right, sharp(tick.y))]));
        }
        for tick in times {
            lines.extend(polyline(&[(sharp(tick.x), panel.top), (sharp(tick.x), panel.bottom)]));
        }
        self.canvas.line(lines, grid);
        let middle = panel.top.midpoint(panel.bottom);
        let base = match panel.kind {
            Kind::Counts => middle,
            Kind::Drawdown => panel.top,
            _ => panel.bottom,
        };
        let edge = Stroke::new(self.palette.edge, 1.0);
        self.canvas.line(polyline(&[(left, sharp(base)), (right, sharp(base))]), edge);
    }

    fn headings(
        &mut self,
        panel: &Panel,
        scale: &TimeScale,
        marks: &Marks,
        size: Option<f64>,
        counts: Option<&Counts>,
    ) {
        let m = self.measures;
        let labels = self.label_style();
        let name = self.style(m.label, Weight::SemiBold, self.palette.ink);
        let quiet = |text: &str| Part::Text(text.to_owned(), labels);
        let log = if panel.axis.log { "log scale" } else { "" };
        let titled = |title: &str, rest: &str| {
            let mut group = vec![Part::Text(title.to_owned(), name)];
            if !rest.is_empty() {
                group.push(quiet(rest));
            }
            group
        };
        let legend = |sheet: &Self| match size {
            Some(_) if sheet.carries_marks(panel.kind) => marks.legend(&sheet.palette, labels),
            _ => Vec::new(),
        };
        let mut groups = match panel.kind {
            Kind::Price => {
                let what = if self.shows_candles() { "" } else { "close" };
                let between = if what.is_empty() || log.is_empty() { "" } else { " · " };
                vec![titled("Price", &format!("{what}{between}{log}"))]
            }
            Kind::Counts => {
                let most = counts.map_or(0, |counts| counts.most);
                vec![
                    titled("Trades closed", ""),
                    vec![Part::Swatch(self.palette.profit), quiet("with profit")],
                    vec![Part::Swatch(self.palette.loss), quiet("with loss")],
                    vec![quiet(&format!("up to {most} per column"))],
                ]
            }
            Kind::Equity => {
                let line = |color| Part::Line(Stroke::new(color, 2.0 * m.unit));
                let mut groups = vec![
                    titled("Equity", log),
                    vec![line(self.palette.strategy), quiet("strategy")],
                ];
                if self.subject.bars.is_some() {
                    groups.push(vec![line(self.palette.hold), quiet("buy and hold")]);
                }
                groups
            }
            Kind::Drawdown => {
                let mut groups = vec![titled("Drawdown", "")];
                groups.extend(self.deepest().map(|text| vec![quiet(&text)]));
                groups
            }
        };
        groups.extend(legend(self));
        let line = Line {
            left: scale.left,
            right: m.width - m.margin,
            baseline: panel.top - m.label * 0.55,
            size: m.label,
        };
        let end = heading::draw(&mut self.canvas, &line, &groups);
        let note = self.subject.note;
        if panel.kind == Kind::Equity && self.subject.bars.is_none() && !note.is_empty() {
            let room = line.right - end - m.label * 2.0;
            let note = self.canvas.fonts.fit(note, labels.weight, labels.size, room);
            self.canvas.text((line.right, line.baseline), Anchor::Right, &note, labels);
        }
    }

    /// Says where equity was furthest below its highest.
    fn deepest(&self) -> Option<String> {
        let (bar, depth) = self
            .drawdowns()
            .enumerate()
            .filter(|(_, depth)| depth.is_finite())
            .min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let moment = self.subject.timestamps.get(bar).copied()?;
        (depth < 0.0).then(|| {
            let at = calendar::date_and_time(moment, self.bar());
            format!("deepest {} on {at}", ticks::percent(depth).write(depth))
        })
    }

    fn price(&mut self, panel: &Panel, scale: &TimeScale, marks: &Marks, size: Option<f64>) {
        let Some(bars) = self.subject.bars else { return };
        let m = self.measures;
        let axis = panel.axis;
        let x = |bar: usize| self.x(scale, bar);
        let close = |bar: usize| bars.close().get(bar).copied().unwrap_or(f64::NAN);
        let candles = self.shows_candles();
        if candles {
            let (shapes, wicks) = candles_of(bars, &axis, x, scale.pixels(self.bar()) * 0.7);
            let stroke = Stroke::new(self.palette.price, m.unit.max(1.0));
            self.canvas.line(wicks, stroke);
            for (rises, steps) in shapes {
                let fill = if rises { self.palette.background } else { self.palette.price };
                self.canvas.edged(steps, fill, stroke);
            }
        } else {
            let width = scale.right - scale.left;
            let points = thin(bars.len(), width, x, close, |price| axis.place(price));
            self.canvas.line(polyline(&points), Stroke::new(self.palette.price, 1.2 * m.unit));
        }
        let Some(size) = size else { return };
        let (timestamps, last) = (self.subject.timestamps, self.range.1);
        let x = |bar: usize| scale.place(timestamps.get(bar).copied().unwrap_or(last));
        let place = |(bar, price): (usize, f64)| (x(bar), axis.place(price));
        if marks.links.len() <= 60 {
            marks.draw_links(&mut self.canvas, &self.palette, 1.3 * m.unit, place);
        }
        let extent = |mark: &Mark| {
            let of = |column: &[f64]| column.get(mark.bar).copied().unwrap_or(mark.price);
            let around =
                if candles { [of(bars.high()), of(bars.low())] } else { [close(mark.bar); 2] };
            let (top, bottom) = clear_of(&axis, around);
            let fill = axis.place(mark.price);
            (top.min(fill), bottom.max(fill))
        };
        let (above, below) = (|mark: &Mark| extent(mark).0, |mark: &Mark| extent(mark).1);
        marks.draw(&mut self.canvas, &self.palette, size, x, (above, below));
    }

    fn equity(&mut self, panel: &Panel, scale: &TimeScale, marks: &Marks, size: Option<f64>) {
        let m = self.measures;
        let axis = panel.axis;
        let subject = self.subject;
        let width = scale.right - scale.left;
        let (timestamps, last) = (subject.timestamps, self.range.1);
        let x = |bar: usize| scale.place(timestamps.get(bar).copied().unwrap_or(last));
        let y = |amount: f64| axis.place(amount);
        let capital = y(subject.initial_capital).floor() + 0.5;
        let level =
            Stroke::new(self.palette.edge, m.unit.max(1.0)).dashed(3.0 * m.unit, 3.0 * m.unit);
        self.canvas.line(polyline(&[(scale.left, capital), (scale.right, capital)]), level);
        let held = self.hold().map(|hold| thin(timestamps.len(), width, x, hold, y));
        let equity = |bar: usize| subject.equity.get(bar).copied().unwrap_or(f64::NAN);
        let points = thin(subject.equity.len(), width, x, equity, y);
        if let (Some(&(from, _)), Some(&(to, _))) = (points.first(), points.last()) {
            let mut area = points.clone();
            area.extend([(to, panel.bottom), (from, panel.bottom)]);
            self.canvas.fill(polyline(&area), self.palette.strategy.faded(0.08));
        }
        if let Some(held) = held {
            self.data_line(&held, self.palette.hold, 1.4 * m.unit);
        }
        self.data_line(&points, self.palette.strategy, 1.8 * m.unit);
        let Some(size) = size.filter(|_| self.carries_marks(Kind::Equity)) else { return };
        let at = |mark: &Mark| axis.place(equity(mark.bar));
        marks.draw(&mut self.canvas, &self.palette, size, x, (at, at));
    }

    /// Draws a line of data; a single point, which no line goes through, as a dot.
    fn data_line(&mut self, points: &[(f64, f64)], color: super::Color, width: f64) {
        if let [(x, y)] = points {
            let (x, y, r) = (*x, *y, width * 1.5);
            self.canvas.fill(rounded(x - r, y - r, x + r, y + r, r), color);
        } else {
            self.canvas.line(polyline(points), Stroke::new(color, width));
        }
    }

    fn drawdown(&mut self, panel: &Panel, scale: &TimeScale) {
        let m = self.measures;
        let axis = panel.axis;
        let depths: Vec<f64> = self.drawdowns().collect();
        let width = scale.right - scale.left;
        let x = |bar: usize| self.x(scale, bar);
        let depth = |bar: usize| depths.get(bar).copied().unwrap_or(f64::NAN);
        let points = thin(depths.len(), width, x, depth, |percent| axis.place(percent));
        if let (Some(&(from, _)), Some(&(to, _))) = (points.first(), points.last()) {
            let mut area = points.clone();
            area.extend([(to, panel.top), (from, panel.top)]);
            self.canvas.fill(polyline(&area), self.palette.loss.faded(0.22));
        }
        self.data_line(&points, self.palette.loss, 1.2 * m.unit);
    }

    /// Returns the last values of a panel's lines.
    fn tags(&self, panel: &Panel) -> Vec<Tag> {
        let tag = |amount: f64, color| Tag {
            y: panel.axis.place(amount),
            text: panel.ticks.exactly(amount),
            color,
        };
        let last = self.subject.timestamps.len().saturating_sub(1);
        match panel.kind {
            Kind::Price => {
                let close = self.subject.bars.and_then(|bars| bars.close().last().copied());
                close.map(|close| tag(close, self.palette.price)).into_iter().collect()
            }
            Kind::Equity => {
                let own = self.subject.equity.last().copied().filter(|equity| equity.is_finite());
                let held = self.hold().map(|hold| hold(last));
                let held = held.map(|held| tag(held, self.palette.hold));
                held.into_iter().chain(own.map(|own| tag(own, self.palette.strategy))).collect()
            }
            Kind::Counts | Kind::Drawdown => Vec::new(),
        }
    }

    /// Writes the amounts right of a panel.
    fn axis(&mut self, panel: &Panel, right: f64) {
        let m = self.measures;
        let mut tags = self.tags(panel);
        let height = m.label * 1.45;
        spread(&mut tags, height + 1.0, (panel.top - height / 2.0, panel.bottom + height / 2.0));
        let cap = self.canvas.fonts.cap_height(Weight::Regular, m.label);
        let x = right + m.label * 0.5;
        let labels = self.label_style();
        let figures = self.style(m.label, Weight::SemiBold, self.palette.on_tag);
        for tick in &panel.ticks.ticks {
            let free = |tag: &Tag| (tag.y - tick.y).abs() >= height / 2.0 + m.label * 0.6;
            if tags.iter().all(free) {
                self.canvas.text((x, tick.y + cap / 2.0), Anchor::Left, &tick.label, labels);
            }
        }
        for tag in &tags {
            let width = self.width_of(&tag.text, figures);
            let (from, to) = (x - m.label * 0.35, x + width + m.label * 0.35);
            let (top, bottom) = (tag.y - height / 2.0, tag.y + height / 2.0);
            self.canvas.fill(rounded(from, top, to, bottom, 2.5 * m.unit), tag.color);
            self.canvas.text((x, tag.y + cap / 2.0), Anchor::Left, &tag.text, figures);
        }
    }
}

/// Moves tags apart that would lie on each other, and keeps them within the edges.
fn spread(tags: &mut [Tag], height: f64, (top, bottom): (f64, f64)) {
    tags.sort_by(|a, b| a.y.total_cmp(&b.y));
    if let [upper, lower] = tags
        && lower.y - upper.y < height
    {
        let middle = upper.y.midpoint(lower.y);
        (upper.y, lower.y) = (middle - height / 2.0, middle + height / 2.0);
    }
    let (Some(highest), Some(lowest)) = (tags.first(), tags.last()) else { return };
    let shift =
        (top + height / 2.0 - highest.y).max(0.0) - (lowest.y + height / 2.0 - bottom).max(0.0);
    for tag in tags {
        tag.y += shift;
    }
}

/// Returns the bodies of candles with whether they rise, and the wicks of all.
fn candles_of(
    bars: &crate::market::Bars,
    axis: &Axis,
    x: impl Fn(usize) -> f64,
    width: f64,
) -> (Vec<(bool, Vec<super::Step>)>, Vec<super::Step>) {
    let width = width.min(60.0);
    let mut bodies = Vec::with_capacity(bars.len());
    let mut wicks = Vec::new();
    let prices = bars.open().iter().zip(bars.high().iter());
    let prices = prices.zip(bars.low().iter()).zip(bars.close().iter());
    for (bar, (((&open, &high), &low), &close)) in prices.enumerate() {
        let (x, [open_y, high_y, low_y, close_y]) =
            (x(bar), [open, high, low, close].map(|price| axis.place(price)));
        let (top, bottom) =
            (open_y.min(close_y), open_y.max(close_y).max(open_y.min(close_y) + 1.0));
        wicks.extend(polyline(&[(x, high_y), (x, top)]));
        wicks.extend(polyline(&[(x, bottom), (x, low_y.max(bottom))]));
        bodies.push((close >= open, rectangle(x - width / 2.0, top, x + width / 2.0, bottom)));
    }
    (bodies, wicks)
}
