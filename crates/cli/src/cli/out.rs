//! What is printed to be read on, by people or programs. Nothing of it moves a terminal, and whoever closes a pipe has read enough.

use deskferry::error::{Problem, Reason, Result};
use deskferry::printable;
use serde::Serialize;
use std::io::{self, ErrorKind, Write, stdout};

/// Prints lines. What comes from outside and stands in one of them is a [line](printable::line) already.
pub fn text(lines: &str) -> Result<()> {
    put(&printable::lines(lines))
}

/// Prints one JSON document on a line of its own.
pub fn json(document: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(document)
        .map_err(|e| Problem::new(Reason::Internal, format!("a result cannot be written: {e}")))?;
    put(&format!("{}\n", printable::json(&text)))
}

fn put(text: &str) -> Result<()> {
    let mut out = Stdout::default();
    let done = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    out.ended(done.map_err(Problem::from))
}

/// The standard output, for tables that are written as they are read.
#[derive(Default)]
pub struct Stdout {
    closed: bool,
}

impl Stdout {
    /// How the writing ended: well, too, where the reader went away.
    pub fn ended(&self, done: Result<()>) -> Result<()> {
        if self.closed { Ok(()) } else { done }
    }

    fn noticed<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        self.closed |= matches!(&done, Err(e) if e.kind() == ErrorKind::BrokenPipe);
        done
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = stdout().write(bytes);
        self.noticed(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = stdout().flush();
        self.noticed(done)
    }
}
