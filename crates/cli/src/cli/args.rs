//! The command line.

use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand, ValueEnum};
use deskferry::error::Problem;
use deskferry::pipeline::{Choice, Code};
use deskferry::project::spelling;
use deskferry::record::Kind;
use deskferry_sandbox::limits::Rate;
use deskferry_sandbox::platform::Platform;
use std::path::PathBuf;

/// Moves a help desk from one platform to another: nothing lost, nothing twice, nobody mailed
#[derive(Debug, Parser)]
#[command(name = "deskferry", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, ClapArgs)]
pub struct Global {
    /// The project folder
    #[arg(short = 'C', long = "directory", value_name = "DIR", default_value = ".", global = true)]
    pub directory: PathBuf,
    /// Write events to stdout, one JSON object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// Show more detail (`-vv`: every API call)
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Show only errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// When to use colours
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true)]
    pub color: Color,
    /// Also write the details of `-vv` to this file
    #[arg(long, value_name = "FILE", global = true)]
    pub log_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check that both accounts answer and that a run can start
    Check,
    /// Read the source into the project folder, write nothing
    Stage(ChoiceArgs),
    /// Count what the source holds, and estimate the effort of the migration
    Assess(AssessArgs),
    /// Propose a mapping, and show where every field and value goes
    Map(MapArgs),
    /// Show what a run would do, and write nothing to the target
    Preview(PreviewArgs),
    /// Migrate everything not migrated yet; resumes where it stopped
    Run(RunArgs),
    /// Try the failed records again, then migrate the rest like `run`
    Retry(RetryArgs),
    /// Delete what this migration made in the target, and nothing else; shows it first
    Undo(UndoArgs),
    /// Show how far the migration is
    Status,
    /// Report what was migrated, skipped and failed, and why
    Report(ReportArgs),
    /// Print the id map as CSV: source id and number, target id, number and address
    Ids(IdsArgs),
    /// The platforms Deskferry knows, and their manifests
    Connectors {
        #[command(subcommand)]
        action: ConnectorAction,
    },
    /// Simulate a help desk on this machine to rehearse a migration (stop it with Ctrl-C)
    Sandbox(SandboxArgs),
    /// Migrate a simulated help desk on this machine as a demonstration
    Demo(DemoArgs),
}

#[derive(Clone, Debug, Default, ClapArgs)]
pub struct ChoiceArgs {
    /// Only these kinds
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    pub only: Vec<Kind>,
    /// Only these records, by source id
    #[arg(long, value_name = "KIND:ID", value_delimiter = ',', value_parser = kind_and_id)]
    pub ids: Vec<(Kind, String)>,
    /// At most this many tickets, with the people and companies they name
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub sample: Option<u64>,
}

impl ChoiceArgs {
    pub fn choice(&self) -> Choice {
        let mut choice = Choice { only: self.only.iter().copied().collect(), sample: self.sample, ..Choice::default() };
        for (kind, id) in &self.ids {
            choice.ids.entry(*kind).or_default().insert(id.clone());
        }
        choice
    }
}

#[derive(Clone, Debug, Default, ClapArgs)]
pub struct MapArgs {
    /// Add the proposed lines to the project's mapping; a line that is there stays as it is
    #[arg(long, group = "what")]
    pub write: bool,
    /// Show what `--write` would change
    #[arg(long, group = "what")]
    pub diff: bool,
    /// Show only where every field and value goes, by the mapping as it is
    #[arg(long, group = "what")]
    pub coverage: bool,
    /// Run the examples of the mapping; asks neither account
    #[arg(long, group = "what")]
    pub test: bool,
    /// Print the JSON Schema of the mapping, for editors
    #[arg(long, group = "what")]
    pub schema: bool,
    /// Begin with the ready-made mapping for the two platforms
    #[arg(long, conflicts_with_all = ["test", "schema"])]
    pub ready: bool,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct RunArgs {
    #[command(flatten)]
    pub choice: ChoiceArgs,
    /// Stop when more than this many records failed
    #[arg(long, value_name = "N")]
    pub max_failures: Option<u64>,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct AssessArgs {
    /// Where the page and its data are written: FILE.html and FILE.json
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct PreviewArgs {
    #[command(flatten)]
    pub choice: ChoiceArgs,
    /// All tickets, instead of a small sample that shows every case
    #[arg(long, conflicts_with_all = ["sample", "ids"])]
    pub all: bool,
    /// Where the page and the tables are written: FILE.html, FILE.json and FILE.csv
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Leave names, texts and values of the account out of what is written
    #[arg(long)]
    pub redacted: bool,
    /// Show what changed since the previous preview
    #[arg(long)]
    pub diff: bool,
    /// Agree to this mapping, this scope and these kinds of loss, for `[run] approval = true`
    #[arg(long)]
    pub approve: bool,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct RetryArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// Only what failed for these reasons, or lost this, by code
    #[arg(long, value_name = "REASON", value_delimiter = ',', value_parser = reason)]
    pub reason: Vec<Code>,
}

#[derive(Clone, Debug, Default, ClapArgs)]
#[command(
    after_help = "Examples:\n  deskferry undo                        show what would be deleted; on a terminal, ask for the number of records\n  deskferry undo --trial                only what `deskferry run --sample N` made\n  deskferry undo --only ticket --yes 20 without a terminal: 20 is the number that `deskferry undo --only ticket` shows"
)]
pub struct UndoArgs {
    /// Only these kinds
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    pub only: Vec<Kind>,
    /// Only these records, by source id; no people or companies go along
    #[arg(long, value_name = "KIND:ID", value_delimiter = ',', value_parser = kind_and_id)]
    pub ids: Vec<(Kind, String)>,
    /// Only what runs with `--sample` made
    #[arg(long)]
    pub trial: bool,
    /// Delete this many records without asking: the number that `deskferry undo` shows
    #[arg(long, value_name = "COUNT")]
    pub yes: Option<u64>,
}

impl UndoArgs {
    pub fn choice(&self) -> Choice {
        ChoiceArgs { only: self.only.clone(), ids: self.ids.clone(), sample: None }.choice()
    }
}

#[derive(Clone, Debug, ClapArgs)]
pub struct IdsArgs {
    /// Restore the id map of a lost ledger from the markers in the target first
    #[arg(long)]
    pub rebuild: bool,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct DemoArgs {
    /// Folder for the project (default: a new temporary folder)
    pub dir: Option<PathBuf>,
    /// Number of tickets to migrate
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub tickets: usize,
    /// The same seed gives the same help desk
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct ReportArgs {
    /// How to write it
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Counts, for people
    Text,
    /// One row a record
    Csv,
    /// Counts, for programs
    Json,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct SandboxArgs {
    /// Which platform to simulate
    #[arg(value_parser = super::sandbox::platform)]
    pub platform: Platform,
    /// Where to answer on 127.0.0.1 (0: any free port)
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    /// The same seed gives the same help desk
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How many tickets it has
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub tickets: usize,
    /// The vendor's plan, whose limits hold
    #[arg(long, value_name = "NAME")]
    pub plan: Option<String>,
    /// Another limit for the account, such as 200/m
    #[arg(long, value_name = "CALLS/UNIT")]
    pub rate: Option<Rate>,
    /// All notifications are switched off, as an administrator does before a move
    #[arg(long)]
    pub silenced: bool,
    /// It has the ticket field `Deskferry` that a migration into it needs, as made by hand (Freshdesk)
    #[arg(long)]
    pub marker_field: bool,
    /// How long its exports or its search do not know what changed, instead of as long as the vendor's
    #[arg(long, value_name = "SECONDS")]
    pub lag: Option<u32>,
    /// How far its clock is ahead of this machine's; behind it with a minus
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_negative_numbers = true)]
    pub clock: i32,
    /// How long a background job waits before it writes (Zendesk)
    #[arg(long, value_name = "SECONDS")]
    pub job_waits: Option<u32>,
    /// A ticket with more files than some desks take (Zendesk: 24 MB)
    #[arg(long)]
    pub heavy: bool,
    /// File with the faults to simulate
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Pages after which a list of tickets ends (Freshdesk: 300)
    #[arg(long, value_name = "N")]
    pub wall_pages: Option<usize>,
    /// How many of its oldest tickets are archived (Freshdesk)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub archived: usize,
    /// How long the address of a file is good (Freshdesk: 300)
    #[arg(long, value_name = "SECONDS")]
    pub link_seconds: Option<u32>,
}

#[derive(Clone, Debug, Subcommand)]
pub enum ConnectorAction {
    /// List the platforms with what they read and write and how well that is proven
    List,
    /// Show what an account of one platform needs, and what is read and written; into a file or a pipe, the manifest
    Show {
        name: String,
        /// Print the whole manifest, to make one of your own of it
        #[arg(long)]
        manifest: bool,
        /// Print a short summary
        #[arg(long, conflicts_with = "manifest")]
        summary: bool,
    },
    /// Check a manifest of your own
    Lint { files: Vec<PathBuf> },
    /// Print the JSON Schema of manifests, for editors
    Schema {
        /// Which file's schema
        #[arg(value_enum, default_value_t = SchemaOf::Connector)]
        of: SchemaOf,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    Connector,
    Migration,
    Mapping,
}

fn kind(text: &str) -> Result<Kind, String> {
    let known: Vec<&str> = Kind::ALL.iter().map(|k| k.code()).collect();
    let plural = || Kind::ALL.iter().copied().find(|kind| plural_of(kind.code()) == text);
    Kind::from_code(text).or_else(plural).ok_or_else(|| match spelling::nearest(text, known.iter().copied()) {
        Some(near) => format!("not a kind; did you mean `{near}`?"),
        None => format!("not a kind; there are {}", known.join(", ")),
    })
}

fn plural_of(kind: &str) -> String {
    kind.strip_suffix('y').map_or_else(|| format!("{kind}s"), |stem| format!("{stem}ies"))
}

fn reason(text: &str) -> Result<Code, String> {
    Code::parse(text).ok_or_else(|| "not a reason; `deskferry report` shows their codes in brackets".into())
}

fn kind_and_id(text: &str) -> Result<(Kind, String), String> {
    let (left, id) = text.split_once(':').ok_or("write KIND:ID, such as ticket:42")?;
    Ok((kind(left)?, id.to_owned()))
}

/// What a file that could not be written is called in messages.
pub fn at_file(file: &std::path::Path) -> impl Fn(std::io::Error) -> Problem + '_ {
    |e| Problem::from(e).at(file.display())
}
