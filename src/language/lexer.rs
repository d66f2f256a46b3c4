//! Splits text into tokens.

use super::syntax::{Diagnostic, Span};
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

/// Symbols of other languages, with their equivalent in this one.
const FOREIGN_SYMBOLS: [(&str, &str); 8] = [
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("**", "write pow(x, y)"),
    ("^", "write pow(x, y)"),
    ("=", "write `==` to compare"),
    ("!", "write `not`"),
    ("?", "write if(condition, a, b)"),
    ("[", "write shift(x, n) for the value n bars ago"),
];

/// Returns the tokens of a text with their positions. The last token is [`Token::End`].
pub fn tokenize(text: &str) -> Result<Vec<(Token, Span)>, Diagnostic> {
    let mut cursor = Cursor { rest: text, span: Span { offset: 0, line: 1, column: 1 } };
    let mut tokens = Vec::new();
    loop {
        cursor.skip_trivia();
        let span = cursor.span;
        let token = cursor.token()?;
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

    fn token(&mut self) -> Result<Token, Diagnostic> {
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
            return Ok(Token::Name(
                self.take_while(|character| character.is_alphanumeric() || character == '_')
                    .to_owned(),
            ));
        }
        if first == '"' || first == '\'' {
            return self.text(first, span);
        }
        if let Some((symbol, hint)) = FOREIGN_SYMBOLS.iter().find(|(symbol, _)| {
            self.rest.starts_with(symbol)
                && !self.rest.starts_with("!=")
                && !self.rest.starts_with("==")
        }) {
            return Err(Diagnostic::new(
                span,
                "syntax",
                format!("unknown symbol `{symbol}`, {hint}"),
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
            _ => Err(Diagnostic::new(
                span,
                "syntax",
                format!(
                    "`{}` is not a number, expected one such as 14, 0.5 or 1e-3",
                    quote::name(text)
                ),
            )),
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
            ("a = b", "1:3: unknown symbol `=`, write `==` to compare"),
            ("close[1]", "1:6: unknown symbol `[`, write shift(x, n) for the value n bars ago"),
            ("3x", "1:1: `3x` is not a number, expected one such as 14, 0.5 or 1e-3"),
            ("'1d", "1:1: the text after ' has no closing quote on its line"),
            ("a $ b", "1:3: unknown symbol '$', expected a number, a name or an operator"),
        ] {
            assert_eq!(tokenize(text).unwrap_err().to_string(), expected);
        }
    }
}
