//! From text to a syntax tree, by precedence climbing.
//!
//! From the loosest to the tightest: `or`, `and`, `not`, comparisons (which do not chain), `+ -`, `* / %`, unary minus.

use super::lexer::{Token, tokens};
use super::syntax::{Callee, Expression, Node, Problem, Span};
use super::{MAX_DEPTH, MAX_LENGTH, MAX_NODES};

/// Binary operators with how tightly they bind.
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

/// Parses an expression.
///
/// # Errors
/// The first problem of the text: a tree cannot be guessed beyond it.
pub fn parse(text: &str) -> Result<Expression, Problem> {
    let start = Span { offset: 0, line: 1, column: 1 };
    if text.len() > MAX_LENGTH {
        return Err(Problem::new(
            start,
            "limit",
            format!("the expression has {} bytes, at most {MAX_LENGTH} are allowed", text.len()),
        ));
    }
    let tokens = tokens(text)?;
    let end = tokens.last().map_or(start, |(_, span)| *span);
    let mut parser = Parser { tokens: tokens.into_iter(), next: (Token::End, end), end, nodes: 0 };
    parser.advance();
    if parser.next.0 == Token::End {
        return Err(Problem::new(end, "syntax", "the expression is empty"));
    }
    let tree = parser.expression(0, 0)?;
    match &parser.next {
        (Token::End, _) => Ok(tree.expression),
        (Token::Sign(")"), span) => {
            Err(Problem::new(*span, "syntax", "`)` without a `(` before it"))
        }
        (token, span) => Err(Problem::new(
            *span,
            "syntax",
            format!("expected an operator or the end, found {}", token.describe()),
        )),
    }
}

struct Parser {
    tokens: std::vec::IntoIter<(Token, Span)>,
    next: (Token, Span),
    end: Span,
    nodes: usize,
}

/// A tree and its height, which is bounded because later stages walk it recursively.
struct Tree {
    expression: Expression,
    height: usize,
}

impl Parser {
    fn advance(&mut self) -> (Token, Span) {
        let following = self.tokens.next().unwrap_or((Token::End, self.end));
        std::mem::replace(&mut self.next, following)
    }

    /// Makes a node over its parts and counts it.
    fn tree(&mut self, node: Node, span: Span, below: usize) -> Result<Tree, Problem> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Problem::new(
                span,
                "limit",
                format!("the expression has more than {MAX_NODES} parts"),
            ));
        }
        if below >= MAX_DEPTH {
            return Err(too_deep(span));
        }
        Ok(Tree { expression: Expression { node, span }, height: below + 1 })
    }

    fn call(&mut self, callee: Callee, arguments: Vec<Tree>, span: Span) -> Result<Tree, Problem> {
        let below = arguments.iter().map(|tree| tree.height).max().unwrap_or(0);
        let arguments = arguments.into_iter().map(|tree| tree.expression).collect();
        self.tree(Node::Call(callee, arguments), span, below)
    }

    /// Parses operators that bind more tightly than `loosest`; `depth` counts the calls of this function on the stack.
    fn expression(&mut self, loosest: u8, depth: usize) -> Result<Tree, Problem> {
        if depth >= MAX_DEPTH {
            return Err(too_deep(self.next.1));
        }
        let mut left = self.operand(depth)?;
        let mut is_compared = false;
        loop {
            let (token, span) = (&self.next.0, self.next.1);
            let sign = match token {
                Token::Sign(sign) => *sign,
                Token::Name(name) => name.as_str(),
                _ => return Ok(left),
            };
            let Some(&(sign, power)) = BINARY.iter().find(|(known, _)| *known == sign) else {
                return Ok(left);
            };
            if power <= loosest {
                return Ok(left);
            }
            if power == COMPARISON && is_compared {
                return Err(Problem::new(
                    span,
                    "syntax",
                    "comparisons do not chain, write a < b and b < c",
                ));
            }
            is_compared = power == COMPARISON;
            self.advance();
            let right = self.expression(power, depth + 1)?;
            left = self.call(Callee::Operator(sign), vec![left, right], span)?;
        }
    }

    fn operand(&mut self, depth: usize) -> Result<Tree, Problem> {
        let (token, span) = self.advance();
        match token {
            Token::Number(value) => self.tree(Node::Number(value), span, 0),
            Token::Text(text) => self.tree(Node::Text(text), span, 0),
            Token::Sign("-") => {
                let inner = self.expression(MINUS - 1, depth + 1)?;
                self.call(Callee::Operator("unary -"), vec![inner], span)
            }
            Token::Sign("+") => self.expression(MINUS - 1, depth + 1),
            Token::Sign("(") => {
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
                "and" | "or" => Err(expected_operand(&Token::Name(name), span)),
                _ if self.next.0 == Token::Sign("(") => {
                    let arguments = self.arguments(depth)?;
                    self.call(Callee::Function(name), arguments, span)
                }
                _ => self.tree(Node::Name(name), span, 0),
            },
            token => Err(expected_operand(&token, span)),
        }
    }

    fn arguments(&mut self, depth: usize) -> Result<Vec<Tree>, Problem> {
        let (_, opened) = self.advance();
        let mut arguments = Vec::new();
        if self.next.0 != Token::Sign(")") {
            loop {
                arguments.push(self.expression(0, depth + 1)?);
                if self.next.0 != Token::Sign(",") {
                    break;
                }
                self.advance();
            }
        }
        self.close(opened)?;
        Ok(arguments)
    }

    fn close(&mut self, opened: Span) -> Result<(), Problem> {
        match self.advance() {
            (Token::Sign(")"), _) => Ok(()),
            (Token::End, span) => Err(Problem::new(
                span,
                "syntax",
                format!("expected `)` for the `(` at {opened}, found the end"),
            )),
            (token, span) => {
                let message = format!(
                    "expected an operator, `,` or `)` for the `(` at {opened}, found {}",
                    token.describe()
                );
                Err(Problem::new(span, "syntax", message))
            }
        }
    }
}

fn expected_operand(found: &Token, span: Span) -> Problem {
    Problem::new(
        span,
        "syntax",
        format!("expected a number, a name or `(`, found {}", found.describe()),
    )
}

fn too_deep(span: Span) -> Problem {
    Problem::new(span, "limit", format!("the expression is nested more than {MAX_DEPTH} deep"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a tree with every operator as a call.
    fn shape(text: &str) -> String {
        fn write(expression: &Expression) -> String {
            match &expression.node {
                Node::Number(value) => value.to_string(),
                Node::Boolean(value) => value.to_string(),
                Node::Text(text) => format!("'{text}'"),
                Node::Name(name) => name.clone(),
                Node::Call(callee, arguments) => {
                    let name = match callee {
                        Callee::Function(name) => name.as_str(),
                        Callee::Operator(sign) => sign,
                    };
                    let arguments: Vec<String> = arguments.iter().map(write).collect();
                    format!("{name}({})", arguments.join(" "))
                }
            }
        }
        parse(text).map_or_else(|problem| problem.to_string(), |tree| write(&tree))
    }

    #[test]
    fn operators_bind_as_in_arithmetic() {
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
            assert_eq!(shape(text), expected, "{text}");
        }
    }

    #[test]
    fn what_was_expected_is_said_with_its_place() {
        for (text, expected) in [
            ("", "1:1: the expression is empty"),
            ("sma(close, 10", "1:14: expected `)` for the `(` at 1:4, found the end"),
            ("close >", "1:8: expected a number, a name or `(`, found the end"),
            ("close > > 3", "1:9: expected a number, a name or `(`, found `>`"),
            ("close open", "1:7: expected an operator or the end, found `open`"),
            ("close)", "1:6: `)` without a `(` before it"),
            (
                "sma(close 10)",
                "1:11: expected an operator, `,` or `)` for the `(` at 1:4, found number 10",
            ),
            ("\n  and", "2:3: expected a number, a name or `(`, found `and`"),
        ] {
            assert_eq!(shape(text), expected, "{text}");
        }
    }

    #[test]
    fn hostile_texts_meet_limits() {
        assert!(shape(&"(".repeat(9_000)).contains("nested more than 64 deep"));
        assert!(shape(&"-".repeat(9_000)).contains("nested more than 64 deep"));
        assert!(shape(&"not ".repeat(2_000)).contains("nested more than 64 deep"));
        assert!(shape(&vec!["1"; 100].join("+")).contains("nested more than 64 deep"));
        assert!(
            shape(&format!("f({})", vec!["1"; 3_000].join(","))).contains("more than 2000 parts")
        );
        assert!(shape(&"1".repeat(10_001)).contains("has 10001 bytes, at most 10000 are allowed"));
        assert!(shape(&format!("{}1{}", "(".repeat(60), ")".repeat(60))).ends_with('1'));
    }
}
