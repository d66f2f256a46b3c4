//! The strategy of a request, before it is looked up.

use crate::request::{Fields, Input, Issues};

/// How a request refers to its strategy.
#[derive(Debug)]
pub(super) enum StrategyRef {
    /// By the id of a known strategy.
    Id(String),
    /// By an inline definition.
    Inline {
        /// The definition, not read yet.
        definition: Box<Input>,
        /// An id beside the definition, which is a conflict.
        conflicting_id: Option<String>,
    },
    /// By an id that is not a text; the problem is already reported.
    Invalid,
    /// Not at all.
    Missing,
}

/// The strategy of a request with its parameters, neither looked up nor checked yet.
#[derive(Debug)]
pub(super) struct StrategyRequest {
    /// The strategy.
    pub(super) reference: StrategyRef,
    /// The parameters.
    pub(super) parameters: Option<Input>,
    /// The problems of the fields themselves.
    pub(super) issues: Issues,
}

impl StrategyRequest {
    /// Reads `strategyId` beside a `strategy` and `parameters` that were moved out of the request.
    pub(super) fn read(
        fields: &mut Fields<'_>,
        definition: Option<Input>,
        parameters: Option<Input>,
    ) -> Self {
        let mut issues = Issues::default();
        let has_id = fields.take("strategyId").is_some();
        let id = fields.text("strategyId", &mut issues);
        fields.declare(["strategy", "parameters"]);
        let reference = match (definition, id) {
            (Some(definition), conflicting_id) => {
                StrategyRef::Inline { definition: Box::new(definition), conflicting_id }
            }
            (None, Some(id)) => StrategyRef::Id(id),
            (None, None) if has_id => StrategyRef::Invalid,
            (None, None) => StrategyRef::Missing,
        };
        Self { reference, parameters, issues }
    }
}
