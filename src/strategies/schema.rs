//! The JSON Schema (2020-12) of a strategy's parameters.

use serde_json::{Map, Value as Json, json};

use super::definition::{Parameter, ParameterKind};
use super::strategy::{POSITION_SIZE, Strategy};
use crate::request::json_number;

impl Strategy {
    /// Returns the JSON Schema (2020-12) of the parameters, `position_size` included; none is required. JSON Schema has no
    /// conditions between numbers, so the constraints are told in words.
    pub fn parameters_schema(&self) -> Json {
        let mut properties: Map<String, Json> = self
            .definition()
            .parameters
            .iter()
            .map(|parameter| (parameter.name.clone(), schema(parameter)))
            .collect();
        properties.insert(
            POSITION_SIZE.into(),
            json!({
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": 1,
                "default": 1,
                "description": "Share of the available cash that an entry uses; 1 is all of it"
            }),
        );
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "additionalProperties": false
        });
        let constraints = &self.definition().constraints;
        if let (Json::Object(schema), false) = (&mut schema, constraints.is_empty()) {
            let words = format!("It must hold that {}", constraints.join(" and that "));
            schema.insert("description".into(), words.into());
        }
        schema
    }

    /// Returns the value of every parameter where none is given, `position_size` included.
    pub fn default_parameters(&self) -> Map<String, Json> {
        let declared = self
            .definition()
            .parameters
            .iter()
            .map(|parameter| (parameter.name.clone(), parameter.default.to_json()));
        declared.chain([(POSITION_SIZE.to_owned(), Json::from(1))]).collect()
    }
}

fn schema(parameter: &Parameter) -> Json {
    let mut schema = Map::new();
    schema.insert("type".into(), parameter.kind.as_str().into());
    if parameter.kind != ParameterKind::Boolean {
        for (key, bound) in [("minimum", parameter.minimum), ("maximum", parameter.maximum)] {
            if let Some(bound) = bound {
                schema.insert(key.into(), json_number(bound));
            }
        }
    }
    schema.insert("default".into(), parameter.default.to_json());
    if !parameter.description.is_empty() {
        schema.insert("description".into(), parameter.description.clone().into());
    }
    Json::Object(schema)
}
