//! One SQLite file of the project folder: one writer thread that commits in groups, readers beside it.
//! When it is closed, its write-ahead log is folded in: the file alone holds everything.
//!
//! A write is answered only after the commit that holds it, so an answer is never a promise about the
//! future. Writes that arrive while a commit is at work share the next one. Readers have their own
//! read-only connections on blocking threads and see every answered write. What the tables mean is
//! not known here: the ledger and the stage bring their schema.

use super::fault::{Fault, explain, not_writable};
use super::folder;
use super::lock::ProjectLock;
use crate::error::{Problem, Reason, Result};
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Writes that may share one commit, and that may wait for it before callers are held back.
const GROUP: usize = 512;
/// Read connections open at a time.
const READERS: usize = 4;
/// Statements each connection keeps prepared.
const STATEMENTS: usize = 64;
/// Of a reader, in pages as SQLite wants it (negative: KiB): what it has read the system keeps as well.
const READER_CACHE: i64 = -512;
/// How long a statement waits for another process at work on the same file.
const BUSY: Duration = Duration::from_secs(10);

/// What a room needs to say about its file.
pub(crate) struct Design {
    pub file: &'static str,
    /// `FULL`: a commit outlives a power cut. `NORMAL`: it outlives a killed process.
    pub synchronous: &'static str,
    /// One script a version; a file of version *n* has had the first *n*.
    pub versions: &'static [&'static str],
    /// What to do when the file is damaged.
    pub damaged: &'static str,
}

/// A cloneable handle. The last one dropped waits for the writes under way and closes the file.
#[derive(Clone)]
pub(crate) struct Store {
    file: Arc<File>,
}

struct File {
    design: &'static Design,
    path: PathBuf,
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    writer: Option<JoinHandle<()>>,
    readers: Mutex<Vec<Connection>>,
    seats: Semaphore,
    unchanging: bool,
    /// Where the file is a copy, made only to be looked at: goes with it.
    _copy: Option<tempfile::TempDir>,
}

impl Store {
    /// Opens for reading and writing; makes the folder and the file, for the owner's eyes only. Blocks briefly.
    pub fn open(project: &Path, design: &'static Design) -> Result<Store> {
        let path = folder::make(project)?.join(design.file);
        folder::private_file(&path)?;
        let db =
            Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
                .and_then(|db| prepare(&db, design).map(|()| db))
                .map_err(|e| explain(e.into(), &path, design))?;
        if db.is_readonly("main").map_err(|e| explain(e.into(), &path, design))? {
            return Err(not_writable(&path));
        }
        upgrade(&db, design).map_err(|e| explain(e, &path, design))?;
        folder::sync(&path)?;

        let (jobs, waiting) = mpsc::channel(GROUP);
        let at = path.clone();
        let writer = std::thread::Builder::new()
            .name(design.file.to_owned())
            .spawn(move || write_groups(&db, waiting, |fault| explain(fault, &at, design)))?;
        Ok(Self::over(design, path, false, Some(jobs), Some(writer)))
    }

    /// Opens an existing file for reading only, beside a process that writes it or on a read-only disk.
    pub fn view(project: &Path, design: &'static Design) -> Result<Store> {
        let path = folder::of(project).join(design.file);
        if !path.try_exists().map_err(|e| Problem::from(e).at(path.display()))? {
            return Err(missing(&path));
        }
        let (seen, found) = Self::readable(path, design)?;
        if found == 0 || found == design.versions.len() {
            return Ok(seen);
        }
        Self::of_an_earlier_version(project, seen, design)
    }

    /// A file for reading only, and its version.
    fn readable(path: PathBuf, design: &'static Design) -> Result<(Store, usize)> {
        let look = |unchanging: bool| {
            let store = Self::over(design, path.clone(), unchanging, None, None);
            let db = store.file.reader()?;
            check_version(&db, design)?;
            let found = version(&db)?;
            store.file.put_back(db);
            Ok((store, found))
        };
        let seen = match look(false) {
            Err(Fault::Sql(_)) if nothing_pending(&path) => look(true),
            seen => seen,
        };
        seen.map_err(|fault| explain(fault, &path, design))
    }

    /// Brought up to date where nobody is at work; where the disk cannot be written, a copy of it is.
    fn of_an_earlier_version(project: &Path, seen: Store, design: &'static Design) -> Result<Store> {
        let path = seen.file.path.clone();
        match ProjectLock::take(project) {
            Ok(_lock) => match Self::open(project, design) {
                Ok(opened) => {
                    drop((opened, seen));
                    return Ok(Self::readable(path, design)?.0);
                }
                Err(problem) if problem.reason == Reason::Disk => {}
                Err(problem) => return Err(problem),
            },
            Err(problem) if problem.reason == Reason::Refused => {
                let what = format!(
                    "{} was written by an earlier version of Deskferry and cannot be read now: {}",
                    design.file, problem.what
                );
                return Err(Problem { what, ..problem });
            }
            Err(_) => {}
        }
        let folder = tempfile::tempdir()?;
        let copy = folder.path().join(design.file);
        let db = seen.file.reader().map_err(|e| explain(e, &path, design))?;
        db.execute("VACUUM INTO ?1", [copy.to_string_lossy()]).map_err(|e| explain(e.into(), &copy, design))?;
        let changed = Connection::open(&copy).map_err(Fault::from).and_then(|db| upgrade(&db, design));
        changed.map_err(|e| explain(e, &copy, design))?;
        let mut store = Self::readable(copy, design)?.0;
        if let Some(file) = Arc::get_mut(&mut store.file) {
            file._copy = Some(folder);
        }
        Ok(store)
    }

    fn over(
        design: &'static Design,
        path: PathBuf,
        unchanging: bool,
        jobs: Option<mpsc::Sender<Box<dyn Job>>>,
        writer: Option<JoinHandle<()>>,
    ) -> Store {
        let file = File {
            design,
            path,
            jobs,
            writer,
            readers: Mutex::new(Vec::new()),
            seats: Semaphore::new(READERS),
            unchanging,
            _copy: None,
        };
        Store { file: Arc::new(file) }
    }

    /// Writes all that is committed into a file of its own below `folder`, in place of an older one.
    pub async fn copy_to(&self, folder: &Path, design: &'static Design) -> Result<()> {
        let copy = folder::make(folder)?.join(design.file);
        for ending in ["", "-wal", "-shm"] {
            match std::fs::remove_file(folder::beside(&copy, ending)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Problem::from(e).at(copy.display())),
                _ => {}
            }
        }
        folder::private_file(&copy)?;
        let to = copy.to_string_lossy().into_owned();
        self.read(move |db| Ok(db.execute("VACUUM INTO ?1", [to]).map(|_| ())?)).await
    }

    /// Runs `work` in the next group and returns after its commit. `work` is undone when it fails; the others
    /// of the group stand. Writes of one caller are done in the order they are sent. A write whose future is
    /// dropped is still carried out.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let gone = || Problem::new(Reason::Internal, format!("{} is not open for writing", self.file.design.file));
        let jobs = self.file.jobs.as_ref().ok_or_else(gone)?;
        let (reply, answer) = oneshot::channel();
        jobs.send(Box::new(Write { work: Some(work), done: None, reply })).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Runs `work` on a read-only connection, off the async threads.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let stopped = || Problem::new(Reason::Interrupted, "a read of the project folder was cut short");
        let _seat = self.file.seats.acquire().await.map_err(|_| stopped())?;
        let file = self.file.clone();
        let read = move || {
            let db = file.reader().map_err(|e| explain(e, &file.path, file.design))?;
            let found = work(&db).map_err(|e| explain(e, &file.path, file.design))?;
            file.put_back(db);
            Ok(found)
        };
        tokio::task::spawn_blocking(read).await.map_err(|_| stopped())?
    }
}

impl File {
    fn reader(&self) -> Result<Connection, Fault> {
        if let Some(db) = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(db);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let db = match self.unchanging.then(|| address_of_unchanging(&self.path)).flatten() {
            Some(address) => Connection::open_with_flags(address, flags)?,
            None => Connection::open_with_flags(&self.path, flags)?,
        };
        db.busy_timeout(BUSY)?;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        db.pragma_update(None, "cache_size", READER_CACHE)?;
        Ok(db)
    }

    fn put_back(&self, db: Connection) {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(db);
    }
}

impl Drop for File {
    /// Readers go first: the log is folded into the file only by the last one who has it open.
    fn drop(&mut self) {
        self.jobs = None;
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// SQLite needs to be told when it can neither make nor trust the files beside the database.
fn address_of_unchanging(path: &Path) -> Option<String> {
    let mut address = url::Url::from_file_path(std::path::absolute(path).ok()?).ok()?;
    address.set_query(Some("immutable=1"));
    Some(address.into())
}

fn nothing_pending(path: &Path) -> bool {
    let log = folder::beside(path, "-wal");
    std::fs::metadata(log).map_or(true, |log| log.len() == 0)
}

fn prepare(db: &Connection, design: &Design) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    let mode: String = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    tracing::debug!(file = design.file, mode, "opened");
    db.pragma_update(None, "synchronous", design.synchronous)?;
    db.pragma_update(None, "fullfsync", true)?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "trusted_schema", false)
}

fn version(db: &Connection) -> rusqlite::Result<usize> {
    db.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0)).map(|version| version as usize)
}

fn check_version(db: &Connection, design: &Design) -> Result<(), Fault> {
    let (found, known) = (version(db)?, design.versions.len());
    if found > known {
        return Err(Fault::Problem(
            Problem::new(
                Reason::Refused,
                format!("{} was written by a newer Deskferry (version {found}; this one knows {known})", design.file),
            )
            .hint("use that version of Deskferry or a newer one"),
        ));
    }
    Ok(())
}

fn upgrade(db: &Connection, design: &Design) -> Result<(), Fault> {
    check_version(db, design)?;
    if version(db)? == design.versions.len() {
        return Ok(());
    }
    let change = rusqlite::Transaction::new_unchecked(db, rusqlite::TransactionBehavior::Immediate)?;
    for script in design.versions.iter().skip(version(db)?) {
        change.execute_batch(script)?;
    }
    change.pragma_update(None, "user_version", design.versions.len() as u32)?;
    Ok(change.commit()?)
}

/// One write on its way: run inside the group, answered after it.
trait Job: Send {
    fn run(&mut self, db: &Connection) -> Result<(), Fault>;
    /// Its own outcome if the group was committed, the group's problem if not.
    fn answer(self: Box<Self>, group: Result<()>);
}

struct Write<T, F> {
    work: Option<F>,
    done: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Job for Write<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Fault> + Send,
{
    fn run(&mut self, db: &Connection) -> Result<(), Fault> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let value = work(db)?;
        self.done = Some(Ok(value));
        Ok(())
    }

    fn answer(self: Box<Self>, group: Result<()>) {
        let never = || Err(Problem::new(Reason::Internal, "a write was answered before it was done"));
        let outcome = match group {
            Ok(()) => self.done.unwrap_or_else(never),
            Err(problem) => Err(problem),
        };
        let _ = self.reply.send(outcome);
    }
}

fn write_groups(db: &Connection, mut jobs: mpsc::Receiver<Box<dyn Job>>, explain: impl Fn(Fault) -> Problem) {
    let mut group = Vec::new();
    while jobs.blocking_recv_many(&mut group, GROUP) > 0 {
        let mut refused = Vec::new();
        let together = commit(db, &mut group, &mut refused, &explain);
        if together.is_err() && !db.is_autocommit() {
            let _ = db.execute_batch("ROLLBACK");
        }
        for (job, problem) in refused {
            job.answer(Err(problem));
        }
        for job in group.drain(..) {
            job.answer(together.clone());
        }
    }
    fold(db);
}

/// Writes the log into the file itself, so that a copy of that one file is a copy of all. Another process that reads just now
/// keeps the rest of the log alive: nothing is lost, and the next end folds it.
fn fold(db: &Connection) {
    let folded = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    if !matches!(folded, Ok(0)) {
        tracing::warn!(?folded, "the write-ahead log is not folded in");
    }
}

/// Runs the group in one transaction. A job that fails moves to `refused` with its own problem and leaves no trace.
fn commit(
    db: &Connection,
    group: &mut Vec<Box<dyn Job>>,
    refused: &mut Vec<(Box<dyn Job>, Problem)>,
    explain: &impl Fn(Fault) -> Problem,
) -> Result<()> {
    let sql = |script: &str| db.prepare_cached(script)?.execute([]).map(|_| ()).map_err(Fault::from);
    sql("BEGIN IMMEDIATE").map_err(explain)?;
    let mut at = 0;
    while at < group.len() {
        sql("SAVEPOINT job").map_err(explain)?;
        match group[at].run(db) {
            Ok(()) => at += 1,
            // A full disk ends the whole transaction, and with it what the others of the group have done.
            Err(fault) if db.is_autocommit() => return Err(explain(fault)),
            Err(fault) => {
                sql("ROLLBACK TO job").map_err(explain)?;
                refused.push((group.remove(at), explain(fault)));
            }
        }
        sql("RELEASE job").map_err(explain)?;
    }
    sql("COMMIT").map_err(explain)
}

/// Why the file is not there to be viewed. Where another of the project is, it was there before.
fn missing(path: &Path) -> Problem {
    let mut others = folder::home(path).read_dir().into_iter().flatten().flatten();
    match others.any(|other| other.path().extension().is_some_and(|ending| ending == "db")) {
        true => Problem::new(Reason::Config, format!("{} is missing, and the project was used before", path.display()))
            .hint("is the ledger lost? `deskferry ids --rebuild` restores it from the target"),
        false => Problem::new(Reason::Config, format!("{} does not exist yet", path.display()))
            .hint("`deskferry run` makes it; `-C DIR` names another project folder"),
    }
}
