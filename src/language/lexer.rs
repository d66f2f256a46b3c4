//! Splits text into tokens.

use super::functions::series_names;
use super::synonyms::{Advice, SYMBOLS as FOREIGN_SYMBOLS};
use super::syntax::{Diagnostic, Span};
use crate::market::Timeframe;
use crate::quote;

/// A token of the language.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A number.
    Number(f64),
    /// A name or a keyword.
    Name(String),
    /// Text in quotes.
    Text(String),
    /// An operator, a parenthesis or a comma.
    Symbol(&'static str),
    /// The end of the text.
    End,
}

impl Token {
    /// Returns the token as shown in messages.
    pub fn describe(&self) -> String {
        match self {
            Self::Number(value) => format!("number {value}"),
            Self::Name(name) => format!("`{}`", quote::name(name)),
            Self::Text(text) => format!("text \"{}\"", quote::name(text)),
            Self::Symbol(symbol) => format!("`{symbol}`"),
            Self::End => "the end".into(),
        }
    }
}

/// The symbols. Longer ones precede their prefixes.
const SYMBOLS: [&str; 15] =
    ["<=", ">=", "==", "!=", "<", ">", "+", "-", "*", "/", "%", "(", ")", ",", ";"];

/// Returns the tokens of a text with their positions. The last token is [`Token::End`].
pub fn tokenize(text: &str) -> Result<Vec<(Token, Span)>, Diagnostic> {
    let mut cursor = Cursor { rest: text, span: Span { offset: 0, line: 1, column: 1 } };
    let mut tokens = Vec::new();
    loop {
        cursor.skip_trivia();
        let span = cursor.span;
        let token = cursor.token(&tokens)?;
        let is_end = token == Token::End;
        tokens.push((token, span));
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Cursor<'a> {
    rest: &'a str,
    span: Span,
}

impl<'a> Cursor<'a> {
    /// Consumes the leading characters for which `is_wanted` returns true.
    fn take_while(&mut self, mut is_wanted: impl FnMut(char) -> bool) -> &'a str {
        let end = self.rest.find(|character| !is_wanted(character)).unwrap_or(self.rest.len());
        self.take(end)
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        for character in taken.chars() {
            self.span.offset += character.len_utf8();
            if character == '\n' {
                self.span.line += 1;
                self.span.column = 1;
            } else {
                self.span.column += 1;
            }
        }
        self.rest = rest;
        taken
    }

    /// Skips white space and comments, which extend from `#` to the end of the line.
    fn skip_trivia(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if !self.rest.starts_with('#') {
                return;
            }
            self.take_while(|character| character != '\n');
        }
    }

    /// Consumes a token. `before` has the earlier ones.
    fn token(&mut self, before: &[(Token, Span)]) -> Result<Token, Diagnostic> {
        let span = self.span;
        let Some(first) = self.rest.chars().next() else { return Ok(Token::End) };
        if first.is_ascii_digit()
            || (first == '.'
                && self
                    .rest
                    .get(1..2)
                    .is_some_and(|next| next.as_bytes().iter().all(u8::is_ascii_digit)))
        {
            return self.number(span);
        }
        if first.is_alphabetic() || first == '_' {
            return Ok(Token::Name(self.name()));
        }
        if first == '"' || first == '\'' {
            return self.text(first, span);
        }
        if let Some((symbol, advice)) = FOREIGN_SYMBOLS.iter().find(|(symbol, _)| {
            self.rest.starts_with(symbol)
                && !self.rest.starts_with("!=")
                && !self.rest.starts_with("==")
        }) {
            let advice = match (*symbol, before) {
                ("=", _) => equals_sign(before),
                ("[" | "['" | "[\"" | "{", [.., (Token::Name(name), _)])
                    if name.eq_ignore_ascii_case("in") =>
                {
                    MEMBERSHIP
                }
                _ => *advice,
            };
            let hint = advice.hint();
            let symbol = quote::name(symbol);
            return Err(Diagnostic::new(
                span,
                "syntax",
                format!("unknown symbol `{symbol}`{hint}"),
            ));
        }
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| self.rest.starts_with(**symbol)) {
            self.take(symbol.len());
            return Ok(Token::Symbol(symbol));
        }
        Err(Diagnostic::new(
            span,
            "syntax",
            format!("unknown symbol {first:?}, expected a number, a name or an operator"),
        ))
    }

    /// Consumes a name. Names have no dots, but those of other languages do, so that a message can quote all of `ta.sma`.
    fn name(&mut self) -> String {
        let is_part = |character: char| character.is_alphanumeric() || character == '_';
        let mut name = self.take_while(is_part).to_owned();
        while self.rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(char::is_alphabetic))
        {
            name.push_str(self.take(1));
            name.push_str(self.take_while(is_part));
        }
        name
    }

    fn number(&mut self, span: Span) -> Result<Token, Diagnostic> {
        let mut before = ' ';
        let text = self.take_while(|character| {
            // `+` and `-` belong to a number only directly after the `e` of its exponent.
            let is_part = character.is_ascii_alphanumeric()
                || character == '.'
                || character == '_'
                || ((character == '-' || character == '+') && (before == 'e' || before == 'E'));
            before = character;
            is_part
        });
        match text.replace('_', "").parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Token::Number(value)),
            _ => {
                let text = quote::name(text);
                let hint = if Timeframe::parse(&text).is_some() {
                    format!("write '{text}' for the timeframe")
                } else {
                    "expected one such as 14, 0.5 or 1e-3".to_owned()
                };
                Err(Diagnostic::new(span, "syntax", format!("`{text}` is not a number, {hint}")))
            }
        }
    }

    fn text(&mut self, quote: char, span: Span) -> Result<Token, Diagnostic> {
        self.take(quote.len_utf8());
        let text = self.take_while(|character| character != quote && character != '\n').to_owned();
        if self.rest.starts_with(quote) {
            self.take(quote.len_utf8());
            return Ok(Token::Text(text));
        }
        Err(Diagnostic::new(
            span,
            "syntax",
            format!("the text after {quote} has no closing quote on its line"),
        ))
    }
}

/// What to write instead of `in` and a list.
const MEMBERSHIP: Advice =
    Advice::Write("month == 1 or month == 2", " for month in a list of both; there are no lists");

/// Returns what to write instead of an equals sign after these tokens.
fn equals_sign(before: &[(Token, Span)]) -> Advice {
    match before {
        [.., (Token::Symbol("(" | ","), _), (Token::Name(_), _)] => Advice::Write(
            "`==`",
            " to compare; arguments have no names, their order is that of sma(close, 20)",
        ),
        [(Token::Name(name), _)] if series_names().all(|known| known != name) => Advice::Write(
            "`==`",
            " to compare; there are no variables, write the value where it is used",
        ),
        _ => Advice::Write("`==`", " to compare"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Token> {
        tokenize(text).unwrap().into_iter().map(|(token, _)| token).collect()
    }

    #[test]
    fn numbers_names_and_symbols_are_distinguished() {
        assert_eq!(
            words("1.5e-3<=a_1 # note\n-.5"),
            [
                Token::Number(0.0015),
                Token::Symbol("<="),
                Token::Name("a_1".into()),
                Token::Symbol("-"),
                Token::Number(0.5),
                Token::End
            ]
        );
        assert_eq!(words("'1d'"), [Token::Text("1d".into()), Token::End]);
    }

    #[test]
    fn positions_count_lines_and_characters() {
        let found = tokenize("é +\n  x").unwrap();
        assert_eq!(found[2].1, Span { offset: 7, line: 2, column: 3 });
        assert_eq!(found[1].1, Span { offset: 3, line: 1, column: 3 });
    }

    #[test]
    fn symbols_of_other_languages_are_explained() {
        for (text, expected) in [
            ("a && b", "1:3: unknown symbol `&&`, write `and`"),
            ("close = b", "1:7: unknown symbol `=`, write `==` to compare"),
            (
                "fast = close",
                "1:6: unknown symbol `=`, write `==` to compare; there are no variables, write the value where it is used",
            ),
            (
                "sma(close, period=20)",
                "1:18: unknown symbol `=`, write `==` to compare; arguments have no names, their order is that of sma(close, 20)",
            ),
            ("1d", "1:1: `1d` is not a number, write '1d' for the timeframe"),
            ("close[1]", "1:6: unknown symbol `[`, write shift(x, n) for the value n bars ago"),
            (
                "month in [1, 2]",
                "1:10: unknown symbol `[`, write month == 1 or month == 2, for example for month in a list of both; there are no lists",
            ),
            ("3x", "1:1: `3x` is not a number, expected one such as 14, 0.5 or 1e-3"),
            ("'1d", "1:1: the text after ' has no closing quote on its line"),
            ("a @ b", "1:3: unknown symbol '@', expected a number, a name or an operator"),
        ] {
            assert_eq!(tokenize(text).unwrap_err().to_string(), expected);
        }
    }
}
