//! Thins the labels of an axis.

/// Returns the positions of the labels to draw: every first, second, fifth, tenth and so on, the densest that fit, starting
/// where the values are roundest. `min_step` is the distance that labels need, in positions.
pub(super) fn thinned(labels: &[String], min_step: f64) -> Vec<usize> {
    let count = labels.len();
    let steps = (0..9).flat_map(|power| [1, 2, 5].map(|factor| factor * 10_usize.pow(power)));
    let step = steps
        .take_while(|step| *step < count)
        .find(|step| crate::numbers::count_to_f64(*step) >= min_step);
    let Some(step) = step else { return if count > 0 { vec![0] } else { Vec::new() } };
    let digits = |start: usize| -> usize {
        let chosen = labels.iter().skip(start).step_by(step);
        chosen.map(|label| significant_digits(label)).sum()
    };
    // All starts have the same number of labels, give or take one: compare the mean number of digits.
    let labels_from = |start: usize| (count - start).div_ceil(step);
    let start = (0..step.min(count)).min_by(|&a, &b| {
        (digits(a) * labels_from(b)).cmp(&(digits(b) * labels_from(a))).then(a.cmp(&b))
    });
    (start.unwrap_or(0)..count).step_by(step).collect()
}

/// Returns the number of significant digits of a number; of another text, the number of its digits.
fn significant_digits(label: &str) -> usize {
    let digits: Vec<u8> = label.bytes().filter(u8::is_ascii_digit).collect();
    let first = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
    let last = digits.iter().rposition(|digit| *digit != b'0').map_or(first, |last| last + 1);
    last.saturating_sub(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: impl IntoIterator<Item = f64>) -> Vec<String> {
        values.into_iter().map(|value| value.to_string()).collect()
    }

    fn drawn(labels: &[String], min_step: f64) -> Vec<&str> {
        thinned(labels, min_step).into_iter().map(|at| labels[at].as_str()).collect()
    }

    #[test]
    fn labels_are_thinned_to_round_values() {
        let periods = labels((5..=60).map(f64::from));
        assert_eq!(drawn(&periods, 6.3), ["10", "20", "30", "40", "50", "60"]);
        assert_eq!(drawn(&periods, 30.0), ["10", "60"]);
        assert_eq!(drawn(&periods, 60.0), ["5"]);
        let stops = labels([0.005, 0.01, 0.015, 0.02, 0.025, 0.03]);
        assert_eq!(drawn(&stops, 1.2), ["0.01", "0.02", "0.03"]);
        assert_eq!(drawn(&labels([1.0, 2.0, 3.0]), 0.7), ["1", "2", "3"]);
    }

    #[test]
    fn an_axis_without_space_keeps_its_first_label() {
        assert_eq!(drawn(&labels([7.0, 8.0]), 100.0), ["7"]);
        assert_eq!(thinned(&[], 1.0), [0_usize; 0]);
        assert_eq!(drawn(&labels([7.0]), 0.1), ["7"]);
    }

    #[test]
    fn powers_of_two_have_no_round_start() {
        let powers = labels((0..10).map(|power| f64::from(1 << power)));
        assert_eq!(drawn(&powers, 2.0), ["1", "4", "16", "64", "256"]);
    }
}
