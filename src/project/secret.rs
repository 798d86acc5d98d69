//! Where a secret is kept, and fetching it from there.
//!
//! A project file never holds a secret itself. It is fetched when it is first needed, held as a
//! [`SecretString`], and appears in no error and no `Debug`.

use crate::error::{Problem, Reason, Result};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where a secret is kept: exactly one of the keys.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(try_from = "Places")]
#[schemars(!try_from, rename_all = "lowercase")]
pub enum SecretPlace {
    /// The name of an environment variable.
    Env(String),
    /// A file that holds the secret and nothing else; relative to the project folder.
    File(PathBuf),
    /// A program and its arguments, run in the project folder without a shell; it prints the secret.
    Command(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Places {
    env: Option<String>,
    file: Option<PathBuf>,
    command: Option<Vec<String>>,
}

impl TryFrom<Places> for SecretPlace {
    type Error = &'static str;

    fn try_from(places: Places) -> Result<Self, &'static str> {
        match (places.env, places.file, places.command) {
            (Some(name), None, None) => Ok(Self::Env(name)),
            (None, Some(path), None) => Ok(Self::File(path)),
            (None, None, Some(words)) if !words.is_empty() => Ok(Self::Command(words)),
            (None, None, Some(_)) => Err("`command` names no program"),
            _ => Err("a secret is kept in exactly one of `env`, `file` or `command`"),
        }
    }
}

impl SecretPlace {
    /// Fetches the secret. Space and line ends around it are dropped; an empty one is refused.
    pub fn fetch(&self, project: &Path) -> Result<SecretString> {
        let secret = match self {
            Self::Env(name) => std::env::var(name).map_err(|_| {
                Problem::new(Reason::Config, format!("the environment variable `{name}` is not set"))
                    .hint(format!("set it before running the command: `export {name}=…`"))
            })?,
            Self::File(path) => {
                let path = project.join(path);
                std::fs::read_to_string(&path).map_err(|e| {
                    Problem::new(
                        Reason::Config,
                        format!("the secret's file `{}` cannot be read: {}", path.display(), e.kind()),
                    )
                })?
            }
            Self::Command(words) => printed(words, project)?,
        };
        match secret.trim() {
            "" => Err(Problem::new(Reason::Config, format!("{self} holds an empty secret"))),
            secret => Ok(secret.into()),
        }
    }
}

fn printed(words: &[String], project: &Path) -> Result<String> {
    let (program, arguments) =
        words.split_first().ok_or_else(|| Problem::new(Reason::Config, "`command` names no program"))?;
    let output = Command::new(program)
        .args(arguments)
        .current_dir(project)
        .stderr(Stdio::inherit())
        .stdin(Stdio::inherit())
        .output()
        .map_err(|e| Problem::new(Reason::Config, format!("the secret's command `{program}` does not start: {e}")))?;
    if !output.status.success() {
        let ending = output.status;
        return Err(Problem::new(Reason::Config, format!("the secret's command `{program}` failed: {ending}")));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| Problem::new(Reason::Config, format!("the secret's command `{program}` did not print text")))
}

impl std::fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable `{name}`"),
            Self::File(path) => write!(f, "the file `{}`", path.display()),
            Self::Command(words) => {
                write!(f, "the command `{}`", words.first().map(String::as_str).unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn place(toml: &str) -> Result<SecretPlace, String> {
        toml::from_str(toml).map_err(|e: toml::de::Error| e.message().to_owned())
    }

    #[test]
    fn a_secret_comes_from_a_file_or_a_command_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "s3cret\n").unwrap();
        for from in ["file = 'token'", "command = ['cat', 'token']"] {
            let secret = place(from).unwrap().fetch(folder.path()).unwrap();
            assert_eq!(secret.expose_secret(), "s3cret");
        }
    }

    #[test]
    fn a_secret_that_cannot_be_fetched_says_where_it_was_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let problem = |from| place(from).unwrap().fetch(folder.path()).unwrap_err();
        let unset = problem("env = 'DESKFERRY_TEST_NEVER_SET'");
        assert!(unset.what.contains("`DESKFERRY_TEST_NEVER_SET` is not set"));
        assert!(unset.hint.is_some());
        assert!(problem("file = 'gone'").what.contains("gone"));
        assert!(problem("command = ['false']").what.contains("`false` failed"));
        assert!(problem("command = ['true']").what.contains("empty secret"));
    }

    #[test]
    fn a_place_is_exactly_one() {
        assert!(place("").is_err());
        assert!(place("env = 'A'\nfile = 'b'").is_err());
        assert!(place("command = []").is_err());
        assert!(place("evn = 'A'").unwrap_err().contains("unknown field"));
    }
}
