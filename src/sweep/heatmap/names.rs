//! Parameters by name, and their values as text.

use super::swept::SweptParameter;
use crate::error::{Issue, known_names, nearest};
use crate::quote::quoted;

/// Finds a parameter. Unknown names are an issue that names the nearest.
pub(super) fn find<'a>(
    parameters: &'a [SweptParameter<'a>],
    path: &str,
    name: &str,
    issues: &mut Vec<Issue>,
) -> Option<&'a SweptParameter<'a>> {
    let found = parameters.iter().find(|parameter| parameter.name == name);
    if found.is_none() {
        let known: Vec<&str> = parameters.iter().map(|parameter| parameter.name).collect();
        let hint = nearest(name, known.iter().copied()).map_or_else(
            || known_names("parameters", name, &known),
            |name| format!(", did you mean {name}?"),
        );
        let message = format!("{path} is not a parameter of the sweep: {}{hint}", quoted(name));
        issues.push(Issue::new(path, "unknown", message));
    }
    found
}

impl SweptParameter<'_> {
    /// Returns a value as text: its name, or the number to ten digits, which hides rounding errors of steps. NaN is off.
    pub(super) fn text(&self, value: f64) -> String {
        if value.is_nan() {
            return "off".to_owned();
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a position that is not in the list has no name"
        )]
        if let Some(name) = self.names.get(value as usize).filter(|_| value >= 0.0) {
            return name.clone();
        }
        // Adding zero turns a negative zero into a positive one.
        let rounded: f64 = format!("{value:.9e}").parse().unwrap_or(value) + 0.0;
        let size = rounded.abs();
        let text = if rounded != 0.0 && !(1e-5..1e15).contains(&size) {
            format!("{size:e}")
        } else {
            size.to_string()
        };
        if rounded < 0.0 { format!("−{text}") } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_briefly() {
        let number = SweptParameter { name: "step", values: &[], names: &[] };
        for (value, text) in [
            (10.0, "10"),
            (0.1 + 0.2, "0.3"),
            (-0.5, "−0.5"),
            (-0.0, "0"),
            (f64::NAN, "off"),
            (1e-7, "1e-7"),
            (1e300, "1e300"),
            (123_456.789, "123456.789"),
        ] {
            assert_eq!(number.text(value), text);
        }
        let names = ["AAPL".to_owned(), "MSFT".to_owned()];
        let asset = SweptParameter { name: "asset", values: &[], names: &names };
        assert_eq!([0.0, 1.0, 7.0].map(|value| asset.text(value)), ["AAPL", "MSFT", "7"]);
    }
}
