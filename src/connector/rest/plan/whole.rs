//! Tickets that are written with all their messages at once: what the create step sees of each message, and which steps it covers.

use crate::connector::manifest::{Verb, WriteStep};
use crate::connector::plan::{Late, picture, placeholder};
use crate::connector::profile::MessagesGo;
use crate::connector::rest::Rest;
use crate::expr::plain;
use crate::ledger::StepKey;
use crate::record::Kind;
use serde_json::Value;

/// Bodies of a message in which pictures are shown.
const BODIES: [&str; 3] = ["body", "body_by_api", "body_with_date"];

/// How the messages of a ticket and their files hang together with its steps.
pub(super) struct Whole {
    create: StepKey,
    /// Name of the step that adds a later message.
    append: String,
}

impl Whole {
    /// The step that carries a message in the end: the first one's is the ticket's own.
    fn step_of(&self, message: &Value, first: bool) -> StepKey {
        if first { self.create.clone() } else { StepKey::new(&self.append, plain(&message["id"]), part(message)) }
    }

    /// The steps of the messages that the ticket is written with.
    pub fn covered(&self, messages: &[Value]) -> Vec<StepKey> {
        messages.iter().skip(1).map(|message| self.step_of(message, false)).collect()
    }

    /// The step a file of the ticket is sent with.
    pub fn names(&self, file: &Value, messages: &[Value]) -> StepKey {
        let owner = messages.iter().position(|m| part(m) == 0 && m["id"] == file["comment"]);
        owner.map_or_else(|| self.create.clone(), |at| self.step_of(&messages[at], at == 0))
    }
}

/// The place of a message among the parts one of the source was cut into.
pub(crate) fn part(message: &Value) -> u32 {
    message["part"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or_default()
}

impl Rest {
    /// How tickets of this platform get their messages; none where each later one is a step.
    pub(super) fn whole(&self, kind: Kind) -> Option<Whole> {
        if kind != Kind::Ticket || self.manifest.profile.messages != MessagesGo::WithTicket {
            return None;
        }
        let appends = self.manifest.write.get(Kind::Comment.code())?;
        let append = appends.iter().find(|rule| rule.verb == Verb::Append)?.step.clone();
        Some(Whole { create: StepKey::new(self.create_step(kind)?, "", 0), append })
    }

    pub(crate) fn is_whole(&self, kind: Kind) -> bool {
        self.whole(kind).is_some()
    }

    /// A file of a message with what its upload step will answer.
    pub(super) fn upload_of(&self, rules: &[WriteStep], file: &Value) -> Value {
        let mut upload = file.clone();
        if let Some(rule) = rules.iter().find(|r| r.verb == Verb::Upload) {
            for output in rule.outputs.keys() {
                let step = StepKey::new(&rule.step, plain(&file["id"]), 0);
                upload[output] = placeholder(&Late { step, output: output.clone() }).into();
            }
        }
        upload
    }

    /// Gives each message its `uploads`, and the pictures it shows their address.
    pub(super) fn with_uploads(&self, mapped: &mut Value) {
        let Some(rules) = self.manifest.write.get(Kind::Ticket.code()) else { return };
        for message in mapped["comments"].as_array_mut().into_iter().flatten() {
            let files = message["attachments"].as_array().cloned().unwrap_or_default();
            let uploads: Vec<Value> = files.iter().map(|file| self.upload_of(rules, file)).collect();
            for upload in &uploads {
                let (Some(address), token) = (upload["content_url"].as_str(), picture(&plain(&upload["id"]))) else {
                    continue;
                };
                for body in BODIES {
                    if let Some(text) = message[body].as_str().filter(|text| text.contains(&token)) {
                        message[body] = text.replace(&token, address).into();
                    }
                }
            }
            message["uploads"] = uploads.into();
        }
    }
}
