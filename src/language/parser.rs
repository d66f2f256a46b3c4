//! Parses text into a syntax tree by precedence climbing.
//!
//! Precedence from lowest to highest: `or`, `and`, `not`, comparisons (which do not chain), `+ -`, `* / %`, unary minus.

use super::lexer::{Token, tokenize};
use super::limits::{MAX_DEPTH, MAX_LENGTH, MAX_NODES};
use super::synonyms::{self, OPERATOR_WORDS, PREFIX_WORDS};
use super::syntax::{Callee, Diagnostic, Expression, Node, Span};
use crate::quote;

/// Binary operators with their precedence.
const BINARY: [(&str, u8); 13] = [
    ("or", 1),
    ("and", 2),
    ("<", COMPARISON),
    ("<=", COMPARISON),
    (">", COMPARISON),
    (">=", COMPARISON),
    ("==", COMPARISON),
    ("!=", COMPARISON),
    ("+", 5),
    ("-", 5),
    ("*", 6),
    ("/", 6),
    ("%", 6),
];

const NOT: u8 = 3;
const COMPARISON: u8 = 4;
const MINUS: u8 = 7;

/// The precedence of what is no operator.
pub(super) const HIGHEST: u8 = 8;

/// Returns the precedence of an operator.
pub(super) fn precedence(symbol: &str) -> u8 {
    match symbol {
        "not" => NOT,
        "unary -" => MINUS,
        _ => BINARY
            .iter()
            .find(|(known, _)| *known == symbol)
            .map_or(HIGHEST, |(_, precedence)| *precedence),
    }
}

/// Parses an expression.
///
/// # Errors
/// The first error in the text. The parser does not recover from errors.
pub fn parse(text: &str) -> Result<Expression, Diagnostic> {
    let start = Span { offset: 0, line: 1, column: 1 };
    if text.len() > MAX_LENGTH {
        return Err(Diagnostic::new(
            start,
            "limit",
            format!("the expression has {} bytes, the maximum is {MAX_LENGTH}", text.len()),
        ));
    }
    let tokens = tokenize(text)?;
    let end = tokens.last().map_or(start, |(_, span)| *span);
    let mut parser = Parser {
        tokens: tokens.into_iter(),
        previous: None,
        next: (Token::End, end),
        end,
        nodes: 0,
    };
    parser.advance();
    if parser.next.0 == Token::End {
        return Err(Diagnostic::new(end, "syntax", "the expression is empty"));
    }
    let tree = parser.expression(0, 0)?;
    match &parser.next {
        (Token::End, _) => Ok(tree.expression),
        (Token::Symbol(")"), span) => {
            Err(Diagnostic::new(*span, "syntax", "`)` without a matching `(`"))
        }
        (token, span) => Err(parser.foreign_prefix().unwrap_or_else(|| {
            let hint = foreign_operator(token);
            Diagnostic::new(
                *span,
                "syntax",
                format!("expected an operator or the end, found {}{hint}", token.describe()),
            )
        })),
    }
}

struct Parser {
    tokens: std::vec::IntoIter<(Token, Span)>,
    /// The number or name that was consumed last, if it is the last token.
    previous: Option<(Token, Span)>,
    next: (Token, Span),
    end: Span,
    nodes: usize,
}

/// A tree and its height. The height is limited because later stages are recursive.
struct Tree {
    expression: Expression,
    height: usize,
}

impl Parser {
    fn advance(&mut self) -> (Token, Span) {
        let following = self.tokens.next().unwrap_or((Token::End, self.end));
        let token = std::mem::replace(&mut self.next, following);
        self.previous = matches!(token.0, Token::Number(_) | Token::Name(_)).then(|| token.clone());
        token
    }

    /// Returns the error of a name that other languages write before an operand, such as `NOT`, if it was consumed last.
    fn foreign_prefix(&self) -> Option<Diagnostic> {
        let Some((Token::Name(name), span)) = &self.previous else { return None };
        let hint = synonyms::find(PREFIX_WORDS, name)?.hint();
        let message = format!("unknown word `{}`{hint}", quote::name(name));
        Some(Diagnostic::new(*span, "syntax", message))
    }

    /// Returns whether the next token can be the first of an operand.
    fn has_operand(&self) -> bool {
        match &self.next.0 {
            Token::Number(_) | Token::Text(_) | Token::Symbol("(" | "-" | "+") => true,
            Token::Name(name) => !matches!(name.as_str(), "and" | "or"),
            Token::Symbol(_) | Token::End => false,
        }
    }

    /// Creates a node whose children have at most the height `below`.
    fn tree(&mut self, node: Node, span: Span, below: usize) -> Result<Tree, Diagnostic> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Diagnostic::new(
                span,
                "limit",
                format!(
                    "the expression has more than {MAX_NODES} numbers, names, operators and calls"
                ),
            ));
        }
        if below >= MAX_DEPTH {
            return Err(too_deep(span));
        }
        Ok(Tree { expression: Expression { node, span }, height: below + 1 })
    }

    fn call(
        &mut self,
        callee: Callee,
        arguments: Vec<Tree>,
        span: Span,
    ) -> Result<Tree, Diagnostic> {
        let below = arguments.iter().map(|tree| tree.height).max().unwrap_or(0);
        let arguments = arguments.into_iter().map(|tree| tree.expression).collect();
        self.tree(Node::Call(callee, arguments), span, below)
    }

    /// Parses operators whose precedence is above `minimum`. `depth` is the recursion depth of this function.
    fn expression(&mut self, minimum: u8, depth: usize) -> Result<Tree, Diagnostic> {
        if depth >= MAX_DEPTH {
            return Err(too_deep(self.next.1));
        }
        let mut left = self.operand(depth)?;
        let mut is_comparison = false;
        loop {
            let (token, span) = (&self.next.0, self.next.1);
            let symbol = match token {
                Token::Symbol(symbol) => *symbol,
                Token::Name(name) => name.as_str(),
                _ => return Ok(left),
            };
            let Some(&(symbol, precedence)) = BINARY.iter().find(|(known, _)| *known == symbol)
            else {
                return Ok(left);
            };
            if precedence <= minimum {
                return Ok(left);
            }
            if precedence == COMPARISON && is_comparison {
                return Err(Diagnostic::new(
                    span,
                    "syntax",
                    "comparisons do not chain, write a < b and b < c",
                ));
            }
            is_comparison = precedence == COMPARISON;
            let before = self.previous.take();
            self.advance();
            if let (Some((Token::Number(value), _)), "%", false) =
                (before, symbol, self.has_operand())
            {
                return Err(Diagnostic::new(
                    span,
                    "syntax",
                    format!(
                        "`%` is the remainder of a division, write {} for {value} %",
                        value / 100.0
                    ),
                ));
            }
            let right = self.expression(precedence, depth + 1)?;
            left = self.call(Callee::Operator(symbol), vec![left, right], span)?;
        }
    }

    fn operand(&mut self, depth: usize) -> Result<Tree, Diagnostic> {
        let (token, span) = self.advance();
        match token {
            Token::Number(value) => self.tree(Node::Number(value), span, 0),
            Token::Text(text) => self.tree(Node::Text(text), span, 0),
            Token::Symbol("-") => {
                let inner = self.expression(MINUS - 1, depth + 1)?;
                self.call(Callee::Operator("unary -"), vec![inner], span)
            }
            Token::Symbol("+") => self.expression(MINUS - 1, depth + 1),
            Token::Symbol("(") => {
                let inner = self.expression(0, depth + 1)?;
                self.close(span)?;
                Ok(inner)
            }
            Token::Name(name) => match name.as_str() {
                "true" | "false" => self.tree(Node::Boolean(name == "true"), span, 0),
                "not" => {
                    let inner = self.expression(NOT - 1, depth + 1)?;
                    self.call(Callee::Operator("not"), vec![inner], span)
                }
                "and" | "or" if self.next.0 == Token::Symbol("(") => Err(Diagnostic::new(
                    span,
                    "syntax",
                    format!("`{name}` is an operator, write a {name} b"),
                )),
                "and" | "or" => Err(expected_operand(&Token::Name(name), span)),
                _ if self.next.0 == Token::Symbol("(") => {
                    let arguments = self.arguments(depth)?;
                    if name == "if" && arguments.len() == 1 {
                        let message =
                            "`if` takes its condition and both values: write if(condition, a, b)";
                        return Err(Diagnostic::new(span, "arity", message));
                    }
                    self.call(Callee::Function(name), arguments, span)
                }
                _ => self.tree(Node::Name(name), span, 0),
            },
            token => Err(expected_operand(&token, span)),
        }
    }

    fn arguments(&mut self, depth: usize) -> Result<Vec<Tree>, Diagnostic> {
        let (_, opened) = self.advance();
        let mut arguments = Vec::new();
        if self.next.0 != Token::Symbol(")") {
            loop {
                arguments.push(self.expression(0, depth + 1)?);
                if self.next.0 != Token::Symbol(",") {
                    break;
                }
                self.advance();
            }
        }
        self.close(opened)?;
        Ok(arguments)
    }

    fn close(&mut self, opened: Span) -> Result<(), Diagnostic> {
        let foreign = self.foreign_prefix();
        match self.advance() {
            (Token::Symbol(")"), _) => Ok(()),
            (Token::End, span) => Err(Diagnostic::new(
                span,
                "syntax",
                format!("expected `)` for the `(` at {opened}, found the end"),
            )),
            (token, span) => {
                if let Some(diagnostic) = foreign {
                    return Err(diagnostic);
                }
                let message = format!(
                    "expected an operator, `,` or `)` for the `(` at {opened}, found {}{}",
                    token.describe(),
                    foreign_operator(&token)
                );
                Err(Diagnostic::new(span, "syntax", message))
            }
        }
    }
}

/// Returns what to write instead of a word that other languages have between operands.
fn foreign_operator(found: &Token) -> String {
    let Token::Name(name) = found else { return String::new() };
    synonyms::find(OPERATOR_WORDS, name).map(synonyms::Advice::hint).unwrap_or_default()
}

fn expected_operand(found: &Token, span: Span) -> Diagnostic {
    Diagnostic::new(
        span,
        "syntax",
        format!("expected a number, a name or `(`, found {}", found.describe()),
    )
}

fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::new(
        span,
        "limit",
        format!("the expression is nested more than {MAX_DEPTH} levels deep"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Formats a tree as nested prefix calls.
    fn prefix_form(text: &str) -> String {
        fn write(expression: &Expression) -> String {
            match &expression.node {
                Node::Number(value) => value.to_string(),
                Node::Boolean(value) => value.to_string(),
                Node::Text(text) => format!("'{text}'"),
                Node::Name(name) => name.clone(),
                Node::Call(callee, arguments) => {
                    let name = match callee {
                        Callee::Function(name) => name.as_str(),
                        Callee::Operator(symbol) => symbol,
                    };
                    let arguments: Vec<String> = arguments.iter().map(write).collect();
                    format!("{name}({})", arguments.join(" "))
                }
            }
        }
        parse(text).map_or_else(|problem| problem.to_string(), |tree| write(&tree))
    }

    #[test]
    fn operators_have_the_usual_precedence() {
        for (text, expected) in [
            ("a - b - c", "-(-(a b) c)"),
            ("a + b * -c % 2", "+(a %(*(b unary -(c)) 2))"),
            ("a or b and not c < d", "or(a and(b not(<(c d))))"),
            ("not a and b", "and(not(a) b)"),
            ("a < b and b < c", "and(<(a b) <(b c))"),
            ("-(a + b) * c", "*(unary -(+(a b)) c)"),
            ("if(a > 1, f(), '1d')", "if(>(a 1) f() '1d')"),
            ("a * b < c == d", "1:11: comparisons do not chain, write a < b and b < c"),
        ] {
            assert_eq!(prefix_form(text), expected, "{text}");
        }
    }

    #[test]
    fn errors_name_the_position_and_what_was_expected() {
        for (text, expected) in [
            ("", "1:1: the expression is empty"),
            ("sma(close, 10", "1:14: expected `)` for the `(` at 1:4, found the end"),
            ("close >", "1:8: expected a number, a name or `(`, found the end"),
            ("close > > 3", "1:9: expected a number, a name or `(`, found `>`"),
            ("close open", "1:7: expected an operator or the end, found `open`"),
            ("close)", "1:6: `)` without a matching `(`"),
            (
                "sma(close 10)",
                "1:11: expected an operator, `,` or `)` for the `(` at 1:4, found number 10",
            ),
            ("\n  and", "2:3: expected a number, a name or `(`, found `and`"),
        ] {
            assert_eq!(prefix_form(text), expected, "{text}");
        }
    }

    #[test]
    fn hostile_texts_exceed_limits() {
        assert!(prefix_form(&"(".repeat(9_000)).contains("nested more than 64 levels deep"));
        assert!(prefix_form(&"-".repeat(9_000)).contains("nested more than 64 levels deep"));
        assert!(prefix_form(&"not ".repeat(2_000)).contains("nested more than 64 levels deep"));
        assert!(prefix_form(&vec!["1"; 100].join("+")).contains("nested more than 64 levels deep"));
        assert!(
            prefix_form(&format!("f({})", vec!["1"; 3_000].join(",")))
                .contains("more than 2000 numbers, names, operators and calls")
        );
        assert!(prefix_form(&"1".repeat(10_001)).contains("has 10001 bytes, the maximum is 10000"));
        assert!(prefix_form(&format!("{}1{}", "(".repeat(60), ")".repeat(60))).ends_with('1'));
    }
}
