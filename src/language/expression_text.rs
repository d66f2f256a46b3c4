//! Expressions as text, for messages.

use std::fmt;

use super::parser::{HIGHEST, precedence};
use super::syntax::{Callee, Expression, Node};

impl fmt::Display for Expression {
    /// Writes the expression on one line, with parentheses only where they are needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Node::Number(value) if *value != 0.0 && !(1e-5..1e15).contains(&value.abs()) => {
                write!(f, "{value:e}")
            }
            Node::Number(value) => value.fmt(f),
            Node::Boolean(value) => value.fmt(f),
            Node::Text(text) if text.contains('\'') => write!(f, "\"{text}\""),
            Node::Text(text) => write!(f, "'{text}'"),
            Node::Name(name) => f.write_str(name),
            Node::Call(Callee::Function(name), arguments) => {
                write!(f, "{name}(")?;
                for (index, argument) in arguments.iter().enumerate() {
                    f.write_str(if index > 0 { ", " } else { "" })?;
                    argument.fmt(f)?;
                }
                f.write_str(")")
            }
            Node::Call(Callee::Operator(symbol), arguments) => {
                let own = precedence(symbol);
                match arguments.as_slice() {
                    [inner] => {
                        f.write_str(if *symbol == "not" { "not " } else { "-" })?;
                        inner.write_operand(own, f)
                    }
                    [left, right] => {
                        // Comparisons do not chain. Other operators group from the left.
                        let is_comparison = own == precedence("<");
                        left.write_operand(own + u8::from(is_comparison), f)?;
                        write!(f, " {symbol} ")?;
                        right.write_operand(own + 1, f)
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

impl Expression {
    /// Writes an operand, in parentheses if it binds less tightly than `minimum`.
    fn write_operand(&self, minimum: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = match &self.node {
            Node::Call(Callee::Operator(symbol), _) => precedence(symbol),
            _ => HIGHEST,
        };
        if own < minimum { write!(f, "({self})") } else { write!(f, "{self}") }
    }
}

#[cfg(test)]
mod tests {
    use crate::language::parse;

    #[test]
    fn parentheses_are_written_where_they_are_needed() {
        for (text, expected) in [
            ("((close)) > 1", "close > 1"),
            ("a - (b - c) - d", "a - (b - c) - d"),
            ("(a + b) * c % (d * e)", "(a + b) * c % (d * e)"),
            ("not (a and (b or c)) and not d", "not (a and (b or c)) and not d"),
            ("(a < b) == (c < d)", "(a < b) == (c < d)"),
            ("-(a + b) < - - c", "-(a + b) < --c"),
            ("(-a) * b - -(c * d)", "-a * b - -(c * d)"),
            ("f ( 'x', \"it's\", 1e-9,0.5 )", "f('x', \"it's\", 1e-9, 0.5)"),
            ("not\n  a < b # why", "not a < b"),
            ("(not a) < b", "(not a) < b"),
        ] {
            let shown = parse(text).unwrap().to_string();
            assert_eq!(shown, expected);
            assert_eq!(parse(&shown).unwrap().to_string(), expected);
        }
    }
}
