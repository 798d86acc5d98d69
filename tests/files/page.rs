//! The exports that `docs/files.md` shows from end to end, read from the page: its files are written, its commands are run, and what it
//! shows of their words and of what arrives must be so.

use crate::exports::short;
use crate::{PAGE, command, lines};
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook, Worksheet};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A block of code: what stands behind its opening fence, and its text.
struct Block<'a> {
    info: &'a str,
    text: &'a str,
}

fn blocks(section: &str) -> Vec<Block<'_>> {
    let fenced = section.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap()).map(|(info, text)| Block { info, text }).collect()
}

/// The sections of the exports, by their titles.
fn sections() -> Vec<(&'static str, &'static str)> {
    let all = PAGE.split("\n## ").find(|part| part.starts_with("Five exports")).unwrap();
    all.split("\n### ").skip(1).map(|section| section.split_once('\n').unwrap()).collect()
}

/// A sheet with these cells: dates and numbers as such, and words like `#N/A` as formulas that gave them.
fn fill(sheet: &mut Worksheet, cells: &str) {
    let day = Format::new().set_num_format("dd/mm/yyyy");
    let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(cells.as_bytes());
    for (row, record) in (0..).zip(rows.records()) {
        for (column, cell) in (0..).zip(&record.unwrap()) {
            let parts: Vec<u16> = cell.split('-').filter_map(|part| part.parse().ok()).collect();
            match (cell.parse::<f64>(), parts.as_slice()) {
                (Ok(number), _) => sheet.write(row, column, number).unwrap(),
                (_, &[year, month, date]) => {
                    let at =
                        ExcelDateTime::from_ymd(year, month.try_into().unwrap(), date.try_into().unwrap()).unwrap();
                    sheet.write_with_format(row, column, &at, &day).unwrap()
                }
                _ if cell.starts_with('#') => {
                    sheet.write_formula(row, column, Formula::new("=NA()").set_result(cell)).unwrap()
                }
                _ if cell.is_empty() => continue,
                _ => sheet.write(row, column, cell).unwrap(),
            };
        }
    }
}

fn save(folder: &Path, block: &Block<'_>) {
    let (_, name) = block.info.split_once(' ').unwrap();
    match name.split_once(", sheet ") {
        None => fs::write(folder.join(name), block.text).unwrap(),
        Some((name, sheet)) => {
            let mut book = Workbook::new();
            fill(book.add_worksheet().set_name(sheet).unwrap(), block.text);
            book.save(folder.join(name)).unwrap();
        }
    }
}

/// Each command of the block is run, and says the lines below it.
fn run(dir: &tempfile::TempDir, console: &str) {
    for part in console.split("$ deskferry ").skip(1) {
        let (args, shown) = part.split_once('\n').unwrap();
        let output = command(dir, &args.split(' ').collect::<Vec<_>>()).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(0), "{args}: {said}");
        for line in shown.lines() {
            assert!(said.lines().any(|there| there == line), "{args} does not say {line:?}:\n{said}");
        }
    }
}

#[test]
fn the_exports_of_the_page_arrive_as_it_shows() {
    let sections = sections();
    assert_eq!(sections.len(), 5);
    for (title, section) in sections {
        let format = if section.contains("format = \"xlsx\"") { "xlsx" } else { "csv" };
        let dir = crate::project(format, "jsonl");
        let (mut commands, mut records) = (0, 0);
        for block in blocks(section) {
            match block.info {
                "console" => {
                    run(&dir, block.text);
                    commands += 1;
                }
                "json" => {
                    for line in block.text.lines() {
                        let shown: Value = serde_json::from_str(line).unwrap();
                        let there = lines(&dir.path().join("out"), shown["kind"].as_str().unwrap());
                        let found = there.iter().find(|record| record["id"] == shown["id"]);
                        assert_eq!(found.map(short), Some(shown), "{title}");
                        records += 1;
                    }
                }
                _ => save(&dir.path().join("in"), &block),
            }
        }
        assert!(commands > 0 && records > 0, "{title}: {commands} commands, {records} records");
    }
}
