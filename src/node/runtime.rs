//! What belongs to one JavaScript environment (the main thread or a worker): its `BacktestError` and its default engine.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use napi::bindgen_prelude::{
    Array, FnArgs, FromNapiValue, Function, FunctionRef, JsObjectValue, Object, ObjectRef, Unknown,
};
use napi::{Env, Result, ValueType};
use napi_derive::napi;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error;
use super::types::metric_names;
use crate::compute::allocator;
use crate::config::{Config, SETTINGS, environment_name};
use crate::request::Input;
use crate::service::{self, Engine};

/// Makes the error of a call from message, code, whether to retry, and issues.
pub(super) type Fail = FunctionRef<FailArguments, Unknown<'static>>;
type Callback<'env> = Function<'env, (), ()>;
type FailArguments = FnArgs<(String, &'static str, bool, Array<'static>)>;
type FailFunction = Function<'static, FailArguments, Unknown<'static>>;

/// The environment's own objects.
pub(super) struct Runtime {
    helpers: ObjectRef<false>,
    default_engine: RefCell<Option<Arc<Engine>>>,
    /// When the first work of this turn of the event loop was done here; `None` after each turn.
    turn_began: Cell<Option<Instant>>,
    /// Calls [`Self::turned`] after the next turn; `None` where the environment has no timers.
    watch_turn: Option<FunctionRef<(), ()>>,
    /// How many answers may be on their way to the JavaScript thread.
    deliveries: Arc<Semaphore>,
    /// The permits of answers that were delivered late in this turn.
    late: RefCell<Vec<OwnedSemaphorePermit>>,
}

/// How long the JavaScript thread works between two turns of its event loop before it lets other work wait.
const TURN: Duration = Duration::from_millis(5);

/// How many answers may be on their way at once: one more waits, and comes in this turn of the loop or in another one.
const DELIVERIES: usize = 4;

#[napi(module_exports)]
#[cfg_attr(test, allow(dead_code, reason = "the test binary registers no addon"))]
fn initialise(mut exports: Object, env: Env) -> Result<()> {
    let helpers: Object = env.run_script(include_str!("runtime.js"))?;
    let class: Unknown = helpers.get_named_property("BacktestError")?;
    exports.set_named_property("BacktestError", class)?;
    let rejecting: Function<'_, FnArgs<(Unknown<'_>,)>, Unknown<'_>> =
        helpers.get_named_property("rejecting")?;
    let engine: Unknown = exports.get_named_property("BacktestEngine")?;
    exports.set_named_property("BacktestEngine", rejecting.apply((), (engine,).into())?)?;
    let name_metrics: Function<'_, FnArgs<(Vec<&'static str>,)>, Unknown<'_>> =
        helpers.get_named_property("nameMetrics")?;
    name_metrics.apply((), (metric_names(),).into())?;
    service::report_panics();
    let deliveries = Arc::new(Semaphore::new(DELIVERIES));
    env.add_env_cleanup_hook(Arc::clone(&deliveries), |deliveries| {
        // Answers that wait for their turn have nobody to go to any more.
        deliveries.close();
        service::flush_log();
        allocator::release();
    })?;
    let turned: Callback<'_> = env.create_function_from_closure("turned", |context| {
        Runtime::of(context.env)?.turned();
        Ok(())
    })?;
    let watch_turns: Function<'_, FnArgs<(Callback<'_>,)>, Option<Callback<'_>>> =
        helpers.get_named_property("watchTurns")?;
    let watch_turn = watch_turns
        .apply((), (turned,).into())?
        .map(|observer| observer.create_ref())
        .transpose()?;
    let runtime = Runtime {
        helpers: helpers.create_ref::<false>()?,
        default_engine: RefCell::new(None),
        turn_began: Cell::new(None),
        watch_turn,
        deliveries,
        late: RefCell::default(),
    };
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
        begin.apply((), (signal,).into())?.create_ref()
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

    /// Returns whether there is time for more work before the event loop turns.
    #[expect(clippy::disallowed_methods, reason = "no result is touched by the clock")]
    pub(super) fn has_time(&self, env: &Env) -> bool {
        if let Some(began) = self.turn_began.get() {
            return began.elapsed() < TURN;
        }
        let Some(observer) = &self.watch_turn else { return false };
        let is_watched =
            observer.borrow_back(env).and_then(|observer| observer.apply((), ())).is_ok();
        if !is_watched {
            let _ = error::exception(env);
        }
        if is_watched {
            self.turn_began.set(Some(Instant::now()));
        }
        is_watched
    }

    /// Notes that the event loop has turned.
    fn turned(&self) {
        self.turn_began.set(None);
        self.late.borrow_mut().clear();
    }

    /// Returns the permits for answers on their way to the JavaScript thread.
    pub(super) fn deliveries(&self) -> Arc<Semaphore> {
        Arc::clone(&self.deliveries)
    }

    /// Gives the permit of an answer to the next one, which waits for the next turn if this one has been long.
    pub(super) fn delivered(&self, env: &Env, permit: OwnedSemaphorePermit) {
        if self.watch_turn.is_some() && !self.has_time(env) && self.turn_began.get().is_some() {
            self.late.borrow_mut().push(permit);
        }
    }

    /// Returns the engine behind the package's functions, made from the environment on first use.
    pub(super) fn default_engine(&self, env: &Env) -> crate::Result<Arc<Engine>> {
        if let Some(engine) = &*self.default_engine.borrow() {
            return Ok(Arc::clone(engine));
        }
        let config = configure(env, &Input::Null)?;
        // Reading the environment may have run code of the caller that has made the engine.
        if let Some(engine) = &*self.default_engine.borrow() {
            return Ok(Arc::clone(engine));
        }
        let engine = Arc::new(Engine::new(config)?);
        *self.default_engine.borrow_mut() = Some(Arc::clone(&engine));
        Ok(engine)
    }
}

/// Resolves a configuration: what is given, then `process.env`, then `.env` of the working folder.
pub(super) fn configure(env: &Env, given: &Input) -> crate::Result<Config> {
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
    Config::resolve(given, &lookup, dirs::data_dir())
}

/// Reads the settings from `process.env`, which in a worker is not that of the operating system.
fn process_environment(env: &Env) -> crate::Result<Vec<(String, String)>> {
    let read = || -> Result<Vec<(String, String)>> {
        let process: Object = env.get_global()?.get_named_property("process")?;
        let variables: Object = process.get_named_property("env")?;
        let mut found = Vec::new();
        for setting in SETTINGS {
            let name = environment_name(setting);
            let value: Unknown = variables.get_named_property(&name)?;
            if value.get_type()? == ValueType::String {
                found.push((name, String::from_unknown(value)?));
            }
        }
        Ok(found)
    };
    // An environment without `process` has no settings; one that throws may have some, which are not to be passed over.
    read().or_else(|failure| {
        if let Some(thrown) = error::exception(env) {
            return Err(error::caught(env, "process.env", "process.env threw", thrown));
        }
        tracing::debug!(failure = %failure, "there is no process.env");
        Ok(Vec::new())
    })
}
