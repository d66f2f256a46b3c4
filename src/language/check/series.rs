//! Checks the calls that make series: indicators and coarser timeframes.

use super::{Argument, Checked, Checker, Expression, Kind, Node, Resolved, Span};
use crate::indicators::Indicator;
use crate::market::Timeframe;

impl Checker<'_> {
    pub(super) fn indicator(
        &mut self,
        indicator: &'static Indicator,
        output: usize,
        arguments: &[Expression],
        span: Span,
    ) -> Option<Checked> {
        let name = indicator.outputs.get(output)?.name;
        let checked: Vec<Option<Checked>> =
            arguments.iter().map(|argument| self.expression(argument)).collect();
        // The series may be left out: then the indicator reads those of the bars. A series in front says that they are given.
        let is_given =
            checked.first().is_some_and(|first| first.as_ref().is_none_or(|first| !first.constant));
        let inputs = if is_given { indicator.inputs.len() } else { 0 };
        if !self.scope.series {
            self.problem(
                span,
                "type",
                format!("`{name}` is a series, only parameters and numbers are allowed here"),
            );
            return None;
        }
        if arguments.len() < inputs || arguments.len() > inputs + indicator.parameters.len() {
            self.problem(
                span,
                "arity",
                format!("{} does not fit {} arguments", usage(indicator, name), arguments.len()),
            );
            return None;
        }
        let mut given = checked.into_iter();
        let mut is_sound = true;
        let mut series = Vec::with_capacity(indicator.inputs.len());
        for input in indicator.inputs {
            if !is_given {
                series.push(Checked::series(Resolved::Series(*input), span, Kind::Number));
                continue;
            }
            match given.next().flatten() {
                Some(part) => {
                    let mut either = None;
                    is_sound &=
                        self.argument(name, input.as_str(), Argument::Series, &part, &mut either);
                    series.push(part);
                }
                None => is_sound = false,
            }
        }
        let (parameters, parameters_are_sound) = self.parameters(indicator, name, given, span);
        is_sound &= parameters_are_sound;
        is_sound.then(|| {
            Checked::series(
                Resolved::Indicator { indicator, output, inputs: series, parameters },
                span,
                Kind::Number,
            )
        })
    }

    /// Checks the arguments after the series; what is not given has its default.
    fn parameters(
        &mut self,
        indicator: &'static Indicator,
        name: &str,
        mut given: impl Iterator<Item = Option<Checked>>,
        span: Span,
    ) -> (Vec<Checked>, bool) {
        let mut is_sound = true;
        let mut parameters = Vec::with_capacity(indicator.parameters.len());
        for parameter in indicator.parameters {
            match given.next() {
                Some(Some(part)) => {
                    let place = format!("argument {} of {name}", parameter.name);
                    if part.kind == Kind::Number {
                        is_sound &= self.length(&place, &part, parameter.integer);
                    } else {
                        self.problem(
                            part.span,
                            "type",
                            format!("{place}: expected a number, found a condition"),
                        );
                        is_sound = false;
                    }
                    parameters.push(part);
                }
                Some(None) => is_sound = false,
                None => parameters.push(Checked::constant(
                    Resolved::Number(parameter.default),
                    span,
                    Kind::Number,
                    parameter.integer,
                )),
            }
        }
        (parameters, is_sound)
    }

    pub(super) fn higher(&mut self, arguments: &[Expression], span: Span) -> Option<Checked> {
        let [timeframe, inner] = arguments else {
            self.problem(
                span,
                "arity",
                format!("higher(timeframe, x) takes 2 arguments, found {}", arguments.len()),
            );
            for argument in arguments.iter().skip(1) {
                self.expression(argument);
            }
            return None;
        };
        let names = || Timeframe::ALL.map(|(name, _)| name);
        let found = match &timeframe.node {
            Node::Text(text) => Timeframe::parse(text),
            _ => None,
        };
        if found.is_none() {
            self.problem(
                timeframe.span,
                "type",
                format!("higher: expected a timeframe in quotes, one of {}", names().join(", ")),
            );
        }
        if let (Some(found), Some(around)) = (found, self.timeframe)
            && found <= around
        {
            self.problem(
                timeframe.span,
                "range",
                format!(
                    "higher: the timeframe inside \"{around}\" must be coarser, was \"{found}\""
                ),
            );
        }
        let around = self.timeframe;
        self.timeframe = found.or(around);
        let inner = self.expression(inner);
        self.timeframe = around;
        let inner = inner?;
        if inner.constant {
            self.problem(
                inner.span,
                "type",
                "higher: expected a series such as close, found a constant",
            );
            return None;
        }
        let kind = inner.kind;
        Some(Checked::series(Resolved::Higher(found?, Box::new(inner)), span, kind))
    }
}

/// Shows how an indicator is called: `rsi(close, period = 14)`.
pub fn usage(indicator: &Indicator, name: &str) -> String {
    let inputs = indicator.inputs.iter().map(|input| input.as_str().to_owned());
    let parameters = indicator
        .parameters
        .iter()
        .map(|parameter| format!("{} = {}", parameter.name, parameter.default));
    format!("{name}({})", inputs.chain(parameters).collect::<Vec<_>>().join(", "))
}
