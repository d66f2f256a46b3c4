//! Copies JavaScript values to [`Input`] trees. Later changes in JavaScript do not affect an active call.
//!
//! Reading a value may run code of the caller: getters and proxy traps. They may throw, call this addon again, and detach or
//! shrink any buffer. A buffer is therefore read in one step, without property accesses in between.

use std::fmt::Write;
use std::ptr::null_mut;

use napi::bindgen_prelude::{
    Array, BigInt64ArraySlice, Float32ArraySlice, Float64ArraySlice, FromNapiValue, JsObjectValue,
    Object, Uint8ArraySlice, Unknown,
};
use napi::{Env, JsDate, JsString, JsValue, ValueType, sys};

use crate::error::{Error, Result};
use crate::market::validated_copy::copied;
use crate::market::{Bars, BorrowedBars, Timestamps};
use crate::request::{Input, MixedArray};
use crate::service::pool::CopyPool;
use crate::signals::Bits;

use super::error;
use super::runtime::Runtime;

/// The maximum nesting depth of objects; no valid request is deeper.
const MAX_DEPTH: u32 = 16;
/// The maximum number of values in one argument, not counting columns. An object that is referenced twice counts as two
/// values, so without a limit, a small object could expand to any size.
const MAX_VALUES: u32 = 10_000;
/// The maximum total length of all texts in one argument, including keys, UTF-16 code units.
const MAX_UNITS: usize = 1_000_000;

/// Reads an argument. An absent one is `null`. Errors refer to it by `name`, which is empty for a request.
///
/// # Errors
/// `INVALID_ARGUMENT` if the argument is too large, or if reading it throws; the thrown value is the cause.
pub(super) fn read(env: &Env, value: Option<Unknown<'_>>, name: &str) -> Result<Input> {
    let Some(value) = value else { return Ok(Input::Null) };
    Reader::new(env).read(value, 0).map_err(|error| error.into_error(env, name))
}

/// Reads one argument.
pub(super) struct Reader<'a> {
    env: &'a Env,
    /// The number of values that may still be read.
    values_left: u32,
    /// The length of text that may still be read.
    units_left: usize,
}

/// Why a value could not be read, with its path, innermost segment first.
pub(super) struct ReadError {
    reason: Reason,
    path: Vec<KeySegment>,
}

enum Reason {
    Napi(napi::Error),
    TooMany,
    TooLong(usize),
    NoMemory(usize),
}

enum KeySegment {
    Key(String),
    Index(u32),
}

impl From<napi::Error> for ReadError {
    fn from(error: napi::Error) -> Self {
        Self { reason: Reason::Napi(error), path: Vec::new() }
    }
}

impl From<Reason> for ReadError {
    fn from(reason: Reason) -> Self {
        Self { reason, path: Vec::new() }
    }
}

impl ReadError {
    fn within(mut self, segment: KeySegment) -> Self {
        self.path.push(segment);
        self
    }

    /// Returns the error of an argument.
    pub(super) fn into_error(self, env: &Env, argument: &str) -> Error {
        let mut path = argument.to_owned();
        for segment in self.path.iter().rev() {
            match segment {
                KeySegment::Key(key) if path.is_empty() => path.push_str(&crate::quote::name(key)),
                KeySegment::Key(key) => {
                    let _ = write!(path, ".{}", crate::quote::name(key));
                }
                KeySegment::Index(index) => {
                    let _ = write!(path, "[{index}]");
                }
            }
        }
        let name = if path.is_empty() { "the request" } else { &path };
        let message = match self.reason {
            Reason::Napi(failure) => return error::unreadable(env, &path, &failure),
            Reason::TooMany => format!(
                "{name} is too large: an argument may have at most {MAX_VALUES} values, not counting its columns"
            ),
            Reason::TooLong(units) => format!(
                "{name} has a text of {units} characters: all texts of an argument together may have at most {MAX_UNITS}"
            ),
            Reason::NoMemory(bytes) => {
                format!("there is not enough memory for the {bytes} bytes of {name}")
            }
        };
        Error::invalid(&path, "limit", message)
    }
}

type ReadResult<T> = std::result::Result<T, ReadError>;

impl<'a> Reader<'a> {
    pub(super) fn new(env: &'a Env) -> Self {
        Self { env, values_left: MAX_VALUES, units_left: MAX_UNITS }
    }

    /// Reads a value at a nesting depth.
    pub(super) fn read(&mut self, value: Unknown<'_>, depth: u32) -> ReadResult<Input> {
        Ok(match value.get_type()? {
            ValueType::Null | ValueType::Undefined => Input::Null,
            ValueType::Boolean => Input::Bool(convert(value)?),
            ValueType::Number => Input::Number(convert(value)?),
            ValueType::String => Input::Text(self.text(value)?),
            ValueType::Object if depth >= MAX_DEPTH => Input::Other("deeply nested object".into()),
            ValueType::Object => self.object(value, depth)?,
            ValueType::Function => Input::Other("function".into()),
            ValueType::Symbol => Input::Other("symbol".into()),
            ValueType::BigInt => Input::Other("bigint".into()),
            _ => Input::Other("value of an unknown type".into()),
        })
    }

    /// Reads a string. Lone surrogates become U+FFFD.
    fn text(&mut self, value: Unknown<'_>) -> ReadResult<String> {
        let units = convert::<JsString>(value)?.utf16_len()?;
        self.units_left = self.units_left.checked_sub(units).ok_or(Reason::TooLong(units))?;
        Ok(convert(value)?)
    }

    /// Counts values before they are read.
    fn count(&mut self, values: u32) -> ReadResult<()> {
        self.values_left = self.values_left.checked_sub(values).ok_or(Reason::TooMany)?;
        Ok(())
    }

    fn object(&mut self, value: Unknown<'_>, depth: u32) -> ReadResult<Input> {
        if value.is_array()? {
            let array: Array = convert(value)?;
            self.count(array.len())?;
            let mut items = Vec::new();
            for index in 0..array.len() {
                let item = array
                    .get_element(index)
                    .map_err(ReadError::from)
                    .and_then(|item| self.read(item, depth + 1));
                items.push(item.map_err(|error| error.within(KeySegment::Index(index)))?);
            }
            return Ok(Input::List(items));
        }
        if value.is_date()? {
            let date: JsDate = convert(value)?;
            return Ok(Input::Date(date.value_of()?));
        }
        if value.is_typedarray()? {
            return self.typed_array(value);
        }
        self.record(value, |reader, key, field| reader.field(key, field, depth)).map(Input::Record)
    }

    /// Reads the fields of an object with a function that receives the key of each.
    pub(super) fn record<'env, T>(
        &mut self,
        value: Unknown<'env>,
        mut read: impl FnMut(&mut Self, &str, Unknown<'env>) -> ReadResult<T>,
    ) -> ReadResult<Vec<(String, T)>> {
        let object = Object::from_raw(value.value().env, value.raw());
        let keys: Array = convert(object.get_property_names()?.to_unknown())?;
        self.count(keys.len())?;
        let mut fields = Vec::new();
        for index in 0..keys.len() {
            let name: Unknown = keys.get_element(index)?;
            let key = self.text(name)?;
            // The key itself is used, not its text, which may differ and cannot contain NUL.
            let field = object
                .get_property::<_, Unknown<'env>>(name)
                .map_err(ReadError::from)
                .and_then(|field| read(self, &key, field));
            match field {
                Ok(field) => fields.push((key, field)),
                Err(error) => return Err(error.within(KeySegment::Key(key))),
            }
        }
        Ok(fields)
    }

    fn field(&mut self, key: &str, field: Unknown<'_>, depth: u32) -> ReadResult<Input> {
        match key {
            "bars" => {
                if let Some(bars) = self.valid_bars(field)? {
                    return Ok(Input::Bars(bars));
                }
            }
            "timestamps" => {
                if let Some(timestamps) = self.valid_timestamps(field)? {
                    return Ok(Input::Timestamps(timestamps));
                }
            }
            _ => {}
        }
        if SIGNALS.contains(&key) {
            if let Some(bits) = self.valid_signals(field)? {
                return Ok(Input::Bits(bits));
            }
            if field.get_type()? == ValueType::Object && field.is_array()? {
                return self.flags(field);
            }
        }
        let is_column = COLUMNS.contains(&key) || key == "equityCurve";
        if is_column && field.get_type()? == ValueType::Object && field.is_array()? {
            return self.numbers(field);
        }
        self.read(field, depth + 1)
    }

    /// Reads a plain array of numbers. JavaScript packs it, which takes a fraction of the time of reading each item from Rust.
    fn numbers(&mut self, array: Unknown<'_>) -> ReadResult<Input> {
        let packed = self.packed(array, "packNumbers")?;
        if let Ok(floats) = Float64ArraySlice::from_unknown(packed) {
            return Ok(Input::Numbers(copied(&floats, &CopyPool).0));
        }
        self.mixed(packed)
    }

    /// Reads a plain array of zeros and ones, or of booleans.
    pub(super) fn flags(&mut self, array: Unknown<'_>) -> ReadResult<Input> {
        let packed = self.packed(array, "packFlags")?;
        if let Ok(bytes) = Uint8ArraySlice::from_unknown(packed)
            && let Some(bits) = Bits::from_bytes(&bytes)
        {
            return Ok(Input::Flags(bits));
        }
        self.mixed(packed)
    }

    fn packed(&self, array: Unknown<'_>, helper: &str) -> ReadResult<Unknown<'static>> {
        let pack =
            Runtime::of(self.env)?.helper::<(Unknown,), Unknown<'static>>(self.env, helper)?;
        // `apply` preserves the exception.
        Ok(pack.apply((), (array,).into())?)
    }

    /// Reads the item that prevented an array from being packed.
    fn mixed(&mut self, found: Unknown<'_>) -> ReadResult<Input> {
        let found: Object = convert(found)?;
        let index: u32 = found.get_named_property("index")?;
        let length: u32 = found.get_named_property("length")?;
        let item = self
            .read(found.get_named_property("item")?, MAX_DEPTH)
            .map_err(|error| error.within(KeySegment::Index(index)))?;
        Ok(Input::Mixed(Box::new(MixedArray {
            length: length as usize,
            index: index as usize,
            item,
        })))
    }

    /// Reads a typed array under any key.
    pub(super) fn typed_array(&self, value: Unknown<'_>) -> ReadResult<Input> {
        let value = self.unshared(value)?;
        if let Ok(floats) = Float64ArraySlice::from_unknown(value) {
            let (column, are_prices) = copied(&floats, &CopyPool);
            return Ok(if are_prices { Input::Prices(column) } else { Input::Floats(column) });
        }
        if let Ok(singles) = Float32ArraySlice::from_unknown(value) {
            return Ok(Input::Singles(converted(&singles, |value| Some(f64::from(value)))?.into()));
        }
        if let Ok(integers) = BigInt64ArraySlice::from_unknown(value) {
            return whole_numbers(&integers);
        }
        if let Ok(slice) = Uint8ArraySlice::from_unknown(value) {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(slice.len()).map_err(|_| Reason::NoMemory(slice.len()))?;
            bytes.extend_from_slice(&slice);
            return Ok(Input::Bytes(bytes));
        }
        Ok(Input::Other("typed array of another type".into()))
    }

    /// Returns a typed array that no other thread can write: the array itself, or a copy if its memory is shared. Shared
    /// memory may change between a check and a later read.
    fn unshared<'env>(&self, value: Unknown<'env>) -> ReadResult<Unknown<'env>> {
        if !is_shared(value)? {
            return Ok(value);
        }
        let copy =
            Runtime::of(self.env)?.helper::<(Unknown,), Unknown<'static>>(self.env, "unshared")?;
        Ok(copy.apply((), (value,).into())?)
    }

    /// Copies bars that consist of valid columns, in one pass instead of a copy and separate checks. For all others, the
    /// separate checks find the problems.
    fn valid_bars(&mut self, value: Unknown<'_>) -> ReadResult<Option<Bars>> {
        if value.get_type()? != ValueType::Object || value.is_typedarray()? || value.is_array()? {
            return Ok(None);
        }
        let object: Object = convert(value)?;
        let keys: Array = convert(object.get_property_names()?.to_unknown())?;
        let mut columns = [None; 6];
        for key_index in 0..keys.len() {
            let name: Unknown = keys.get_element(key_index)?;
            let key = self.text(name)?;
            let Some(index) = COLUMNS.iter().position(|name| *name == key) else { return Ok(None) };
            let column: Unknown = object
                .get_property(name)
                .map_err(|error| ReadError::from(error).within(KeySegment::Key(key)))?;
            match column.get_type()? {
                ValueType::Undefined | ValueType::Null => {}
                ValueType::Object if column.is_typedarray()? => {
                    let column = self.unshared(column)?;
                    if let Some(slot) = columns.get_mut(index) {
                        *slot = Some(column);
                    }
                }
                _ => return Ok(None),
            }
        }
        // From here on no JavaScript code runs, so the buffers stay valid.
        let floats = |column: Unknown<'_>| Float64ArraySlice::from_unknown(column).ok();
        let [Some(timestamps), Some(open), Some(high), Some(low), Some(close), volume] =
            columns.map(|column| column.and_then(floats))
        else {
            return Ok(None);
        };
        if volume.is_none() && columns.last().is_some_and(Option::is_some) {
            return Ok(None);
        }
        let volume = volume.as_deref();
        let borrowed = BorrowedBars {
            timestamps: &timestamps,
            open: &open,
            high: &high,
            low: &low,
            close: &close,
            volume,
        };
        Ok(Bars::copied(&borrowed, &CopyPool))
    }

    /// Copies a column of valid timestamps.
    fn valid_timestamps(&self, value: Unknown<'_>) -> ReadResult<Option<Timestamps>> {
        if value.get_type()? != ValueType::Object || !value.is_typedarray()? {
            return Ok(None);
        }
        let Ok(floats) = Float64ArraySlice::from_unknown(self.unshared(value)?) else {
            return Ok(None);
        };
        Ok(Timestamps::of(&floats, &CopyPool))
    }

    /// Copies a column of valid signals.
    fn valid_signals(&self, value: Unknown<'_>) -> ReadResult<Option<Bits>> {
        if value.get_type()? != ValueType::Object || !value.is_typedarray()? {
            return Ok(None);
        }
        let Ok(bytes) = Uint8ArraySlice::from_unknown(self.unshared(value)?) else {
            return Ok(None);
        };
        Ok(Bits::from_bytes(&bytes))
    }
}

const COLUMNS: [&str; 6] = ["timestamps", "open", "high", "low", "close", "volume"];
const SIGNALS: [&str; 4] = ["entries", "exits", "shortEntries", "shortExits"];

/// Copies numbers of another type, up to the first that cannot be converted.
fn converted<T: Copy>(values: &[T], convert: impl Fn(T) -> Option<f64>) -> ReadResult<Vec<f64>> {
    let mut numbers = Vec::new();
    numbers.try_reserve_exact(values.len()).map_err(|_| Reason::NoMemory(size_of_val(values)))?;
    numbers.extend(values.iter().map_while(|value| convert(*value)));
    Ok(numbers)
}

/// Copies integers as floating-point numbers. They must be exact.
fn whole_numbers(integers: &[i64]) -> ReadResult<Input> {
    #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
    let exact = |value: i64| (value.unsigned_abs() <= 1 << 53).then_some(value as f64);
    let numbers = converted(integers, exact)?;
    let Some(inexact) = integers.get(numbers.len()) else {
        return Ok(Input::Floats(numbers.into()));
    };
    let item = format!("bigint {inexact}, which is beyond 2^53; timestamps are milliseconds");
    Ok(Input::Mixed(Box::new(MixedArray {
        length: integers.len(),
        index: numbers.len(),
        item: Input::Other(item),
    })))
}

/// Returns whether other threads can write to the memory of a typed array.
fn is_shared(typed_array: Unknown<'_>) -> napi::Result<bool> {
    let env = typed_array.value().env;
    let mut buffer = null_mut();
    #[expect(unsafe_code, reason = "napi has no safe function for this")]
    // SAFETY: the value is a typed array of this environment, and this runs on its thread. Unused outputs may be null.
    let buffer = unsafe {
        let status = sys::napi_get_typedarray_info(
            env,
            typed_array.raw(),
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut buffer,
            null_mut(),
        );
        if status != sys::Status::napi_ok {
            return Err(napi::Error::new(status.into(), "the typed array has no buffer"));
        }
        Unknown::from_raw_unchecked(env, buffer)
    };
    Ok(!buffer.is_arraybuffer()?)
}

fn convert<T: FromNapiValue>(value: Unknown<'_>) -> napi::Result<T> {
    T::from_unknown(value)
}
