//! What a strategy was last made ready with: callers run one strategy with the same parameters again and again, and to check
//! and plan it takes longer than to run it on a few bars.

use std::sync::{Arc, Mutex, PoisonError};

use super::bound::BoundStrategy;
use crate::request::Input;

/// The last parameters that were in order, and what came of them.
#[derive(Debug, Default)]
pub(super) struct BindCache(Mutex<Option<Remembered>>);

#[derive(Debug)]
struct Remembered {
    parameters: Vec<(String, Plain)>,
    bound: Arc<BoundStrategy>,
}

/// A value that can be compared.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Plain {
    Nothing,
    Boolean(bool),
    /// The bits of a number.
    Number(u64),
}

impl BindCache {
    /// Returns what came of the very same parameters.
    pub(super) fn of(&self, parameters: Option<&Input>) -> Option<Arc<BoundStrategy>> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Remembered { parameters: known, bound } = last.as_ref()?;
        let given = entries(parameters)?;
        let same = known.len() == given.len()
            && known
                .iter()
                .zip(given)
                .all(|((name, value), (key, input))| name == key && plain(input) == Some(*value));
        same.then(|| Arc::clone(bound))
    }

    /// Remembers what came of parameters.
    pub(super) fn keep(&self, parameters: Option<&Input>, bound: &Arc<BoundStrategy>) {
        let Some(given) = entries(parameters) else { return };
        let named = given.iter().map(|(name, input)| Some((name.clone(), plain(input)?)));
        if let Some(parameters) = named.collect() {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *last = Some(Remembered { parameters, bound: Arc::clone(bound) });
        }
    }
}

fn entries(parameters: Option<&Input>) -> Option<&[(String, Input)]> {
    match parameters {
        None | Some(Input::Null) => Some(&[]),
        Some(Input::Record(entries)) => Some(entries),
        Some(_) => None,
    }
}

fn plain(input: &Input) -> Option<Plain> {
    match input {
        Input::Null => Some(Plain::Nothing),
        Input::Bool(value) => Some(Plain::Boolean(*value)),
        Input::Number(value) => Some(Plain::Number(value.to_bits())),
        _ => None,
    }
}

/// A copy remembers nothing.
impl Clone for BindCache {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// What is remembered makes no difference.
impl PartialEq for BindCache {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Issues;
    use crate::strategies::Registry;

    #[test]
    fn only_the_same_parameters_are_recognised() {
        let strategy = Registry::builtin().unwrap().get("sma_crossover").unwrap();
        let given = |fast: Input, slow: f64| {
            Input::Record(vec![
                ("fast_period".into(), fast),
                ("slow_period".into(), Input::Number(slow)),
            ])
        };
        let bind = |parameters: Option<&Input>| {
            let mut issues = Issues::default();
            let bound = strategy.bind_shared(parameters, "parameters", &mut issues);
            (bound, issues.into_vec().len())
        };
        let first = given(Input::Number(5.0), 20.0);
        let bound = bind(Some(&first)).0.unwrap();
        assert!(Arc::ptr_eq(&bound, &bind(Some(&first)).0.unwrap()));
        for other in [given(Input::Number(6.0), 20.0), given(Input::Null, 20.0)] {
            let other = bind(Some(&other)).0.unwrap();
            assert!(!Arc::ptr_eq(&bound, &other) && other.parameters() != bound.parameters());
        }
        assert!(!Arc::ptr_eq(&bound, &bind(None).0.unwrap()));
        // Problems are found again, and hide nothing that was remembered.
        let defaults = bind(None).0.unwrap();
        for faulty in [given(Input::Number(0.0), 20.0), given(Input::Text("5".into()), 20.0)] {
            for _ in 0..2 {
                assert!(matches!(bind(Some(&faulty)), (None, 1)));
            }
        }
        assert!(Arc::ptr_eq(&defaults, &bind(Some(&Input::Null)).0.unwrap()));
    }
}
