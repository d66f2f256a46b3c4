//! A strategy with parameter values.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value as Json};

use super::definition::Definition;
use super::parameter_values::ParameterValues;
use super::signal_field::SignalField;
use crate::error::Result;
use crate::language::{ConditionOutcome, Plan, evaluate};
use crate::market::Bars;
use crate::observer::ProgressObserver;
use crate::signals::{Bits, Signals};

/// A strategy that is ready to run.
#[derive(Debug, Clone)]
pub struct BoundStrategy {
    definition: Arc<Definition>,
    values: ParameterValues,
    plan: Plan,
    /// The kind of each root of the plan.
    signal_fields: Vec<SignalField>,
    /// The values by name, created on first use: sweeps bind many strategies and read few of the values.
    parameters: OnceLock<Map<String, Json>>,
    /// The warnings, computed on first use.
    pub(super) warnings: OnceLock<Vec<String>>,
    /// The first bar with an entry, computed on first use.
    warm_up: OnceLock<usize>,
}

impl BoundStrategy {
    pub(super) fn new(
        definition: Arc<Definition>,
        values: ParameterValues,
        plan: Plan,
        signal_fields: Vec<SignalField>,
    ) -> Self {
        Self {
            definition,
            values,
            plan,
            signal_fields,
            parameters: OnceLock::new(),
            warnings: OnceLock::new(),
            warm_up: OnceLock::new(),
        }
    }

    /// Returns the id of the strategy.
    pub fn strategy_id(&self) -> &str {
        &self.definition.id
    }

    /// Returns the strategy as data.
    pub(super) fn definition(&self) -> &Definition {
        &self.definition
    }

    /// Returns the typed parameter values.
    pub fn values(&self) -> &ParameterValues {
        &self.values
    }

    /// Returns the parameter values by name, defaults and `position_size` included.
    pub fn parameters(&self) -> &Map<String, Json> {
        self.parameters.get_or_init(|| self.values.to_json(&self.definition))
    }

    /// Returns the share of the available cash that an entry uses: above 0 and at most 1.
    pub fn position_size(&self) -> f64 {
        self.values.position_size()
    }

    /// Returns the plan, which has one root for each signal of the strategy.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns whether the signals are computed by a function of the caller.
    pub(super) fn has_no_expressions(&self) -> bool {
        self.signal_fields.is_empty()
    }

    /// Returns whether the strategy has short signals of its own; `None` if a function computes its signals.
    pub fn has_short_signals(&self) -> Option<bool> {
        let is_short = |kind: &SignalField| {
            matches!(kind, SignalField::ShortEntries | SignalField::ShortExits)
        };
        (!self.has_no_expressions()).then(|| self.signal_fields.iter().any(is_short))
    }

    /// Returns the root of the plan for a signal, or `None` if the strategy does not have it.
    pub(super) fn root(&self, kind: SignalField) -> Option<usize> {
        self.signal_fields.iter().position(|known| *known == kind)
    }

    /// Returns the number of bars before the first on which the strategy can enter.
    pub fn warm_up(&self) -> usize {
        *self.warm_up.get_or_init(|| {
            [SignalField::Entries, SignalField::ShortEntries]
                .into_iter()
                .filter_map(|kind| self.root(kind))
                .filter(|root| self.plan.condition_outcome(*root) != ConditionOutcome::Never)
                .map(|root| self.plan.warm_up(root))
                .min()
                .unwrap_or(0)
        })
    }

    /// Computes the signals on bars.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the strategy reads volume and the bars have none, `ABORT_ERR` if the observer is cancelled.
    pub fn signals(&self, bars: &Bars, observer: &dyn ProgressObserver) -> Result<Signals> {
        let mut signals = Signals {
            entries: Bits::zeros(bars.len()),
            exits: Bits::zeros(bars.len()),
            short_entries: None,
            short_exits: None,
        };
        for (kind, value) in self.signal_fields.iter().zip(evaluate(&self.plan, bars, observer)?) {
            set_field(&mut signals, *kind, value.into_bits(bars.len()));
        }
        Ok(signals)
    }
}

/// Sets one of the signals.
pub(super) fn set_field(signals: &mut Signals, field: SignalField, bits: Bits) {
    match field {
        SignalField::Entries => signals.entries = bits,
        SignalField::Exits => signals.exits = bits,
        SignalField::ShortEntries => signals.short_entries = Some(bits),
        SignalField::ShortExits => signals.short_exits = Some(bits),
    }
}
