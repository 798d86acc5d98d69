//! Request bodies: a list of pieces whose lengths are known before the first byte is sent, and a stream that
//! reads its files anew for each try, 48 KiB at a time.
//!
//! Lengths are always announced, since some servers refuse a chunked request. Multipart is written here and not
//! by the client library, because platforms disagree on file names and the raw UTF-8 form is the one that arrives.

use super::call::{Content, Part, Payload};
use crate::error::{Problem, Reason, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::Stream;
use reqwest::header::HeaderValue;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// Bytes of a file in memory at a time: a multiple of three, so that base64 comes out without padding between.
const CHUNK: usize = 48 * 1024;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A body that is ready to be sent, any number of times.
#[derive(Debug)]
pub(super) struct Body {
    pub content_type: Option<HeaderValue>,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Bytes(Bytes),
    File { path: PathBuf, len: u64 },
    Base64 { path: PathBuf, len: u64 },
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Piece::Bytes(bytes) => bytes.len() as u64,
            Piece::File { len, .. } => *len,
            Piece::Base64 { len, .. } => len.div_ceil(3) * 4,
        }
    }
}

impl Body {
    /// Looks at every file. An error means that nothing was sent.
    pub async fn of(payload: &Payload) -> Result<Self> {
        let mut body = Self { content_type: None, pieces: vec![] };
        match payload {
            Payload::None => {}
            Payload::Json(value) => {
                body.content_type = Some(JSON);
                body.bytes(value.to_string());
            }
            Payload::Form(pairs) => {
                body.content_type = Some(HeaderValue::from_static("application/x-www-form-urlencoded"));
                body.bytes(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish());
            }
            Payload::File { path, content_type } => {
                body.content_type = Some(header(content_type)?);
                body.file(path).await?;
            }
            Payload::JsonWithFiles { json, files } => {
                body.content_type = Some(JSON);
                body.json_with_files(json, files).await?;
            }
            Payload::Multipart(parts) => {
                let boundary = boundary();
                body.content_type = Some(header(&format!("multipart/form-data; boundary={boundary}"))?);
                body.multipart(parts, &boundary).await?;
            }
        }
        Ok(body)
    }

    pub fn len(&self) -> u64 {
        self.pieces.iter().map(Piece::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The whole body, where it holds no file.
    pub fn held(&self) -> Option<Bytes> {
        match self.pieces.as_slice() {
            [] => Some(Bytes::new()),
            [Piece::Bytes(bytes)] => Some(bytes.clone()),
            _ => None,
        }
    }

    /// The body as chunks; `moved` is told of each. It fails when a file is shorter than it was, and never sends
    /// more of one than was announced.
    pub fn stream(&self, moved: impl Fn() + Send + 'static) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let pieces = self.pieces.clone();
        async_stream::try_stream! {
            for piece in pieces {
                let (path, len, encoded) = match piece {
                    Piece::Bytes(bytes) => {
                        moved();
                        yield bytes;
                        continue;
                    }
                    Piece::File { path, len } => (path, len, false),
                    Piece::Base64 { path, len } => (path, len, true),
                };
                let mut file = File::open(&path).await?;
                let mut left = len;
                while left > 0 {
                    let mut chunk = vec![0; CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
                    file.read_exact(&mut chunk).await?;
                    left -= chunk.len() as u64;
                    moved();
                    yield if encoded { STANDARD.encode(&chunk).into() } else { chunk.into() };
                }
            }
        }
    }

    fn bytes(&mut self, bytes: impl Into<Bytes>) {
        self.pieces.push(Piece::Bytes(bytes.into()));
    }

    async fn file(&mut self, path: &Path) -> Result<()> {
        let len = length(path).await?;
        self.pieces.push(Piece::File { path: path.to_owned(), len });
        Ok(())
    }

    async fn multipart(&mut self, parts: &[Part], boundary: &str) -> Result<()> {
        for part in parts {
            let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(&part.name));
            if let Some(name) = &part.file_name {
                head.push_str(&format!("; filename=\"{}\"", quoted(name)));
            }
            let default = match (&part.content, &part.file_name) {
                (Content::Json(_), _) => Some("application/json"),
                (Content::File(_), _) | (_, Some(_)) => Some("application/octet-stream"),
                (Content::Bytes(_), None) => None,
            };
            if let Some(kind) = part.content_type.as_deref().or(default) {
                header(kind)?;
                head.push_str(&format!("\r\nContent-Type: {kind}"));
            }
            self.bytes(head + "\r\n\r\n");
            match &part.content {
                Content::Bytes(bytes) => self.bytes(bytes.clone()),
                Content::Json(value) => self.bytes(value.to_string()),
                Content::File(path) => self.file(path).await?,
            }
            self.bytes("\r\n");
        }
        self.bytes(format!("--{boundary}--\r\n"));
        self.join();
        Ok(())
    }

    async fn json_with_files(&mut self, json: &Value, files: &BTreeMap<String, PathBuf>) -> Result<()> {
        let mut lengths = BTreeMap::new();
        for (key, path) in files {
            lengths.insert(key.as_str(), (path, length(path).await?));
        }
        let mut missing: BTreeSet<&str> = lengths.keys().copied().collect();
        let mut text = String::new();
        let mut twice = false;
        write(json, &mut text, &mut |text, key| {
            let Some((path, len)) = lengths.get(key) else { return false };
            twice |= !missing.remove(key);
            text.push('"');
            self.bytes(std::mem::take(text));
            self.pieces.push(Piece::Base64 { path: (*path).clone(), len: *len });
            text.push('"');
            true
        });
        self.bytes(text);
        if twice || !missing.is_empty() {
            return Err(Problem::new(Reason::Internal, "a file has no place, or two, in the JSON that is to hold it"));
        }
        Ok(())
    }

    /// Adjacent bytes become one piece.
    fn join(&mut self) {
        let mut joined: Vec<Piece> = vec![];
        for piece in self.pieces.drain(..) {
            match (joined.last_mut(), piece) {
                (Some(Piece::Bytes(before)), Piece::Bytes(bytes)) => {
                    *before = [before.as_ref(), bytes.as_ref()].concat().into();
                }
                (_, piece) => joined.push(piece),
            }
        }
        self.pieces = joined;
    }
}

/// Writes compact JSON, asking `place` about each string value; true means that it was written there.
fn write(value: &Value, text: &mut String, place: &mut impl FnMut(&mut String, &str) -> bool) {
    match value {
        Value::String(s) if place(text, s) => {}
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(item, text, place);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            text.push('{');
            for (at, (key, item)) in fields.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write(item, text, place);
            }
            text.push('}');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

async fn length(path: &Path) -> Result<u64> {
    let unreadable = |e: io::Error| Problem::new(Reason::Disk, format!("cannot read {}: {e}", path.display()));
    let found = File::open(path).await.map_err(unreadable)?.metadata().await.map_err(unreadable)?;
    if !found.is_file() {
        return Err(Problem::new(Reason::Disk, format!("{} is not a file", path.display())));
    }
    Ok(found.len())
}

fn header(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text)
        .map_err(|_| Problem::new(Reason::Invalid, format!("`{}` is not a valid content type", text.escape_debug())))
}

fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

fn boundary() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("deskferry-{:016x}{:016x}", random(), random())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt;
    use proptest::prelude::*;
    use serde_json::json;

    async fn sent(body: &Body) -> (Vec<u8>, usize) {
        let chunks: Vec<Bytes> = body.stream(|| ()).try_collect().await.unwrap();
        (chunks.concat(), chunks.iter().map(Bytes::len).max().unwrap_or(0))
    }

    fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        (dir, path)
    }

    #[tokio::test]
    async fn multipart_keeps_raw_file_names_and_nested_json_byte_for_byte() {
        let (_dir, path) = file(b"\x00\xffbytes");
        let part = |name: &str, file_name: Option<&str>, content| Part {
            name: name.into(),
            file_name: file_name.map(str::to_owned),
            content_type: None,
            content,
        };
        let parts = vec![
            part("JSON", None, Content::Json(json!({"Subject": "Grüße"}))),
            part("note", None, Content::Bytes("plain".into())),
            part("Attachments", Some("скан \"1\"\r\n😀.bin"), Content::File(path)),
        ];
        let body = Body::of(&Payload::Multipart(parts)).await.unwrap();
        let content_type = body.content_type.clone().unwrap().to_str().unwrap().to_owned();
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        let mut expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"JSON\"\r\nContent-Type: application/json\r\n\r\n{{\"Subject\":\"Grüße\"}}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nplain\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"Attachments\"; filename=\"скан %221%22%0D%0A😀.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        expected.extend(b"\x00\xffbytes");
        expected.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
        assert_eq!(sent(&body).await.0, expected);
        assert_eq!(body.len(), expected.len() as u64);
    }

    #[tokio::test]
    async fn a_large_file_in_json_is_sent_in_small_chunks_and_again_in_full() {
        let bytes: Vec<u8> = (0..5_000_001u32).map(|n| ((n * 7) >> 3) as u8).collect();
        let (_dir, path) = file(&bytes);
        let json = json!({"Content": "\u{1}file\u{1}", "Name": "a\"b"});
        let payload = Payload::JsonWithFiles { json, files: [("\u{1}file\u{1}".to_owned(), path)].into() };
        let body = Body::of(&payload).await.unwrap();
        for _ in 0..2 {
            let (text, largest) = sent(&body).await;
            assert_eq!(text.len() as u64, body.len());
            assert!(largest <= 64 * 1024, "{largest}");
            let value: Value = serde_json::from_slice(&text).unwrap();
            assert!(STANDARD.decode(value["Content"].as_str().unwrap()).unwrap() == bytes);
            assert_eq!(value["Name"], "a\"b");
        }
    }

    #[tokio::test]
    async fn a_missing_file_or_place_is_found_before_anything_is_sent() {
        let gone = Payload::File { path: "/nonexistent/x".into(), content_type: "a/b".into() };
        assert_eq!(Body::of(&gone).await.unwrap_err().reason, Reason::Disk);
        let (_dir, path) = file(b"x");
        for json in [json!({"a": "other"}), json!(["k", "k"]), json!({"k": 1})] {
            let payload = Payload::JsonWithFiles { json, files: [("k".to_owned(), path.clone())].into() };
            assert_eq!(Body::of(&payload).await.unwrap_err().reason, Reason::Internal);
        }
    }

    #[tokio::test]
    async fn a_file_that_shrank_fails_and_one_that_grew_is_cut_at_its_announced_length() {
        let (_dir, path) = file(b"0123456789");
        let body = Body::of(&Payload::File { path: path.clone(), content_type: "a/b".into() }).await.unwrap();
        std::fs::write(&path, b"0123456789abc").unwrap();
        assert_eq!(sent(&body).await.0, b"0123456789");
        std::fs::write(&path, b"01234").unwrap();
        assert!(body.stream(|| ()).try_collect::<Vec<_>>().await.is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn json_with_a_file_reads_back_as_the_json_it_was(
            strings in prop::collection::vec("\\PC{0,12}", 1..5),
            bytes in prop::collection::vec(any::<u8>(), 0..500),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (_dir, path) = file(&bytes);
                let json = json!({"strings": strings, "file": "\u{0}f", "n": [1.5, null, true, {"\"k\"": {}}, []]});
                let payload = Payload::JsonWithFiles { json: json.clone(), files: [("\u{0}f".to_owned(), path)].into() };
                let body = Body::of(&payload).await.unwrap();
                let mut expected = json;
                expected["file"] = STANDARD.encode(&bytes).into();
                let text = sent(&body).await.0;
                assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), expected);
                assert_eq!(text.len() as u64, body.len());
            });
        }
    }
}
