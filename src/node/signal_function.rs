//! A JavaScript function that computes signals. It is called on its own thread from any other.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::{
    Array, Float32ArraySlice, Float64ArraySlice, FnArgs, FromNapiValue, Function, JsObjectValue,
    Object, Uint8ArraySlice, Unknown,
};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, JsValue, Status, ValueType};
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use crate::error::{Code, Error};
use crate::future::BoxFuture;
use crate::quote::counted;
use crate::request::Input;
use crate::service::{BarColumns, SignalFunction};

use super::error::{self, CallFailure, Thrown};
use super::input::{ReadError, Reader};
use super::runtime::Runtime;
use super::types::Bars;

/// The arguments of the function.
type Arguments = FnArgs<(Bars, Map<String, Value>)>;

/// The name of the function in a strategy definition.
const NAME: &str = "generateSignals";

/// How often to check that the thread of the function is alive.
const LIVENESS_INTERVAL: Duration = Duration::from_secs(1);

/// The function of a strategy. It does not keep the process alive, and is released when this is dropped.
pub(super) struct JsFunction {
    // The callee receives errors and ignores them. Otherwise, an error before the call would end the process.
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
    /// Returns the function of a strategy; `None` if it has none.
    pub(super) fn of(
        env: &Env,
        strategy: Option<Unknown<'_>>,
    ) -> std::result::Result<Option<Arc<dyn SignalFunction>>, CallFailure> {
        let Some(strategy) = strategy else { return Ok(None) };
        if strategy.get_type()? != ValueType::Object {
            return Ok(None);
        }
        // The function may be inherited: a strategy may be an instance of a class.
        let function: Unknown = Object::from_raw(env.raw(), strategy.raw())
            .get_named_property(NAME)
            .map_err(|failure| error::unreadable(env, &format!("strategy.{NAME}"), &failure))?;
        if function.get_type()? != ValueType::Function {
            return Ok(None);
        }
        let guard = Runtime::of(env)?
            .helper::<(Unknown, Unknown), Function<Arguments, Unknown<'static>>>(
                env,
                "guardStrategy",
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
            let thread_ended =
                || Error::new(Code::Closed, "the thread of generateSignals has ended");
            let bar_count = bars.timestamps.len();
            let (sender, mut receiver) = oneshot::channel();
            let status = self.queue.call_with_return_value(
                Ok((bars, parameters)),
                ThreadsafeFunctionCallMode::NonBlocking,
                move |report, env| {
                    let result = report
                        .map_err(ReadError::from)
                        .and_then(|report| read_report(&env, report, bar_count));
                    // The receiver of a cancelled run is gone.
                    let _ = sender.send(result.unwrap_or_else(|error| {
                        Err(error.into_error(&env, &format!("strategy.{NAME}")))
                    }));
                    Ok(())
                },
            );
            if status != Status::Ok {
                return Err(thread_ended());
            }
            loop {
                tokio::select! {
                    result = &mut receiver => return result.unwrap_or_else(|_| Err(thread_ended())),
                    // A terminated thread drops its calls silently.
                    () = tokio::time::sleep(LIVENESS_INTERVAL) => if self.queue.aborted() { return Err(thread_ended()) },
                }
            }
        })
    }
}

/// Reads the report of `guardStrategy`: the result of the function, or a description of the problem.
fn read_report(
    env: &Env,
    report: Unknown<'_>,
    bar_count: usize,
) -> std::result::Result<crate::Result<Input>, ReadError> {
    let report = Object::from_raw(env.raw(), report.raw());
    let problem: Option<String> = report.get("problem")?;
    let Some(problem) = problem else {
        return read_columns(env, report.get_named_property("result")?, bar_count).map(Ok);
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

/// Reads an object of columns. Other values are not read recursively, and neither are columns with more values than bars.
fn read_columns(
    env: &Env,
    result: Unknown<'_>,
    bar_count: usize,
) -> std::result::Result<Input, ReadError> {
    let is_record = result.get_type()? == ValueType::Object
        && !result.is_array()?
        && !result.is_typedarray()?
        && !result.is_date()?;
    let mut reader = Reader::new(env);
    if !is_record {
        return read_column(&mut reader, result, bar_count);
    }
    reader
        .record(result, |reader, _, column| read_column(reader, column, bar_count))
        .map(Input::Record)
}

fn read_column(
    reader: &mut Reader<'_>,
    value: Unknown<'_>,
    bar_count: usize,
) -> std::result::Result<Input, ReadError> {
    if value.get_type()? != ValueType::Object || value.is_date()? {
        return reader.read(value, 0);
    }
    if value.is_typedarray()? {
        return match Uint8ArraySlice::from_unknown(value) {
            Ok(bytes) if bytes.len() > bar_count => {
                Ok(Input::Other(format!("Uint8Array of {}", counted(bytes.len(), "byte"))))
            }
            Ok(_) => reader.typed_array(value),
            Err(_) => other_typed_array(reader, value, bar_count),
        };
    }
    if value.is_array()? {
        let length = usize::try_from(Array::from_unknown(value)?.len()).unwrap_or(usize::MAX);
        if length > bar_count {
            return Ok(Input::Other(format!("plain array of {length} items")));
        }
        return reader.flags(value);
    }
    Ok(Input::Other("plain object".into()))
}

/// Reads a typed array that is no column of signals, for the message about it. It is not copied if it is longer than the bars.
fn other_typed_array(
    reader: &Reader<'_>,
    value: Unknown<'_>,
    bar_count: usize,
) -> std::result::Result<Input, ReadError> {
    let length = Float64ArraySlice::from_unknown(value)
        .map(|floats| floats.len())
        .or_else(|_| Float32ArraySlice::from_unknown(value).map(|singles| singles.len()));
    match length {
        Ok(length) if length <= bar_count => reader.typed_array(value),
        _ => Ok(Input::Other("typed array other than Uint8Array".into())),
    }
}
