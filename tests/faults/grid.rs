//! The grid of a table: what goes wrong at each call of a source, what came of it, and the page it is written to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What a call of the read side is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    Unauthorized,
    /// 401, and so are all calls that come after it.
    LoggedOut,
    Forbidden,
    NotFound,
    /// 429, with an hour to wait.
    RateLimited,
    /// 500, whenever it is made.
    ServerError,
    Reset,
    /// Half of the JSON, as if it were all.
    CutJson,
    /// Half of the file, then the end of the connection.
    CutFile,
    /// Half of the file, as if it were all.
    HalfFile,
    /// 200 without a body.
    Empty,
    /// 200 with a page of HTML.
    LoginPage,
}

impl Fault {
    pub const ALL: [Fault; 12] = [
        Fault::Unauthorized,
        Fault::LoggedOut,
        Fault::Forbidden,
        Fault::NotFound,
        Fault::RateLimited,
        Fault::ServerError,
        Fault::Reset,
        Fault::CutJson,
        Fault::CutFile,
        Fault::HalfFile,
        Fault::Empty,
        Fault::LoginPage,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Fault::Unauthorized => "401",
            Fault::LoggedOut => "401 from then on",
            Fault::Forbidden => "403",
            Fault::NotFound => "404",
            Fault::RateLimited => "429 for an hour",
            Fault::ServerError => "500 for ever",
            Fault::Reset => "reset",
            Fault::CutJson => "cut JSON",
            Fault::CutFile => "cut file",
            Fault::HalfFile => "half file",
            Fault::Empty => "empty body",
            Fault::LoginPage => "HTML 200",
        }
    }

    /// Whether it can befall a call, by what is read there.
    pub fn befalls(self, reads: Reads) -> bool {
        match self {
            Fault::CutJson => reads != Reads::Bytes,
            Fault::CutFile => reads != Reads::Rows,
            Fault::HalfFile => reads == Reads::Bytes,
            _ => true,
        }
    }
}

/// What a call reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    Rows,
    Bytes,
    /// A file or a text, wrapped in JSON.
    Packed,
}

/// Cells that may differ from an undisturbed run, known beforehand.
pub struct Excused {
    /// Beginning of the call's shape.
    pub call: &'static str,
    pub faults: &'static [Fault],
    /// What the vendor says by such an answer.
    pub because: &'static str,
}

/// What came of one cell.
#[derive(Clone, Debug, Default)]
pub struct Came {
    /// Exit codes of the runs.
    pub exits: Vec<u8>,
    /// What is not as after an undisturbed run.
    pub differences: Vec<String>,
    /// Records that the fault of one kept from being migrated in the first run, where that are more than it.
    pub dragged: Vec<String>,
    /// What the runs told, where it is not well.
    pub told: Vec<String>,
}

impl Came {
    pub fn is_well(&self) -> bool {
        self.differences.is_empty() && self.dragged.is_empty()
    }
}

/// The cells of one source, by the shape of the call.
#[derive(Default)]
pub struct Table {
    cells: BTreeMap<(String, Fault), Vec<(String, Came)>>,
}

impl Table {
    pub fn put(&mut self, shape: String, fault: Fault, call: String, came: Came) {
        self.cells.entry((shape, fault)).or_default().push((call, came));
    }

    pub fn cells(&self) -> usize {
        self.cells.values().map(Vec::len).sum()
    }

    fn excuse<'a>(excused: &'a [Excused], shape: &str, fault: Fault) -> Option<&'a Excused> {
        excused.iter().find(|one| shape.starts_with(one.call) && one.faults.contains(&fault))
    }

    /// Cells that differ, and are not excused.
    pub fn wrong(&self, excused: &[Excused]) -> Vec<String> {
        let open = self.cells.iter().filter(|((shape, fault), _)| Self::excuse(excused, shape, *fault).is_none());
        open.flat_map(|((_, fault), cells)| cells.iter().map(move |(call, came)| (fault, call, came)))
            .filter(|(.., came)| !came.is_well())
            .map(|(fault, call, came)| {
                let Came { exits, differences, dragged, told } = came;
                let first: Vec<_> = differences.iter().take(4).collect();
                let told: String = told.iter().map(|line| format!("\n    {line}")).collect();
                format!(
                    "{} of {call}: exits {exits:?}, differs: {first:?}, dragged along: {dragged:?}{told}",
                    fault.name()
                )
            })
            .collect()
    }

    /// Cells that are excused, whether or not they differ.
    pub fn excused(&self, excused: &[Excused]) -> usize {
        let all = self.cells.iter().filter(|((shape, fault), _)| Self::excuse(excused, shape, *fault).is_some());
        all.map(|(_, cells)| cells.len()).sum()
    }

    /// As Markdown: a row a shape, a column a fault. `=` where all are as after an undisturbed run.
    pub fn markdown(&self, title: &str, excused: &[Excused]) -> String {
        let mut text = format!("### {title}\n\n");
        let differ: usize = self.cells.values().flatten().filter(|(_, came)| !came.is_well()).count();
        let _ = writeln!(
            text,
            "{} cells: {} as after an undisturbed run, {differ} not. {} may differ, for the reasons below.\n",
            self.cells(),
            self.cells() - differ,
            self.excused(excused),
        );
        let heads: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        let _ = writeln!(text, "| call | {} |", heads.join(" | "));
        let _ = writeln!(text, "|---|{}", "---|".repeat(heads.len()));
        let shapes: BTreeSet<&String> = self.cells.keys().map(|(shape, _)| shape).collect();
        for shape in shapes {
            let cells = Fault::ALL.map(|fault| match self.cells.get(&(shape.clone(), fault)) {
                None => "–".to_owned(),
                Some(cells) => {
                    let well = cells.iter().filter(|(_, came)| came.is_well()).count();
                    let mark = if Self::excuse(excused, shape, fault).is_some() { "\\*" } else { "" };
                    if well == cells.len() { format!("={mark}") } else { format!("{well} of {}{mark}", cells.len()) }
                }
            });
            let calls = Fault::ALL.iter().filter_map(|fault| self.cells.get(&(shape.clone(), *fault))).map(Vec::len);
            let times = calls.max().filter(|times| *times > 1).map(|n| format!(" × {n}")).unwrap_or_default();
            let _ = writeln!(text, "| `{shape}`{times} | {} |", cells.join(" | "));
        }
        for one in excused {
            let names: Vec<&str> = one.faults.iter().map(|fault| fault.name()).collect();
            let _ = writeln!(text, "\n\\* {} of `{}`: {}.", names.join(", "), one.call, one.because);
        }
        text
    }
}
