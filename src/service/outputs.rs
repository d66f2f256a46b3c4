//! The outputs that a request asks for.

use crate::error::nearest;
use crate::quote::quoted;
use crate::request::{Fields, Input, Issues, Range};

/// The fewest points of a thinned curve: its ends and its extremes.
const MIN_POINTS: f64 = 4.0;
/// More points than any run has bars.
const MAX_POINTS: f64 = 1e9;

/// Reads `outputs`: some of `names`, each at most once; `None` for all of them.
pub(super) fn read_outputs(
    fields: &mut Fields<'_>,
    names: &[&'static str],
    issues: &mut Issues,
) -> Option<Vec<&'static str>> {
    let items = match fields.take("outputs")? {
        Input::List(items) if items.is_empty() => {
            let message = format!(
                "outputs must name at least one of {}; without outputs, a result has all of them",
                names.join(", ")
            );
            issues.add("outputs", "range", message);
            return None;
        }
        Input::List(items) => items,
        other => {
            let message = format!(
                "outputs must be an array of some of {}, was {}",
                names.join(", "),
                other.describe()
            );
            issues.add("outputs", "type", message);
            return None;
        }
    };
    let mut outputs = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("outputs[{index}]");
        let Input::Text(text) = item else {
            let message = format!("{path} must be a string, was {}", item.describe());
            issues.add(path, "type", message);
            continue;
        };
        match names.iter().find(|name| *name == text) {
            Some(name) if outputs.contains(name) => {
                let message = format!("{path} names {name} a second time");
                issues.add(path, "duplicate", message);
            }
            Some(name) => outputs.push(*name),
            None => issues.add_with("choice", || {
                let hint = nearest(text, names.iter().copied())
                    .map_or_else(String::new, |near| format!(", did you mean {near}?"));
                let message = format!(
                    "{path} must be one of {}, was {}{hint}",
                    names.join(", "),
                    quoted(text)
                );
                (path, message)
            }),
        }
    }
    Some(outputs)
}

/// Reads `maxPoints`; `None` for all points.
pub(super) fn read_max_points(fields: &mut Fields<'_>, issues: &mut Issues) -> Option<usize> {
    let points = fields.integer("maxPoints", Range::between(MIN_POINTS, MAX_POINTS), issues)?;
    usize::try_from(points).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(outputs: Value) -> (Option<Vec<&'static str>>, Vec<String>) {
        let input = Input::from(json!({ "outputs": outputs }));
        let mut issues = Issues::default();
        let mut fields = Fields::open("", &input, &mut issues);
        let found = read_outputs(&mut fields, &["metrics", "trades"], &mut issues);
        let issues = issues.into_vec().into_iter();
        (found, issues.map(|issue| format!("{}: {}", issue.code, issue.message)).collect())
    }

    #[test]
    fn names_are_read_once_each() {
        assert_eq!(read(Value::Null), (None, vec![]));
        assert_eq!(read(json!(["trades"])), (Some(vec!["trades"]), vec![]));
        let problems = |outputs| read(outputs).1;
        assert_eq!(
            problems(json!([])),
            [
                "range: outputs must name at least one of metrics, trades; without outputs, a result has all of them"
            ]
        );
        assert_eq!(
            problems(json!("trades")),
            ["type: outputs must be an array of some of metrics, trades, was string \"trades\""]
        );
        assert_eq!(
            problems(json!(["trades", "metric", 5, "trades"])),
            [
                "choice: outputs[1] must be one of metrics, trades, was \"metric\", did you mean metrics?",
                "type: outputs[2] must be a string, was number 5",
                "duplicate: outputs[3] names trades a second time"
            ]
        );
    }
}
