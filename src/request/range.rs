//! The numbers that a field allows.

/// A range of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    minimum: f64,
    maximum: f64,
    minimum_excluded: bool,
    allows_infinity: bool,
}

impl Range {
    /// Any finite number.
    pub const ANY: Self = Self {
        minimum: f64::NEG_INFINITY,
        maximum: f64::INFINITY,
        minimum_excluded: false,
        allows_infinity: false,
    };
    /// A finite number above 0.
    pub const POSITIVE: Self = Self { minimum: 0.0, minimum_excluded: true, ..Self::ANY };
    /// A finite number of at least 0.
    pub const NOT_NEGATIVE: Self = Self { minimum: 0.0, ..Self::ANY };

    /// A finite number between two inclusive bounds.
    pub const fn between(minimum: f64, maximum: f64) -> Self {
        Self { minimum, maximum, ..Self::ANY }
    }

    /// Excludes the lower bound.
    #[must_use]
    pub const fn above(mut self) -> Self {
        self.minimum_excluded = true;
        self
    }

    /// Also allows positive infinity.
    #[must_use]
    pub const fn or_infinite(mut self) -> Self {
        self.allows_infinity = true;
        self
    }

    /// Returns whether the range contains a value.
    pub fn allows(&self, value: f64) -> bool {
        if value == f64::INFINITY {
            return self.allows_infinity;
        }
        value.is_finite()
            && value <= self.maximum
            && (if self.minimum_excluded { value > self.minimum } else { value >= self.minimum })
    }

    /// Describes the range for messages: `above 0`, `between 2 and 500`.
    pub fn describe(&self) -> String {
        let words =
            match (self.minimum.is_finite(), self.maximum.is_finite(), self.minimum_excluded) {
                (true, true, false) => format!("between {} and {}", self.minimum, self.maximum),
                (true, true, true) => {
                    format!("above {} and at most {}", self.minimum, self.maximum)
                }
                (true, false, false) => format!("at least {}", self.minimum),
                (true, false, true) => format!("above {}", self.minimum),
                (false, true, _) => format!("at most {}", self.maximum),
                (false, false, _) => "a finite number".into(),
            };
        if self.allows_infinity { format!("{words}, or Infinity") } else { words }
    }
}
