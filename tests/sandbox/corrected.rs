//! Cells of a folder of tables that cannot be read, corrected after a run: one more run (or `retry`) migrates their records.

use crate::desks::{Desk, Options};
use serde_json::Value;
use std::process::{Command, Stdio};
use tempfile::TempDir;

struct Tables {
    desk: Desk,
    dir: TempDir,
}

/// How a table is before and after the correction, by its file: a bad date, person, requester, author, message of a file, id, parent.
const TABLES: [(&str, &str, &str); 4] = [
    (
        "ticket.csv",
        "id,subject,requester,created_at\n\
         1,bad date,7,yesterday\n2,bad message,7,2024-05-01\n3,bad person,8,2024-05-01\n4,bad requester,an n@x.example,2024-05-01\n\
         5,bad author,7,2024-05-01\n6,bad file,7,2024-05-01\n,no id,7,2024-05-01\n9,well,7,2024-05-01\n",
        "id,subject,requester,created_at\n\
         1,bad date,7,2024-05-01\n2,bad message,7,2024-05-01\n3,bad person,8,2024-05-01\n4,bad requester,ann@x.example,2024-05-01\n\
         5,bad author,7,2024-05-01\n6,bad file,7,2024-05-01\n8,no id,7,2024-05-01\n9,well,7,2024-05-01\n",
    ),
    (
        "comment.csv",
        "ticket,id,author,body,created_at\n\
         1,c1,7,one,2024-05-01\n2,c2,7,two,2024-13-45\n3,c3,8,three,2024-05-01\n5,c5,b en@x.example,five,2024-05-01\n\
         6,c6,7,six,2024-05-01\n8,c8,7,eight,2024-05-01\n9,c9,7,nine,2024-05-01\n",
        "ticket,id,author,body,created_at\n\
         1,c1,7,one,2024-05-01\n2,c2,7,two,2024-05-02\n3,c3,8,three,2024-05-01\n5,c5,ben@x.example,five,2024-05-01\n\
         6,c6,7,six,2024-05-01\n8,c8,7,eight,2024-05-01\n9,c9,7,nine,2024-05-01\n",
    ),
    (
        "contact.csv",
        "id,name,emails\n7,Ann,ann@x.example\n8,Ben,ben at x\n",
        "id,name,emails\n7,Ann,ann@x.example\n8,Ben,ben@x.example\n",
    ),
    ("attachment.csv", "ticket,comment,source\n6,c7,a.txt\n", "ticket,comment,source\n6,c6,a.txt\n"),
];

impl Tables {
    fn new() -> Self {
        let desk = Desk::start(&Options { platform: "freshdesk", tickets: 0, faults: None, flags: &["--silenced"] });
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("export")).unwrap();
        let target = desk.account("KEY");
        let project = format!(
            "[source]\nconnector = \"files\"\npath = \"export\"\nformat = \"csv\"\n[target]\n{target}silenced = true\n[run]\ncreate_marker = true\n"
        );
        std::fs::write(dir.path().join("migration.toml"), project).unwrap();
        std::fs::write(dir.path().join("export/a.txt"), "a file").unwrap();
        Self { desk, dir }
    }

    fn put(&self, text: impl Fn(&(&'static str, &'static str, &'static str)) -> &'static str) {
        TABLES
            .iter()
            .for_each(|table| std::fs::write(self.dir.path().join("export").join(table.0), text(table)).unwrap());
    }

    /// Gives the code a command ends with, and what it says.
    fn run(&self, command: &str) -> (i32, String) {
        let mut deskferry = Command::new(env!("CARGO_BIN_EXE_deskferry"));
        deskferry.arg("-C").arg(self.dir.path()).arg(command).env("KEY", self.desk.key()).stdin(Stdio::null());
        let output = deskferry.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn subjects(&self) -> Vec<String> {
        let state = self.desk.state();
        let tickets = state["tickets"].as_array().into_iter().flatten();
        let mut subjects: Vec<String> = tickets.map(|ticket| ticket["subject"].as_str().unwrap().to_owned()).collect();
        subjects.sort();
        subjects
    }
}

#[test]
fn cells_that_were_corrected_are_migrated_by_one_run() {
    for command in ["run", "retry"] {
        let all = Tables::new();
        all.put(|(_, bad, _)| bad);
        let (code, said) = all.run("run");
        assert_eq!((code, all.subjects()), (3, vec!["well".to_owned()]), "{said}");
        all.put(|(_, _, corrected)| corrected);
        let (code, said) = all.run(command);
        let everything =
            ["bad author", "bad date", "bad file", "bad message", "bad person", "bad requester", "no id", "well"];
        assert_eq!(all.subjects(), everything, "{command}: {said}");
        assert_eq!(code, 0, "{command}: {said}");
        let state = all.desk.state().to_string();
        assert!(["three", "eight", "a.txt"].into_iter().all(|text| state.contains(text)), "{state}");
        assert_eq!(all.desk.mails(), Vec::<Value>::new());
    }
}
