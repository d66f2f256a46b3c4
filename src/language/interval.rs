//! Interval arithmetic with missing values.

use super::functions::{Operation, TimeField};
use crate::indicators::Series;

/// The interval of the values of a number, and the bars on which it has one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Interval {
    pub(super) lower: f64,
    pub(super) upper: f64,
    pub(super) availability: Availability,
}

/// On which bars a number has a value, in increasing order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Availability {
    Never,
    Sometimes,
    AfterWarmUp,
    Always,
}

impl Interval {
    pub(super) const ANY: Self =
        Self::between(f64::NEG_INFINITY, f64::INFINITY, Availability::Sometimes);

    /// Creates an interval. A bound that is NaN, such as ∞ − ∞, is treated as infinite.
    pub(super) const fn between(lower: f64, upper: f64, availability: Availability) -> Self {
        Self {
            lower: if lower.is_nan() { f64::NEG_INFINITY } else { lower },
            upper: if upper.is_nan() { f64::INFINITY } else { upper },
            availability,
        }
    }

    pub(super) fn constant(value: f64) -> Self {
        if value.is_nan() {
            return Self { availability: Availability::Never, ..Self::ANY };
        }
        Self::between(value, value, Availability::Always)
    }

    pub(super) fn has_zero(self) -> bool {
        self.lower <= 0.0 && self.upper >= 0.0
    }

    /// Returns the interval of the value on an earlier bar.
    pub(super) fn delayed(self) -> Self {
        Self { availability: self.availability.min(Availability::AfterWarmUp), ..self }
    }

    /// Returns the interval of a result that is missing on some bars unless `is_defined`.
    pub(super) fn defined_if(self, is_defined: bool) -> Self {
        let maximum = if is_defined { Availability::Always } else { Availability::Sometimes };
        Self { availability: self.availability.min(maximum), ..self }
    }

    /// Returns the union: one or the other, depending on the bar.
    pub(super) fn union(self, other: Self) -> Self {
        let availability = match (self.availability, other.availability) {
            (a, b) if a == b && a != Availability::AfterWarmUp => a,
            _ => Availability::Sometimes,
        };
        Self::between(self.lower.min(other.lower), self.upper.max(other.upper), availability)
    }

    /// Returns the interval of a result that is missing on some bars if it can overflow.
    pub(super) fn unless_overflowing(self) -> Self {
        self.defined_if(self.lower.is_finite() && self.upper.is_finite())
    }

    /// Returns the hull of the results at the corners. An undefined result, such as 0 × ∞, counts as 0.
    pub(super) fn hull(values: [f64; 4], availability: Availability) -> Self {
        let values = values.map(|value| if value.is_nan() { 0.0 } else { value });
        let lower = values.iter().copied().fold(f64::INFINITY, f64::min);
        let upper = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self::between(lower, upper, availability)
    }
}

/// Returns the interval of a series of the bars.
pub(super) fn series_interval(series: Series) -> Interval {
    let lower = if series == Series::Volume { 0.0 } else { f64::from_bits(1) };
    Interval::between(lower, 1e100, Availability::Always)
}

/// Returns the interval of a calendar field.
pub(super) fn time_field_interval(field: TimeField) -> Interval {
    let (lower, upper) = match field {
        TimeField::Hour => (0.0, 23.0),
        TimeField::Minute => (0.0, 59.0),
        TimeField::DayOfWeek => (1.0, 7.0),
        TimeField::DayOfMonth => (1.0, 31.0),
        TimeField::Month => (1.0, 12.0),
    };
    Interval::between(lower, upper, Availability::Always)
}

/// Returns the interval of a unary operation.
pub(super) fn unary(operation: Operation, a: Interval) -> Interval {
    let monotonic = |compute: fn(f64) -> f64| {
        Interval::between(compute(a.lower), compute(a.upper), a.availability)
    };
    match operation {
        Operation::Negate => Interval::between(-a.upper, -a.lower, a.availability),
        Operation::Absolute => {
            let upper = a.lower.abs().max(a.upper.abs());
            let lower = if a.has_zero() { 0.0 } else { a.lower.abs().min(a.upper.abs()) };
            Interval::between(lower, upper, a.availability)
        }
        Operation::Exponential => monotonic(f64::exp),
        Operation::Round => monotonic(f64::round),
        Operation::Floor => monotonic(f64::floor),
        Operation::Ceiling => monotonic(f64::ceil),
        Operation::SquareRoot => {
            let inside = Interval { lower: a.lower.max(0.0), upper: a.upper.max(0.0), ..a };
            Interval::between(inside.lower.sqrt(), inside.upper.sqrt(), a.availability)
                .defined_if(a.lower >= 0.0)
        }
        Operation::Logarithm => {
            Interval::between(a.lower.max(0.0).ln(), a.upper.max(0.0).ln(), a.availability)
                .defined_if(a.lower > 0.0)
        }
        _ => {
            Interval { availability: a.availability.min(Availability::Sometimes), ..Interval::ANY }
        }
    }
}

/// Returns the interval of a binary operation.
pub(super) fn binary(operation: Operation, a: Interval, b: Interval) -> Interval {
    let availability = a.availability.min(b.availability);
    let each = |compute: fn(f64, f64) -> f64| {
        [
            compute(a.lower, b.lower),
            compute(a.lower, b.upper),
            compute(a.upper, b.lower),
            compute(a.upper, b.upper),
        ]
    };
    match operation {
        Operation::Add => Interval::between(a.lower + b.lower, a.upper + b.upper, availability),
        Operation::Subtract => {
            Interval::between(a.lower - b.upper, a.upper - b.lower, availability)
        }
        Operation::Multiply => Interval::hull(each(|a, b| a * b), availability),
        Operation::Divide if !b.has_zero() => Interval::hull(each(|a, b| a / b), availability),
        Operation::Remainder => {
            let most = b.lower.abs().max(b.upper.abs());
            let lower = if a.lower >= 0.0 { 0.0 } else { -most };
            let upper = if a.upper <= 0.0 { 0.0 } else { most };
            Interval::between(lower, upper, availability).defined_if(!b.has_zero())
        }
        Operation::Minimum => {
            Interval::between(a.lower.min(b.lower), a.upper.min(b.upper), availability)
        }
        Operation::Maximum => {
            Interval::between(a.lower.max(b.lower), a.upper.max(b.upper), availability)
        }
        _ => Interval { availability: availability.min(Availability::Sometimes), ..Interval::ANY },
    }
}
