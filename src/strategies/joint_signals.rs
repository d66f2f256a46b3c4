//! The signals of one strategy with several sets of values.

use super::bound_strategy::set_field;
use super::parameter_values::ParameterValues;
use super::strategy::Strategy;
use crate::error::{Code, Error, Result};
use crate::language::{PlanBuilder, evaluate};
use crate::market::Bars;
use crate::observer::ProgressObserver;
use crate::signals::{Bits, Signals};

impl Strategy {
    /// Computes the signals with each set of values. What several of them have in common is computed once. They are those of
    /// [`BoundStrategy::signals`](super::BoundStrategy::signals).
    ///
    /// # Errors
    /// As [`bind_values`](Self::bind_values); `INVALID_ARGUMENT` if the strategy reads volume and the bars have none, `ABORT_ERR` if the
    /// observer is cancelled.
    pub fn joint_signals(
        &self,
        values: &[ParameterValues],
        bars: &Bars,
        observer: &dyn ProgressObserver,
    ) -> Result<Vec<Signals>> {
        let mut builder = PlanBuilder::default();
        let mut roots = Vec::with_capacity(values.len() * self.expressions().len());
        for values in values {
            let added = self.add_to_plan(&mut builder, values);
            roots
                .extend(added.map_err(|issues| Error::with_issues(Code::InvalidArgument, issues))?);
        }
        let mut found = evaluate(&builder.finish(&roots), bars, observer)?.into_iter();
        let mut all = Vec::with_capacity(values.len());
        for _ in values {
            let (entries, exits) = (Bits::zeros(bars.len()), Bits::zeros(bars.len()));
            let mut signals = Signals { entries, exits, short_entries: None, short_exits: None };
            for ((kind, _), value) in self.expressions().iter().zip(found.by_ref()) {
                set_field(&mut signals, *kind, value.into_bits(bars.len()));
            }
            all.push(signals);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::time;
    use crate::observer::NoObserver;
    use crate::request::{Input, Issues};
    use crate::strategies::Registry;

    #[test]
    fn joint_signals_are_those_of_each_binding() {
        let closes: Vec<f64> =
            (0..700).map(|bar| 50.0 + f64::from(bar * 7919 % 23) + f64::from(bar % 90)).collect();
        let timestamps = (0..700).map(|bar| bar * time::DAY).collect();
        let column = || closes.clone().into();
        let bars = Bars::new(timestamps, column(), column(), column(), column(), None).unwrap();
        for (id, parameter) in [
            ("rsi", "period"),
            ("macd", "signal_period"),
            ("bollinger_reversion", "deviations"),
            ("sma_crossover", "fast_period"),
        ] {
            let strategy = Registry::builtin().unwrap().get(id).unwrap();
            let values: Vec<ParameterValues> = [2.0, 5.0, 7.0, 9.0, 5.0, 8.0]
                .into_iter()
                .map(|value| {
                    let value = if parameter == "deviations" { value / 4.0 } else { value };
                    let input = Input::Record(vec![(parameter.to_owned(), Input::Number(value))]);
                    strategy.read_parameters(Some(&input), &mut Issues::default()).unwrap()
                })
                .collect();
            let together = strategy.joint_signals(&values, &bars, &NoObserver).unwrap();
            assert_eq!(together.len(), values.len());
            for (found, values) in together.iter().zip(&values) {
                let bound = strategy.bind_values(values).unwrap();
                assert_eq!(*found, bound.signals(&bars, &NoObserver).unwrap(), "{id}");
            }
            assert!(together.iter().any(|signals| signals.entries.count() > 0), "{id}");
        }
        let strategy = Registry::builtin().unwrap().get("sma_crossover").unwrap();
        let none = strategy.joint_signals(&[], &bars, &NoObserver).unwrap();
        assert!(none.is_empty());
    }
}
