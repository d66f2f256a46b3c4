//! What panels show: lines, areas and candles, with the headings that explain them.

use super::calendar::{self, TimeTick};
use super::draw::{Kind, Panel, Sheet, text_style};
use super::font::Weight;
use super::heading::{self, Line, Part};
use super::marks::{Counts, Mark, Marks, clear_of};
use super::picture::{Anchor, Color, Step, Stroke, polyline, rectangle, rounded};
use super::scale::{Axis, TimeScale};
use super::thin::thin;
use super::ticks;
use crate::market::Bars;

impl Sheet<'_> {
    pub(super) fn frame(&mut self, panel: &Panel, scale: &TimeScale, times: &[TimeTick]) {
        let (left, right) = (scale.left, scale.right);
        // Lines of one pixel lie in the middle of their pixels.
        let sharp = |at: f64| at.floor() + 0.5;
        let grid = Stroke::new(self.palette.grid, 1.0);
        let mut lines = Vec::new();
        for tick in &panel.ticks.list {
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

    pub(super) fn headings(
        &mut self,
        panel: &Panel,
        scale: &TimeScale,
        marks: &Marks,
        size: Option<f64>,
        counts: Option<&Counts>,
    ) {
        let m = self.measures;
        let labels = self.label_style();
        let name = text_style(m.label, Weight::SemiBold, self.palette.ink);
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

    pub(super) fn price(
        &mut self,
        panel: &Panel,
        scale: &TimeScale,
        marks: &Marks,
        size: Option<f64>,
    ) {
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

    pub(super) fn equity(
        &mut self,
        panel: &Panel,
        scale: &TimeScale,
        marks: &Marks,
        size: Option<f64>,
    ) {
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

    pub(super) fn drawdown(&mut self, panel: &Panel, scale: &TimeScale) {
        let m = self.measures;
        let axis = panel.axis;
        let depths = &self.drawdowns;
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

    /// Draws a line of data; a single point, which no line goes through, as a dot.
    fn data_line(&mut self, points: &[(f64, f64)], color: Color, width: f64) {
        if let [(x, y)] = points {
            let (x, y, r) = (*x, *y, width * 1.5);
            self.canvas.fill(rounded(x - r, y - r, x + r, y + r, r), color);
        } else {
            self.canvas.line(polyline(points), Stroke::new(color, width));
        }
    }

    /// Says where equity was furthest below its highest.
    fn deepest(&self) -> Option<String> {
        let (bar, depth) = self
            .drawdowns
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, depth)| depth.is_finite())
            .min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let moment = self.subject.timestamps.get(bar).copied()?;
        (depth < 0.0).then(|| {
            let at = calendar::date_and_time(moment, self.bar());
            format!("deepest {} on {at}", ticks::percent(depth).write(depth))
        })
    }
}

/// Returns the bodies of candles with whether they rise, and the wicks of all.
fn candles_of(
    bars: &Bars,
    axis: &Axis,
    x: impl Fn(usize) -> f64,
    width: f64,
) -> (Vec<(bool, Vec<Step>)>, Vec<Step>) {
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
