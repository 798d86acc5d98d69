//! The sheets of an XLSX file, made CSV tables once: numbers as people write them, dates and times of day from their serials, the
//! last computed values of formulas. Reads only, cell by cell: of a sheet nothing is held in memory but its shared texts.

use super::columns::{self, Columns};
use super::layout::Origin;
use super::masks;
use crate::error::{Problem, Reason, Result};
use crate::mapping::label;
use calamine::{DataRef, Dimensions, ExcelDateTime, Reader, Xlsx, XlsxError, open_workbook};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
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

/// What is read where a formula has no computed value in the file, as programs write it that compute nothing.
pub const NO_VALUE: &str = "#NO_VALUE!";
/// Longest description of a workbook that is looked at, in bytes.
const ABOUT_BYTES: u64 = 1 << 20;
/// Numbers from here on are not whole in a sheet, which keeps fifteen digits.
const WHOLE: f64 = 1e15;

/// Makes tables of the sheets of a workbook, in `home`.
///
/// Errors: `config`; `disk`.
pub fn sheets(file: &Path, columns: &Columns, names: &[&'static str], home: &Path) -> Result<Sheets> {
    let book = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut workbook: Book = open_workbook(file).map_err(|e| unreadable(&book, &e))?;
    let all = workbook.sheet_names();
    let (mut found, mut read) = (Sheets { tables: BTreeMap::new(), unread: vec![], wrong: vec![] }, Vec::new());
    if columns.says_days_of_a_spreadsheet() && counts_from_1904(file) {
        let what = format!("{book} counts its days from 1904, which `date = \"excel\"` of {} does not", columns::FILE);
        let hint = "give the columns a date format in Excel and save the workbook: cells with one are read right";
        found.wrong.push(Problem::new(Reason::BadExport, what).hint(hint));
    }
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

fn unreadable(book: &str, e: &XlsxError) -> Problem {
    Problem::new(Reason::BadExport, format!("{book}: cannot be read as XLSX: {e}"))
        .hint("save it as an Excel workbook (.xlsx), without a password")
}

/// Whether days are counted from 1904, as old workbooks of the Macintosh do.
fn counts_from_1904(file: &Path) -> bool {
    let about = || {
        let mut zip = zip::ZipArchive::new(BufReader::new(File::open(file).ok()?)).ok()?;
        let mut text = String::new();
        zip.by_name("xl/workbook.xml").ok()?.take(ABOUT_BYTES).read_to_string(&mut text).ok()?;
        let value = text.split_once("date1904=")?.1.get(1..)?;
        Some(value.starts_with('1') || value.starts_with("true"))
    };
    about().unwrap_or(false)
}

/// Writes a sheet as CSV. Where cells hold what the first reading cannot place, it is read again.
fn write(workbook: &mut Book, book: &str, sheet: &str, path: &Path) -> Result<()> {
    let suspects = put_down(workbook, book, sheet, path, &Known::new())?;
    let known = suspects.known(workbook, book, sheet)?;
    if known.is_empty() {
        return Ok(());
    }
    put_down(workbook, book, sheet, path, &known).map(drop)
}

/// Cells by their place in the order of the file: row, column, and what is read there.
type Known = BTreeMap<u32, ((u32, u32), String)>;

/// Cells that one reading cannot judge, by their place in the order of the file.
#[derive(Default)]
struct Suspects {
    /// Without a value: blank, or a formula that nobody computed.
    empty: Vec<u32>,
    /// Error words that the library does not know, which tells no row and column for them.
    errors: BTreeMap<u32, String>,
}

impl Suspects {
    /// What they are, by the places and formulas of the sheet.
    fn known(self, workbook: &mut Book, book: &str, sheet: &str) -> Result<Known> {
        let mut known = Known::new();
        if self.empty.is_empty() && self.errors.is_empty() {
            return Ok(known);
        }
        let mut cells = workbook.worksheet_cells_reader(sheet).map_err(|e| unreadable(book, &e))?;
        let mut empty = self.empty.into_iter().peekable();
        for at in 0.. {
            let Some(cell) = cells.next_formula().map_err(|e| unreadable(book, &e))? else { break };
            let is_empty = empty.next_if_eq(&at).is_some();
            if let Some(word) = self.errors.get(&at) {
                known.insert(at, (cell.get_position(), word.clone()));
            } else if is_empty && !cell.get_value().is_empty() {
                known.insert(at, (cell.get_position(), NO_VALUE.to_owned()));
            }
        }
        Ok(known)
    }
}

/// Writes each row and column in its place. A cell that is merged over several rows stands in each of them.
fn put_down(workbook: &mut Book, book: &str, sheet: &str, path: &Path, known: &Known) -> Result<Suspects> {
    let wrong = |e: csv::Error| Problem::new(Reason::Disk, e.to_string());
    let mut merged = Merged::of(workbook.merge_cells_by_sheet_name(sheet).map_err(|e| unreadable(book, &e))?);
    let mut out = csv::WriterBuilder::new().flexible(true).from_path(path).map_err(wrong)?;
    let mut cells = workbook.worksheet_cells_reader(sheet).map_err(|e| unreadable(book, &e))?;
    let masks = masks::of_styles(cells.styles());
    let mut suspects = Suspects::default();
    let (mut row, mut texts): (u32, Vec<String>) = (0, Vec::new());
    for at in 0.. {
        let cell = match (cells.next_cell_with_style_id(), known.get(&at)) {
            (Ok(Some(_)) | Err(XlsxError::CellError(_)), Some((position, word))) => Some((*position, word.clone())),
            (Err(XlsxError::CellError(word)), None) => {
                suspects.errors.insert(at, word);
                continue;
            }
            (cell, _) => cell.map_err(|e| unreadable(book, &e))?.map(|(cell, style)| {
                if matches!(cell.get_value(), DataRef::Empty) {
                    suspects.empty.push(at);
                }
                let mask = masks.get(style).and_then(Option::as_ref);
                let shown = mask.and_then(|mask| mask.shown(number(cell.get_value())?));
                (cell.get_position(), shown.unwrap_or_else(|| text(cell.get_value())))
            }),
        };
        let next = cell.as_ref().map_or(row + 1, |((row, _), _)| *row);
        while row < next {
            merged.complete(row, &mut texts);
            if texts.is_empty() {
                texts.push(String::new());
            }
            out.write_record(&texts).map_err(wrong)?;
            texts.clear();
            row += 1;
        }
        let Some(((_, column), text)) = cell else { break };
        // Where cells do not say their column, the library forgets to count one whose error it does not know.
        let column = texts.len().max(column as usize);
        put(&mut texts, column, text);
    }
    out.flush()?;
    Ok(suspects)
}

fn put(texts: &mut Vec<String>, column: usize, text: String) {
    if texts.len() <= column {
        texts.resize(column + 1, String::new());
    }
    texts[column] = text;
}

/// Cells that are merged over several rows, column by column.
struct Merged {
    /// By their first row, the last first.
    coming: Vec<Dimensions>,
    /// Those of this row, and what stands in them.
    here: Vec<(Dimensions, String)>,
}

impl Merged {
    fn of(all: Vec<Dimensions>) -> Merged {
        let columns = |area: Dimensions| {
            let column = move |at| Dimensions { start: (area.start.0, at), end: (area.end.0, at) };
            (area.start.1..=area.end.1).map(column)
        };
        let over_rows = all.into_iter().filter(|area| area.start.0 < area.end.0);
        let mut coming: Vec<Dimensions> = over_rows.flat_map(columns).collect();
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
            let what = format!("the folder has {} .xlsx files, but one is needed", none_or_many.len());
            let hint = match none_or_many.is_empty() {
                true => of_others(folder)?,
                false => "`workbook` in columns.toml names one".to_owned(),
            };
            Err(Problem::new(Reason::Config, what).hint(hint))
        }
    }
}

/// What helps where a folder has tables of other sorts alone.
fn of_others(folder: &Path) -> Result<String> {
    let names = super::tables::names(folder)?;
    let ends = |name: &String, endings: &[&str]| {
        let name = name.to_lowercase();
        endings.iter().any(|ending| name.ends_with(ending))
    };
    let old = names.iter().find(|name| ends(name, &[".xls", ".ods", ".xlsm", ".xlsb", ".html", ".htm"]));
    Ok(match (old, names.iter().any(|name| ends(name, &[".csv"]))) {
        (Some(name), _) => format!("open `{name}` in Excel or LibreOffice and save it as an Excel workbook (.xlsx)"),
        (None, true) => "the folder has CSV files: `format = \"csv\"` under `[source]` reads them".to_owned(),
        (None, false) => {
            "put the workbook into the folder; `path` of [source] is relative to the project folder".to_owned()
        }
    })
}

fn number(cell: &DataRef<'_>) -> Option<f64> {
    match cell {
        DataRef::Float(number) => Some(*number),
        #[expect(clippy::cast_precision_loss, reason = "a sheet keeps fifteen digits")]
        DataRef::Int(number) => Some(*number as f64),
        _ => None,
    }
}

fn text(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::Empty => String::new(),
        // Not its digits, as if they were all there.
        DataRef::Float(number) if number.abs() >= WHOLE => format!("{number:E}").replacen('E', "E+", 1),
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::{SimpleFileOptions, ZipWriter};

    /// A workbook of one sheet, `Ticket`, with these cells.
    fn book(path: &Path, about: &str, rows: &str, behind: &str) {
        let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let packed = "http://schemas.openxmlformats.org/package/2006/relationships";
        let link = |of: &str, kind: &str, to: &str| {
            let link = format!("<Relationship Id=\"rId1\" Type=\"{office}/{kind}\" Target=\"{to}\"/>");
            (format!("{of}.rels"), format!("<Relationships xmlns=\"{packed}\">{link}</Relationships>"))
        };
        let sheets = "<sheets><sheet name=\"Ticket\" sheetId=\"1\" r:id=\"rId1\"/></sheets>";
        let files = [
            link("_rels/", "officeDocument", "xl/workbook.xml"),
            link("xl/_rels/workbook.xml", "worksheet", "worksheets/sheet1.xml"),
            (
                "xl/workbook.xml".into(),
                format!("<workbook xmlns=\"{main}\" xmlns:r=\"{office}\">{about}{sheets}</workbook>"),
            ),
            (
                "xl/worksheets/sheet1.xml".into(),
                format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData>{behind}</worksheet>"),
            ),
        ];
        let mut zip = ZipWriter::new(File::create(path).unwrap());
        for (name, text) in files {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
    }

    fn read(rows: &str, behind: &str) -> String {
        let home = tempfile::tempdir().unwrap();
        let (path, csv) = (home.path().join("b.xlsx"), home.path().join("t.csv"));
        book(&path, "", rows, behind);
        let mut workbook: Book = open_workbook(&path).unwrap();
        write(&mut workbook, "b.xlsx", "Ticket", &csv).unwrap();
        std::fs::read_to_string(csv).unwrap()
    }

    fn text(text: &str) -> String {
        format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>")
    }

    #[test]
    fn a_formula_that_nobody_computed_is_named_and_a_blank_cell_is_not() {
        let cells =
            [text("a"), "<c><f>A1&amp;1</f></c>".into(), "<c s=\"0\"/>".into(), "<c><f>1+1</f><v>2</v></c>".into()];
        let empty = "<c t=\"str\"><f>IF(A1=1,1,\"\")</f><v></v></c>";
        assert_eq!(read(&format!("<row>{}{empty}</row>", cells.concat()), ""), format!("a,{NO_VALUE},,2,\n"));
    }

    #[test]
    fn an_error_that_excel_learnt_later_is_read_in_its_place() {
        let row = |word: &str| format!("<row>{}<c t=\"e\"><v>{word}</v></c>{}</row>", text("a"), text("c"));
        let rows = ["#SPILL!", "#GETTING_DATA", "#N/A"].map(row).concat();
        assert_eq!(read(&rows, ""), "a,#SPILL!,c\na,#GETTING_DATA,c\na,#N/A,c\n");
    }

    #[test]
    fn a_block_of_merged_cells_stands_in_each_of_its_rows() {
        let row = |id: &str, more: &str| format!("<row>{}{more}{}</row>", text(id), text("x"));
        let blank = "<c/><c/>";
        let rows = [row("1", &[text("a"), text("b")].concat()), row("2", blank), row("3", blank)].concat();
        let merged = "<mergeCells count=\"1\"><mergeCell ref=\"B1:C2\"/></mergeCells>";
        assert_eq!(read(&rows, merged), "1,a,b,x\n2,a,b,x\n3,,,x\n");
    }

    #[test]
    fn a_number_of_more_digits_than_a_sheet_keeps_is_shown_as_shortened() {
        let row = "<row><c><v>123456789012345</v></c><c><v>12345678901234567</v></c></row>";
        assert_eq!(read(row, ""), "123456789012345,1.2345678901234568E+16\n");
    }

    #[test]
    fn a_workbook_that_counts_from_1904_is_refused_where_its_days_would_be_read_as_numbers() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("b.xlsx");
        let rows = "<row><c t=\"str\"><v>id</v></c></row>";
        let wrong = |about: &str, columns: &str| {
            book(&path, about, rows, "");
            let columns = Columns::parse(columns).unwrap();
            sheets(&path, &columns, &["ticket"], home.path()).unwrap().wrong.len()
        };
        let old = "<workbookPr date1904=\"1\"/>";
        assert_eq!(wrong(old, "date = 'excel'\n"), 1);
        assert_eq!(wrong(old, "[ticket]\ndate = ['excel', '%d.%m.%Y']\n"), 1);
        assert_eq!(wrong(old, ""), 0, "cells with a format are read right");
        assert_eq!(wrong("<workbookPr date1904=\"0\"/>", "date = 'excel'\n"), 0);
    }
}
