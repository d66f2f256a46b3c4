//! Why a strategy does not enter, on any bars or on the bars of a run, and what else its conditions say about themselves.

use std::ops::Range;

use super::bound_strategy::BoundStrategy;
use super::signal_field::SignalField;
use super::strategy::declaration;
use crate::error::Result;
use crate::language::{
    self, ConditionPart, ParameterDeclaration, Scope, count_parts, parse, scale_mistakes, why_never,
};
use crate::market::Bars;
use crate::observer::ProgressObserver;
use crate::quote::counted;

/// An entry condition, with the bars on which its parts held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryCondition {
    /// The signal.
    pub field: SignalField,
    /// For each alternative of an `or` the parts that `and` joins.
    pub alternatives: Vec<Vec<ConditionPart>>,
}

const ENTRIES: [SignalField; 2] = [SignalField::Entries, SignalField::ShortEntries];

impl BoundStrategy {
    /// Explains for each side why its entries never hold. An explanation is missing if there is nothing to explain.
    pub(super) fn why_it_never_enters(&self) -> Vec<String> {
        self.why_never(&ENTRIES)
    }

    /// Explains why the exits of one side never hold.
    pub(super) fn why_it_never_exits(&self, exits: SignalField) -> Vec<String> {
        self.why_never(&[exits])
    }

    fn why_never(&self, fields: &[SignalField]) -> Vec<String> {
        self.with_conditions(fields, |_, condition, scope| {
            Ok(why_never(condition, scope, self.values().bindings()))
        })
        .unwrap_or_default()
    }

    /// Returns a warning for every comparison of an indicator between 0 and 100 with a fraction.
    pub(super) fn scale_mistakes(&self) -> Vec<String> {
        if !self.plan().has_scale_mistake() {
            return Vec::new();
        }
        let warnings = self
            .with_conditions(&SignalField::ALL, |_, condition, scope| {
                Ok(Some(scale_mistakes(condition, scope, self.values().bindings())))
            })
            .unwrap_or_default();
        let mut distinct: Vec<String> = Vec::new();
        for warning in warnings.into_iter().flatten() {
            if !distinct.contains(&warning) {
                distinct.push(warning);
            }
        }
        distinct
    }

    /// Counts on how many of the bars in `range` each part of the entry conditions holds. The list is empty if a function
    /// computes the signals.
    ///
    /// # Errors
    /// As [`signals`](Self::signals).
    pub fn entry_conditions(
        &self,
        bars: &Bars,
        range: Range<usize>,
        observer: &dyn ProgressObserver,
    ) -> Result<Vec<EntryCondition>> {
        self.with_conditions(&ENTRIES, |field, condition, scope| {
            let values = self.values().bindings();
            let range = (bars, range.clone());
            let alternatives = count_parts(condition, scope, values, range, observer)?;
            Ok(Some(EntryCondition { field, alternatives }))
        })
    }

    /// Calls a function with each condition of these signals. The texts are parsed again, because this is rarely needed.
    fn with_conditions<T>(
        &self,
        fields: &[SignalField],
        read: impl Fn(SignalField, &language::Expression, Scope<'_>) -> Result<Option<T>>,
    ) -> Result<Vec<T>> {
        let definition = self.definition();
        let parameters: Vec<ParameterDeclaration<'_>> =
            definition.parameters.iter().map(declaration).collect();
        let scope = Scope { parameters: &parameters, allows_series: true };
        let mut all = Vec::new();
        for (field, text) in definition.expressions() {
            if !fields.contains(&field) || self.root(field).is_none() {
                continue;
            }
            // The strategy compiled, so its texts parse.
            if let Some(condition) = text.and_then(|text| parse(text).ok()) {
                all.extend(read(field, &condition, scope)?);
            }
        }
        Ok(all)
    }
}

impl EntryCondition {
    /// Describes on how many of `bars` bars the parts held: `` `a` held on 12 of 252 bars, `b` on 0 ``.
    pub fn describe(&self, bars: usize) -> String {
        let alternatives: Vec<String> = self
            .alternatives
            .iter()
            .map(|parts| {
                let mut all = Vec::with_capacity(parts.len());
                for (index, part) in parts.iter().enumerate() {
                    let held = if index == 0 {
                        format!("{} held on {} of {}", part.text, part.held, counted(bars, "bar"))
                    } else {
                        format!("{} on {}", part.text, part.held)
                    };
                    all.push(match part.without_value {
                        0 => held,
                        missing => format!("{held} (no value on {missing})"),
                    });
                }
                let is_apart = parts.len() > 1 && parts.iter().all(|part| part.held > 0);
                let end = if is_apart { ", but never all on one bar" } else { "" };
                format!("{}{end}", all.join(", "))
            })
            .collect();
        alternatives.join("; ")
    }
}
