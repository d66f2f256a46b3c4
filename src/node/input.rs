//! JavaScript values as [`Input`], copied: what JavaScript does to them later does not reach a run under way.

use napi::bindgen_prelude::{
    Array, Float64ArraySlice, FromNapiValue, JsObjectValue, Object, Uint8ArraySlice, Unknown,
};
use napi::{JsDate, JsValue, Result, ValueType};

use crate::input::Input;
use crate::market::intake::copied;
use crate::market::{Bars, Bits, Lent, Moments};
use crate::service::pool::Carriers;

/// Objects nested deeper than this are not read; no request is.
const DEEPEST: u32 = 16;

/// Returns the input of a value; an absent argument is `null`.
pub(super) fn read(value: Option<Unknown<'_>>) -> Result<Input> {
    value.map_or(Ok(Input::Null), |value| read_nested(value, 0))
}

/// Returns the input of a value whose items are not followed any deeper.
pub(super) fn read_flat(value: Unknown<'_>) -> Result<Input> {
    read_nested(value, DEEPEST - 1)
}

fn read_nested(value: Unknown<'_>, depth: u32) -> Result<Input> {
    Ok(match value.get_type()? {
        ValueType::Null | ValueType::Undefined => Input::Null,
        ValueType::Boolean => Input::Bool(convert(value)?),
        ValueType::Number => Input::Number(convert(value)?),
        ValueType::String => Input::Text(convert(value)?),
        ValueType::Object if depth >= DEEPEST => Input::Other("deeply nested object".into()),
        ValueType::Object => read_object(value, depth)?,
        ValueType::Function => Input::Other("function".into()),
        ValueType::Symbol => Input::Other("symbol".into()),
        ValueType::BigInt => Input::Other("bigint".into()),
        _ => Input::Other("value of an unknown type".into()),
    })
}

fn read_object(value: Unknown<'_>, depth: u32) -> Result<Input> {
    if value.is_array()? {
        let array: Array = convert(value)?;
        let items = (0..array.len()).map(|index| match array.get::<Unknown>(index)? {
            Some(item) => read_nested(item, depth + 1),
            None => Ok(Input::Null),
        });
        return Ok(Input::List(items.collect::<Result<_>>()?));
    }
    if value.is_date()? {
        let date: JsDate = convert(value)?;
        return Ok(Input::Date(date.value_of()?));
    }
    if value.is_typedarray()? {
        if let Ok(floats) = Float64ArraySlice::from_unknown(value) {
            let (column, are_prices) = copied(&floats, &Carriers);
            return Ok(if are_prices { Input::Prices(column) } else { Input::Floats(column) });
        }
        if let Ok(bytes) = Uint8ArraySlice::from_unknown(value) {
            return Ok(Input::Bytes(bytes.to_vec()));
        }
        return Ok(Input::Other("typed array other than Float64Array and Uint8Array".into()));
    }
    let object: Object = convert(value)?;
    let keys = Object::keys(&object)?;
    let mut fields = Vec::with_capacity(keys.len());
    for key in keys {
        let field: Unknown = object.get_named_property(&key)?;
        let sound = match key.as_str() {
            "bars" => sound_bars(field)?.map(Input::Bars),
            "timestamps" => sound_moments(field)?.map(Input::Moments),
            "entries" | "exits" | "shortEntries" | "shortExits" => {
                sound_signals(field)?.map(Input::Bits)
            }
            _ => None,
        };
        let field = sound.map_or_else(|| read_nested(field, depth + 1), Ok)?;
        fields.push((key, field));
    }
    Ok(Input::Record(fields))
}

/// Copies bars where they are sound columns and nothing else: one pass instead of a copy and its checks. Of all others the
/// checks tell what is wrong.
fn sound_bars(value: Unknown<'_>) -> Result<Option<Bars>> {
    if value.get_type()? != ValueType::Object || value.is_typedarray()? || value.is_array()? {
        return Ok(None);
    }
    let object: Object = convert(value)?;
    let keys = Object::keys(&object)?;
    let mut columns = [None; 6];
    for key in &keys {
        let Some(at) = COLUMNS.iter().position(|name| name == key) else { return Ok(None) };
        let column: Unknown = object.get_named_property(key)?;
        match column.get_type()? {
            ValueType::Undefined | ValueType::Null => {}
            ValueType::Object if column.is_typedarray()? => {
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
    let lent = Lent {
        timestamps: &timestamps,
        open: &open,
        high: &high,
        low: &low,
        close: &close,
        volume,
    };
    Ok(Bars::copied(&lent, &Carriers))
}

/// The same for a column of moments.
fn sound_moments(value: Unknown<'_>) -> Result<Option<Moments>> {
    if value.get_type()? != ValueType::Object || !value.is_typedarray()? {
        return Ok(None);
    }
    let Ok(floats) = Float64ArraySlice::from_unknown(value) else { return Ok(None) };
    Ok(Moments::of(&floats, &Carriers))
}

/// The same for a column of signals.
fn sound_signals(value: Unknown<'_>) -> Result<Option<Bits>> {
    if value.get_type()? != ValueType::Object || !value.is_typedarray()? {
        return Ok(None);
    }
    let Ok(bytes) = Uint8ArraySlice::from_unknown(value) else { return Ok(None) };
    Ok(Bits::from_bytes(&bytes))
}

const COLUMNS: [&str; 6] = ["timestamps", "open", "high", "low", "close", "volume"];

fn convert<T: FromNapiValue>(value: Unknown<'_>) -> Result<T> {
    T::from_unknown(value)
}
