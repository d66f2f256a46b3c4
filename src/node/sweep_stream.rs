//! A sweep in parts, each computed when JavaScript asks for it.

use std::sync::Arc;

use napi::bindgen_prelude::{Function, Null, Unknown};
use napi::{Either, Env, JsValue, Result};
use tokio::sync::Mutex;

use crate::service::{CallControl, Engine, SweepRequest, SweepStream};

use super::call::continue_call;
use super::input::read;
use super::options::{CallOptions, read_options};
use super::runtime::Runtime;
use super::transfer::Packed;
use super::types::pack_part;
use super::use_cases::{EngineResult, UNPACK_SWEEP};

type Next<'env> = Function<'env, (), Unknown<'static>>;
type Close<'env> = Function<'env, (), ()>;

/// A sweep that JavaScript iterates over.
enum StreamState {
    /// Its first part was not asked for yet.
    New(Box<SweepRequest>, CallControl),
    Running(Box<SweepStream>),
    Ended,
}

/// Returns an async iterable over the parts of a sweep. Problems of the request reject the first part.
pub(super) fn sweep<'env>(
    env: &'env Env,
    engine: EngineResult,
    request: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<Unknown<'static>> {
    let request = read(env, request, "").map(SweepRequest::read);
    let runtime = Runtime::of(env)?;
    let (options, failure) = match read_options(env, options)? {
        Ok(options) => (options, None),
        Err(failure) => (CallOptions::default(), Some(failure)),
    };
    let CallOptions { control, signal, callbacks } = options;
    let cancellation = control.cancellation.clone();
    let started = match (failure, engine, request) {
        (Some(error), ..) | (None, Err(error), _) | (None, Ok(_), Err(error)) => Err(error),
        (None, Ok(engine), Ok(request)) => {
            let state = StreamState::New(Box::new(request), control);
            Ok((engine, Arc::new(Mutex::new(state))))
        }
    };
    let error_factory = runtime.error_factory(env, signal)?;
    let next: Next<'_> = env.create_function_from_closure("next", move |context| {
        let work = started.clone().map(|(engine, state)| next_part(engine, state));
        let error_factory = error_factory.borrow_back(context.env)?.create_ref()?;
        let env = context.env;
        let promise = continue_call(env, error_factory, work, |env, part: Option<Packed>| {
            let unpack = |part: Packed| part.into_js(env, UNPACK_SWEEP).map(Either::A);
            part.map_or(Ok(Either::B(Null)), unpack)
        })?;
        Runtime::of(env)?
            .helper::<(Unknown<'_>,), Unknown<'static>>(env, "same")?
            .apply((), (promise.to_unknown(),).into())
    })?;
    let remove_listener = callbacks.remove_abort_listener;
    let close: Close<'_> = env.create_function_from_closure("close", move |context| {
        cancellation.cancel();
        if let Some(remove) = &remove_listener {
            remove.borrow_back(context.env)?.apply((), ())?;
        }
        Ok(())
    })?;
    runtime
        .helper::<(Next<'_>, Close<'_>), Unknown<'static>>(env, "sweepParts")?
        .apply((), (next, close).into())
}

async fn next_part(
    engine: Arc<Engine>,
    state: Arc<Mutex<StreamState>>,
) -> crate::Result<Option<Packed>> {
    let mut state = state.lock().await;
    let mut stream = match std::mem::replace(&mut *state, StreamState::Ended) {
        StreamState::Ended => return Ok(None),
        StreamState::Running(stream) => stream,
        StreamState::New(request, control) => {
            let work = engine.start_sweep(*request, control);
            Box::new(engine.with_log(Box::pin(work)).await?)
        }
    };
    let part = engine.with_log(Box::pin(stream.next(&engine))).await?;
    if part.is_some() {
        *state = StreamState::Running(stream);
    }
    part.map(pack_part).transpose()
}
