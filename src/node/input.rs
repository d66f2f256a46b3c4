//! JavaScript values as [`Input`], copied: what JavaScript does to them later does not reach a run under way.
//!
//! A value of the caller may run the caller's code as it is read: getters, and the traps of proxies. They may throw, call this
//! addon again, and detach or shrink any memory. What is read of memory is therefore read in one go, with no property access
//! in between.

use std::fmt::Write;
use std::ptr::null_mut;

use napi::bindgen_prelude::{
    Array, Float64ArraySlice, FromNapiValue, JsObjectValue, Object, Uint8ArraySlice, Unknown,
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

/// Objects nested deeper than this are not read; no request is.
const DEEPEST: u32 = 16;
/// The most values that are read of one argument, columns and what is in them aside. An object that is reached by two ways is
/// two values, so that without a bound, small objects can be of any size.
const MOST_VALUES: u32 = 10_000;
/// The most UTF-16 units of all texts of one argument, keys included.
const MOST_UNITS: usize = 1_000_000;

/// Returns the input of an argument; one that is absent is `null`. `name` is what errors call it, empty for a request.
///
/// # Errors
/// `INVALID_ARGUMENT` where the argument is too large to be a request, or where it throws; what it threw is the cause.
pub(super) fn read(env: &Env, value: Option<Unknown<'_>>, name: &str) -> Result<Input> {
    let Some(value) = value else { return Ok(Input::Null) };
    Reader::new(env).read(value, 0).map_err(|unread| unread.into_error(env, name))
}

/// Reads one argument.
pub(super) struct Reader<'a> {
    env: &'a Env,
    values: u32,
    units: usize,
}

/// Why a value was not read, and where it is, the innermost place first.
pub(super) struct Unread {
    why: Why,
    places: Vec<Place>,
}

enum Why {
    Failed(napi::Error),
    TooMany,
    TooLong(usize),
    NoMemory(usize),
}

enum Place {
    Key(String),
    Index(u32),
}

impl From<napi::Error> for Unread {
    fn from(error: napi::Error) -> Self {
        Self { why: Why::Failed(error), places: Vec::new() }
    }
}

impl From<Why> for Unread {
    fn from(why: Why) -> Self {
        Self { why, places: Vec::new() }
    }
}

impl Unread {
    fn within(mut self, place: Place) -> Self {
        self.places.push(place);
        self
    }

    /// Returns the error of an argument.
    pub(super) fn into_error(self, env: &Env, argument: &str) -> Error {
        let mut path = argument.to_owned();
        for place in self.places.iter().rev() {
            match place {
                Place::Key(key) if path.is_empty() => path.push_str(&crate::quote::name(key)),
                Place::Key(key) => {
                    let _ = write!(path, ".{}", crate::quote::name(key));
                }
                Place::Index(index) => {
                    let _ = write!(path, "[{index}]");
                }
            }
        }
        let name = if path.is_empty() { "the request" } else { &path };
        let message = match self.why {
            Why::Failed(failure) => return error::unread(env, &path, &failure),
            Why::TooMany => format!(
                "{name} is too much: an argument may have {MOST_VALUES} values besides its columns"
            ),
            Why::TooLong(units) => format!(
                "{name} has a text of {units} characters: all texts of an argument may have {MOST_UNITS} together"
            ),
            Why::NoMemory(bytes) => {
                format!("{name} has {bytes} bytes, for which there is no memory")
            }
        };
        Error::invalid(&path, "limit", message)
    }
}

type Read<T> = std::result::Result<T, Unread>;

impl<'a> Reader<'a> {
    pub(super) fn new(env: &'a Env) -> Self {
        Self { env, values: MOST_VALUES, units: MOST_UNITS }
    }

    /// Reads a value that is so many objects deep.
    pub(super) fn read(&mut self, value: Unknown<'_>, depth: u32) -> Read<Input> {
        Ok(match value.get_type()? {
            ValueType::Null | ValueType::Undefined => Input::Null,
            ValueType::Boolean => Input::Bool(convert(value)?),
            ValueType::Number => Input::Number(convert(value)?),
            ValueType::String => Input::Text(self.text(value)?),
            ValueType::Object if depth >= DEEPEST => Input::Other("deeply nested object".into()),
            ValueType::Object => self.object(value, depth)?,
            ValueType::Function => Input::Other("function".into()),
            ValueType::Symbol => Input::Other("symbol".into()),
            ValueType::BigInt => Input::Other("bigint".into()),
            _ => Input::Other("value of an unknown type".into()),
        })
    }

    /// Reads a string. Halves of surrogate pairs become U+FFFD.
    fn text(&mut self, value: Unknown<'_>) -> Read<String> {
        let units = convert::<JsString>(value)?.utf16_len()?;
        self.units = self.units.checked_sub(units).ok_or(Why::TooLong(units))?;
        Ok(convert(value)?)
    }

    /// Counts values that are about to be read.
    fn count(&mut self, values: u32) -> Read<()> {
        self.values = self.values.checked_sub(values).ok_or(Why::TooMany)?;
        Ok(())
    }

    fn object(&mut self, value: Unknown<'_>, depth: u32) -> Read<Input> {
        if value.is_array()? {
            let array: Array = convert(value)?;
            self.count(array.len())?;
            let mut items = Vec::new();
            for index in 0..array.len() {
                let item = array
                    .get_element(index)
                    .map_err(Unread::from)
                    .and_then(|item| self.read(item, depth + 1));
                items.push(item.map_err(|unread| unread.within(Place::Index(index)))?);
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

    /// Reads the fields of an object, each with a function that gets its key.
    pub(super) fn record<'env, T>(
        &mut self,
        value: Unknown<'env>,
        mut read: impl FnMut(&mut Self, &str, Unknown<'env>) -> Read<T>,
    ) -> Read<Vec<(String, T)>> {
        let object = Object::from_raw(value.value().env, value.raw());
        let keys: Array = convert(object.get_property_names()?.to_unknown())?;
        self.count(keys.len())?;
        let mut fields = Vec::new();
        for index in 0..keys.len() {
            let name: Unknown = keys.get_element(index)?;
            let key = self.text(name)?;
            // By the key as it is, not by its text: that may be another one, and cannot have a NUL.
            let field = object
                .get_property::<_, Unknown<'env>>(name)
                .map_err(Unread::from)
                .and_then(|field| read(self, &key, field));
            match field {
                Ok(field) => fields.push((key, field)),
                Err(unread) => return Err(unread.within(Place::Key(key))),
            }
        }
        Ok(fields)
    }

    fn field(&mut self, key: &str, field: Unknown<'_>, depth: u32) -> Read<Input> {
        match key {
            "bars" => {
                if let Some(bars) = self.sound_bars(field)? {
                    return Ok(Input::Bars(bars));
                }
            }
            "timestamps" => {
                if let Some(timestamps) = self.sound_moments(field)? {
                    return Ok(Input::Timestamps(timestamps));
                }
            }
            _ => {}
        }
        if SIGNALS.contains(&key) {
            if let Some(bits) = self.sound_signals(field)? {
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

    /// Reads a plain array of numbers. JavaScript packs it, which takes a fraction of the time of asking for each number.
    fn numbers(&mut self, array: Unknown<'_>) -> Read<Input> {
        let packed = self.packed(array, "packNumbers")?;
        if let Ok(floats) = Float64ArraySlice::from_unknown(packed) {
            return Ok(Input::Numbers(copied(&floats, &CopyPool).0));
        }
        self.mixed(packed)
    }

    /// Reads a plain array of zeros and ones, or of booleans.
    pub(super) fn flags(&mut self, array: Unknown<'_>) -> Read<Input> {
        let packed = self.packed(array, "packFlags")?;
        if let Ok(bytes) = Uint8ArraySlice::from_unknown(packed)
            && let Some(bits) = Bits::from_bytes(&bytes)
        {
            return Ok(Input::Flags(bits));
        }
        self.mixed(packed)
    }

    fn packed(&self, array: Unknown<'_>, helper: &str) -> Read<Unknown<'static>> {
        let pack =
            Runtime::of(self.env)?.helper::<(Unknown,), Unknown<'static>>(self.env, helper)?;
        // Applied, so that an exception stays what it is.
        Ok(pack.apply((), (array,).into())?)
    }

    /// Reads what the packing of an array found that does not belong into its column.
    fn mixed(&mut self, found: Unknown<'_>) -> Read<Input> {
        let found: Object = convert(found)?;
        let index: u32 = found.get_named_property("index")?;
        let length: u32 = found.get_named_property("length")?;
        let item = self
            .read(found.get_named_property("item")?, DEEPEST)
            .map_err(|unread| unread.within(Place::Index(index)))?;
        Ok(Input::Mixed(Box::new(MixedArray {
            length: length as usize,
            index: index as usize,
            item,
        })))
    }

    /// Reads a typed array, whatever it is called.
    pub(super) fn typed_array(&self, value: Unknown<'_>) -> Read<Input> {
        let value = self.own(value)?;
        if let Ok(floats) = Float64ArraySlice::from_unknown(value) {
            let (column, are_prices) = copied(&floats, &CopyPool);
            return Ok(if are_prices { Input::Prices(column) } else { Input::Floats(column) });
        }
        if let Ok(slice) = Uint8ArraySlice::from_unknown(value) {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(slice.len()).map_err(|_| Why::NoMemory(slice.len()))?;
            bytes.extend_from_slice(&slice);
            return Ok(Input::Bytes(bytes));
        }
        Ok(Input::Other("typed array other than Float64Array and Uint8Array".into()))
    }

    /// Returns a typed array over memory that only this thread writes: itself, or a copy of one over shared memory. What is
    /// checked in shared memory can be something else when it is read again.
    fn own<'env>(&self, value: Unknown<'env>) -> Read<Unknown<'env>> {
        if !is_shared(value)? {
            return Ok(value);
        }
        let copy =
            Runtime::of(self.env)?.helper::<(Unknown,), Unknown<'static>>(self.env, "unshared")?;
        Ok(copy.apply((), (value,).into())?)
    }

    /// Copies bars where they are sound columns and nothing else: one pass instead of a copy and its checks. Of all others
    /// the checks tell what is wrong.
    fn sound_bars(&mut self, value: Unknown<'_>) -> Read<Option<Bars>> {
        if value.get_type()? != ValueType::Object || value.is_typedarray()? || value.is_array()? {
            return Ok(None);
        }
        let object: Object = convert(value)?;
        let keys: Array = convert(object.get_property_names()?.to_unknown())?;
        let mut columns = [None; 6];
        for index in 0..keys.len() {
            let name: Unknown = keys.get_element(index)?;
            let key = self.text(name)?;
            let Some(at) = COLUMNS.iter().position(|name| *name == key) else { return Ok(None) };
            let column: Unknown = object
                .get_property(name)
                .map_err(|error| Unread::from(error).within(Place::Key(key)))?;
            match column.get_type()? {
                ValueType::Undefined | ValueType::Null => {}
                ValueType::Object if column.is_typedarray()? => {
                    let column = self.own(column)?;
                    if let Some(place) = columns.get_mut(at) {
                        *place = Some(column);
                    }
                }
                _ => return Ok(None),
            }
        }
        // From here on nothing of JavaScript's runs, not even a getter, so that the memory stays where it is.
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

    /// The same for a column of timestamps.
    fn sound_moments(&self, value: Unknown<'_>) -> Read<Option<Timestamps>> {
        if value.get_type()? != ValueType::Object || !value.is_typedarray()? {
            return Ok(None);
        }
        let Ok(floats) = Float64ArraySlice::from_unknown(self.own(value)?) else { return Ok(None) };
        Ok(Timestamps::of(&floats, &CopyPool))
    }

    /// The same for a column of signals.
    fn sound_signals(&self, value: Unknown<'_>) -> Read<Option<Bits>> {
        if value.get_type()? != ValueType::Object || !value.is_typedarray()? {
            return Ok(None);
        }
        let Ok(bytes) = Uint8ArraySlice::from_unknown(self.own(value)?) else { return Ok(None) };
        Ok(Bits::from_bytes(&bytes))
    }
}

const COLUMNS: [&str; 6] = ["timestamps", "open", "high", "low", "close", "volume"];
const SIGNALS: [&str; 4] = ["entries", "exits", "shortEntries", "shortExits"];

/// Returns whether a typed array is a view of memory that other threads can write to.
fn is_shared(typed_array: Unknown<'_>) -> napi::Result<bool> {
    let env = typed_array.value().env;
    let mut buffer = null_mut();
    #[expect(unsafe_code, reason = "napi has no safe function for this")]
    // SAFETY: the value is a typed array of this environment, on whose thread this runs. What is not asked for may be null.
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
            return Err(napi::Error::new(status.into(), "a typed array without a buffer"));
        }
        Unknown::from_raw_unchecked(env, buffer)
    };
    Ok(!buffer.is_arraybuffer()?)
}

fn convert<T: FromNapiValue>(value: Unknown<'_>) -> napi::Result<T> {
    T::from_unknown(value)
}
