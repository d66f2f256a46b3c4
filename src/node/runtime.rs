//! What belongs to one JavaScript environment (the main thread or a worker): its `BacktestError` and its default engine.

use std::cell::RefCell;
use std::sync::Arc;

use napi::bindgen_prelude::{
    Array, FnArgs, Function, FunctionRef, JsObjectValue, Object, ObjectRef, Unknown,
};
use napi::{Env, Result};
use napi_derive::napi;

use super::memory;
use super::types::metric_names;
use crate::config::{Config, SETTINGS, environment_name};
use crate::input::Input;
use crate::service::Engine;

/// Makes the error of a call from message, code, whether to retry, and issues.
pub(super) type Fail = FunctionRef<FailArguments, Unknown<'static>>;
type FailArguments = FnArgs<(String, &'static str, bool, Array<'static>)>;
type FailFunction = Function<'static, FailArguments, Unknown<'static>>;

/// The environment's own objects.
pub(super) struct Runtime {
    helpers: ObjectRef<false>,
    default_engine: RefCell<Option<Arc<Engine>>>,
}

#[napi(module_exports)]
#[cfg_attr(test, allow(dead_code, reason = "the test binary registers no addon"))]
fn initialise(mut exports: Object, env: Env) -> Result<()> {
    let helpers: Object = env.run_script(include_str!("runtime.js"))?;
    let class: Unknown = helpers.get_named_property("BacktestError")?;
    exports.set_named_property("BacktestError", class)?;
    let name_metrics: Function<'_, FnArgs<(Vec<&'static str>,)>, Unknown<'_>> =
        helpers.get_named_property("nameMetrics")?;
    name_metrics.call((metric_names(),).into())?;
    env.add_env_cleanup_hook((), |()| memory::release())?;
    let runtime =
        Runtime { helpers: helpers.create_ref::<false>()?, default_engine: RefCell::new(None) };
    env.set_instance_data(runtime, (), |_| {})
}

impl Runtime {
    /// Returns the runtime of an environment.
    pub(super) fn of(env: &Env) -> Result<&'static Self> {
        env.get_instance_data::<Self>()?.map(|runtime| &*runtime).ok_or_else(|| {
            napi::Error::from_reason("the addon was not initialised in this environment")
        })
    }

    /// Notes the place of the call that is being made, and returns what makes its error.
    pub(super) fn begin(&self, env: &Env, signal: Option<Object<'_>>) -> Result<Fail> {
        let begin = self.helper::<(Option<Object>,), FailFunction>(env, "begin")?;
        begin.call((signal,).into())?.create_ref()
    }

    /// Calls one of the helpers of `runtime.js`.
    pub(super) fn helper<'env, Args, Return>(
        &self,
        env: &'env Env,
        name: &str,
    ) -> Result<Function<'env, FnArgs<Args>, Return>>
    where
        FnArgs<Args>: napi::bindgen_prelude::JsValuesTupleIntoVec,
    {
        self.helpers.get_value(env)?.get_named_property(name)
    }

    /// Returns the engine behind the package's functions, made from the environment on first use.
    pub(super) fn default_engine(&self, env: &Env) -> crate::Result<Arc<Engine>> {
        if let Some(engine) = &*self.default_engine.borrow() {
            return Ok(Arc::clone(engine));
        }
        let engine = Arc::new(Engine::new(configure(env, &Input::Null)?)?);
        *self.default_engine.borrow_mut() = Some(Arc::clone(&engine));
        Ok(engine)
    }
}

/// Resolves a configuration: what is given, then `process.env`, then `.env` of the working folder.
pub(super) fn configure(env: &Env, given: &Input) -> crate::Result<Config> {
    let from_process = process_environment(env);
    let from_file: Vec<(String, String)> = dotenvy::from_filename_iter(".env")
        .map(|entries| entries.filter_map(std::result::Result::ok).collect())
        .unwrap_or_default();
    let lookup = |name: &str| {
        let find = |entries: &[(String, String)]| {
            entries.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        find(&from_process).or_else(|| find(&from_file))
    };
    Config::resolve(given, &lookup, dirs::data_dir())
}

/// Reads the settings from `process.env`, which in a worker is not that of the operating system.
fn process_environment(env: &Env) -> Vec<(String, String)> {
    let read = || -> Result<Vec<(String, String)>> {
        let process: Object = env.get_global()?.get_named_property("process")?;
        let variables: Object = process.get_named_property("env")?;
        let mut found = Vec::new();
        for setting in SETTINGS {
            let name = environment_name(setting);
            if let Ok(Some(value)) = variables.get::<String>(&name) {
                found.push((name, value));
            }
        }
        Ok(found)
    };
    read().unwrap_or_default()
}
