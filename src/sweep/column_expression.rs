//! Expressions over the columns of a sweep: objectives and filters.

use crate::error::{Issue, known_names, nearest};
use crate::language::functions::{FUNCTIONS, FunctionGroup, function_names};
use crate::language::{
    self, Diagnostic, Expression, ParameterDeclaration, ScalarProgram, Scope, ValueType,
};
use crate::quote;

/// The maximum number of names that a message suggests.
const MAX_SUGGESTED: usize = 5;

/// Words for metrics that no metric contains, and what they stand for.
const WORDS: [(&str, &str); 6] = [
    ("cagr", "annualizedReturn"),
    ("mdd", "maxDrawdown"),
    ("pnl", "totalProfit"),
    ("profit", "totalProfit"),
    ("volatility", "annualizedVolatility"),
    ("exposure", "timeInMarket"),
];

/// Compiles an expression over named columns. `kind` says what the names are, for messages: `metric`.
///
/// # Errors
/// Every problem, with the path `path` and the position in the text.
pub(super) fn compile(
    path: &str,
    text: &str,
    kind: &str,
    names: &[ParameterDeclaration<'_>],
    expected: ValueType,
) -> Result<ScalarProgram, Vec<Issue>> {
    let issues = |diagnostics: Vec<Diagnostic>| -> Vec<Issue> {
        let issue = |found: &Diagnostic| Issue::new(path, found.code, format!("{path} at {found}"));
        diagnostics.iter().map(issue).collect()
    };
    let tree = language::parse(text).map_err(|diagnostic| issues(vec![diagnostic]))?;
    let unknown = unknown_names(&tree, kind, names);
    if !unknown.is_empty() {
        return Err(issues(unknown));
    }
    let scope = Scope { parameters: names, allows_series: false };
    let checked = language::check(&tree, expected, scope).map_err(issues)?;
    ScalarProgram::compile(&checked).ok_or_else(|| {
        let message = format!("{path}: {} reads bars", text.trim());
        vec![Issue::new(path, "type", message)]
    })
}

/// Reports names and functions that are not known.
fn unknown_names(
    tree: &Expression,
    kind: &str,
    names: &[ParameterDeclaration<'_>],
) -> Vec<Diagnostic> {
    let functions = || {
        let usable = FUNCTIONS.iter().filter(|known| known.group != FunctionGroup::History);
        usable.map(|known| known.name)
    };
    let mut found = Vec::new();
    for (name, is_function, span) in tree.names() {
        let shown = quote::name(name);
        if !is_function {
            if names.iter().all(|known| known.name != name) {
                let hint = hint(name, kind, names);
                found.push(Diagnostic::new(
                    span,
                    "unknown",
                    format!("unknown {kind} `{shown}`{hint}"),
                ));
            }
        } else if !functions().any(|known| known == name) {
            let hint = if names.iter().any(|known| known.name == name) {
                format!(", write `{shown}` without parentheses")
            } else if function_names().any(|known| known == name) {
                ": it reads bars, and there are only results here".to_owned()
            } else {
                nearest(name, functions()).map_or_else(
                    || known_names("functions", name, &functions().collect::<Vec<_>>()),
                    |near| format!(", did you mean `{near}`?"),
                )
            };
            found.push(Diagnostic::new(
                span,
                "unknown",
                format!("unknown function `{shown}`{hint}"),
            ));
        }
    }
    found
}

/// Returns what to write instead of an unknown name, as the end of a message.
fn hint(name: &str, kind: &str, names: &[ParameterDeclaration<'_>]) -> String {
    let simplified = |name: &str| name.replace('_', "").to_lowercase();
    let known = || names.iter().map(|known| known.name);
    let word = simplified(name);
    let of_words = WORDS.iter().find(|(foreign, _)| *foreign == word).map(|(_, known)| *known);
    let same = || known().find(|known| simplified(known) == word);
    let of_words = of_words.filter(|found| known().any(|known| known == *found));
    if let Some(found) = same().or(of_words) {
        return format!(", did you mean `{found}`?");
    }
    let wider: Vec<String> = known()
        .filter(|known| word.len() > 3 && simplified(known).contains(&word))
        .take(MAX_SUGGESTED)
        .map(|known| format!("`{known}`"))
        .collect();
    if let Some((last, before)) = wider.split_last() {
        let all = if before.is_empty() {
            last.clone()
        } else {
            format!("{} or {last}", before.join(", "))
        };
        return format!(", did you mean {all}?");
    }
    nearest(name, known()).map_or_else(
        || known_names(&format!("{kind}s"), name, &known().collect::<Vec<_>>()),
        |near| format!(", did you mean `{near}`?"),
    )
}
