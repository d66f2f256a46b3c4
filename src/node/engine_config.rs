//! The configuration of an engine from its options and the environment.

use napi::bindgen_prelude::{FromNapiValue, JsObjectValue, Object, Unknown};
use napi::{Env, Result, ValueType};

use crate::config::{CONFIG_NAMES, Config, environment_name};
use crate::request::Input;

use super::error;
use super::exception::take_exception;

/// Resolves a configuration from options, then `process.env`, then `.env` in the working directory.
pub(super) fn resolve(env: &Env, options: &Input) -> crate::Result<Config> {
    let from_process = process_environment(env)?;
    let from_file: Vec<(String, String)> = dotenvy::from_filename_iter(".env")
        .map(|entries| entries.filter_map(std::result::Result::ok).collect())
        .unwrap_or_default();
    let lookup = |name: &str| {
        let find = |entries: &[(String, String)]| {
            entries.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        find(&from_process).or_else(|| find(&from_file))
    };
    Config::resolve(options, &lookup, dirs::data_dir())
}

/// Reads the settings from `process.env`. In a worker, it differs from the environment of the operating system.
fn process_environment(env: &Env) -> crate::Result<Vec<(String, String)>> {
    let read = || -> Result<Vec<(String, String)>> {
        let process: Object = env.get_global()?.get_named_property("process")?;
        let variables: Object = process.get_named_property("env")?;
        let mut found = Vec::new();
        for setting in CONFIG_NAMES {
            let name = environment_name(setting);
            let value: Unknown = variables.get_named_property(&name)?;
            if value.get_type()? == ValueType::String {
                found.push((name, String::from_unknown(value)?));
            }
        }
        Ok(found)
    };
    // Without `process` there are no settings. If reading them throws, ignoring them would be wrong.
    read().or_else(|failure| {
        if let Some(thrown) = take_exception(env) {
            return Err(error::from_thrown(env, "process.env", "process.env threw", thrown));
        }
        tracing::debug!(failure = %failure, "process.env is not available");
        Ok(Vec::new())
    })
}
