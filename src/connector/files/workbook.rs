//! The sheets of an XLSX file, made CSV tables once: numbers as people write them, dates and times of day from their serials, the
//! last computed values of formulas. Reads only, cell by cell: of a sheet nothing is held in memory but its shared texts.

use super::columns::{self, Columns};
use super::layout::Origin;
use crate::error::{Problem, Reason, Result};
use crate::mapping::label;
use calamine::{DataRef, Dimensions, ExcelDateTime, Reader, Xlsx, open_workbook};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// The sheets of a workbook.
pub struct Sheets {
    /// By the name of the table, in the order in which they are one.
    pub tables: BTreeMap<&'static str, Vec<Origin>>,
    /// Sheets that are no table.
    pub unread: Vec<String>,
    /// Tables whose sheets are not there.
    pub wrong: Vec<Problem>,
}

type Book = Xlsx<BufReader<File>>;

/// Makes tables of the sheets of a workbook, in `home`.
///
/// Errors: `config`; `disk`.
pub fn sheets(file: &Path, columns: &Columns, names: &[&'static str], home: &Path) -> Result<Sheets> {
    let book = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut workbook: Book = open_workbook(file).map_err(|e| unreadable(&book, &e))?;
    let all = workbook.sheet_names();
    let (mut found, mut read) = (Sheets { tables: BTreeMap::new(), unread: vec![], wrong: vec![] }, Vec::new());
    for &name in names {
        let wanted = &columns.table(name).sheet.0;
        let mut origins = Vec::new();
        let by_name = all.iter().find(|sheet| called(sheet, name)).cloned();
        for sheet in if wanted.is_empty() { by_name.into_iter().collect() } else { wanted.clone() } {
            let Some(sheet) = all.iter().find(|there| label::same(there, &sheet)) else {
                let what = format!("{book} has no sheet `{sheet}`, which `[{name}]` of {} names", columns::FILE);
                let hint = crate::project::spelling::hint(&sheet, all.iter().map(String::as_str));
                let hint = hint.or_else(|| Some(format!("its sheets are {}", super::faults::list(&all))));
                found.wrong.push(Problem { hint, ..Problem::new(Reason::Config, what) });
                continue;
            };
            let path = home.join(format!("{name}-{}.csv", origins.len()));
            write(&mut workbook, &book, sheet, &path)?;
            read.push(sheet.clone());
            origins.push(Origin {
                path,
                from: file.to_owned(),
                mark: 0,
                shown: format!("{book}, sheet {sheet},"),
                made: true,
            });
        }
        if !origins.is_empty() {
            found.tables.insert(name, origins);
        }
    }
    found.unread =
        all.iter().filter(|sheet| !read.contains(sheet)).map(|sheet| format!("{book}, sheet {sheet}")).collect();
    Ok(found)
}

/// Whether a file or sheet is called like a table, in the singular or the plural.
pub fn called(name: &str, table: &str) -> bool {
    let name = label::key(name);
    name == table
        || name == format!("{table}s")
        || table.strip_suffix('y').is_some_and(|stem| name == format!("{stem}ies"))
}

fn unreadable(book: &str, e: &calamine::XlsxError) -> Problem {
    Problem::new(Reason::Config, format!("{book}: cannot be read as XLSX: {e}"))
        .hint("save it as an Excel workbook (.xlsx), without a password")
}

/// Writes a sheet as CSV, each row and column in its place. A cell that is merged over several rows stands in each of them.
fn write(workbook: &mut Book, book: &str, sheet: &str, path: &Path) -> Result<()> {
    let wrong = |e: csv::Error| Problem::new(Reason::Disk, e.to_string());
    let mut merged = Merged::of(workbook.merge_cells_by_sheet_name(sheet).map_err(|e| unreadable(book, &e))?);
    let mut out = csv::WriterBuilder::new().flexible(true).from_path(path).map_err(wrong)?;
    let mut cells = workbook.worksheet_cells_reader(sheet).map_err(|e| unreadable(book, &e))?;
    let (mut row, mut texts): (u32, Vec<String>) = (0, Vec::new());
    loop {
        let cell = cells.next_cell().map_err(|e| unreadable(book, &e))?;
        let at = cell.as_ref().map_or(row + 1, |cell| cell.get_position().0);
        while row < at {
            merged.complete(row, &mut texts);
            if texts.is_empty() {
                texts.push(String::new());
            }
            out.write_record(&texts).map_err(wrong)?;
            texts.clear();
            row += 1;
        }
        let Some(cell) = cell else { return Ok(out.flush()?) };
        put(&mut texts, cell.get_position().1 as usize, text(cell.get_value()));
    }
}

fn put(texts: &mut Vec<String>, column: usize, text: String) {
    if texts.len() <= column {
        texts.resize(column + 1, String::new());
    }
    texts[column] = text;
}

/// Cells of one column that are merged over several rows.
struct Merged {
    /// By their first row, the last first.
    coming: Vec<Dimensions>,
    /// Those of this row, and what stands in them.
    here: Vec<(Dimensions, String)>,
}

impl Merged {
    fn of(all: Vec<Dimensions>) -> Merged {
        let mut coming = all;
        coming.retain(|area| area.start.1 == area.end.1 && area.start.0 < area.end.0);
        coming.sort_by_key(|area| std::cmp::Reverse(area.start.0));
        Merged { coming, here: vec![] }
    }

    /// Puts what stands above into a row that has cells of its own.
    fn complete(&mut self, row: u32, texts: &mut Vec<String>) {
        self.here.retain(|(area, _)| area.end.0 >= row);
        if texts.iter().any(|text| !text.is_empty()) {
            for (area, text) in &self.here {
                put(texts, area.start.1 as usize, text.clone());
            }
        }
        while let Some(area) = self.coming.pop_if(|area| area.start.0 <= row) {
            let text = texts.get(area.start.1 as usize).cloned().unwrap_or_default();
            self.here.push((area, text));
        }
    }
}

/// The workbook of a folder.
///
/// Errors: `config`.
pub fn file(folder: &Path, columns: &Columns) -> Result<PathBuf> {
    if let Some(name) = &columns.workbook {
        super::folder::stays_inside(name)?;
        let path = folder.join(name);
        return match path.is_file() {
            true => Ok(path),
            false => Err(Problem::new(Reason::Config, format!("there is no file `{name}`, named by `workbook`"))),
        };
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| Problem::from(e).at(folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Excel's own lock file of an open workbook begins so.
        if name.to_lowercase().ends_with(".xlsx") && !name.starts_with("~$") {
            found.push(path);
        }
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        none_or_many => {
            let what = format!("the folder has {} .xlsx files, and one is needed", none_or_many.len());
            Err(Problem::new(Reason::Config, what).hint("`workbook` in columns.toml names one"))
        }
    }
}

fn text(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::Empty => String::new(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(serial) => moment(serial),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Error(error) => error.to_string(),
    }
}

/// A date, a date with its time, a time of day, or hours and minutes of any number.
fn moment(serial: &ExcelDateTime) -> String {
    if !serial.is_datetime() {
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a sheet")]
        let seconds = (serial.as_f64() * 86_400.0).round() as i64;
        return format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, milli) = serial.to_ymd_hms_milli();
    let fraction = if milli == 0 { String::new() } else { format!(".{milli:03}") };
    let clock = match second {
        0 if milli == 0 => format!("{hour:02}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}{fraction}"),
    };
    let is_midnight = (hour, minute, second, milli) == (0, 0, 0, 0);
    match serial.as_f64() {
        days if days < 1.0 => clock,
        _ if is_midnight => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:04}-{month:02}-{day:02}T{clock}"),
    }
}
