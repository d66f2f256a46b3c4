//! Initializes the addon in a JavaScript environment.

use napi::bindgen_prelude::{FnArgs, Function, JsObjectValue, Object, Unknown};
use napi::{Env, Result};
use napi_derive::napi;
use serde_json::{Value, json};

use super::runtime::Runtime;
use super::transfer;
use super::types::{BACKTEST_LAYOUT, SIMULATION_LAYOUT, WALK_FORWARD_LAYOUT};
use crate::service;

#[napi(module_exports)]
#[cfg_attr(test, allow(dead_code, reason = "the test binary registers no addon"))]
fn initialize(mut exports: Object, env: Env) -> Result<()> {
    let helpers: Object = env.run_script(include_str!("runtime.js"))?;
    let class: Unknown = helpers.get_named_property("BacktestError")?;
    exports.set_named_property("BacktestError", class)?;
    let wrap_engine: Function<'_, FnArgs<(Unknown<'_>,)>, Unknown<'_>> =
        helpers.get_named_property("rejectInsteadOfThrow")?;
    let engine: Unknown = exports.get_named_property("BacktestEngine")?;
    exports.set_named_property("BacktestEngine", wrap_engine.apply((), (engine,).into())?)?;
    let define_layouts: Function<'_, FnArgs<(Value,)>, Unknown<'_>> =
        helpers.get_named_property("defineLayouts")?;
    let layouts = json!({
        "backtest": transfer::describe(&BACKTEST_LAYOUT),
        "simulation": transfer::describe(&SIMULATION_LAYOUT),
        "walkForward": transfer::describe(&WALK_FORWARD_LAYOUT),
    });
    define_layouts.apply((), (layouts,).into())?;
    service::report_panics();
    Runtime::install(&env, helpers)
}
