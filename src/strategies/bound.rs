//! A strategy with the values of its parameters.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value as Json};

use super::definition::{Definition, Value};
use super::strategy::{POSITION_SIZE, Strategy, binding, issue};
use crate::error::{Issue, Result, nearest};
use crate::language::{Binding, Builder, Plan, Truth, evaluate};
use crate::market::Bars;
use crate::observer::ProgressObserver;
use crate::quote;
use crate::request::{Input, Issues, Range, json_number};
use crate::signals::{Bits, Signals};

/// A strategy that is ready to run.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundStrategy {
    strategy_id: String,
    parameters: Map<String, Json>,
    position_size: f64,
    plan: Plan,
    /// What each root of the plan is.
    fields: Vec<&'static str>,
    /// What there is to say about them, once somebody asked.
    pub(super) warnings: OnceLock<Vec<String>>,
    /// The first bar with an entry, once somebody asked.
    warm_up: OnceLock<usize>,
}

impl Strategy {
    /// Gives the parameters their values: defaults where none is given. Every problem is noted, unknown names included.
    ///
    /// `path` names the parameters in messages, as in `parameters.fast_period must be between 1 and 500, was 0`.
    pub fn bind(
        &self,
        parameters: Option<&Input>,
        path: &str,
        issues: &mut Issues,
    ) -> Option<BoundStrategy> {
        let mut found = Issues::default();
        let given = Given::read(self.definition(), parameters, path, &mut found);
        let bound = if found.is_empty() { self.plan(given, path, &mut found) } else { None };
        issues.append(found);
        bound
    }

    /// Does the same, and remembers it: the same parameters are made ready once.
    pub fn bind_shared(
        &self,
        parameters: Option<&Input>,
        path: &str,
        issues: &mut Issues,
    ) -> Option<Arc<BoundStrategy>> {
        if let Some(bound) = self.bind_cache().of(parameters) {
            return Some(bound);
        }
        let bound = Arc::new(self.bind(parameters, path, issues)?);
        self.bind_cache().keep(parameters, &bound);
        Some(bound)
    }

    fn plan(&self, given: Given, path: &str, issues: &mut Issues) -> Option<BoundStrategy> {
        let Given { parameters, values, position_size } = given;
        let values = values.as_slice();
        let mut found: Vec<Issue> = Vec::new();
        self.check_constraints(values, path, &mut found);
        let mut builder = Builder::default();
        let mut roots = Vec::new();
        for (name, checked) in self.expressions() {
            match builder.add(checked, values) {
                Ok(root) => roots.push(root),
                // The text was right with the defaults, so what is wrong are the parameters.
                Err(problems) => found.extend(problems.into_iter().map(|problem| {
                    let problem = issue(&format!("strategy.{name}"), &problem);
                    Issue {
                        path: path.to_owned(),
                        message: format!("{path}: {}", problem.message),
                        ..problem
                    }
                })),
            }
        }
        if !found.is_empty() {
            issues.extend(found);
            return None;
        }
        let fields = self.expressions().iter().map(|(name, _)| *name).collect();
        Some(BoundStrategy {
            strategy_id: self.definition().id.clone(),
            parameters,
            position_size,
            plan: builder.finish(&roots),
            fields,
            warnings: OnceLock::new(),
            warm_up: OnceLock::new(),
        })
    }
}

/// The values of all parameters.
#[derive(Debug)]
pub(super) struct Given {
    parameters: Map<String, Json>,
    /// The values of the declared parameters, in their order.
    values: Vec<Binding>,
    position_size: f64,
}

impl Given {
    /// Reads values for the parameters of a definition, defaults where none is given; every problem is noted, unknown
    /// names included.
    pub(super) fn read(
        definition: &Definition,
        parameters: Option<&Input>,
        path: &str,
        issues: &mut Issues,
    ) -> Self {
        let given = match parameters {
            None | Some(Input::Null) => &[][..],
            Some(Input::Record(given)) => given,
            Some(other) => {
                let message = format!("{path} must be an object, was {}", other.describe());
                issues.add(path, "type", message);
                &[]
            }
        };
        let get = |name: &str| {
            given
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value)
                .filter(|value| !matches!(value, Input::Null))
        };
        let mut json = Map::new();
        let mut values = Vec::with_capacity(definition.parameters.len());
        for parameter in &definition.parameters {
            let path = format!("{path}.{}", parameter.name);
            let value = match get(&parameter.name) {
                None => Some(parameter.default),
                Some(Input::Number(value)) => Some(Value::Number(*value)),
                Some(Input::Bool(value)) => Some(Value::Boolean(*value)),
                Some(other) => {
                    let (expected, found) = (parameter.expected(), other.describe());
                    issues.add(&path, "type", format!("{path} must be {expected}, was {found}"));
                    None
                }
            };
            if let Some(value) = value {
                if let Err((code, message)) = parameter.check(value) {
                    issues.add(&path, code, format!("{path} {message}"));
                }
                json.insert(parameter.name.clone(), value.to_json());
                values.push(binding(value));
            }
        }
        let position_size = read_position_size(get(POSITION_SIZE), path, issues);
        json.insert(POSITION_SIZE.into(), json_number(position_size));
        name_unknown(definition, given, path, issues);
        Self { parameters: json, values, position_size }
    }
}

fn name_unknown(
    definition: &Definition,
    given: &[(String, Input)],
    path: &str,
    issues: &mut Issues,
) {
    let declared = definition.parameters.iter().map(|parameter| parameter.name.as_str());
    let known: Vec<&str> = declared.chain([POSITION_SIZE]).collect();
    for (name, _) in given.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        issues.add_with("unknown", || {
            let hint = nearest(name, known.iter().copied()).map_or_else(
                || format!("; known parameters: {}", known.join(", ")),
                |near| format!(", did you mean {near}?"),
            );
            let path = format!("{path}.{}", quote::name(name));
            let message = format!("unknown parameter {path}{hint}");
            (path, message)
        });
    }
}

fn read_position_size(given: Option<&Input>, path: &str, issues: &mut Issues) -> f64 {
    let range = Range::between(0.0, 1.0).above();
    let path = format!("{path}.{POSITION_SIZE}");
    match given {
        None => 1.0,
        Some(Input::Number(value)) if range.allows(*value) => *value,
        Some(Input::Number(value)) => {
            issues.add(&path, "range", format!("{path} must be {}, was {value}", range.describe()));
            1.0
        }
        Some(other) => {
            issues.add(&path, "type", format!("{path} must be a number, was {}", other.describe()));
            1.0
        }
    }
}

impl BoundStrategy {
    /// Returns the id of the strategy.
    pub fn strategy_id(&self) -> &str {
        &self.strategy_id
    }

    /// Returns the parameters, defaults filled in and `position_size` included.
    pub fn parameters(&self) -> &Map<String, Json> {
        &self.parameters
    }

    /// Returns the share of the available cash that an entry uses, a fraction above 0 and at most 1.
    pub fn position_size(&self) -> f64 {
        self.position_size
    }

    /// Returns the plan, whose roots are entries, exits, and those of the short side that there are.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns whether the signals come from elsewhere.
    pub(super) fn has_no_expressions(&self) -> bool {
        self.fields.is_empty()
    }

    /// Returns the root of the plan that is the expression of this field, if there is one.
    pub(super) fn root(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|known| *known == field)
    }

    /// Returns the number of bars before the first on which the strategy can enter.
    pub fn warm_up(&self) -> usize {
        *self.warm_up.get_or_init(|| self.first_entry())
    }

    fn first_entry(&self) -> usize {
        let entries = self
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| matches!(**field, "entries" | "shortEntries"));
        let never = |root: usize| self.plan.truth(root) == Truth::Never;
        entries
            .filter(|(root, _)| !never(*root))
            .map(|(root, _)| self.plan.warm_up(root))
            .min()
            .unwrap_or(0)
    }

    /// Returns where the strategy enters and exits.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if it reads volume and the bars have none, `ABORT_ERR` if the observer says so.
    pub fn signals(&self, bars: &Bars, observer: &dyn ProgressObserver) -> Result<Signals> {
        let mut signals = Signals {
            entries: Bits::zeros(bars.len()),
            exits: Bits::zeros(bars.len()),
            short_entries: None,
            short_exits: None,
        };
        for (field, computed) in self.fields.iter().zip(evaluate(&self.plan, bars, observer)?) {
            let bits = computed.into_bits(bars.len());
            match *field {
                "entries" => signals.entries = bits,
                "exits" => signals.exits = bits,
                "shortEntries" => signals.short_entries = Some(bits),
                _ => signals.short_exits = Some(bits),
            }
        }
        Ok(signals)
    }
}
