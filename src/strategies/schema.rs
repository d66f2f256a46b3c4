//! The JSON Schema (2020-12) of a strategy's parameters.

use serde_json::{Map, Value as Json, json};

use super::parameter::{POSITION_SIZE, Parameter, ParameterType, to_json};
use super::strategy::Strategy;
use crate::request::json_number;

impl Strategy {
    /// Returns the JSON Schema (2020-12) of the parameters, `position_size` included. None is required. JSON Schema cannot express
    /// constraints between numbers, so the description states them in words.
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
                "description": "Share of the available cash that an entry uses; 1 uses all of it"
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
            let description = format!("It must hold that {}", constraints.join(" and that "));
            schema.insert("description".into(), description.into());
        }
        schema
    }

    /// Returns the default value of every parameter, `position_size` included.
    pub fn default_parameters(&self) -> Map<String, Json> {
        let declared = self
            .definition()
            .parameters
            .iter()
            .map(|parameter| (parameter.name.clone(), to_json(parameter.default)));
        declared.chain([(POSITION_SIZE.to_owned(), Json::from(1))]).collect()
    }
}

fn schema(parameter: &Parameter) -> Json {
    let mut schema = Map::new();
    schema.insert("type".into(), parameter.parameter_type.as_str().into());
    if parameter.parameter_type != ParameterType::Boolean {
        for (key, bound) in [("minimum", parameter.minimum), ("maximum", parameter.maximum)] {
            if let Some(bound) = bound {
                schema.insert(key.into(), json_number(bound));
            }
        }
    }
    schema.insert("default".into(), to_json(parameter.default));
    if !parameter.description.is_empty() {
        schema.insert("description".into(), parameter.description.clone().into());
    }
    Json::Object(schema)
}
