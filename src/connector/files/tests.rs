//! What a folder takes it gives back: any record, in both ways of writing.

use super::*;
use crate::connector::mapped::{Mapped, Verbatim};
use crate::connector::plan::LateValues;
use crate::connector::seen::{Among, Seen};
use crate::connector::{Assemble, Found, Outcome, Planner, Source, Target};
use crate::record::*;
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

fn at(folder: &Path, form: Form) -> Place {
    Place { folder: folder.to_owned(), form, copies: folder.join(".copies") }
}

/// Texts of all scripts, with what breaks lines, cells, quotes and our own late values.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,20}",
        "[\"',;\\\\\r\n\t\u{0}\u{2028}\u{e000}\u{e001}\u{feff}=@ a]{1,12}",
        Just("\u{e000}record\u{1f}\u{1f}0\u{1f}id\u{e001}".to_owned()),
    ]
}

fn name() -> impl Strategy<Value = String> {
    "[a-z0-9@./ \u{e4}-]{1,12}"
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000, 0_i32..1_000_000_000).prop_map(|(s, n)| Timestamp::new(s, n).unwrap())
}

fn custom() -> impl Strategy<Value = Vec<CustomValue>> {
    let value = prop_oneof![
        Just(Value::Null),
        hostile().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9_f64..1e9).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        vec(hostile(), 0..3).prop_map(|all| json!(all)),
    ];
    let one = (name(), option::of(hostile()), value).prop_map(|(key, title, value)| CustomValue { key, title, value });
    vec(one, 0..3)
}

fn comment() -> impl Strategy<Value = Comment> {
    let head = (option::of(name()), any::<bool>(), option::of(Just(Direction::Internal)), 0..4_usize, hostile());
    let rest = (option::of(hostile()), option::of(time()), option::of(hostile()), vec(hostile(), 0..3), any::<u64>());
    (head, rest).prop_map(
        |((author, private, direction, format, body), (channel, created_at, message_id, to, size))| Comment {
            id: String::new(),
            author,
            visibility: if private { Visibility::Private } else { Visibility::Public },
            direction,
            format: Format::ALL[format],
            body,
            channel,
            created_at,
            message_id,
            cc: to.clone(),
            to,
            attachments: vec![Attachment {
                id: "f".into(),
                name: "\u{202e}n\"a,me.pdf".into(),
                mime: Some("application/pdf".into()),
                size: Some(size),
                source: "attachments/1/x".into(),
                hash: None,
                inline: private,
                content_id: None,
                named_by: NamedBy::Platform,
            }],
        },
    )
}

fn ticket() -> impl Strategy<Value = Body> {
    let words = (hostile(), option::of(hostile()), option::of(Just(Category::OnHold)), option::of(hostile()));
    let people = (option::of(name()), option::of(name()), vec(name(), 0..3), vec(hostile(), 0..3));
    let rest = (custom(), option::of(time()), vec(comment(), 0..4), option::of(hostile()), vec(name(), 0..2));
    (words, people, rest).prop_map(|(words, people, (custom, due_at, mut comments, happy, linked))| {
        for (at, comment) in comments.iter_mut().enumerate() {
            comment.id = format!("c{at}");
        }
        let links = linked.into_iter().map(|to| Link { link_type: LinkType::FollowUpOf, to }).collect();
        Body::Ticket(Box::new(Ticket {
            subject: words.0,
            status: words.1,
            category: words.2,
            priority: words.3,
            requester: people.0.clone(),
            group: people.1.clone(),
            company: people.0,
            brand: people.1,
            ccs: people.2.clone(),
            followers: people.2,
            tags: people.3,
            custom,
            links,
            due_at,
            closed_at: due_at,
            satisfaction: happy.map(|word| json!({ "score": 1.25, "word": word })),
            comments,
            ..Ticket::default()
        }))
    })
}

fn body() -> impl Strategy<Value = Body> {
    let person = (option::of(hostile()), vec(hostile(), 0..3), any::<bool>(), custom()).prop_map(
        |(name, emails, active, custom)| Person {
            name,
            phones: emails.clone(),
            emails,
            active,
            custom,
            ..Person::default()
        },
    );
    let option = (hostile(), hostile(), option::of(hostile()));
    let option = option.prop_map(|(label, value, parent)| FieldOption { label, value, parent });
    prop_oneof![
        (hostile(), option::of(hostile())).prop_map(|(name, description)| Body::Group(Group { name, description })),
        (person, any::<bool>()).prop_map(|(person, agent)| if agent {
            Body::Agent(person)
        } else {
            Body::Contact(person)
        }),
        (hostile(), vec(hostile(), 0..3), custom()).prop_map(|(name, domains, custom)| Body::Company(Company {
            name,
            domains,
            custom
        })),
        (hostile(), hostile(), any::<bool>(), vec(option, 0..3)).prop_map(|(key, title, required, options)| {
            let (scope, field_type) = (Kind::Ticket, FieldType::Tree);
            Body::Field(Field { scope, key, title, field_type, required, options })
        }),
        ticket(),
        ticket(),
    ]
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    let record = (option::of(hostile()), option::of(time()), 0..State::ALL.len(), body()).prop_map(
        |(number, time, state, body)| Record {
            id: String::new(),
            url: number.clone(),
            number,
            created_at: time,
            updated_at: time,
            state: State::ALL[state],
            unread: vec![],
            body,
        },
    );
    vec((record, hostile()), 1..6).prop_map(|records| {
        let named = records.into_iter().enumerate();
        // Ids are texts, and are told apart by the number before them.
        named.map(|(at, (record, odd))| Record { id: format!("{at}{odd}"), ..record }).collect()
    })
}

fn as_it_is(record: Record) -> Mapped {
    Mapped::Verbatim(Box::new(Verbatim { record, files: vec![] }))
}

async fn write(target: &FilesTarget, record: &Record) {
    let mapped = as_it_is(record.clone());
    for step in target.plan(&mapped, &format!("deskferry:{}", record.id)).unwrap() {
        let outcome = target.apply(&step, &LateValues::default()).await;
        assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome:?}");
    }
}

async fn all(source: &FilesSource) -> Vec<Record> {
    let mut all = Vec::new();
    for kind in KINDS {
        let mut cursor = None;
        loop {
            let page = source.read(kind, cursor.as_deref(), None).await.unwrap();
            all.extend(page.rows.iter().map(|row| source.assemble(kind, &row.raw, &Default::default()).unwrap()));
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
    }
    all
}

fn there_and_back(records: &[Record], form: Form) -> Vec<Record> {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let home = tempfile::tempdir().unwrap();
        let target = FilesTarget::new(at(home.path(), form));
        target.prepare().await.unwrap();
        for record in records {
            write(&target, record).await;
        }
        target.finish().await.unwrap();
        all(&FilesSource::new(at(home.path(), form), Find::Named).unwrap()).await
    })
}

fn in_order(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by_key(|record| (record.kind(), record.id.clone()));
    records
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_a_jsonl_folder_takes_it_gives_back(records in records()) {
        prop_assert_eq!(in_order(there_and_back(&records, Form::Jsonl)), in_order(records));
    }

    #[test]
    fn what_a_csv_folder_takes_it_gives_back(records in records()) {
        prop_assert_eq!(in_order(there_and_back(&records, Form::Csv)), in_order(records));
    }
}

fn group(id: &str, name: &str) -> Record {
    let body = Body::Group(Group { name: name.into(), description: None });
    let (number, url, created_at, updated_at) = (None, None, None, None);
    Record { id: id.into(), number, url, created_at, updated_at, state: State::Live, unread: vec![], body }
}

#[tokio::test]
async fn a_step_is_found_only_by_its_own_marker_and_another_s_record_is_never_replaced() {
    let home = tempfile::tempdir().unwrap();
    let target = FilesTarget::new(at(home.path(), Form::Jsonl));
    target.prepare().await.unwrap();
    let plan = |marker: &str| target.plan(&as_it_is(group("1", "One")), marker).unwrap().remove(0);
    let late = LateValues::default();
    let among = Among { done: &[], open: &[], since: Timestamp::now(), seen: &Seen::default() };
    assert_eq!(target.find(&plan("m"), &late, &among).await.unwrap(), Found::No);
    assert!(matches!(target.apply(&plan("m"), &late).await, Outcome::Applied { .. }));
    assert!(matches!(target.find(&plan("m"), &late, &among).await.unwrap(), Found::Yes(remote) if remote.id == "1"));
    assert_eq!(target.find(&plan("other"), &late, &among).await.unwrap(), Found::No);
    assert!(matches!(target.apply(&plan("other"), &late).await, Outcome::Rejected(p) if p.reason == Reason::Conflict));
}

#[tokio::test]
async fn two_processes_never_write_into_one_folder() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) =
        (FilesTarget::new(at(home.path(), Form::Csv)), FilesTarget::new(at(home.path(), Form::Jsonl)));
    first.prepare().await.unwrap();
    assert_eq!(second.prepare().await.unwrap_err().reason, Reason::Refused);
    first.finish().await.unwrap();
    second.prepare().await.unwrap();
}

#[tokio::test]
async fn pages_go_on_at_their_cursor_and_a_changed_file_is_read_again_from_its_beginning() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("group.jsonl");
    let lines = |n: usize| (0..n).map(|at| format!("{{\"id\":\"{at}\",\"name\":\"g\"}}\n")).collect::<String>();
    std::fs::write(&file, lines(450)).unwrap();
    let source = FilesSource::new(at(home.path(), Form::Jsonl), Find::Named).unwrap();
    let first = source.read(Kind::Group, None, None).await.unwrap();
    let second = source.read(Kind::Group, first.next.as_deref(), None).await.unwrap();
    assert_eq!((first.rows.len(), second.rows.len(), second.rows[0].id.as_str()), (200, 200, "200"));
    std::fs::write(&file, lines(10)).unwrap();
    let again = source.read(Kind::Group, second.next.as_deref(), None).await.unwrap();
    assert_eq!((again.rows.len(), again.next), (10, None));
}

#[tokio::test]
async fn a_later_run_reads_a_file_again_if_it_is_not_as_it_was_whatever_the_clock_says() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("group.jsonl");
    let source = || FilesSource::new(at(home.path(), Form::Jsonl), Find::Named).unwrap();
    std::fs::write(&file, "{\"id\":\"1\",\"name\":\"g\"}\n").unwrap();
    let first = source().read(Kind::Group, None, None).await.unwrap();
    let (next, bookmark) = (first.next, first.bookmark);
    assert_eq!((first.rows.len(), next), (1, None));
    let same = source().read(Kind::Group, bookmark.as_deref(), None).await.unwrap();
    assert_eq!((same.rows.len(), &same.bookmark), (0, &bookmark));
    std::fs::write(&file, "{\"id\":\"2\",\"name\":\"h\"}\n").unwrap();
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    let changed = source().read(Kind::Group, bookmark.as_deref(), None).await.unwrap();
    assert_eq!(changed.rows.len(), 1, "its time of writing was set back");
}
