//! The binary that is tested, on one project folder.

use crate::http::Result;
use crate::moves::{self, Ended};
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

pub struct Binary {
    pub project: PathBuf,
    /// The secrets `migration.toml` names.
    pub env: Vec<(&'static str, String)>,
}

impl Binary {
    pub fn spawn(&self, args: &[&str]) -> Result<Child> {
        let secrets: Vec<_> = self.env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        moves::spawn(&self.project, &secrets, args)
    }

    /// Runs to the end, or kills it and fails at the deadline.
    pub fn run(&self, args: &[&str], deadline: Duration) -> Result<Ended> {
        moves::finish(self.spawn(args)?, &self.project, args, deadline)
    }

    /// Runs to a good end.
    pub fn succeed(&self, args: &[&str], deadline: Duration) -> Result<Ended> {
        let ended = self.run(args, deadline)?;
        match ended.status.success() {
            true => Ok(ended),
            false => Err(format!("{args:?} ended with {}\n{}\n{}", ended.status, ended.stdout, ended.stderr)),
        }
    }
}
