//! Where `-v` and `--log-file` write. Calls are traced redacted by the http room; nothing here sees a secret.

use super::args::{Global, at_file};
use deskferry::error::Problem;
use deskferry::printable;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Mutex;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

pub fn start(global: &Global) -> Result<(), Problem> {
    let level = match (global.quiet, global.verbose) {
        (true, _) | (_, 0) => "off",
        (_, 1) => "deskferry=info",
        _ => "deskferry=debug",
    };
    let stderr = || Plain(std::io::stderr());
    let on_screen = fmt::layer().with_writer(stderr).with_ansi(false).with_target(false);
    let on_screen = on_screen.with_filter(EnvFilter::new(level));
    let in_file = match &global.log_file {
        None => None,
        Some(path) => {
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(at_file(path))?;
            let file = Mutex::new(Plain(file));
            let layer = fmt::layer().with_writer(file).with_ansi(false).with_filter(EnvFilter::new("deskferry=debug"));
            Some(layer)
        }
    };
    // A second subscriber in one process (tests) changes nothing.
    let _ = tracing_subscriber::registry().with(on_screen).with(in_file).try_init();
    Ok(())
}

/// Writes each event on one line that moves no terminal. The subscriber hands over an event at a time.
struct Plain<W>(W);

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = printable::line(text.strip_suffix('\n').unwrap_or(&text));
        self.0.write_all(format!("{line}\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_stands_in_it() {
        let mut out = Plain(Vec::new());
        out.write_all("GET /x: a\u{1b}[2J\nok target: all is well\n".as_bytes()).unwrap();
        assert_eq!(out.0, b"GET /x: a\\u{1b}[2J\\nok target: all is well\n");
    }
}
