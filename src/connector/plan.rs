//! The plan of one record: steps with typed late-bound values.
//!
//! A step's request is a template. A value that only an earlier step's answer tells (an upload token,
//! the new ticket's id) stands in it as [`Piece::Late`], is shown by name in a preview, and is filled
//! in when the step is applied. The request hash is over the template, so that it is the same in
//! every run. A step's key never holds a position.

use super::manifest::Verb;
use crate::error::{Problem, Reason, Result};
use crate::ledger::StepKey;
use crate::record::{Kind, Outputs};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

const OPEN: char = '\u{E000}';
const CLOSE: char = '\u{E001}';

/// The output that is the id of what a step wrote as a number, where it is one.
pub const ID_NUMBER: &str = "id_number";

/// A value of an earlier step of the same record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Late {
    pub step: StepKey,
    pub output: String,
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.step.child.is_empty() {
            write!(f, "<{}.{}>", self.step.step, self.output)
        } else {
            write!(f, "<{} {}.{}>", self.step.step, self.step.child, self.output)
        }
    }
}

/// The text by which expressions migrate a late value: private-use characters that [`scrub`] keeps out of records.
pub fn placeholder(late: &Late) -> String {
    let Late { step, output } = late;
    format!("{OPEN}{}\u{1f}{}\u{1f}{}\u{1f}{output}{CLOSE}", step.step, step.child, step.part)
}

/// What stands in a body where a picture is shown by the address its upload answers, until the steps are planned.
pub fn picture(file: &str) -> String {
    format!("deskferry-upload-{}", &blake3::hash(file.as_bytes()).to_hex()[..24])
}

/// Takes our two private-use characters out of a text from outside.
pub fn scrub(text: &str) -> String {
    text.replace([OPEN, CLOSE], "\u{FFFD}")
}

#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Lit(String),
    Late(Late),
}

/// A string with late values in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text(Vec<Piece>);

impl Text {
    pub fn parse(text: &str) -> Text {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(OPEN) {
            let after = &rest[open + OPEN.len_utf8()..];
            let Some(close) = after.find(CLOSE) else { break };
            if open > 0 {
                pieces.push(Piece::Lit(rest[..open].to_owned()));
            }
            pieces.push(match parse_late(&after[..close]) {
                Some(late) => Piece::Late(late),
                None => Piece::Lit(after[..close].to_owned()),
            });
            rest = &after[close + CLOSE.len_utf8()..];
        }
        if !rest.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Lit(rest.to_owned()));
        }
        Text(pieces)
    }

    pub fn fill(&self, values: &LateValues) -> Result<String> {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Lit(text) => out.push_str(text),
                Piece::Late(late) => match values.get(late)? {
                    Value::String(text) => out.push_str(text),
                    other => out.push_str(&other.to_string()),
                },
            }
        }
        Ok(out)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Lit(text) => f.write_str(text),
            Piece::Late(late) => write!(f, "{late}"),
        })
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn parse_late(text: &str) -> Option<Late> {
    let mut parts = text.split('\u{1f}');
    let late = Late {
        step: StepKey { step: parts.next()?.into(), child: parts.next()?.into(), part: parts.next()?.parse().ok()? },
        output: parts.next()?.into(),
    };
    parts.next().is_none().then_some(late)
}

/// A JSON document with late values in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Node {
    Leaf(Value),
    Text(Text),
    List(Vec<Node>),
    Map(serde_json_map::Pairs),
}

/// Ordered pairs that serialise as a JSON object.
mod serde_json_map {
    use super::Node;
    use serde::{Serialize, Serializer};

    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Pairs(pub Vec<(String, Node)>);

    impl Serialize for Pairs {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(key, node)| (key, node)))
        }
    }
}

impl Node {
    /// Makes the placeholders of an evaluated expression typed.
    pub fn from_value(value: Value) -> Node {
        match value {
            Value::String(text) if text.contains(OPEN) => Node::Text(Text::parse(&text)),
            Value::Array(items) => Node::List(items.into_iter().map(Node::from_value).collect()),
            Value::Object(map) => {
                Node::Map(serde_json_map::Pairs(map.into_iter().map(|(k, v)| (k, Node::from_value(v))).collect()))
            }
            other => Node::Leaf(other),
        }
    }

    /// As [`fill`](Node::fill), with null for what is not known yet.
    pub fn fill_known(&self, values: &LateValues) -> Value {
        match self {
            Node::Leaf(value) => value.clone(),
            Node::Text(Text(pieces)) if let [Piece::Late(late)] = pieces.as_slice() => {
                values.get(late).cloned().unwrap_or_default()
            }
            Node::Text(text) => text.fill(values).map_or(Value::Null, Value::String),
            Node::List(items) => items.iter().map(|n| n.fill_known(values)).collect(),
            Node::Map(pairs) => Value::Object(pairs.0.iter().map(|(k, n)| (k.clone(), n.fill_known(values))).collect()),
        }
    }

    pub fn fill(&self, values: &LateValues) -> Result<Value> {
        Ok(match self {
            Node::Leaf(value) => value.clone(),
            // A lone late value keeps its JSON type.
            Node::Text(Text(pieces)) if let [Piece::Late(late)] = pieces.as_slice() => values.get(late)?.clone(),
            Node::Text(text) => Value::String(text.fill(values)?),
            Node::List(items) => Value::Array(items.iter().map(|n| n.fill(values)).collect::<Result<_>>()?),
            Node::Map(pairs) => {
                Value::Object(pairs.0.iter().map(|(k, n)| Ok((k.clone(), n.fill(values)?))).collect::<Result<_>>()?)
            }
        })
    }
}

/// What earlier steps answered.
#[derive(Clone, Debug, Default)]
pub struct LateValues(HashMap<StepKey, Outputs>);

impl LateValues {
    pub fn put(&mut self, step: StepKey, outputs: Outputs) {
        self.0.insert(step, outputs);
    }

    /// The target's id for what a step wrote, where it is known.
    pub fn id_of(&self, step: &StepKey) -> Option<String> {
        self.0.get(step)?.get("id")?.as_str().filter(|id| !id.is_empty()).map(str::to_owned)
    }

    pub fn get(&self, late: &Late) -> Result<&Value> {
        self.0.get(&late.step).and_then(|o| o.get(&late.output)).ok_or_else(|| {
            Problem::new(Reason::Internal, format!("{late} is not known: the step before it has not been answered"))
        })
    }
}

/// One call, as a template.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Request {
    pub method: String,
    pub path: Text,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, Text)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, Text)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Content>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    Json(Node),
    Form(Vec<(String, Text)>),
    Multipart(Vec<Part>),
    File(FilePart),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    Value { name: String, value: Text },
    Json { name: String, json: Node },
    File { name: String, file: FilePart },
}

/// The bytes of one staged file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FilePart {
    pub name: String,
    pub mime: String,
    /// BLAKE3 of the bytes: what the request hash knows of them.
    pub hash: String,
    #[serde(skip)]
    pub path: PathBuf,
}

/// One effect on the target, ready to be applied.
#[derive(Clone, Debug)]
pub struct Step {
    pub key: StepKey,
    pub verb: Verb,
    pub request: Request,
    /// The same effect by the API user, with a header line that names the author.
    pub fallback: Option<Request>,
    /// The section of the manifest's `write` and the place in it.
    pub rule: (String, usize),
    pub marker: Option<String>,
    /// Whether the message must not be seen by customers.
    pub private: bool,
    /// What expressions of the manifest see, without the ticket's messages.
    pub scope: Value,
    /// Steps whose effect this one has too: the messages a ticket is written with.
    pub covers: Vec<StepKey>,
    /// Of an upload, the step that names its file; none where it is the next one that creates or appends.
    pub serves: Option<StepKey>,
    /// What is lost when it is sent.
    pub loss: Option<crate::error::Loss>,
    /// Only where the record came to be in the target in this way.
    pub only: Option<crate::connector::manifest::Only>,
}

/// What the marker of every ticket we write begins with.
pub const MARKER: &str = "deskferry:";

impl Step {
    /// Whether it writes a message of a ticket, which is looked for among the ticket's others.
    pub fn is_message(&self) -> bool {
        self.verb == Verb::Append && self.rule.0 == Kind::Comment.code()
    }

    /// Whether what is found by this step can only be our own: by our marker, or as a message below our own record.
    pub fn marker_is_ours(&self) -> bool {
        self.marker.as_ref().is_none_or(|marker| marker.starts_with(MARKER))
    }

    /// BLAKE3 over the template: equal in every run for an unchanged record and mapping.
    pub fn request_hash(&self) -> String {
        let json = serde_json::to_vec(&self.request).unwrap_or_default();
        blake3::hash(&json).to_hex()[..32].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn late() -> Late {
        Late { step: StepKey { step: "create".into(), child: String::new(), part: 0 }, output: "id".into() }
    }

    fn answered(id: Value) -> LateValues {
        let mut values = LateValues::default();
        values.put(late().step, Outputs::from([("id".into(), id)]));
        values
    }

    #[test]
    fn a_late_value_alone_keeps_its_type_and_inside_text_becomes_text() {
        let node =
            Node::from_value(json!({"a": placeholder(&late()), "b": format!("/issues/{}.json", placeholder(&late()))}));
        assert_eq!(node.fill(&answered(json!(7))).unwrap(), json!({"a": 7, "b": "/issues/7.json"}));
    }

    #[test]
    fn a_template_shows_late_values_by_name() {
        let node = Node::from_value(json!({"id": placeholder(&late())}));
        assert_eq!(serde_json::to_value(&node).unwrap(), json!({"id": "<create.id>"}));
    }

    #[test]
    fn an_unanswered_step_is_an_error_and_not_an_empty_value() {
        let text = Text::parse(&placeholder(&late()));
        assert_eq!(text.fill(&LateValues::default()).unwrap_err().reason, Reason::Internal);
    }

    #[test]
    fn a_record_cannot_forge_a_late_value() {
        assert!(!Text::parse(&scrub(&placeholder(&late()))).fill(&answered(json!(7))).unwrap().contains('7'));
    }
}
