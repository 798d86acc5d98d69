//! The project folder: `migration.toml`, and where things lie beside it.
//!
//! Owns the file's shape (these types and their comments are its reference), its checks and its errors. It
//! never talks to a platform and never writes; which keys an account has is its connector's to say.

mod account;
mod literal;
mod question;
mod scope;
mod secret;
pub mod spelling;
pub mod toml_text;

pub use account::{Account, Answer, Answers};
pub use literal::{duration, instant, share};
pub use question::{AnswerType, Question, Unfit};
pub use scope::{Migration, RecordId, Run, Scope};
pub use secret::SecretPlace;
pub use toml_text::{TomlText, parse};

use crate::error::{Problem, Reason, Result};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};

/// One migration: from where to where, what, and how.
#[derive(Clone, Debug)]
pub struct Project {
    folder: PathBuf,
    text: TomlText,
    pub source: Account,
    pub target: Account,
    pub scope: Scope,
    pub run: Run,
    mapping: MappingFile,
}

/// `migration.toml`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "migration.toml")]
struct MigrationFile {
    /// The account everything is read from. It is never written to.
    source: Account,
    /// The account everything is written to.
    target: Account,
    /// Which records are migrated.
    #[serde(default)]
    scope: Scope,
    /// How a run goes about it.
    #[serde(default)]
    run: Run,
    /// The rules that turn the source's values into the target's.
    #[serde(default)]
    mapping: MappingFile,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct MappingFile {
    /// The file of the rules, relative to the project folder; `mapping.toml` unless said.
    file: Option<PathBuf>,
}

/// Why a folder is no project, with the folder by its whole path: `.` says nothing of where somebody is.
fn unread(folder: &Path, path: &Path, e: &io::Error) -> Problem {
    let place = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let place = place.display();
    let other = "`-C DIR` names another folder";
    let (what, hint) = match e.kind() {
        _ if folder.is_file() => (format!("`{place}` is a file"), "`-C` names the folder that holds `migration.toml`"),
        _ if !folder.exists() => (format!("there is no folder `{place}`"), other),
        io::ErrorKind::NotFound => (
            format!("there is no `{}` in `{place}`", Project::FILE),
            "a project folder holds a `migration.toml` (`docs/migration.md` shows one); `-C DIR` names another folder",
        ),
        _ => return unreadable(&format!("`{}`", path.display()), e),
    };
    Problem::new(Reason::Config, what).hint(hint)
}

/// Why a file of the project that is there cannot be read, and what to do.
pub fn unreadable(file: &str, e: &io::Error) -> Problem {
    let (why, hint) = match e.kind() {
        io::ErrorKind::PermissionDenied => ("this user may not read it", "change its owner or its permissions"),
        io::ErrorKind::IsADirectory => ("it is a folder", "name the file in it"),
        io::ErrorKind::InvalidData => ("it is not written in UTF-8", "save it as UTF-8 in your editor"),
        kind => return Problem::new(Reason::Config, format!("{file} cannot be read: {kind}")),
    };
    Problem::new(Reason::Config, format!("{file} cannot be read: {why}")).hint(hint)
}

impl Project {
    pub const FILE: &'static str = "migration.toml";
    /// The file of mapping rules that needs no mention.
    pub const MAPPING_FILE: &'static str = "mapping.toml";

    /// Reads `migration.toml` of a folder.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join(Self::FILE);
        let text = std::fs::read_to_string(&path).map_err(|e| unread(folder, &path, &e))?;
        Self::parse(folder, &text)
    }

    /// Reads the text of a `migration.toml` that stands (or will stand) in `folder`.
    pub fn parse(folder: &Path, text: &str) -> Result<Self> {
        let text = TomlText::new(Self::FILE, text, Reason::Config);
        let mut file: MigrationFile = text.parse()?;
        file.source.settle_origin(&text, "source", folder.to_owned())?;
        file.target.settle_origin(&text, "target", folder.to_owned())?;
        let MigrationFile { source, target, scope, run, mapping } = file;
        if scope.created_after.zip(scope.created_before).is_some_and(|(after, before)| after >= before) {
            let message = "`created_before` is not later than `created_after`: no ticket is in scope";
            return Err(text.error_at_value(&["scope", "created_before"], message));
        }
        Ok(Self { folder: folder.to_owned(), text, source, target, scope, run, mapping })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the ledger, the stage and the files are kept.
    pub fn state_dir(&self) -> PathBuf {
        self.folder.join(".deskferry")
    }

    /// The file of mapping rules: the one the project names, else `mapping.toml` if there is one. `None` means
    /// the built-in rules alone.
    pub fn mapping_path(&self) -> Option<PathBuf> {
        match &self.mapping.file {
            Some(file) => Some(self.folder.join(file)),
            None => Some(self.folder.join(Self::MAPPING_FILE)).filter(|path| path.exists()),
        }
    }

    /// A complaint about a value of `migration.toml` that only a later check could find
    /// (`&["scope", "jq"]`), shown in the file.
    pub fn error_at(&self, path: &[&str], message: impl std::fmt::Display) -> Problem {
        self.text.error_at_value(path, message)
    }

    /// The same, with the caret at the word the message names, where the value has it once.
    pub fn error_within(&self, path: &[&str], message: &str) -> Problem {
        self.text.error_in_value(path, message)
    }

    /// The JSON schema of `migration.toml`.
    pub fn schema() -> Schema {
        schema_for!(MigrationFile)
    }
}

/// Why a file cannot be read, in plain words.
pub fn why(e: &std::io::Error) -> String {
    match e.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Kind;
    use secrecy::ExposeSecret;
    use std::time::Duration;

    const WHOLE: &str = r#"
[source]
connector = "zendesk"
url       = "https://acme.zendesk.com/"
email     = "admin@acme.com"
token     = { env = "ZENDESK_TOKEN" }
silenced  = true
[target]
connector = "redmine"
url       = "http://127.0.0.1:3000/redmine/"
api_key   = { command = ["echo", "k3y"] }
project   = "support"
timeout   = "90s"
[scope]
kinds         = ["group", "ticket"]
created_after = "2021-01-01"
ids           = ["ticket:12"]
[run]
reserve = "20%"
settle  = "2s"
create_marker = true
"#;

    fn project(text: &str) -> Result<Project> {
        Project::parse(Path::new("."), text)
    }

    fn question(key: &str, secret: bool) -> Question {
        let key = key.to_owned();
        let answer_type = if secret { AnswerType::Secret } else { AnswerType::Text };
        Question { key, ask: String::new(), help: None, answer_type, required: true, choices: vec![], default: None }
    }

    #[test]
    fn a_whole_project_reads_as_it_is_written() {
        let project = project(WHOLE).unwrap();
        assert_eq!(project.source.address().as_deref(), Some("https://acme.zendesk.com"));
        assert_eq!(project.target.address().as_deref(), Some("http://127.0.0.1:3000/redmine"));
        assert_eq!(project.target.timeout, Some(Duration::from_secs(90)));
        assert!(project.source.silenced && !project.target.silenced);
        assert_eq!(project.scope.kinds, [Kind::Group, Kind::Ticket]);
        assert_eq!((project.run.reserve, project.run.settle), (0.2, Some(Duration::from_secs(2))));
        assert_eq!(project.state_dir(), Path::new("./.deskferry"));
    }

    #[test]
    fn the_answers_are_checked_and_secrets_fetched_when_asked_for() {
        let account = project(WHOLE).unwrap().target;
        let answers = account.answers(&[question("api_key", true), question("project", false)]).unwrap();
        assert_eq!(answers.text("project"), Some("support"));
        assert_eq!(answers.values()["project"], "support");
        assert_eq!(answers.secret("api_key").unwrap().unwrap().expose_secret(), "k3y");
        assert!(answers.secret("project").unwrap().is_none());
        assert!(!format!("{answers:?}{account:?}").contains("k3y"));
    }

    #[test]
    fn a_key_the_connector_does_not_know_is_shown_with_the_one_that_was_meant() {
        let text = WHOLE.replace("project   =", "projcet   =");
        let account = project(&text).unwrap().target;
        let problem = account.answers(&[question("api_key", true), question("project", false)]).unwrap_err();
        let what = "migration.toml:12:1: unknown key `projcet` for the connector `redmine`";
        assert!(problem.what.starts_with(what), "{}", problem.what);
        assert_eq!(problem.hint.as_deref(), Some("did you mean `project`?"));
    }

    #[test]
    fn a_missing_answer_points_at_its_account() {
        let account = project(WHOLE).unwrap().source;
        let questions = [question("email", false), question("token", true), question("org", false)];
        let problem = account.answers(&questions).unwrap_err();
        let what = "migration.toml:2:2: [source] has no `org`, which the connector `zendesk` needs";
        assert!(problem.what.starts_with(what), "{}", problem.what);
    }

    #[test]
    fn a_secret_in_plain_text_is_refused_and_not_repeated() {
        let text = WHOLE.replace("{ env = \"ZENDESK_TOKEN\" }", "\"hunter2\"");
        let account = project(&text).unwrap().source;
        let problem = account.answers(&[question("email", false), question("token", true)]).unwrap_err();
        assert!(problem.what.contains("`token` is a secret and is written here in plain text"));
        assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");
        assert!(problem.hint.unwrap().contains("token = { env = \"ZENDESK_TOKEN\" }"));
        assert!(!format!("{account:?}").contains("hunter2"));
    }

    #[test]
    fn an_answer_outside_the_choices_is_refused() {
        let choices = vec!["textile".into(), "markdown".into()];
        let choice = Question { answer_type: AnswerType::Choice, choices, ..question("project", false) };
        let account = project(&WHOLE.replace("\"support\"", "\"markdwon\"")).unwrap().target;
        let problem = account.answers(&[question("api_key", true), choice]).unwrap_err();
        assert_eq!(problem.hint.as_deref(), Some("did you mean `markdown`?"));
    }

    #[test]
    fn an_answer_of_another_type_is_shown_in_its_file_and_is_never_taken_for_no() {
        let secret = || question("api_key", true);
        let asked = |answer: &str, answer_type| {
            let account = project(&WHOLE.replace("\"support\"", answer)).unwrap().target;
            let question = Question { answer_type, ..question("project", false) };
            account.answers(&[secret(), question])
        };
        let problem = asked("\"ja\"", AnswerType::Bool).unwrap_err();
        assert!(
            problem.what.starts_with("migration.toml:12:13: `project` must be true or false, not `ja`"),
            "{}",
            problem.what
        );
        assert_eq!(problem.excerpt.as_deref(), Some("   |\n12 | project   = \"ja\"\n   |             ^^^^"));
        assert_eq!(asked("true", AnswerType::Bool).unwrap().values()["project"], true);
        assert_eq!(asked("\"no\"", AnswerType::Bool).unwrap().values()["project"], false);
        let plain = asked("\"http://desk.example\"", AnswerType::Url).unwrap_err();
        assert!(plain.what.starts_with("migration.toml:12:13: plain http"), "{}", plain.what);
    }

    #[test]
    fn plain_http_goes_to_this_machine_only_unless_allowed() {
        let with = |url: &str| project(&WHOLE.replace("https://acme.zendesk.com/", url));
        assert!(with("http://rt.example.com").unwrap_err().what.contains("plain http"));
        assert!(with("http://rt.example.com\"\ninsecure = true\nx = \"").is_ok());
        for local in ["http://localhost:80", "http://127.0.0.1", "http://[::1]:3000/rt"] {
            assert!(with(local).is_ok(), "{local}");
        }
        let leaky = with("https://me:hunter2@rt.example.com").unwrap_err();
        assert!(!format!("{leaky:?}").contains("hunter2"), "{leaky:?}");
        for odd in ["ftp://x.example", "acme", "https://x.example/?a=1"] {
            assert!(with(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn wrong_keys_and_values_point_at_their_line() {
        let at = |from: &str, to: &str| project(&WHOLE.replace(from, to)).unwrap_err().what;
        assert!(at("settle  =", "setle   =").starts_with("migration.toml:20:1: unknown key `setle`"));
        assert!(at("\"90s\"", "\"soon\"").starts_with("migration.toml:13:13: `soon` is not a duration"));
        assert!(at("\"20%\"", "\"lots\"").starts_with("migration.toml:19:11: `lots` is not a share"));
        assert!(at("\"group\"", "\"grop\"").starts_with("migration.toml:15:19: unknown value `grop`"));
        assert!(at("connector = \"redmine\"", "").contains("missing key `connector`"));
        let elsewhere = at("settle  = \"2s\"", "migration = \"/tmp/Cargo\"");
        assert!(
            elsewhere.starts_with("migration.toml:20:13: `/tmp/Cargo` is not the id of a migration"),
            "{elsewhere}"
        );
    }

    #[test]
    fn a_span_of_time_that_holds_nothing_is_refused() {
        let span = "created_after = \"2021-01-01\"\ncreated_before = \"2020-01-01\"";
        let problem = project(&WHOLE.replace("created_after = \"2021-01-01\"", span)).unwrap_err();
        assert!(problem.what.starts_with("migration.toml:17:18: `created_before` is not later"), "{}", problem.what);
    }

    #[test]
    fn a_mapping_file_that_is_named_is_expected_to_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let here = |text: &str| Project::parse(folder.path(), text).unwrap().mapping_path();
        assert_eq!(here(WHOLE), None);
        std::fs::write(folder.path().join("mapping.toml"), "").unwrap();
        assert_eq!(here(WHOLE), Some(folder.path().join("mapping.toml")));
        let named = format!("{WHOLE}[mapping]\nfile = \"rules.toml\"\n");
        assert_eq!(here(&named), Some(folder.path().join("rules.toml")));
    }

    #[test]
    fn a_folder_without_a_project_says_how_to_make_one() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Project::load(folder.path()).unwrap_err().hint.unwrap().contains("migration.toml"));
    }

    #[test]
    fn the_schema_carries_the_comments_and_the_free_keys() {
        let schema = serde_json::to_string(&Project::schema()).unwrap();
        assert!(schema.contains("The account everything is read from"));
        assert!(schema.contains("Refuse to write until a preview"));
        assert!(!schema.contains("origin"));
    }
}
