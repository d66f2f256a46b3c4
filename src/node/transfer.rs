//! The format in which results cross from Rust to JavaScript.
//!
//! A result crosses as a text and its data:
//!
//! - The **text** is JSON of all fields without columns. Parsing it takes a fraction of the time of setting property after
//!   property. A field with columns is `null` there, and so are the warnings if the notes have their texts.
//! - The **data** are arrays of numbers in groups. Each group becomes one field of the result. If the text lacks that field, it
//!   was not asked for, and its arrays are empty.
//!
//! The [`Layout`] of a result lists its groups and arrays in their order. It is the only definition of that order: results
//! are packed by it, and the addon passes all layouts to `runtime.js` when it loads, which unpacks by them.
//!
//! | form of a group | arrays | field of the result |
//! |---|---|---|
//! | `values` | one, with a number for each name | an object of numbers; NaN becomes null. Without numbers, the field stays as in the text |
//! | `rows` | one, a column-major matrix with a column for each name | an array of objects, created when it is first read |
//! | `columns` | one for each name | an object of typed arrays |
//! | `column` | one | a typed array |
//!
//! The data have one of two encodings:
//!
//! - A **block** is a single `Float64Array`. It begins with the length of the arrays of each group. All arrays follow one after
//!   the other, integers as floating-point numbers. JavaScript copies them out. This is faster for up to [`MAX_BLOCK`]
//!   numbers, since each typed array that Rust creates costs about a microsecond.
//! - A **list** has one typed array for each array, without copies.

use napi::bindgen_prelude::{
    Either5, Float32Array, Float64Array, Uint8Array, Uint16Array, Uint32Array, Unknown,
};
use napi::{Either, Env, Result};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::runtime::Runtime;

/// The maximum number of numbers in a block.
const MAX_BLOCK: usize = 16_384;

/// The groups of a result type.
pub type Layout<R> = [Group<R>];

/// The arrays of one field of a result.
pub struct Group<R: 'static> {
    /// The name of the field.
    pub field: &'static str,
    /// The arrays.
    pub arrays: Arrays<R>,
}

/// The arrays of a group, by its form.
pub enum Arrays<R: 'static> {
    /// The names of numbers, and the numbers.
    Values(fn() -> Vec<&'static str>, fn(&mut R) -> Vec<f64>),
    /// The names of the columns of a matrix, and the matrix.
    Rows(fn() -> Vec<&'static str>, fn(&mut R) -> Vec<f64>),
    /// Named columns of equal length.
    Columns(&'static [(&'static str, TakeColumn<R>)]),
    /// One column.
    Column(TakeColumn<R>),
}

/// Moves a column out of a result. The variant is the type of the array in JavaScript.
pub enum TakeColumn<R> {
    /// A `Float64Array`.
    Float64(fn(&mut R) -> Vec<f64>),
    /// A `Uint32Array`.
    Uint32(fn(&mut R) -> Vec<u32>),
    /// A `Uint8Array`.
    Uint8(fn(&mut R) -> Vec<u8>),
}

/// A column. The variant is the type of the array in JavaScript.
pub enum Column {
    /// A `Float64Array`.
    Float64(Vec<f64>),
    /// A `Float32Array`.
    Float32(Vec<f32>),
    /// A `Uint32Array`.
    Uint32(Vec<u32>),
    /// A `Uint16Array`.
    Uint16(Vec<u16>),
    /// A `Uint8Array`.
    Uint8(Vec<u8>),
}

/// A packed result.
pub struct Packed {
    text: String,
    data: Data,
}

enum Data {
    Block(Vec<f64>),
    List(Vec<Column>),
}

type JsArray = Either5<Float64Array, Uint32Array, Uint16Array, Uint8Array, Float32Array>;

impl Packed {
    /// Packs a result by its layout.
    ///
    /// # Errors
    /// `INTERNAL` if the result cannot be serialized.
    pub fn new<R: Serialize + 'static>(mut result: R, layout: &Layout<R>) -> crate::Result<Self> {
        let groups: Vec<Vec<Column>> =
            layout.iter().map(|group| group.arrays.take(&mut result)).collect();
        let text = serde_json::to_string(&result).map_err(|error| {
            crate::Error::internal(format!("the result cannot be serialized: {error}"))
        })?;
        debug_assert!(
            groups
                .iter()
                .all(|arrays| arrays.windows(2).all(|pair| pair[0].len() == pair[1].len())),
            "Invariant: the arrays of a group have equal lengths"
        );
        let numbers: usize = groups.iter().flatten().map(Column::len).sum();
        let data = if numbers <= MAX_BLOCK {
            let mut block = Vec::with_capacity(groups.len() + numbers);
            let lengths = groups.iter().map(|arrays| arrays.first().map_or(0, Column::len));
            #[expect(clippy::cast_precision_loss, reason = "a block has few numbers")]
            block.extend(lengths.map(|length| length as f64));
            groups.iter().flatten().for_each(|array| array.append_to(&mut block));
            Data::Block(block)
        } else {
            Data::List(groups.into_iter().flatten().collect())
        };
        Ok(Self { text, data })
    }

    /// Packs a text with any columns, which the function of `runtime.js` that unpacks them finds by the text.
    ///
    /// # Errors
    /// `INTERNAL` if the text cannot be serialized.
    pub fn of_columns(text: &impl Serialize, columns: Vec<Column>) -> crate::Result<Self> {
        let text = serde_json::to_string(text).map_err(|error| {
            crate::Error::internal(format!("the result cannot be serialized: {error}"))
        })?;
        Ok(Self { text, data: Data::List(columns) })
    }

    /// Unpacks the result in JavaScript with a function of `runtime.js`.
    pub fn into_js(self, env: &Env, unpack: &str) -> Result<Unknown<'static>> {
        let data = match self.data {
            Data::Block(block) => Either::A(Float64Array::new(block)),
            Data::List(arrays) => {
                Either::B(arrays.into_iter().map(JsArray::from).collect::<Vec<_>>())
            }
        };
        Runtime::of(env)?
            .helper::<(String, Either<Float64Array, Vec<JsArray>>), _>(env, unpack)?
            .apply((), (self.text, data).into())
    }
}

impl<R: 'static> Arrays<R> {
    fn take(&self, result: &mut R) -> Vec<Column> {
        match self {
            Self::Values(_, take) | Self::Rows(_, take) => vec![Column::Float64(take(result))],
            Self::Columns(columns) => columns.iter().map(|(_, take)| take.take(result)).collect(),
            Self::Column(take) => vec![take.take(result)],
        }
    }

    fn describe(&self) -> Value {
        match self {
            Self::Values(names, _) => json!({ "form": "values", "names": names() }),
            Self::Rows(names, _) => json!({ "form": "rows", "names": names() }),
            Self::Columns(columns) => {
                let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
                let types: Vec<&str> = columns.iter().map(|(_, take)| take.type_name()).collect();
                json!({ "form": "columns", "names": names, "types": types })
            }
            Self::Column(take) => json!({ "form": "column", "types": [take.type_name()] }),
        }
    }
}

/// Describes a layout to `runtime.js`.
pub fn describe<R: 'static>(layout: &Layout<R>) -> Value {
    let group = |group: &Group<R>| {
        let mut description = group.arrays.describe();
        description["field"] = group.field.into();
        description
    };
    layout.iter().map(group).collect()
}

impl<R> TakeColumn<R> {
    fn take(&self, result: &mut R) -> Column {
        match self {
            Self::Float64(take) => Column::Float64(take(result)),
            Self::Uint32(take) => Column::Uint32(take(result)),
            Self::Uint8(take) => Column::Uint8(take(result)),
        }
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::Float64(_) => "Float64Array",
            Self::Uint32(_) => "Uint32Array",
            Self::Uint8(_) => "Uint8Array",
        }
    }
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Float64(values) => values.len(),
            Self::Float32(values) => values.len(),
            Self::Uint32(values) => values.len(),
            Self::Uint16(values) => values.len(),
            Self::Uint8(values) => values.len(),
        }
    }

    fn append_to(&self, block: &mut Vec<f64>) {
        match self {
            Self::Float64(values) => block.extend_from_slice(values),
            Self::Float32(values) => block.extend(values.iter().copied().map(f64::from)),
            Self::Uint32(values) => block.extend(values.iter().copied().map(f64::from)),
            Self::Uint16(values) => block.extend(values.iter().copied().map(f64::from)),
            Self::Uint8(values) => block.extend(values.iter().copied().map(f64::from)),
        }
    }
}

impl From<Column> for JsArray {
    /// Moves the array: JavaScript owns its memory from then on.
    fn from(array: Column) -> Self {
        match array {
            Column::Float64(values) => Self::A(values.into()),
            Column::Uint32(values) => Self::B(values.into()),
            Column::Uint16(values) => Self::C(values.into()),
            Column::Uint8(values) => Self::D(values.into()),
            Column::Float32(values) => Self::E(values.into()),
        }
    }
}

/// Serializes a field with columns as `null`, which keeps its place among the fields.
pub fn as_null<T, S: Serializer>(_: &T, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_unit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Sample {
        name: &'static str,
        #[serde(serialize_with = "as_null")]
        bars: Vec<u32>,
        #[serde(serialize_with = "as_null")]
        prices: Vec<f64>,
    }

    static LAYOUT: [Group<Sample>; 2] = [
        Group {
            field: "columns",
            arrays: Arrays::Columns(&[
                ("bar", TakeColumn::Uint32(|sample| std::mem::take(&mut sample.bars))),
                ("price", TakeColumn::Float64(|sample| sample.prices.clone())),
            ]),
        },
        Group {
            field: "prices",
            arrays: Arrays::Column(TakeColumn::Float64(|sample| {
                std::mem::take(&mut sample.prices)
            })),
        },
    ];

    fn pack(count: u32) -> Packed {
        let prices = (0..count).map(|bar| f64::from(bar) + 0.5).collect();
        Packed::new(Sample { name: "A", bars: (0..count).collect(), prices }, &LAYOUT).unwrap()
    }

    #[test]
    fn few_numbers_are_packed_into_a_block_and_many_into_a_list() {
        let Packed { text, data: Data::Block(block) } = pack(2) else { panic!("no block") };
        assert_eq!(text, r#"{"name":"A","bars":null,"prices":null}"#);
        assert_eq!(block, [2.0, 2.0, 0.0, 1.0, 0.5, 1.5, 0.5, 1.5]);
        let Packed { data: Data::List(list), .. } = pack(10_000) else { panic!("no list") };
        assert_eq!(list.iter().map(Column::len).collect::<Vec<_>>(), [10_000; 3]);
    }

    #[test]
    fn a_layout_is_described_in_its_order() {
        assert_eq!(
            describe(&LAYOUT),
            json!([
                { "field": "columns", "form": "columns", "names": ["bar", "price"], "types": ["Uint32Array", "Float64Array"] },
                { "field": "prices", "form": "column", "types": ["Float64Array"] },
            ])
        );
    }
}
