//! The real desks: started by the scripts beside this file, stopped when the test process ends, however it ends.
//!
//! A desk is prepared once (installed, filled) and kept under `target/tmp/e2e`, until the scripts or the seed change;
//! every test works on a copy of its own, on a port of its own.

use crate::http::{Result, sha256};
use std::collections::HashMap;
use std::fs::File;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    RequestTracker,
    Redmine,
    Roundup,
}

impl Product {
    fn script(self) -> PathBuf {
        let name = match self {
            Product::RequestTracker => "rt.sh",
            Product::Redmine => "redmine.sh",
            Product::Roundup => "roundup.sh",
        };
        here().join("servers").join(name)
    }
}

fn here() -> PathBuf {
    crate::root::root().join("tests/e2e")
}

/// A running desk. Dropping it stops it; its data stays.
pub struct Server {
    pub dir: PathBuf,
    pub env: HashMap<String, String>,
    /// Stops the server as soon as our end of its input closes, so that a killed test leaves nothing behind.
    watcher: Child,
}

impl Server {
    /// Starts what is in `dir`, or sets it up there; `settings` are environment variables of the script.
    pub fn start(product: Product, dir: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        Self::start_at(free_port()?, product, dir, settings)
    }

    /// The same at an address that others know already.
    pub fn start_at(port: u16, product: Product, dir: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        let failed = |e: std::io::Error| format!("{}: {e}", product.script().display());
        let watcher = Command::new("sh")
            .args(["-c", "cat >/dev/null; exec \"$0\" stop \"$1\""])
            .args([product.script(), dir.to_path_buf()])
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let mut server = Server { dir: dir.to_path_buf(), env: HashMap::new(), watcher };
        let mut command = Command::new(product.script());
        command.arg("start").arg(dir).arg(port.to_string()).stdin(Stdio::null());
        let output = command.envs(settings.iter().copied()).output().map_err(failed)?;
        if !output.status.success() {
            return Err(format!("{}: {}", product.script().display(), String::from_utf8_lossy(&output.stderr)));
        }
        let conn = dir.join("conn.env");
        let text = std::fs::read_to_string(&conn).map_err(|e| format!("{}: {e}", conn.display()))?;
        server.env = text.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
        Ok(server)
    }

    pub fn var(&self, name: &str) -> Result<&str> {
        self.env.get(name).map(String::as_str).ok_or_else(|| format!("conn.env does not say {name}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        self.watcher.wait().ok();
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    Ok(listener.local_addr().map_err(|e| e.to_string())?.port())
}

/// A desk made ready once by `fill` and stopped; made anew when the scripts, the seed's sources or `setting` changed.
pub fn prepared(name: &str, setting: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let dir = kept().join(name);
    std::fs::create_dir_all(kept()).map_err(|e| e.to_string())?;
    let lock = File::create(kept().join(format!("{name}.lock"))).map_err(|e| e.to_string())?;
    lock.lock().map_err(|e| e.to_string())?;
    let (stamp, made_of) = (dir.join("stamp"), stamp(setting)?);
    if std::fs::read_to_string(&stamp).is_ok_and(|s| s == made_of) {
        return Ok(dir);
    }
    if dir.exists() {
        std::fs::remove_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    }
    fill(&dir)?;
    std::fs::write(stamp, made_of).map_err(|e| e.to_string())?;
    Ok(dir)
}

fn stamp(setting: &str) -> Result<String> {
    let mut all = setting.as_bytes().to_vec();
    for folder in [here().join("servers"), here().join("seed")] {
        let entries = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        files.sort();
        for file in files.iter().filter(|f| !f.ends_with("servers/mod.rs")) {
            all.extend(std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?);
        }
    }
    Ok(sha256(&all))
}

/// Outlives the test process.
fn kept() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e")
}

/// A fresh folder for one test of this process. Those of processes that are gone are cleared away first.
pub fn folder(name: &str) -> Result<PathBuf> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    if count == 0 {
        for old in std::fs::read_dir(kept()).into_iter().flatten().flatten() {
            let name = old.file_name();
            let pid = name.to_str().and_then(|n| n.strip_prefix("run-"));
            if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                std::fs::remove_dir_all(old.path()).ok();
            }
        }
    }
    let dir = kept().join(format!("run-{}", std::process::id())).join(format!("{count}-{name}"));
    std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    Ok(dir)
}

/// Copies a stopped desk, or any folder.
pub fn copy(from: &Path, name: &str) -> Result<PathBuf> {
    let to = folder(name)?;
    let done = Command::new("cp").arg("-a").arg(from.join(".")).arg(&to).status().map_err(|e| e.to_string())?;
    if done.success() { Ok(to) } else { Err(format!("cp of {} failed", from.display())) }
}
