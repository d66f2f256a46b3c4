//! The engine of the package's functions.

use std::sync::Arc;

use napi::Env;

use crate::error::{Error, Result};
use crate::request::Input;
use crate::service::Engine;

use super::engine_config;
use super::runtime::Runtime;

/// Returns the default engine of this JavaScript environment. The first call creates it from the environment variables.
pub(super) fn default_engine(env: &Env) -> Result<Arc<Engine>> {
    let runtime = Runtime::of(env).map_err(|failure| Error::internal(failure.reason.clone()))?;
    let slot = runtime.default_engine();
    if let Some(engine) = &*slot.borrow() {
        return Ok(Arc::clone(engine));
    }
    let config = engine_config::resolve(env, &Input::Null)?;
    // Reading the environment may have run code of the caller that created the engine.
    if let Some(engine) = &*slot.borrow() {
        return Ok(Arc::clone(engine));
    }
    let engine = Arc::new(Engine::new(config)?);
    *slot.borrow_mut() = Some(Arc::clone(&engine));
    Ok(engine)
}
