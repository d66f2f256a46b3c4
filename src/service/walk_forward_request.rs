//! A request for a walk-forward: a request for a sweep, and how windows move through its bars.

use crate::request::{Fields, Input, Issues, Range};
use crate::validation::splits::walk_forward::{Span, Windows};

use super::sweep_request::SweepRequest;

/// The fields of the windows.
const WINDOW_FIELDS: [&str; 6] = ["train", "test", "step", "anchored", "purge", "partial"];

/// Fields of a sweep that a walk-forward does not have.
const NOT_TAKEN: [&str; 5] = ["metrics", "top", "sums", "resume", "persist"];

/// The most bars of a window.
const MAX_BARS: f64 = 4_294_967_295.0;

/// A request for a walk-forward.
#[derive(Debug)]
pub struct WalkForwardRequest {
    pub(super) sweep: SweepRequest,
    /// `None` if one of its fields has an issue.
    pub(super) windows: Option<Windows>,
}

impl WalkForwardRequest {
    /// Reads all fields except the bars, which can take long to read.
    pub fn read(mut input: Input) -> Self {
        let mut issues = Issues::default();
        let mut taken = Vec::new();
        if let Input::Record(fields) = &mut input {
            let all = std::mem::take(fields);
            for (name, value) in all {
                if WINDOW_FIELDS.contains(&name.as_str()) {
                    taken.push((name, value));
                } else if !NOT_TAKEN.contains(&name.as_str()) {
                    fields.push((name, value));
                } else if !matches!(value, Input::Null | Input::Bool(false)) {
                    let message = format!(
                        "walkForward has no {name}: it returns all metrics of the choice of each window, and is not kept"
                    );
                    issues.add(name, "unknown", message);
                }
            }
        }
        let windows = read_windows(&Input::Record(taken), &mut issues);
        Self { sweep: SweepRequest::read_for_windows(input, &WINDOW_FIELDS, issues), windows }
    }
}

fn read_windows(input: &Input, issues: &mut Issues) -> Option<Windows> {
    let mut fields = Fields::open("", input, issues);
    let train = read_span(&mut fields, "train", issues);
    let test = read_span(&mut fields, "test", issues);
    if train.is_none() && fields.take("train").is_none() {
        issues.add("train", "required", format!("train is required: {SPANS}"));
    }
    if test.is_none() && fields.take("test").is_none() {
        issues.add("test", "required", format!("test is required: {SPANS}"));
    }
    let has_step = fields.take("step").is_some();
    let step = read_span(&mut fields, "step", issues);
    let anchored = fields.boolean("anchored", issues).unwrap_or(false);
    let partial = fields.boolean("partial", issues).unwrap_or(false);
    let purge = fields.integer("purge", Range::between(0.0, MAX_BARS), issues).unwrap_or(0);
    let (train, test) = (train?, test?);
    let step = if has_step { step? } else { test };
    let in_bars = [train, test, step].map(Span::is_in_bars);
    if in_bars != [true; 3] && in_bars != [false; 3] {
        let message = format!(
            "train, test and step must all be numbers of bars or all be durations, were {train}, {test} and {step}"
        );
        issues.add("test", "conflict", message);
        return None;
    }
    let is_shorter = match (step, test) {
        (Span::Bars(step), Span::Bars(test)) => step < test,
        (Span::Months(step), Span::Months(test)) => step < test,
        (Span::Milliseconds(step), Span::Milliseconds(test)) => step < test,
        // Checked on the windows themselves.
        _ => false,
    };
    if is_shorter {
        let message = format!(
            "step must be at least test, so that no bar is tested twice: step is {step}, test is {test}"
        );
        issues.add("step", "range", message);
        return None;
    }
    let purge = usize::try_from(purge).unwrap_or(usize::MAX);
    if let Span::Bars(bars) = train
        && purge > bars
    {
        let message =
            format!("purge must not be longer than train: it is {purge} bars, train is {train}");
        issues.add("purge", "range", message);
        return None;
    }
    Some(Windows { train, test, step, anchored, purge, partial })
}

const SPANS: &str =
    "a number of bars, or a duration such as '2y', '6M', '4w', '90d', '12h' or '30m'";

fn read_span(fields: &mut Fields<'_>, name: &'static str, issues: &mut Issues) -> Option<Span> {
    let found = fields.take(name)?;
    let span = match found {
        Input::Number(bars) if bars.fract() == 0.0 && (1.0..=MAX_BARS).contains(bars) =>
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a whole number in range"
            )]
            Some(Span::Bars(*bars as usize))
        }
        Input::Text(text) => Span::parse(text),
        _ => None,
    };
    if span.is_none() {
        issues.add(name, "type", format!("{name} must be {SPANS}, was {}", found.describe()));
    }
    span
}
