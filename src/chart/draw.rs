//! The layout: what stands where, and in which order it is drawn.

use super::amounts::drawdowns;
use super::calendar;
use super::font::{Fonts, Weight};
use super::header::figures;
use super::marks::{Counts, Marks};
use super::picture::{Anchor, Canvas, Color, Picture, TextStyle};
use super::scale::{Axis, TimeScale};
use super::theme::Palette;
use super::ticks::Ticks;
use super::{Style, Subject, number};
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
        drawdowns: drawdowns(subject.equity),
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
pub(super) struct Measures {
    pub(super) width: f64,
    pub(super) height: f64,
    /// What is 1 in a picture of 800 × 600.
    pub(super) unit: f64,
    pub(super) label: f64,
    pub(super) figure: f64,
    pub(super) title: f64,
    pub(super) margin: f64,
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

/// A run's picture under way.
pub(super) struct Sheet<'a> {
    pub(super) canvas: Canvas<'a>,
    pub(super) palette: Palette,
    pub(super) measures: Measures,
    pub(super) subject: &'a Subject<'a>,
    pub(super) range: (i64, i64),
    /// By how much equity is below its highest so far, percent, at each bar.
    pub(super) drawdowns: Vec<f64>,
}

/// What a panel holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Price,
    Counts,
    Equity,
    Drawdown,
}

/// A panel: where it lies, and its axis of amounts.
pub(super) struct Panel {
    pub(super) kind: Kind,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) axis: Axis,
    pub(super) ticks: Ticks,
}

/// Returns how a text looks.
pub(super) const fn text_style(size: f64, weight: Weight, color: Color) -> TextStyle {
    TextStyle { size, weight, color }
}

impl Sheet<'_> {
    pub(super) fn label_style(&self) -> TextStyle {
        text_style(self.measures.label, Weight::Regular, self.palette.muted)
    }

    pub(super) fn bar(&self) -> i64 {
        self.subject.timeframe.milliseconds()
    }

    pub(super) fn width_of(&self, text: &str, style: TextStyle) -> f64 {
        self.canvas.fonts.width(text, style.weight, style.size)
    }

    pub(super) fn time_scale(&self, left: f64, right: f64) -> TimeScale {
        TimeScale::new(self.range.0, self.range.1, self.bar(), left, right)
    }

    pub(super) fn x(&self, scale: &TimeScale, bar: usize) -> f64 {
        let moment = self.subject.timestamps.get(bar).copied();
        scale.place(moment.unwrap_or(self.range.1))
    }

    /// Returns whether trades are marked in a panel: on the price, or else on equity.
    pub(super) fn carries_marks(&self, kind: Kind) -> bool {
        kind == if self.subject.bars.is_some() { Kind::Price } else { Kind::Equity }
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
        let figures = text_style(m.label, Weight::SemiBold, self.palette.on_tag);
        let widest = panels.iter().map(|panel| {
            let ticks = panel.ticks.list.iter().map(|tick| self.width_of(&tick.label, labels));
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
            let marked = size.filter(|_| self.carries_marks(kind) && !marks.marks.is_empty());
            let marked = marked.map(|size| marks.room(size));
            let (axis, ticks) = self.axis_of(kind, (top, bottom), marked);
            panels.push(Panel { kind, top, bottom, axis, ticks });
        }
        panels
    }
}
