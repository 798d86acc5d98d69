//! The body of a write, JSON or multipart, as one object and the files beside it.

use super::refusal::Refusal;
use crate::desk::Call;
use axum::body::Bytes;
use futures_util::FutureExt;
use futures_util::stream;
use serde_json::{Map, Value};

/// A file of a multipart body.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The part's name, without `[]`.
    pub part: String,
    pub name: String,
    pub content_type: String,
    pub bytes: Bytes,
}

/// What a write sets.
#[derive(Debug, Default)]
pub struct Form {
    pub values: Map<String, Value>,
    pub files: Vec<Upload>,
    /// A multipart body knows only text: `"2"` stands for 2, `"true"` for true.
    pub textual: bool,
}

impl Form {
    /// Reads the body by its `Content-Type`; an empty one is an empty form.
    pub fn of(call: &Call) -> Result<Self, Refusal> {
        let kind = call.headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
        if let Ok(boundary) = multer::parse_boundary(kind) {
            return multipart(call.body.clone(), boundary).ok_or(Refusal::Json);
        }
        if call.body.is_empty() {
            return Ok(Self::default());
        }
        if !kind.trim_start().to_ascii_lowercase().starts_with("application/json") {
            return Err(Refusal::ContentType(kind.to_owned()));
        }
        match serde_json::from_slice(&call.body) {
            Ok(Value::Object(values)) => Ok(Self { values, ..Self::default() }),
            _ => Err(Refusal::Json),
        }
    }
}

/// Rack's reading of part names: `tags[]` is an array's element, `custom_fields[cf_x]` a key of an object.
fn multipart(body: Bytes, boundary: String) -> Option<Form> {
    let whole = stream::iter([Ok::<_, std::io::Error>(body)]);
    let mut parts = multer::Multipart::new(whole, boundary);
    let mut form = Form { textual: true, ..Form::default() };
    // All bytes are here: no part is ever waited for.
    while let Some(part) = parts.next_field().now_or_never()?.ok()? {
        let name = part.name()?.to_owned();
        let file_name = part.file_name().map(str::to_owned);
        let content_type = part.content_type().map(ToString::to_string);
        let bytes = part.bytes().now_or_never()?.ok()?;
        match file_name {
            Some(file) => form.files.push(Upload {
                part: name.trim_end_matches("[]").to_owned(),
                name: file,
                content_type: content_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
                bytes,
            }),
            None => place(&mut form.values, &name, String::from_utf8(bytes.to_vec()).ok()?)?,
        }
    }
    Some(form)
}

fn place(values: &mut Map<String, Value>, name: &str, text: String) -> Option<()> {
    let Some((outer, inner)) = name.strip_suffix(']').and_then(|n| n.split_once('[')) else {
        values.insert(name.to_owned(), Value::String(text));
        return Some(());
    };
    let slot = values.entry(outer);
    if inner.is_empty() {
        slot.or_insert_with(|| Value::Array(Vec::new())).as_array_mut()?.push(Value::String(text));
    } else {
        let object = slot.or_insert_with(|| Value::Object(Map::new())).as_object_mut()?;
        object.insert(inner.trim_end_matches("][").to_owned(), Value::String(text));
    }
    Some(())
}
