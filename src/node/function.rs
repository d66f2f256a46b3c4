//! A function of JavaScript that computes signals: called on its own thread, whichever thread asks.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use napi::bindgen_prelude::{
    Array, FnArgs, FromNapiValue, Function, JsObjectValue, Object, Uint8Array, Unknown,
};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, JsError, JsValue, Result, Status, ValueType};
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use crate::error::{Code, Error};
use crate::input::Input;
use crate::service::{Columns, Signaller};
use crate::store::Answer;

use super::input;
use super::runtime::Runtime;
use super::types::Bars;

/// What the function gets.
type Arguments = FnArgs<(Bars, Map<String, Value>)>;

/// The name of the function in a strategy.
const NAME: &str = "generateSignals";

/// How often the thread of the function is looked for while its answer is awaited.
const PAUSE: Duration = Duration::from_secs(1);

/// The function of a strategy. It does not keep the process alive; it is released when this is dropped.
pub(super) struct JsFunction {
    // Errors are handed to the callee, where nobody hears them: without that, one that is met before the call would end
    // the process.
    queue: ThreadsafeFunction<
        (Columns, Map<String, Value>),
        Unknown<'static>,
        Arguments,
        Status,
        true,
        true,
    >,
}

impl fmt::Debug for JsFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsFunction")
    }
}

impl JsFunction {
    /// Takes the function of a strategy; nothing where it has none.
    pub(super) fn of(
        env: &Env,
        strategy: Option<Unknown<'_>>,
    ) -> Result<Option<Arc<dyn Signaller>>> {
        let Some(strategy) = strategy else { return Ok(None) };
        if strategy.get_type()? != ValueType::Object {
            return Ok(None);
        }
        // Not only among the own fields: a strategy may be an instance of a class.
        let function: Unknown =
            Object::from_raw(env.raw(), strategy.raw()).get_named_property(NAME)?;
        if function.get_type()? != ValueType::Function {
            return Ok(None);
        }
        let guard = Runtime::of(env)?
            .helper::<(Unknown, Unknown), Function<Arguments, Unknown<'static>>>(
                env,
                "signaller",
            )?;
        let queue = guard
            .call((strategy, function).into())?
            .build_threadsafe_function::<(Columns, Map<String, Value>)>()
            .weak::<true>()
            .callee_handled::<true>()
            .build_callback(|context| {
                let (columns, parameters) = context.value;
                Ok(FnArgs::from((Bars::from(columns), parameters)))
            })?;
        Ok(Some(Arc::new(Self { queue })))
    }
}

impl Signaller for JsFunction {
    fn call(&self, bars: Columns, parameters: Map<String, Value>) -> Answer<'_, Input> {
        Box::pin(async move {
            let gone = || Error::new(Code::Closed, "the thread of generateSignals has ended");
            let longest = bars.timestamps.len();
            let (sender, mut receiver) = oneshot::channel();
            let status = self.queue.call_with_return_value(
                Ok((bars, parameters)),
                ThreadsafeFunctionCallMode::NonBlocking,
                move |answer, env| {
                    let answer = answer.and_then(|answer| read_answer(&env, answer, longest));
                    // Nobody waits for the answer to a run that was stopped.
                    let _ = sender.send(answer.unwrap_or_else(|error| Err(failed(&error))));
                    Ok(())
                },
            );
            if status != Status::Ok {
                return Err(gone());
            }
            loop {
                tokio::select! {
                    answer = &mut receiver => return answer.unwrap_or_else(|_| Err(gone())),
                    // A thread that is terminated forgets its calls without a word.
                    () = tokio::time::sleep(PAUSE) => if self.queue.aborted() { return Err(gone()) },
                }
            }
        })
    }
}

/// The error around what was thrown, on its way to become the `cause` of a `BacktestError`.
#[derive(Debug)]
struct Thrown(Mutex<Option<napi::Error>>);

/// Returns the error around what was thrown that an error carries; it can be had once.
pub(super) fn thrown<'env>(env: &'env Env, error: &Error) -> Option<Unknown<'env>> {
    let Thrown(held) = error.cause.as_ref()?.downcast_ref()?;
    let thrown = held.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    Some(JsError::from(thrown).into_unknown(*env))
}

/// Reads what the guard around the function reports: an answer, or what was thrown and how to tell it.
fn read_answer(env: &Env, report: Unknown<'_>, longest: usize) -> Result<crate::Result<Input>> {
    let report = Object::from_raw(env.raw(), report.raw());
    let problem: Option<String> = report.get("problem")?;
    let Some(problem) = problem else {
        return Ok(Ok(read_columns(report.get_named_property("answer")?, longest)?));
    };
    let mut error = Error::invalid(
        &format!("strategy.{NAME}"),
        &report.get_named_property::<String>("code")?,
        format!("strategy.{NAME} {problem}"),
    );
    if report.has_named_property("cause")? {
        let held = napi::Error::from_unknown_without_coercion(report.get_named_property("cause")?);
        error.cause = Some(Arc::new(Thrown(Mutex::new(Some(held)))));
    }
    Ok(Err(error))
}

/// Reads an object of columns. Whatever else was returned is not followed into its depths, nor are columns that are longer
/// than they may be.
fn read_columns(answer: Unknown<'_>, longest: usize) -> Result<Input> {
    let is_record = answer.get_type()? == ValueType::Object
        && !answer.is_array()?
        && !answer.is_typedarray()?
        && !answer.is_date()?;
    if !is_record {
        return read_column(answer, longest);
    }
    let object = Object::from_unknown(answer)?;
    let mut fields = Vec::new();
    for key in Object::keys(&object)? {
        let field: Unknown = object.get_named_property(&key)?;
        fields.push((key, read_column(field, longest)?));
    }
    Ok(Input::Record(fields))
}

fn read_column(value: Unknown<'_>, longest: usize) -> Result<Input> {
    if value.get_type()? != ValueType::Object || value.is_date()? {
        return input::read(Some(value));
    }
    if value.is_typedarray()? {
        return match Uint8Array::from_unknown(value) {
            Ok(bytes) if bytes.len() > longest => {
                Ok(Input::Other(format!("Uint8Array of {} bytes", bytes.len())))
            }
            Ok(bytes) => Ok(Input::Bytes(bytes.to_vec())),
            Err(_) => Ok(Input::Other("typed array that is no Uint8Array".into())),
        };
    }
    if value.is_array()? {
        let length = usize::try_from(Array::from_unknown(value)?.len()).unwrap_or(usize::MAX);
        if length > longest {
            return Ok(Input::Other(format!("plain array of {length} items")));
        }
        return input::read_flat(value);
    }
    Ok(Input::Other("plain object".into()))
}

/// Describes a failure to call the function or to read its answer.
fn failed(error: &napi::Error) -> Error {
    let message =
        format!("strategy.{NAME} could not be called, or its answer not read: {}", error.reason);
    Error::invalid(&format!("strategy.{NAME}"), "threw", message)
}
