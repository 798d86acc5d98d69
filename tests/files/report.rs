//! The workbook of a monthly report, as people keep one in Excel: a merged title above the headers, a formula that failed, ids that
//! are numbers, dates as dates and as texts, cells over two rows, a sheet of pivots beside it.

use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
use std::path::Path;

const HEADERS: [&str; 9] =
    ["Ticket No.", "Opened", "Time", "Reported by", "Topic", "Details", "State", "Cost centre", "Hours"];
type Row = (u32, (u16, u8, u8), &'static str, &'static str, &'static str, &'static str, &'static str, Option<f64>);
const ROWS: [Row; 4] = [
    (
        4711,
        (2024, 5, 1),
        "Ann Example <ann@example.com>",
        "Printer",
        "Says \"50.4\"\nand stops",
        "open",
        "CC-10",
        Some(1.5),
    ),
    (4712, (2024, 5, 2), "ben@example.com", "VPN, again", "Drops every hour", "CLOSED", "#N/A", Some(0.25)),
    (4713, (2024, 2, 29), "mailto:cat@example.com", "Café", "", "closed", "CC-10", None),
    (4714, (2023, 12, 31), "'dora@example.com'", "New desk", "=please order it", "waiting", "", Some(12.0)),
];

pub fn save(path: &Path) {
    let mut book = Workbook::new();
    let date = Format::new().set_num_format("dd/mm/yyyy");
    let clock = Format::new().set_num_format("hh:mm");
    let pivot = book.add_worksheet().set_name("Pivot").unwrap();
    pivot.write(0, 0, "open").unwrap();
    let sheet = book.add_worksheet().set_name("Report May").unwrap();
    sheet.merge_range(0, 0, 0, 8, "IT support: report of May 2024", &Format::new()).unwrap();
    sheet.write(1, 0, "as of").unwrap();
    sheet.write_with_format(1, 1, ExcelDateTime::from_ymd(2024, 6, 1).unwrap(), &date).unwrap();
    for (at, header) in (0..).zip(HEADERS) {
        sheet.write(3, at, header).unwrap();
    }
    // Two rows of one cost centre.
    sheet.merge_range(6, 7, 7, 7, "", &Format::new()).unwrap();
    for (row, (id, (year, month, day), who, topic, details, state, centre, hours)) in (4..).zip(ROWS) {
        sheet.write(row, 0, id).unwrap();
        let opened = ExcelDateTime::from_ymd(year, month, day).unwrap();
        // Somebody wrote one of the dates as a text.
        match id {
            4712 => sheet.write(row, 1, "2024-05-02").unwrap(),
            _ => sheet.write_with_format(row, 1, &opened, &date).unwrap(),
        };
        sheet.write_with_format(row, 2, ExcelDateTime::from_hms(8, 30, 0).unwrap(), &clock).unwrap();
        sheet.write(row, 3, who).unwrap();
        sheet.write_formula(row, 4, Formula::new(format!("=T(\"{topic}\")")).set_result(topic)).unwrap();
        sheet.write_string(row, 5, details).unwrap();
        sheet.write(row, 6, state).unwrap();
        if row != 7 {
            let found = Formula::new("=VLOOKUP(A5,Centres!A:B,2,FALSE)").set_result(centre);
            sheet.write_formula(row, 7, found).unwrap();
        }
        if let Some(hours) = hours {
            sheet.write(row, 8, hours).unwrap();
        }
    }
    book.save(path).unwrap();
}
