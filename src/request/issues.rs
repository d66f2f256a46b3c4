//! The problems of one request, collected.

use crate::error::{Code, Error, Issue, MAX_ISSUES, Result};

/// The problems found so far: the first [`MAX_ISSUES`], and the number of further ones.
#[derive(Debug, Default)]
pub struct Issues {
    listed: Vec<Issue>,
    unlisted_count: usize,
}

impl Issues {
    /// Adds a problem.
    pub fn add(&mut self, path: impl Into<String>, code: &str, message: impl Into<String>) {
        if self.is_full() {
            self.unlisted_count += 1;
        } else {
            self.listed.push(Issue::new(path, code, message));
        }
    }

    /// Adds a problem. Its path and message are built only if it is listed.
    pub fn add_with(&mut self, code: &str, describe: impl FnOnce() -> (String, String)) {
        if self.is_full() {
            self.unlisted_count += 1;
        } else {
            let (path, message) = describe();
            self.listed.push(Issue::new(path, code, message));
        }
    }

    /// Adds several problems.
    pub fn extend(&mut self, issues: impl IntoIterator<Item = Issue>) {
        for issue in issues {
            if self.is_full() {
                self.unlisted_count += 1;
            } else {
                self.listed.push(issue);
            }
        }
    }

    /// Adds the problems of another list.
    pub fn append(&mut self, other: Self) {
        self.extend(other.listed);
        self.unlisted_count += other.unlisted_count;
    }

    /// Returns whether no problem was found.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// Returns the listed problems.
    pub fn listed(&self) -> &[Issue] {
        &self.listed
    }

    /// Returns whether further problems are only counted.
    fn is_full(&self) -> bool {
        self.listed.len() >= MAX_ISSUES
    }

    /// Returns the problems. If some were only counted, the last issue reports how many.
    pub fn into_vec(self) -> Vec<Issue> {
        let mut issues = self.listed;
        if self.unlisted_count > 0 {
            issues.push(Issue::more(self.unlisted_count));
        }
        issues
    }

    /// Succeeds if no problem was found.
    ///
    /// # Errors
    /// `code` with all problems otherwise.
    pub fn into_result(self, code: Code) -> Result<()> {
        if self.is_empty() { Ok(()) } else { Err(Error::with_issues(code, self.into_vec())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Fields, Input};

    #[test]
    fn problems_beyond_the_limit_are_counted() {
        let fields = (0..1_000).map(|index| (format!("\u{1b}{index}"), Input::Null)).collect();
        let input = Input::Record(fields);
        let mut issues = Issues::default();
        Fields::open("options", &input, &mut issues).finish(&mut issues);
        let mut all = Issues::default();
        all.add("a", "required", "a is required");
        all.append(issues);
        let error = all.into_result(Code::InvalidArgument).unwrap_err();
        assert_eq!(error.issues.len(), 101);
        assert_eq!(error.issues[1].path, "options.\\u{1b}0");
        assert_eq!(error.issues[100].message, "and 901 more problems");
    }
}
