//! Where `-v` and `--log-file` write. Calls are traced redacted by the http room; nothing here sees a secret.

use super::args::{Global, at_file};
use crate::error::Problem;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

pub fn start(global: &Global) -> Result<(), Problem> {
    let level = match (global.quiet, global.verbose) {
        (true, _) | (_, 0) => "off",
        (_, 1) => "deskferry=info",
        _ => "deskferry=debug",
    };
    let on_screen = fmt::layer().with_writer(std::io::stderr).with_target(false).with_filter(EnvFilter::new(level));
    let in_file = match &global.log_file {
        None => None,
        Some(path) => {
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(at_file(path))?;
            let layer = fmt::layer().with_writer(file).with_ansi(false).with_filter(EnvFilter::new("deskferry=debug"));
            Some(layer)
        }
    };
    // A second subscriber in one process (tests) changes nothing.
    let _ = tracing_subscriber::registry().with(on_screen).with(in_file).try_init();
    Ok(())
}
