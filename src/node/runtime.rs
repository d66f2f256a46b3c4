//! The state of one JavaScript environment: the main thread or a worker.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use napi::bindgen_prelude::{
    Array, FnArgs, Function, FunctionRef, JsObjectValue, Object, ObjectRef, Unknown,
};
use napi::{Env, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::exception::take_exception;
use crate::compute::allocator;
use crate::service::{self, Engine};

/// Creates the error of a call from its message, its code, whether it is retryable, and its issues.
pub(super) type ErrorFactory = FunctionRef<ErrorArguments, Unknown<'static>>;
type ErrorArguments = FnArgs<(String, &'static str, bool, Array<'static>)>;
type Callback<'env> = Function<'env, (), ()>;

/// The state of the environment.
pub(super) struct Runtime {
    helpers: ObjectRef<false>,
    default_engine: RefCell<Option<Arc<Engine>>>,
    /// When the first inline work of this turn of the event loop started; `None` after each turn.
    turn_start: Cell<Option<Instant>>,
    /// Calls [`Self::end_turn`] after the current turn; `None` if the environment has no timers.
    watch_turn: Option<FunctionRef<(), ()>>,
    /// The permits for results in delivery to the JavaScript thread.
    deliveries: Arc<Semaphore>,
    /// The permits of results that were delivered late in this turn.
    late_deliveries: RefCell<Vec<OwnedSemaphorePermit>>,
}

/// The maximum time of inline work per turn of the event loop.
const TURN_BUDGET: Duration = Duration::from_millis(5);

/// The maximum number of results in delivery; further ones wait, possibly for the next turn.
const MAX_DELIVERIES: usize = 4;

impl Runtime {
    /// Creates the state of an environment and stores it there.
    pub(super) fn install(env: &Env, helpers: Object<'_>) -> Result<()> {
        let deliveries = Arc::new(Semaphore::new(MAX_DELIVERIES));
        env.add_env_cleanup_hook(Arc::clone(&deliveries), |deliveries| {
            // Waiting results can no longer be delivered.
            deliveries.close();
            service::flush_log();
            allocator::release();
        })?;
        let end_turn: Callback<'_> = env.create_function_from_closure("endTurn", |context| {
            Self::of(context.env)?.end_turn();
            Ok(())
        })?;
        let watch_turns: Function<'_, FnArgs<(Callback<'_>,)>, Option<Callback<'_>>> =
            helpers.get_named_property("watchTurns")?;
        let watch_turn = watch_turns
            .apply((), (end_turn,).into())?
            .map(|watch_turn| watch_turn.create_ref())
            .transpose()?;
        let runtime = Self {
            helpers: helpers.create_ref::<false>()?,
            default_engine: RefCell::new(None),
            turn_start: Cell::new(None),
            watch_turn,
            deliveries,
            late_deliveries: RefCell::default(),
        };
        env.set_instance_data(runtime, (), |_| {})
    }

    /// Returns the runtime of an environment.
    pub(super) fn of(env: &Env) -> Result<&'static Self> {
        env.get_instance_data::<Self>()?.map(|runtime| &*runtime).ok_or_else(|| {
            napi::Error::from_reason("the addon is not initialized in this environment")
        })
    }

    /// Captures the stack of the current call and returns the function that creates its error.
    pub(super) fn error_factory(
        &self,
        env: &Env,
        signal: Option<Object<'_>>,
    ) -> Result<ErrorFactory> {
        let capture = self
            .helper::<(Option<Object>,), Function<'static, ErrorArguments, Unknown<'static>>>(
                env,
                "errorFactory",
            )?;
        capture.apply((), (signal,).into())?.create_ref()
    }

    /// Returns a function of `runtime.js`.
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

    /// Returns whether this turn of the event loop has time left for inline work.
    #[expect(clippy::disallowed_methods, reason = "the clock does not affect results")]
    pub(super) fn has_time(&self, env: &Env) -> bool {
        if let Some(start) = self.turn_start.get() {
            return start.elapsed() < TURN_BUDGET;
        }
        let Some(watch_turn) = &self.watch_turn else { return false };
        let is_watched =
            watch_turn.borrow_back(env).and_then(|function| function.apply((), ())).is_ok();
        if !is_watched {
            let _ = take_exception(env);
        }
        if is_watched {
            self.turn_start.set(Some(Instant::now()));
        }
        is_watched
    }

    /// Ends the current turn of the event loop.
    fn end_turn(&self) {
        self.turn_start.set(None);
        self.late_deliveries.borrow_mut().clear();
    }

    /// Returns the permits for deliveries to the JavaScript thread.
    pub(super) fn deliveries(&self) -> Arc<Semaphore> {
        Arc::clone(&self.deliveries)
    }

    /// Releases the permit of a delivered result; if this turn is already long, only at its end.
    pub(super) fn release_delivery(&self, env: &Env, permit: OwnedSemaphorePermit) {
        if self.watch_turn.is_some() && !self.has_time(env) && self.turn_start.get().is_some() {
            self.late_deliveries.borrow_mut().push(permit);
        }
    }

    /// Returns the engine of the package's functions, or the place to store it.
    pub(super) fn default_engine(&self) -> &RefCell<Option<Arc<Engine>>> {
        &self.default_engine
    }
}
