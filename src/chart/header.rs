//! Title and subtitle: what was run, and what came of it.

use super::Headline;
use super::calendar;
use super::draw::{Sheet, text_style};
use super::font::Weight;
use super::heading::{self, Group, Line, Part};
use super::picture::{Anchor, TextStyle};
use super::ticks::{self, Notation, Unit};

/// A figure of the subtitle.
pub(super) struct Figure {
    pub(super) name: &'static str,
    short: &'static str,
    pub(super) value: String,
    /// The value where there is little room.
    brief: String,
    /// Above 0 for a gain, below for a loss.
    gain: f64,
}

/// Returns the figures of the subtitle, the most important first.
pub(super) fn figures(headline: &Headline) -> Vec<Figure> {
    let figure = |name, short, value: String| {
        let brief = value.clone();
        Figure { name, short, value, brief, gain: 0.0 }
    };
    let percent = |name, short, value: Option<f64>| {
        let Some(value) = value else { return figure(name, short, "–".to_owned()) };
        let notation = ticks::percent(value);
        let brief = notation.at_most(1).signed(value);
        Figure { brief, ..figure(name, short, notation.signed(value)) }
    };
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
            ..percent("Return", "Return", headline.total_return)
        },
        percent("Buy and hold", "B&H", headline.benchmark_return),
        figure("Sharpe", "Sharpe", sharpe),
        percent("Max drawdown", "DD", headline.max_drawdown.map(|value| -value)),
        figure("Trades", "Trades", trades),
    ];
    if let Some(rate) = headline.win_rate {
        let rate = Notation::new(Unit::Percent, 100.0, 1.0).write(rate);
        figures.push(figure("Won", "Won", rate));
    }
    figures
}

impl Sheet<'_> {
    /// Writes title and subtitle, and returns where they end.
    pub(super) fn header(&mut self) -> f64 {
        let m = self.measures;
        let (left, right) = (m.margin, m.width - m.margin);
        let title = text_style(m.title, Weight::SemiBold, self.palette.ink);
        let quiet = text_style(m.figure, Weight::Regular, self.palette.muted);
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
        let name = text_style(m.figure, Weight::Regular, self.palette.muted);
        let value = |color| text_style(m.figure, Weight::SemiBold, color);
        let color = |gain: f64| {
            if gain > 0.0 {
                self.palette.profit
            } else if gain < 0.0 {
                self.palette.loss
            } else {
                self.palette.ink
            }
        };
        let figures = figures(&self.subject.headline);
        let groups = |short: bool, size: f64| -> Vec<Group> {
            let part = |figure: &Figure| {
                let (label, text) = if short {
                    (figure.short, &figure.brief)
                } else {
                    (figure.name, &figure.value)
                };
                let strong = value(color(figure.gain));
                vec![
                    Part::Text(label.to_owned(), TextStyle { size, ..name }),
                    Part::Text(text.clone(), TextStyle { size, ..strong }),
                ]
            };
            figures.iter().map(part).collect()
        };
        let line = Line { left: m.margin, right: m.width - m.margin, baseline, size: m.figure };
        let small = Line { size: m.label, ..line };
        let fits = |line: &Line, groups: &[Group]| {
            line.left + heading::width(&self.canvas, line.size, groups) <= line.right
        };
        let (long, short) = (groups(false, line.size), groups(true, line.size));
        let (line, selection) = if fits(&line, &long) {
            (line, long)
        } else if fits(&line, &short) {
            (line, short)
        } else {
            (small, groups(true, small.size))
        };
        let end = heading::draw(&mut self.canvas, &line, &selection);
        // The parameters, where there is room for all of them.
        let parameters = self.subject.parameters;
        if !parameters.is_empty()
            && end + m.figure * 2.0 + self.width_of(parameters, name) <= line.right
        {
            self.canvas.text((line.right, baseline), Anchor::Right, parameters, name);
        }
        baseline + m.figure * 0.45
    }
}
