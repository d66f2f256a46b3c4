//! Why a number cannot be given.

/// A number, or the reason why there is none. It is never NaN or infinite.
pub type Known<T = f64> = std::result::Result<T, Missing>;

/// Why a number cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// There are fewer bars than the statistic needs.
    TooFewBars,
    /// There are fewer trials than the statistic needs.
    TooFewTrials,
    /// There are fewer chunks of calendar time than the randomization needs.
    TooFewChunks,
    /// No return differs from another: the strategy never traded, or it held the asset all the time and is compared with it.
    NoVariance,
    /// A variance that is estimated from moments is not above 0.
    NoError,
    /// The Sharpe ratio is not above the one that it is compared with.
    NotAboveTarget,
    /// A return or a sum is not a finite number, or the result would not be one.
    NotFinite,
    /// An argument is outside its range.
    OutOfRange,
    /// The budget of evaluations does not allow a single split.
    NoBudget,
}

impl Missing {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::TooFewBars,
        Self::TooFewTrials,
        Self::TooFewChunks,
        Self::NoVariance,
        Self::NoError,
        Self::NotAboveTarget,
        Self::NotFinite,
        Self::OutOfRange,
        Self::NoBudget,
    ];

    /// Returns the stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooFewBars => "tooFewBars",
            Self::TooFewTrials => "tooFewTrials",
            Self::TooFewChunks => "tooFewChunks",
            Self::NoVariance => "noVariance",
            Self::NoError => "noError",
            Self::NotAboveTarget => "notAboveTarget",
            Self::NotFinite => "notFinite",
            Self::OutOfRange => "outOfRange",
            Self::NoBudget => "noBudget",
        }
    }

    /// Returns the reason for people.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::TooFewBars => "there are too few bars",
            Self::TooFewTrials => "there are too few trials",
            Self::TooFewChunks => "there are too few chunks of calendar time",
            Self::NoVariance => "no judged return differs from another",
            Self::NoError => {
                "the standard error cannot be estimated from so few or so extreme returns"
            }
            Self::NotAboveTarget => {
                "the Sharpe ratio is not above the one that it is compared with"
            }
            Self::NotFinite => "a return or a result is not a finite number",
            Self::OutOfRange => "an argument is outside its range",
            Self::NoBudget => "the budget of evaluations does not allow a single split",
        }
    }
}

/// Returns a number if it is finite.
///
/// # Errors
/// [`Missing::NotFinite`].
pub fn finite(value: f64) -> Known {
    if value.is_finite() { Ok(value) } else { Err(Missing::NotFinite) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_messages_differ() {
        let mut names: Vec<&str> =
            Missing::ALL.iter().flat_map(|reason| [reason.as_str(), reason.message()]).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 2 * Missing::ALL.len());
    }

    #[test]
    fn only_finite_numbers_pass() {
        assert_eq!(finite(-1.5), Ok(-1.5));
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(finite(value), Err(Missing::NotFinite));
        }
    }
}
