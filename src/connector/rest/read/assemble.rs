//! Turns staged rows into canonical records: evaluates a stream's fields, hangs children below their parents.

use super::own_files::mark_inline;
use crate::connector::ChildRows;
use crate::connector::manifest::{Blob, ReadStream};
use crate::connector::rest::Rest;
use crate::connector::rest::api::listed::Above;
use crate::error::{Problem, Reason, Result};
use crate::expr::{self, Expr, Scope, plain};
use crate::record::{Attachment, Comment, FileSource, Format, Kind, Link, Record, Ref, Unread, Visibility};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// What a ticket's messages were read to.
struct Messages {
    comments: Vec<Comment>,
    /// Those that belong to none of them.
    files: Vec<Attachment>,
    /// What of them stays in the source.
    unread: Vec<Unread>,
}

impl Rest {
    pub(crate) fn assemble_record(&self, kind: Kind, row: &Value, children: &ChildRows) -> Result<Record> {
        let mut fields = self.fields(kind.code(), row, &Value::Null, row)?;
        fields.insert("kind".into(), kind.code().into());
        if kind == Kind::Ticket {
            fields.insert("comments".into(), json!([]));
        }
        let mut record: Record = canonical(kind.code(), fields)?;
        if let crate::record::Body::Ticket(ticket) = &mut record.body {
            let Messages { comments, files, unread } = self.comments(row, children)?;
            ticket.comments = comments;
            record.unread.extend(unread);
            // Files of no message belong to the ticket's first one; where there is none, they are one of their own.
            match ticket.comments.first_mut() {
                Some(first) => first.attachments.extend(files),
                None if files.is_empty() => {}
                None => {
                    let author = ticket.submitter.clone().or_else(|| ticket.requester.clone());
                    ticket.comments.push(only_files(author, record.created_at, files));
                }
            }
            ticket.links.extend(self.links(row, children)?);
            self.fold_beside(ticket, row, children)?;
        }
        if let crate::record::Body::Article(article) = &mut record.body {
            self.fold_article(article, row, children)?;
        }
        record.unread.extend(self.left_out_of(kind, row, children)?);
        self.native.fold(&mut record, row, children)?;
        if let crate::record::Body::Ticket(ticket) = &mut record.body {
            let home = self.home(row)?;
            for comment in &mut ticket.comments {
                home.iter().for_each(|home| self.own_images(home, comment));
                mark_inline(comment);
            }
            if let Some(home) = &home {
                self.linked_files(home, &mut ticket.comments);
                record.unread.extend(self.numbered_files(home, &mut ticket.comments));
            }
        }
        Ok(record)
    }

    fn comments(&self, root: &Value, children: &ChildRows) -> Result<Messages> {
        let mut comments: Vec<Comment> = Vec::new();
        let mut unread: Vec<Unread> = Vec::new();
        let mut owners: HashMap<String, String> = HashMap::new();
        let first = self.manifest.read.get("comment").filter(|stream| !stream.first.is_empty());
        let first =
            first.map(|stream| self.evaluated("comment", &stream.first, root, &Value::Null, root)).transpose()?;
        let rows = children.get("comment").into_iter().flatten();
        for fields in first.into_iter().map(Ok).chain(rows.map(|row| self.fields("comment", row, root, root))) {
            let mut fields = fields?;
            if fields.get("visibility").is_none_or(Value::is_null) {
                continue;
            }
            fields.entry("format").or_insert_with(|| Format::Text.code().into());
            fields.entry("body").or_insert_with(|| "".into());
            let named = fields.remove("files");
            for one in fields.remove("unread").iter().filter_map(Value::as_array).flatten() {
                unread.push(canonical("comment", one.as_object().cloned().unwrap_or_default())?);
            }
            let comment: Comment = canonical("comment", fields)?;
            for file in named.iter().filter_map(Value::as_array).flatten() {
                owners.entry(plain(file)).or_insert_with(|| comment.id.clone());
            }
            comments.push(comment);
        }
        let mut files = self.attachments(root, children, &mut owners)?;
        if !owners.is_empty() {
            return Err(Problem::new(
                Reason::BadAnswer,
                "a message names a file that is not among those of its ticket",
            ));
        }
        for comment in &mut comments {
            comment.attachments.extend(files.remove(&comment.id).unwrap_or_default());
        }
        let mut left: Vec<_> = files.into_iter().collect();
        left.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Messages { comments, files: left.into_iter().flat_map(|(_, files)| files).collect(), unread })
    }

    /// Attachments by the comment they belong to; under the empty text those of the ticket itself. `owners` says which
    /// comment named a file; what was found is taken out of it.
    fn attachments(
        &self,
        root: &Value,
        children: &ChildRows,
        owners: &mut HashMap<String, String>,
    ) -> Result<HashMap<String, Vec<Attachment>>> {
        let mut files: HashMap<String, Vec<Attachment>> = HashMap::new();
        let Some(stream) = self.manifest.read.get("attachment") else { return Ok(files) };
        for row in children.get("attachment").into_iter().flatten() {
            let (comment, file) = self.attachment(stream, row, root, root)?;
            let comment = owners.remove(&file.id).filter(|_| comment.is_empty()).unwrap_or(comment);
            files.entry(comment).or_default().push(file);
        }
        if let Some(from) = stream.in_messages() {
            for comment in children.get("comment").into_iter().flatten() {
                let rows = expr::path(comment, from).as_array().cloned().unwrap_or_default();
                for row in self.kept(stream, rows, Above::of(comment, root), &Value::Null)? {
                    let (comment, file) = self.attachment(stream, &row, comment, root)?;
                    files.entry(comment).or_default().push(file);
                }
            }
        }
        Ok(files)
    }

    fn attachment(
        &self,
        stream: &ReadStream,
        row: &Value,
        parent: &Value,
        root: &Value,
    ) -> Result<(String, Attachment)> {
        let mut fields = self.fields("attachment", row, parent, root)?;
        let comment = fields.remove("comment").map(|v| plain(&v)).unwrap_or_default();
        let source = self.source_of(stream, row, parent, root, &fields)?;
        fields.insert("source".into(), source.as_str().into());
        Ok((comment, canonical("attachment", fields)?))
    }

    /// Where the bytes of a file are.
    pub(super) fn source_of(
        &self,
        stream: &ReadStream,
        row: &Value,
        parent: &Value,
        root: &Value,
        fields: &Map<String, Value>,
    ) -> Result<FileSource> {
        let scope = Scope { root, parent, ..self.scope(row) };
        let id = || fields.get("id").map(plain).unwrap_or_default();
        match &stream.blob {
            None => Ok(FileSource::default()),
            Some(Blob { withheld: Some(withheld), .. }) if withheld.holds(&scope)? => Ok(FileSource::withheld(&id())),
            Some(Blob { expires: Some(_), .. }) => self.fresh_source(stream, &id(), parent, root),
            Some(blob) => blob.path.render_path(&scope).map(FileSource::from),
        }
    }

    fn links(&self, root: &Value, children: &ChildRows) -> Result<Vec<Link>> {
        let mut links: Vec<Link> = Vec::new();
        let Some(stream) = self.manifest.read.get("link") else { return Ok(links) };
        let name = stream.rows_of.as_deref().unwrap_or("link");
        for row in children.get(name).into_iter().flatten() {
            if !stream.filter.as_ref().map_or(Ok(true), |filter| filter.holds(&self.scope(row)))? {
                continue;
            }
            let mut fields = self.fields("link", row, root, root)?;
            let gone = fields.remove("gone").is_some_and(|v| v == Value::Bool(true));
            if ["type", "to"].iter().any(|key| fields.get(*key).is_none_or(Value::is_null)) {
                continue;
            }
            let link: Link = canonical("link", fields)?;
            links.retain(|known| *known != link);
            if !gone {
                links.push(link);
            }
        }
        Ok(links)
    }

    /// The fields of a row that are not null.
    pub(crate) fn fields(&self, stream: &str, row: &Value, parent: &Value, root: &Value) -> Result<Map<String, Value>> {
        self.evaluated(stream, &self.stream(stream)?.fields, row, parent, root)
    }

    pub(super) fn evaluated(
        &self,
        stream: &str,
        exprs: &BTreeMap<String, Expr>,
        row: &Value,
        parent: &Value,
        root: &Value,
    ) -> Result<Map<String, Value>> {
        let mut fields = Map::new();
        let scope = Scope { parent, root, ..self.scope(row) };
        for (name, expr) in exprs {
            let value = expr.eval(&scope).map_err(|p| p.at(format!("`{name}` of a {stream}")))?;
            if !value.is_null() {
                fields.insert(name.clone(), value);
            }
        }
        for key in ["id", "number"] {
            if let Some(value) = fields.get_mut(key) {
                *value = Value::String(plain(value));
            }
        }
        Ok(fields)
    }
}

pub(super) fn canonical<T: serde::de::DeserializeOwned>(what: &str, fields: Map<String, Value>) -> Result<T> {
    // serde's message may quote the value: only the place of the mismatch is passed on.
    serde_json::from_value(Value::Object(fields)).map_err(|e| {
        let field = e
            .to_string()
            .split('`')
            .nth(1)
            .filter(|w| w.len() < 40)
            .map(|w| format!(" near `{w}`"))
            .unwrap_or_default();
        Problem::new(Reason::BadAnswer, format!("the fields of a {what} do not fit the canonical record{field}"))
    })
}

/// The message that stands for the files of a ticket without messages.
fn only_files(author: Option<Ref>, created_at: Option<Timestamp>, attachments: Vec<Attachment>) -> Comment {
    Comment {
        id: String::new(),
        author,
        visibility: Visibility::Public,
        direction: None,
        format: Format::Text,
        body: String::new(),
        channel: None,
        created_at,
        message_id: None,
        to: vec![],
        cc: vec![],
        attachments,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::registry::Entry;
    use crate::connector::rest::{Account, Role};
    use crate::http::{Client, ClientConfig, Credentials};
    use crate::pacer::{Clock, Pacer};
    use crate::record::{Body, Ticket};

    const DESK: &str = r#"
        name = "desk"
        title = "Desk"
        versions = "1"
        docs = "none"
        base = "${url}"
        account = {}
        check = []
        auth = { kind = "none" }
        profile = {}
        [read.ticket]
        cites = "none"
        evidence = "docs"
        path = "/tickets"
        fields = { id = ".id", requester = ".who", created_at = ".at" }
        [read.comment]
        cites = "none"
        evidence = "docs"
        parent = "ticket"
        from = ".comments"
        fields = { id = ".id", visibility = ".is", files = ".files" }
        [read.attachment]
        cites = "none"
        evidence = "docs"
        parent = "ticket"
        from = ".files"
        fields = { id = ".id", name = ".name" }
    "#;

    fn ticket(comments: Value, files: Value) -> Result<Ticket> {
        let manifest = crate::connector::manifest::Manifest::parse("desk.toml", DESK)?;
        let entry = Entry { manifest, text: DESK.into(), origin: "desk.toml".into() };
        let address = "https://desk.example";
        let config = ClientConfig::new(address.parse().unwrap(), Credentials::default());
        let client = Client::new(config, Pacer::new(vec![], 0.0, Clock::system()))?;
        let rest = Rest::new(&entry, Role::Source, address.into(), Account::new(), client)?;
        let rows = |list: Value| list.as_array().cloned().unwrap_or_default();
        let children =
            ChildRows::from([("comment".to_owned(), rows(comments)), ("attachment".to_owned(), rows(files))]);
        let row = json!({"id": 7, "who": "ann", "at": "2020-01-01T00:00:00Z"});
        match rest.assemble_record(Kind::Ticket, &row, &children)?.body {
            Body::Ticket(ticket) => Ok(*ticket),
            _ => unreachable!("a ticket was read"),
        }
    }

    fn files(ticket: &Ticket) -> Vec<Vec<&str>> {
        ticket.comments.iter().map(|c| c.attachments.iter().map(|a| a.id.as_str()).collect()).collect()
    }

    #[test]
    fn a_file_that_a_private_message_names_is_not_given_to_the_first_one() {
        let comments = json!([
            {"id": 1, "is": "public", "files": []},
            {"id": 2, "is": "private", "files": [11]},
            {"id": 3, "is": "public", "files": ["11"]},
        ]);
        let found = ticket(comments, json!([{"id": "11", "name": "a"}, {"id": "12", "name": "b"}])).unwrap();
        assert_eq!(files(&found), [vec!["12"], vec!["11"], vec![]]);
    }

    #[test]
    fn a_named_file_that_is_not_listed_is_never_lost_in_silence() {
        let problem = ticket(json!([{"id": 1, "is": "public", "files": [9]}]), json!([])).unwrap_err();
        assert_eq!(problem.reason, Reason::BadAnswer);
    }

    #[test]
    fn the_files_of_a_ticket_without_messages_are_a_message_of_its_requester() {
        let found = ticket(json!([]), json!([{"id": "11", "name": "a"}])).unwrap();
        assert_eq!(files(&found), [["11"]]);
        assert_eq!(found.comments[0].author.as_deref(), Some("ann"));
        assert!(found.comments[0].created_at.is_some());
        assert!(ticket(json!([]), json!([])).unwrap().comments.is_empty());
    }
}
