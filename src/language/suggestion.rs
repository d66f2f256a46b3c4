//! Suggestions for unknown names.

use strsim::damerau_levenshtein;

use super::functions::{FUNCTIONS, function_names, series_names};
use super::synonyms::{self, simplified};
use crate::error::nearest;
use crate::indicators::{self, Indicator};
use crate::market::Timeframe;
use crate::quote;

/// The maximum number of names that a message suggests.
const MAX_NAMES: usize = 5;

/// Returns what to write instead of an unknown function, as the end of a message.
pub fn for_function(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    if matches!(lower.as_str(), "and" | "or" | "not") {
        return format!(", write {lower} in lowercase letters");
    }
    let dotted = for_dotted(name);
    let (name, is_dotted) = last_part(name);
    if is_dotted {
        if let Some(call) = example(name) {
            return format!(", write {name}(…) without the prefix, as in {call}");
        }
        if is_series(name) {
            return format!(", write {name}");
        }
    }
    if let Some(known) = same_letters(name, series_names()) {
        return format!(", write `{known}` without parentheses");
    }
    if let Some(known) = same_letters(name, function_names()) {
        return did_you_mean(&[known]);
    }
    dotted
        .or_else(|| synonyms::find(synonyms::NAMES, name).map(synonyms::Advice::hint))
        .or_else(|| similar(name, function_names()))
        .unwrap_or_else(|| "; docs/strategy-language.md lists the functions".to_owned())
}

/// Returns what to write instead of an unknown name, as the end of a message. The parameters of the strategy come first.
pub fn for_name(name: &str, parameters: &[&str]) -> String {
    let dotted = for_dotted(name);
    let (name, is_dotted) = last_part(name);
    if is_dotted {
        if is_series(name) {
            return format!(", write {name}");
        }
        if let Some(call) = example(name) {
            return format!(", write {call}");
        }
    }
    let mut own = parameters.to_vec();
    for known in series_names().chain(["true", "false"]) {
        own.push(known);
    }
    let own = || own.iter().copied();
    if let Some(known) = same_letters(name, own()) {
        return did_you_mean(&[known]);
    }
    // `sma20` and `rsi_14` are names in other languages.
    if let Some(call) = numbered(name) {
        return format!(", write {call}");
    }
    if let Some(call) = same_letters(name, function_names()).and_then(example) {
        return format!(", write {call}");
    }
    dotted
        .or_else(|| synonyms::find(synonyms::NAMES, name).map(synonyms::Advice::hint))
        .or_else(|| for_undeclared(name, parameters))
        .or_else(|| similar(name, own()))
        .or_else(|| similar(name, function_names()))
        .unwrap_or_else(|| {
            ": it is neither a parameter of the strategy nor a series (open, high, low, close, volume)"
                .to_owned()
        })
}

/// Returns which parameter an unknown name of a constraint may mean, as the end of a message.
pub fn for_parameter(name: &str, parameters: &[&str]) -> String {
    let own = || parameters.iter().copied().chain(["true", "false"]);
    same_letters(name, own())
        .map(|known| did_you_mean(&[known]))
        .or_else(|| similar(name, own()))
        .unwrap_or_else(|| ": it is no parameter of the strategy".to_owned())
}

/// Returns the timeframe that a text in other letters means, as the end of a message.
pub fn for_timeframe(text: &str) -> Option<String> {
    // `1M` is a month elsewhere, and no minute.
    if text.ends_with('M') {
        return None;
    }
    let (known, _) = Timeframe::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(text))?;
    Some(format!("; did you mean '{known}'?"))
}

/// Returns which declared parameter a name means, or how to declare it if it looks like one, as the end of a message.
fn for_undeclared(name: &str, parameters: &[&str]) -> Option<String> {
    // `fast` is no typo of `factor`, but may be short for `fast_period`.
    const MIN_PART: usize = 3;
    let letters = simplified(name);
    let is_related = |known: &str| {
        let known = simplified(known);
        letters.len() >= MIN_PART && known.contains(&letters)
            || known.len() >= MIN_PART && letters.contains(&known)
    };
    let declared = if synonyms::is_parameter(name) {
        let related: Vec<&str> =
            parameters.iter().copied().filter(|known| is_related(known)).collect();
        (!related.is_empty()).then(|| did_you_mean(related.get(..MAX_NAMES).unwrap_or(&related)))
    } else {
        similar(name, parameters.iter().copied())
    };
    declared.or_else(|| {
        let declaration = synonyms::find_parameter(name)?;
        Some(format!(": declare it, parameters: {{ {}: {declaration} }}", quote::name(name)))
    })
}

/// Returns a call of a function or an indicator with its default arguments: `rsi(close, 14)`.
pub fn example(name: &str) -> Option<String> {
    if let Some((indicator, _)) = indicators::find(name) {
        return Some(example_call(indicator, name, None));
    }
    let function = FUNCTIONS.iter().find(|function| function.name == name)?;
    if name == "higher" {
        return Some("higher('1d', close)".to_owned());
    }
    let names: Vec<&str> = function.arguments.iter().map(|(name, _)| *name).collect();
    Some(format!("{name}({})", names.join(", ")))
}

/// Returns a call of an indicator with its default arguments. `first` replaces the first parameter.
fn example_call(indicator: &Indicator, name: &str, first: Option<&str>) -> String {
    let inputs = indicator.inputs.iter().map(|input| input.as_str().to_owned());
    let defaults = indicator.parameters.iter().map(|parameter| parameter.default.to_string());
    let given = first.map(str::to_owned).into_iter();
    let skipped = usize::from(first.is_some());
    let parameters = given.chain(defaults.skip(skipped));
    format!("{name}({})", inputs.chain(parameters).collect::<Vec<_>>().join(", "))
}

/// Returns the call that a name with a number stands for: `sma(close, 20)` for `sma20`.
fn numbered(name: &str) -> Option<String> {
    let word = name.trim_end_matches(|character: char| character.is_ascii_digit());
    let digits = name.get(word.len()..).filter(|digits| (1..=5).contains(&digits.len()))?;
    let word = same_letters(word.trim_end_matches('_'), function_names())?;
    let (indicator, _) = indicators::find(word)?;
    let period = indicator.parameters.first().filter(|parameter| parameter.integer)?;
    let value: f64 = digits.parse().ok()?;
    (period.minimum..=period.maximum)
        .contains(&value)
        .then(|| example_call(indicator, word, Some(&value.to_string())))
}

/// Returns what to write instead of a name whose parts make a known word: `bb.lower`, `macd.signal`.
fn for_dotted(name: &str) -> Option<String> {
    let whole = name.contains('.').then(|| name.replace('.', ""))?;
    let call = same_letters(&whole, function_names()).and_then(example);
    let known = call.map(|call| format!(", write {call}"));
    known.or_else(|| synonyms::find(synonyms::NAMES, &whole).map(synonyms::Advice::hint))
}

/// Returns the part of a name after the last dot, and whether there is a dot: `sma` for `ta.sma`.
fn last_part(name: &str) -> (&str, bool) {
    name.rsplit_once('.').map_or((name, false), |(_, last)| (last, true))
}

fn is_series(name: &str) -> bool {
    series_names().any(|known| known == name)
}

/// Returns the known name that differs from `name` in case and underscores only.
fn same_letters<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = simplified(name);
    known.into_iter().find(|known| simplified(known) == letters)
}

/// Returns a hint at the known names that contain `name`, or at the one of which it looks like a typo, or at those that it
/// contains.
fn similar<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    // Shorter names are part of too many others.
    const MIN_PART: usize = 3;
    let known: Vec<&str> = known.collect();
    let letters = simplified(name);
    let those = |is_similar: &dyn Fn(&str) -> bool| -> Vec<&str> {
        let all = known.iter().copied();
        all.filter(|known| is_similar(&simplified(known))).take(MAX_NAMES).collect()
    };
    let wider = those(&|known| letters.len() > MIN_PART && known.contains(&letters));
    if !wider.is_empty() {
        return Some(did_you_mean(&wider));
    }
    // A single letter is a typo of nothing, and other names of three letters are similar by chance.
    if letters.len() > 1
        && let Some(typo) = nearest(name, known.iter().copied())
        && (letters.len() > MIN_PART || damerau_levenshtein(&letters, &simplified(typo)) <= 1)
    {
        return Some(did_you_mean(&[typo]));
    }
    let parts = those(&|known| known.len() >= MIN_PART && letters.contains(known));
    (!parts.is_empty()).then(|| did_you_mean(&parts))
}

fn did_you_mean(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => format!(", did you mean `{only}`?"),
        [all @ .., last] => format!(", did you mean `{}` or `{last}`?", all.join("`, `")),
    }
}
