//! The sheets of an XLSX file, made CSV tables once: numbers as people write them, dates from their serials, the last
//! computed values of formulas. Reads only.
//!
//! A sheet is held in memory while it is made a table, one at a time: XLSX cannot be read otherwise.

use super::columns::{self, Columns};
use super::table::Found;
use crate::error::{Problem, Reason, Result};
use calamine::{Data, Reader, Xlsx, open_workbook};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Tables of a workbook, by the name of the table. The folder goes with it.
pub struct Sheets {
    tables: HashMap<&'static str, Found>,
    _home: TempDir,
}

impl Sheets {
    /// Errors: `config`; `disk`.
    pub fn open(folder: &Path, columns: &Columns, names: &[&'static str]) -> Result<Sheets> {
        let file = file(folder, columns)?;
        let book = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let unreadable = |e: calamine::XlsxError| {
            Problem::new(Reason::Config, format!("{book}: cannot be read as XLSX: {e}"))
                .hint("save it as an Excel workbook (.xlsx), without a password")
        };
        let mut workbook: Xlsx<_> = open_workbook(&file).map_err(unreadable)?;
        let sheets = workbook.sheet_names();
        let home = tempfile::tempdir()?;
        let mut tables = HashMap::new();
        for &name in names {
            let wanted = columns.table(name).sheet.as_deref();
            let sheet = sheets.iter().find(|sheet| crate::mapping::label::same(sheet, wanted.unwrap_or(name)));
            let Some(sheet) = sheet else {
                let Some(wanted) = wanted else { continue };
                let what = format!("{book} has no sheet `{wanted}`, which `[{name}]` of {} names", columns::FILE);
                let hint = crate::project::spelling::hint(wanted, sheets.iter().map(String::as_str));
                return Err(Problem { hint, ..Problem::new(Reason::Config, what) });
            };
            let range = workbook.worksheet_range(sheet).map_err(unreadable)?;
            let path = home.path().join(format!("{name}.csv"));
            let mut out = csv::Writer::from_path(&path).map_err(|e| Problem::new(Reason::Disk, e.to_string()))?;
            let first = range.start().map_or(0, |(row, _)| row) as usize;
            for (at, row) in range.rows().enumerate() {
                let cells = row.iter().enumerate().map(|(column, cell)| {
                    text(cell).map_err(|what| {
                        let place = format!("{book}, sheet {sheet}, row {}, column {}", first + at + 1, column + 1);
                        Problem::new(Reason::Config, what).hint("correct the formula and save the workbook").at(place)
                    })
                });
                let cells: Vec<String> = cells.collect::<Result<_>>()?;
                out.write_record(&cells).map_err(|e| Problem::new(Reason::Disk, e.to_string()))?;
            }
            out.flush()?;
            let found = Found { path, shown: format!("{book}, sheet {sheet},"), header_row: first as u64 + 1 };
            tables.insert(name, found);
        }
        Ok(Sheets { tables, _home: home })
    }

    pub fn table(&self, name: &str) -> Option<&Found> {
        self.tables.get(name)
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

fn text(cell: &Data) -> Result<String, String> {
    Ok(match cell {
        Data::Empty => String::new(),
        Data::Float(number) => number.to_string(),
        Data::Int(number) => number.to_string(),
        Data::Bool(flag) => flag.to_string(),
        Data::DateTime(serial) if serial.is_datetime() => {
            let (year, month, day, hour, minute, second, milli) = serial.to_ymd_hms_milli();
            let fraction = if milli == 0 { String::new() } else { format!(".{milli:03}") };
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}")
        }
        Data::DateTime(serial) => serial.as_f64().to_string(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Error(error) => return Err(format!("the formula gives {error}")),
    })
}
