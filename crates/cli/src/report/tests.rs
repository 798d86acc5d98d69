use super::*;
use deskferry::error::{Loss, Problem, Reason};
use deskferry::ledger::{End, Intent, Ledger, Link, Origin, Remote, Seen, StepKey};
use deskferry::record::Kind;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

fn seen(kind: Kind, id: &str, number: Option<&str>) -> Seen {
    Seen { kind, id: id.into(), number: number.map(Into::into), updated_at: None, content_hash: "h".into() }
}

fn remote(id: &str) -> Remote {
    Remote {
        id: id.into(),
        number: Some(format!("#{id}")),
        url: Some(format!("https://new.test/{id}")),
        ..Default::default()
    }
}

/// One record of every outcome.
async fn link(project: &std::path::Path) -> Link {
    let clock = Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
    let ledger = Ledger::open_with_clock(project, clock).unwrap();
    let link = ledger.link("https://old.test", "https://new.test").await.unwrap();
    let tickets = ["1", "2", "3", "4", "5", "6"].map(|id| seen(Kind::Ticket, id, None));
    link.see(tickets.into()).await.unwrap();
    link.see(vec![seen(Kind::Agent, "ann", Some("A, \"1\""))]).await.unwrap();
    let problem = Problem::new;
    let done = |id: &str, origin| End::Done { remote: remote(id), origin, target_hash: None, target_updated_at: None };
    link.close(Kind::Agent, "ann", done("5", Origin::Matched)).await.unwrap();
    link.close(Kind::Ticket, "1", done("71", Origin::Created)).await.unwrap();
    for (child, loss) in [("c1", Loss::Author), ("c2", Loss::Author), ("", Loss::Date)] {
        link.lose(Kind::Ticket, "1", child, loss, "x").await.unwrap();
    }
    let stands_for = Some((Kind::Ticket, "1".to_owned()));
    let merged = End::Skipped { problem: problem(Reason::Merged, "merged into 1"), stands_for };
    link.close(Kind::Ticket, "2", merged).await.unwrap();
    let failed = End::Failed { problem: problem(Reason::Invalid, "=HYPERLINK(\"http://evil\")").hint("h") };
    link.close(Kind::Ticket, "3", failed).await.unwrap();
    let look_at = Some("https://new.test/search".to_owned());
    let in_doubt = End::InDoubt { problem: problem(Reason::Ambiguous, "two, alike"), look_at };
    link.close(Kind::Ticket, "4", in_doubt).await.unwrap();
    link.close(Kind::Ticket, "5", End::Parked { problem: problem(Reason::Unresolved, "contact 9") }).await.unwrap();
    link.intend(Kind::Ticket, "6", &StepKey::new("create", "", 0), Intent::new(None, "h", None)).await.unwrap();
    link
}

#[tokio::test]
async fn every_record_seen_has_a_row_that_says_what_came_of_it() {
    let project = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    write_report(&link(project.path()).await, Kind::ALL, &mut out).await.unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r##"
    kind,source_id,source_number,outcome,reason,detail,target_id,target_number,target_url,origin,losses,loss_details
    agent,ann,"A, ""1""",migrated,,,5,#5,https://new.test/5,matched,,
    ticket,1,,migrated,,,71,#71,https://new.test/71,created,date_in_header=1;author_in_header=2,author_in_header: x | date_in_header: x
    ticket,2,,skipped,merged,merged into 1,71,#71,https://new.test/71,,,
    ticket,3,,failed,invalid,"'=HYPERLINK(""http://evil"")",,,,,,
    ticket,4,,in_doubt,ambiguous,"two, alike",,,https://new.test/search,,,
    ticket,5,,parked,unresolved,contact 9,,,,,,
    ticket,6,,waiting,,,,,,,,
    "##);
}

#[tokio::test]
async fn no_row_of_a_table_moves_a_terminal_or_starts_a_formula() {
    let project = tempfile::tempdir().unwrap();
    let link = link(project.path()).await;
    let hostile = Remote {
        id: "=7".into(),
        number: Some("#1\u{1b}[2J".into()),
        url: Some("https://new.test/\u{9b}31m\nok".into()),
        ..Default::default()
    };
    link.see(vec![seen(Kind::Ticket, "9", None)]).await.unwrap();
    let end =
        End::Done { remote: hostile.clone(), origin: Origin::Created, target_hash: None, target_updated_at: None };
    link.close(Kind::Ticket, "9", end).await.unwrap();
    link.note_stray(deskferry::ledger::Stray { kind: Kind::Ticket, id: "\u{1b}]0;x\u{7}".into(), remote: hostile })
        .await
        .unwrap();
    let (section, child, there) = ("comment".into(), "\u{1b}[1m".into(), "8".into());
    let twin = deskferry::ledger::Twin { kind: Kind::Ticket, id: "9".into(), section, child, there };
    link.note_twin(twin).await.unwrap();
    let (mut report, mut ids) = (Vec::new(), Vec::new());
    write_report(&link, Kind::ALL, &mut report).await.unwrap();
    write_ids(&link, Kind::ALL, &mut ids).await.unwrap();
    let of_twin =
        String::from_utf8(report.clone()).unwrap().lines().filter(|line| line.contains("second time as 8")).count();
    assert_eq!(of_twin, 1, "a message that is there twice has a row with the address of its ticket");
    for table in [report, ids] {
        let table = String::from_utf8(table).unwrap();
        let hides = |c: char| deskferry::printable::is_hidden(c) && c != '\n';
        assert!(!table.contains(hides), "{table:?}");
        assert!(table.contains(r"#1\u{1b}[2J"), "{table}");
    }
    let mut ids = Vec::new();
    write_ids(&link, Kind::ALL, &mut ids).await.unwrap();
    assert!(String::from_utf8(ids).unwrap().contains(",'=7,"), "`ids` is opened in spreadsheets too");
    let mut report = Vec::new();
    write_report(&link, Kind::ALL, &mut report).await.unwrap();
    let rows = ::csv::Reader::from_reader(report.as_slice()).into_records().map(Result::unwrap).collect::<Vec<_>>();
    let targets: Vec<_> =
        rows.iter().map(|row| row[6].to_owned()).filter(|id| id.contains('7') && id.len() < 4).collect();
    assert_eq!(targets.iter().filter(|id| *id == "'=7").count(), 3, "{targets:?}");
}

#[tokio::test]
async fn ids_lead_from_every_carried_or_merged_record_to_its_target() {
    let project = tempfile::tempdir().unwrap();
    let link = link(project.path()).await;
    let mut out = Vec::new();
    write_ids(&link, Kind::ALL, &mut out).await.unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r##"
    kind,source_id,source_number,target_id,target_number,target_url
    agent,ann,"A, ""1""",5,#5,https://new.test/5
    ticket,1,,71,#71,https://new.test/71
    ticket,2,,71,#71,https://new.test/71
    "##);
    let mut only = Vec::new();
    write_ids(&link, &[Kind::Contact], &mut only).await.unwrap();
    assert_eq!(String::from_utf8(only).unwrap(), "kind,source_id,source_number,target_id,target_number,target_url\n");
}

#[tokio::test]
async fn the_summary_accounts_for_every_record() {
    let project = tempfile::tempdir().unwrap();
    let link = link(project.path()).await;
    let run = link.run_started("run", &BTreeMap::from([("rt".into(), "v1".into())]), None).await.unwrap();
    link.run_ended(run, 3, &json!({"source": 12})).await.unwrap();
    let summary = summary(&link).await.unwrap();
    for kind in &summary.kinds {
        assert_eq!(kind.outcomes.values().sum::<u64>(), kind.records);
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&summary).unwrap(), @r##"
    {
      "link": {
        "id": "5988ddb188",
        "source": "https://old.test",
        "target": "https://new.test"
      },
      "kinds": [
        {
          "kind": "agent",
          "records": 1,
          "outcomes": {
            "migrated": 1,
            "skipped": 0,
            "failed": 0,
            "in_doubt": 0,
            "parked": 0,
            "waiting": 0,
            "twice": 0
          },
          "origins": {
            "matched": 1
          },
          "reasons": []
        },
        {
          "kind": "ticket",
          "records": 6,
          "outcomes": {
            "migrated": 1,
            "skipped": 1,
            "failed": 1,
            "in_doubt": 1,
            "parked": 1,
            "waiting": 1,
            "twice": 0
          },
          "origins": {
            "created": 1
          },
          "reasons": [
            {
              "outcome": "skipped",
              "reason": "merged",
              "says": "merged into another record, which contains its messages",
              "records": 1
            },
            {
              "outcome": "failed",
              "reason": "invalid",
              "says": "the target refused the record",
              "records": 1
            },
            {
              "outcome": "in_doubt",
              "reason": "ambiguous",
              "says": "several target records look like this one",
              "records": 1
            },
            {
              "outcome": "parked",
              "reason": "unresolved",
              "says": "it refers to a record that is not in the target: migrate or create that record first, or change the mapping",
              "records": 1
            }
          ]
        }
      ],
      "losses": [
        {
          "kind": "ticket",
          "loss": "date_in_header",
          "says": "the target cannot store this date: written in the first line of the message",
          "records": 1,
          "times": 1
        },
        {
          "kind": "ticket",
          "loss": "author_in_header",
          "says": "shown as the API user; the real author is named in the first line of the message",
          "records": 1,
          "times": 2
        }
      ],
      "last_run": {
        "command": "run",
        "manifests": {
          "rt": "v1"
        },
        "started_at": "1970-01-01T00:00:00Z",
        "ended_at": "1970-01-01T00:00:00Z",
        "exit_code": 3,
        "calls": {
          "source": 12
        }
      }
    }
    "##);
}

#[tokio::test]
async fn a_report_longer_than_a_page_misses_and_repeats_nothing() {
    let project = tempfile::tempdir().unwrap();
    let link = Ledger::open(project.path()).unwrap().link("https://old.test", "https://new.test").await.unwrap();
    let all: Vec<_> = (0..1_203).map(|n| seen(Kind::Ticket, &n.to_string(), None)).collect();
    link.see(all).await.unwrap();
    let mut out = Vec::new();
    write_report(&link, &[Kind::Ticket], &mut out).await.unwrap();
    let ids: Vec<String> =
        ::csv::Reader::from_reader(&out[..]).records().map(|row| row.unwrap()[1].to_owned()).collect();
    assert_eq!(ids, (0..1_203).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn no_cell_of_the_report_is_taken_for_a_formula() {
    for hostile in ["=1+1", "+cmd|x", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "+", "-"] {
        assert_eq!(csv::defused(hostile), format!("'{hostile}"));
    }
    for plain in ["", "a=b", "-12", "+4.5", "12", "it's"] {
        assert_eq!(csv::defused(plain), plain);
    }
}

#[test]
fn every_state_is_reported_and_every_outcome_can_happen() {
    let reported: std::collections::BTreeSet<_> =
        deskferry::ledger::State::ALL.iter().map(|s| Outcome::of(*s)).collect();
    // What is in the target once more is no record, and has no state.
    assert!(Outcome::ALL.iter().all(|outcome| reported.contains(outcome) != (*outcome == Outcome::Twice)));
}
