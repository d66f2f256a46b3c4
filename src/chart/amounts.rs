//! Axes of amounts: what they range over, and what is written beside them.

use super::Color;
use super::draw::{Kind, Panel, Sheet, text_style};
use super::font::Weight;
use super::picture::{Anchor, rounded};
use super::scale::{Axis, Span};
use super::ticks::{Ticks, Unit};

/// The last value of a line, beside its panel.
pub(super) struct Tag {
    pub(super) y: f64,
    pub(super) text: String,
    pub(super) color: Color,
}

impl Sheet<'_> {
    pub(super) fn axis_of(
        &self,
        kind: Kind,
        edges: (f64, f64),
        marked: Option<f64>,
    ) -> (Axis, Ticks) {
        let m = self.measures;
        let distance = m.label * 2.0;
        let room = 5.0 * m.unit + marked.unwrap_or(0.0);
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
                let low = Span::of(self.drawdowns.iter().copied()).map_or(0.0, |span| span.low);
                let span = Span { low: if low < 0.0 { low } else { -1.0 }, high: 0.0 };
                let axis = Axis::new(span, false, edges, (0.0, 3.0 * m.unit));
                (axis, Ticks::of(&axis, Unit::Percent, distance, everything))
            }
        }
    }

    /// Returns whether there is room to show each bar with its open, high, low and close.
    pub(super) fn shows_candles(&self) -> bool {
        let m = self.measures;
        let about = self.time_scale(m.margin, m.width - m.margin - m.label * 5.0);
        about.pixels(self.bar()) >= 5.0 * m.unit
    }

    pub(super) fn hold(&self) -> Option<impl Fn(usize) -> f64 + use<'_>> {
        let close = self.subject.bars?.close();
        let first = close.first().copied()?;
        let capital = self.subject.initial_capital;
        // What grows out of the range of numbers is drawn at its end.
        let held = move |close: &f64| (capital * (close / first)).min(f64::MAX);
        Some(move |bar: usize| close.get(bar).map_or(f64::NAN, held))
    }

    /// Returns the last values of a panel's lines.
    pub(super) fn tags(&self, panel: &Panel) -> Vec<Tag> {
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
    pub(super) fn axis(&mut self, panel: &Panel, right: f64) {
        let m = self.measures;
        let mut tags = self.tags(panel);
        let height = m.label * 1.45;
        spread(&mut tags, height + 1.0, (panel.top - height / 2.0, panel.bottom + height / 2.0));
        let cap = self.canvas.fonts.cap_height(Weight::Regular, m.label);
        let x = right + m.label * 0.5;
        let labels = self.label_style();
        let figures = text_style(m.label, Weight::SemiBold, self.palette.on_tag);
        for tick in &panel.ticks.list {
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

    fn hold_span(&self) -> Option<Span> {
        let hold = self.hold()?;
        Span::of((0..self.subject.timestamps.len()).map(hold))
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

/// Returns by how much equity is below its highest so far, percent, at each bar.
pub(super) fn drawdowns(equity: &[f64]) -> Vec<f64> {
    let mut peak = f64::NEG_INFINITY;
    let depths = equity.iter().map(|&equity| {
        peak = peak.max(equity);
        if peak > 0.0 { ((equity / peak - 1.0) * 100.0).max(f64::MIN) } else { f64::NAN }
    });
    depths.collect()
}
