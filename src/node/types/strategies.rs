//! Strategies and their validation.

use napi_derive::napi;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error;
use crate::service::CatalogEntry;
use crate::service::validate_strategy::ValidationReport;

/// One problem of a request or of data.
#[napi(object, object_from_js = false, js_name = "Issue")]
pub struct JsIssue {
    /// Path of the value: `parameters.fast_period`, `bars.close[17]`; empty for the whole request.
    pub path: String,
    /// Kind of problem: `required`, `type`, `range`, `choice`, `unknown`, `conflict`, `overflow`, …
    pub code: String,
    /// The problem, the value found, and what is allowed.
    pub message: String,
}

impl From<error::Issue> for JsIssue {
    fn from(issue: error::Issue) -> Self {
        Self { path: issue.path, code: issue.code, message: issue.message }
    }
}

/// A strategy that can be run.
#[napi(object, object_from_js = false)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StrategyInfo {
    /// Id of the strategy.
    pub id: String,
    /// Display name.
    pub name: String,
    /// What the strategy does.
    pub description: String,
    /// Kind of strategy.
    #[napi(js_name = "type", ts_type = "StrategyType")]
    #[serde(rename = "type")]
    pub kind: String,
    /// JSON Schema (2020-12) of the parameters.
    #[napi(ts_type = "Record<string, unknown>")]
    pub parameters_schema: Value,
    /// Default values of the parameters.
    #[napi(ts_type = "Record<string, unknown>")]
    pub default_parameters: Map<String, Value>,
    /// Source text in the strategy language; absent for a JavaScript function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl From<&CatalogEntry> for StrategyInfo {
    fn from(entry: &CatalogEntry) -> Self {
        let strategy = &entry.strategy;
        let definition = strategy.definition();
        Self {
            id: definition.id.clone(),
            name: definition.name.clone(),
            description: definition.description.clone(),
            kind: definition.strategy_type.as_str().to_owned(),
            parameters_schema: strategy.parameters_schema(),
            default_parameters: strategy.default_parameters(),
            source: (!entry.is_function).then(|| strategy.source().to_owned()),
        }
    }
}

/// The result of validating a strategy.
#[napi(object, object_from_js = false)]
pub struct ValidationResult {
    /// Whether the strategy can be run.
    pub valid: bool,
    /// The messages of `issues`.
    pub errors: Vec<String>,
    /// Valid settings that are probably a mistake.
    pub warnings: Vec<String>,
    /// Every problem with its path.
    #[napi(ts_type = "Issue[]")]
    pub issues: Vec<JsIssue>,
}

impl From<ValidationReport> for ValidationResult {
    fn from(report: ValidationReport) -> Self {
        Self {
            valid: report.issues.is_empty(),
            errors: report.issues.iter().map(|issue| issue.message.clone()).collect(),
            warnings: report.warnings,
            issues: report.issues.into_iter().map(JsIssue::from).collect(),
        }
    }
}
