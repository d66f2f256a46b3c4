//! A function of JavaScript that computes signals: called on its own thread, whichever thread asks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::{
    Array, FnArgs, FromNapiValue, Function, JsObjectValue, Object, Uint8ArraySlice, Unknown,
};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, JsValue, Status, ValueType};
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use crate::error::{Code, Error};
use crate::future::BoxFuture;
use crate::request::Input;
use crate::service::{BarColumns, SignalFunction};

use super::error::{self, Failure, Thrown};
use super::input::{Reader, Unread};
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
        (BarColumns, Map<String, Value>),
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
    ) -> std::result::Result<Option<Arc<dyn SignalFunction>>, Failure> {
        let Some(strategy) = strategy else { return Ok(None) };
        if strategy.get_type()? != ValueType::Object {
            return Ok(None);
        }
        // Not only among the own fields: a strategy may be an instance of a class.
        let function: Unknown = Object::from_raw(env.raw(), strategy.raw())
            .get_named_property(NAME)
            .map_err(|failure| error::unread(env, &format!("strategy.{NAME}"), &failure))?;
        if function.get_type()? != ValueType::Function {
            return Ok(None);
        }
        let guard = Runtime::of(env)?
            .helper::<(Unknown, Unknown), Function<Arguments, Unknown<'static>>>(
                env,
                "signaller",
            )?;
        let queue = guard
            .apply((), (strategy, function).into())?
            .build_threadsafe_function::<(BarColumns, Map<String, Value>)>()
            .weak::<true>()
            .callee_handled::<true>()
            .build_callback(|context| {
                let (columns, parameters) = context.value;
                Ok(FnArgs::from((Bars::from(columns), parameters)))
            })?;
        Ok(Some(Arc::new(Self { queue })))
    }
}

impl SignalFunction for JsFunction {
    fn call(&self, bars: BarColumns, parameters: Map<String, Value>) -> BoxFuture<'_, Input> {
        Box::pin(async move {
            let gone = || Error::new(Code::Closed, "the thread of generateSignals has ended");
            let longest = bars.timestamps.len();
            let (sender, mut receiver) = oneshot::channel();
            let status = self.queue.call_with_return_value(
                Ok((bars, parameters)),
                ThreadsafeFunctionCallMode::NonBlocking,
                move |answer, env| {
                    let answer = answer
                        .map_err(Unread::from)
                        .and_then(|answer| read_answer(&env, answer, longest));
                    // Nobody waits for the answer to a run that was stopped.
                    let _ = sender.send(answer.unwrap_or_else(|unread| {
                        Err(unread.into_error(&env, &format!("strategy.{NAME}")))
                    }));
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

/// Reads what the guard around the function reports: an answer, or what was thrown and how to tell it.
fn read_answer(
    env: &Env,
    report: Unknown<'_>,
    longest: usize,
) -> std::result::Result<crate::Result<Input>, Unread> {
    let report = Object::from_raw(env.raw(), report.raw());
    let problem: Option<String> = report.get("problem")?;
    let Some(problem) = problem else {
        return read_columns(env, report.get_named_property("answer")?, longest).map(Ok);
    };
    let mut error = Error::invalid(
        &format!("strategy.{NAME}"),
        &report.get_named_property::<String>("code")?,
        format!("strategy.{NAME} {problem}"),
    );
    if report.has_named_property("cause")? {
        error.cause = Some(Thrown::new(report.get_named_property("cause")?));
    }
    Ok(Err(error))
}

/// Reads an object of columns. Whatever else was returned is not followed into its depths, nor are columns that are longer
/// than they may be.
fn read_columns(
    env: &Env,
    answer: Unknown<'_>,
    longest: usize,
) -> std::result::Result<Input, Unread> {
    let is_record = answer.get_type()? == ValueType::Object
        && !answer.is_array()?
        && !answer.is_typedarray()?
        && !answer.is_date()?;
    let mut reader = Reader::new(env);
    if !is_record {
        return read_column(&mut reader, answer, longest);
    }
    reader
        .record(answer, |reader, _, column| read_column(reader, column, longest))
        .map(Input::Record)
}

fn read_column(
    reader: &mut Reader<'_>,
    value: Unknown<'_>,
    longest: usize,
) -> std::result::Result<Input, Unread> {
    if value.get_type()? != ValueType::Object || value.is_date()? {
        return reader.read(value, 0);
    }
    if value.is_typedarray()? {
        return match Uint8ArraySlice::from_unknown(value) {
            Ok(bytes) if bytes.len() > longest => {
                Ok(Input::Other(format!("Uint8Array of {} bytes", bytes.len())))
            }
            Ok(_) => reader.typed_array(value),
            Err(_) => Ok(Input::Other("typed array that is no Uint8Array".into())),
        };
    }
    if value.is_array()? {
        let length = usize::try_from(Array::from_unknown(value)?.len()).unwrap_or(usize::MAX);
        if length > longest {
            return Ok(Input::Other(format!("plain array of {length} items")));
        }
        return reader.flags(value);
    }
    Ok(Input::Other("plain object".into()))
}
