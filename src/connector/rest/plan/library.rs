//! Plans a record of a knowledge base: the record, its files, its translations, its further folders, and what comes last.
//!
//! Each of these has a section of its own, so that each can be found again by a rule of its own. In a body the token of a file is
//! replaced by the address that the step of the file will answer.

use crate::connector::manifest::{Each, WriteStep};
use crate::connector::plan::{Late, Step, placeholder};
use crate::connector::rest::Rest;
use crate::error::Result;
use crate::expr::{EvalContext, plain};
use crate::ledger::StepKey;
use crate::record::Kind;
use serde_json::{Value, json};

/// What a section of `write` may be of a category, a section or an article: `article_translation`.
pub const PARTS: [&str; 4] = [FILE, TRANSLATION, VARIANT, FINISH];
const FILE: &str = "file";
const TRANSLATION: &str = "translation";
const VARIANT: &str = "variant";
const FINISH: &str = "finish";
/// The output of a file's step that is its address.
const URL: &str = "url";

impl Rest {
    pub(super) fn plan_library(&self, kind: Kind, mapped: Value, marker: &str) -> Result<Vec<Step>> {
        let mapped = self.with_addresses(kind, mapped);
        let list = |name: &str| mapped[name].as_array().cloned().unwrap_or_default();
        let (files, translations, variants) = (list("attachments"), list("translations"), list("variants"));
        let mut eval_context = EvalContext::new(self.base(kind, mapped, marker));
        let mut steps = Vec::new();
        self.plan_part(kind.code(), &mut eval_context, None, &files, &mut steps)?;
        for (part, rows) in [(FILE, &files), (TRANSLATION, &translations), (VARIANT, &variants)] {
            let name = if part == FILE { "attachment" } else { part };
            for row in rows {
                let section = format!("{kind}_{part}");
                self.plan_part(&section, &mut eval_context, Some((name, row)), std::slice::from_ref(row), &mut steps)?;
            }
        }
        self.plan_part(&format!("{kind}_{FINISH}"), &mut eval_context, None, &files, &mut steps)?;
        Ok(steps)
    }

    /// One section, for the record or for one thing of it: a file, a translation, a folder.
    fn plan_part(
        &self,
        section: &str,
        eval_context: &mut EvalContext,
        of: Option<(&str, &Value)>,
        files: &[Value],
        steps: &mut Vec<Step>,
    ) -> Result<()> {
        let Some(rules) = self.manifest.write.get(section) else { return Ok(()) };
        if let Some((name, row)) = of {
            eval_context.put(name, row.clone());
        }
        let child = of.map(|(_, row)| plain(&row["id"])).unwrap_or_default();
        for (at, rule) in rules.iter().enumerate() {
            let place = (section.to_owned(), at);
            if rule.each != Some(Each::Attachment) {
                steps.extend(self.plan_step(rule, &place, StepKey::new(&rule.step, &child, 0), eval_context, files)?);
                continue;
            }
            for file in files {
                eval_context.put("attachment", file.clone());
                let key = StepKey::new(&rule.step, plain(&file["id"]), 0);
                steps.extend(self.plan_step(rule, &place, key, eval_context, std::slice::from_ref(file))?);
            }
            eval_context.take("attachment");
        }
        if let Some((name, _)) = of {
            eval_context.take(name);
        }
        Ok(())
    }

    /// The record with the outputs of each file's step in the file, and its address in place of its token.
    fn with_addresses(&self, kind: Kind, mut mapped: Value) -> Value {
        let Some(rule) = self.file_rule(kind) else { return mapped };
        let mut tokens: Vec<(String, String)> = Vec::new();
        for file in mapped["attachments"].as_array_mut().into_iter().flatten() {
            let late = |output: &str| {
                let step = StepKey::new(&rule.step, plain(&file["id"]), 0);
                placeholder(&Late { step, output: output.to_owned() })
            };
            if let Some(token) = file["token"].as_str().filter(|_| rule.outputs.contains_key(URL)) {
                tokens.push((token.to_owned(), late(URL)));
            }
            let outputs: Vec<(String, Value)> = rule.outputs.keys().map(|o| (o.clone(), json!(late(o)))).collect();
            if let Some(file) = file.as_object_mut() {
                file.extend(outputs);
            }
        }
        replace(&mut mapped["body"], &tokens);
        for translation in mapped["translations"].as_array_mut().into_iter().flatten() {
            replace(&mut translation["body"], &tokens);
        }
        mapped
    }

    /// The step that brings a file into the target.
    fn file_rule(&self, kind: Kind) -> Option<&WriteStep> {
        let own = self.manifest.write.get(kind.code()).into_iter().flatten();
        let own = own.filter(|rule| rule.each == Some(Each::Attachment));
        let part = self.manifest.write.get(&format!("{kind}_{FILE}")).into_iter().flatten();
        own.chain(part).next()
    }
}

fn replace(body: &mut Value, tokens: &[(String, String)]) {
    let Some(text) = body.as_str().filter(|text| tokens.iter().any(|(token, _)| text.contains(token))) else { return };
    *body = json!(tokens.iter().fold(text.to_owned(), |text, (token, late)| text.replace(token, late)));
}
