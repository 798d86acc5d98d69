//! The desk to be made: a pure function of a number.
//!
//! Sixty everyday tickets drawn by chance, and the special ones of [`super::special`]. Who writes a message decides how
//! it gets in: agents (and the walk-in customer, who has no address) by REST with their own token, customers by mail.

use super::expected::*;
use super::random::Random;
use super::{special, words};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

pub const QUEUES: [&str; 3] = ["Support", "Billing", "General"];
const EVERYDAY: usize = 60;
const STATUSES: [&str; 5] = ["open", "resolved", "stalled", "rejected", "new"];
const SUBJECTS: [&str; 6] = [
    "Printer on fire",
    "Счёт не оплачен",
    "Café – naïve “quotes” 😀",
    "Login <b>fails</b> & more",
    "注文番号について",
    "Re: Fwd: *urgent* _please_ #12",
];
const CUSTOMERS: [Option<&str>; 10] = [
    Some("Ann Archer"),
    Some("Bjørn Åkesson"),
    Some("Zoë Müller"),
    Some("李 小龙"),
    Some("Иван Петров"),
    Some("Omar al-Fārābī"),
    Some("Sinéad O'Neill"),
    Some("Łukasz Żółty"),
    Some("Müller, Jörg (ACME)"),
    None,
];

pub struct Plan {
    pub seed: u64,
    pub tickets: Vec<Planned>,
}

pub struct Planned {
    pub ticket: Ticket,
    pub fate: Fate,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    Stays,
    /// Into the ticket with this subject.
    MergedInto(String),
    Deleted,
}

/// Draws tickets one after the other from one source of chance.
pub struct Draw {
    pub seed: u64,
    pub random: Random,
    tickets: usize,
    messages: usize,
}

pub fn plan(seed: u64) -> Plan {
    let mut draw = Draw { seed, random: Random::new(seed), tickets: 0, messages: 0 };
    let mut tickets: Vec<Planned> =
        (0..EVERYDAY).map(|_| Planned { ticket: draw.everyday(), fate: Fate::Stays }).collect();
    tickets.extend(special::tickets(&mut draw));
    Plan { seed, tickets }
}

impl Plan {
    /// What a faithful move leaves in the target, given the numbers the source chose (in the plan's order).
    pub fn expected(&self, ids: &[i64]) -> Expected {
        let mut expected = Expected { seed: self.seed, tickets: vec![], absent: vec![] };
        for (planned, id) in self.tickets.iter().zip(ids) {
            let ticket = Ticket { id: *id, ..planned.ticket.clone() };
            if planned.fate == Fate::Stays {
                expected.tickets.push(ticket);
                continue;
            }
            let tokens = ticket.messages.iter().filter_map(|m| m.token.clone()).collect();
            let (why, tokens) = if planned.fate == Fate::Deleted { ("deleted", tokens) } else { ("merged", vec![]) };
            expected.absent.push(Absent { id: *id, subject: ticket.subject, why: why.into(), tokens });
        }
        for planned in &self.tickets {
            if let Fate::MergedInto(survivor) = &planned.fate {
                for ticket in expected.tickets.iter_mut().filter(|t| t.subject == *survivor) {
                    ticket.messages.extend(planned.ticket.messages.clone());
                    ticket.messages.sort_by_key(|m| m.created);
                }
            }
        }
        expected
    }
}

impl Draw {
    pub fn customer(&self, n: usize) -> Person {
        let n = n % CUSTOMERS.len();
        let email = format!("c{n}.s{}@example.com", self.seed);
        Person { name: CUSTOMERS[n].map(Into::into), login: email.clone(), email: Some(email) }
    }

    /// A ticket with its first message from `author` and no custom values.
    pub fn ticket(&mut self, about: &str, author: &Person, requester: &Person) -> Ticket {
        let number = self.tickets;
        self.tickets += 1;
        let start: Timestamp = "2019-01-01T00:00:00Z".parse().expect("a date");
        let created = start + SignedDuration::from_secs(self.random.below(150_000_000) as i64);
        let mut ticket = Ticket {
            id: 0,
            subject: format!("[s{}-{number:03}] {about}", self.seed),
            queue: QUEUES[number % QUEUES.len()].into(),
            status: STATUSES[number % STATUSES.len()].into(),
            requesters: vec![requester.clone()],
            ccs: vec![],
            owner: [None, Some(agent(1)), Some(agent(2)), Some(agent(3))][number % 4].clone(),
            created,
            custom: BTreeMap::new(),
            messages: vec![],
            refers_to: vec![],
            chatter: 0,
        };
        self.message(&mut ticket, Kind::Public, author);
        ticket
    }

    /// Appends a message and returns it, to be given files or other words.
    pub fn message<'t>(&mut self, ticket: &'t mut Ticket, kind: Kind, author: &Person) -> &'t mut Message {
        let token = words::token(self.messages);
        self.messages += 1;
        let created = match ticket.messages.last() {
            None => ticket.created,
            Some(last) => last.created + SignedDuration::from_secs(60 + self.random.below(400_000) as i64),
        };
        let (body, text) = words::body(&mut self.random, &token);
        let author = author.clone();
        ticket.messages.push(Message { kind, author, created, token: Some(token), text, files: vec![], body });
        ticket.messages.last_mut().expect("just pushed")
    }

    fn everyday(&mut self) -> Ticket {
        let number = self.tickets;
        let requester = self.customer(number);
        let by_mail = number.is_multiple_of(2);
        let author = if by_mail { requester.clone() } else { agent(1 + number % 3) };
        let about = *self.random.pick(&SUBJECTS);
        let mut ticket = self.ticket(about, &author, &requester);
        if number.is_multiple_of(6) {
            special::show_images(&mut self.random, &mut ticket.messages[0], &["picture.gif"]);
        } else if self.random.percent(30) {
            let file = words::file(&mut self.random);
            ticket.messages[0].files.push(file);
        }
        for n in 0..1 + self.random.below(4) {
            let (kind, author) = match n % 3 {
                0 => (Kind::Public, agent(1 + self.random.below(3) as usize)),
                1 => (Kind::Private, agent(1 + self.random.below(3) as usize)),
                _ => (Kind::Public, requester.clone()),
            };
            let file = self.random.percent(30).then(|| words::file(&mut self.random));
            self.message(&mut ticket, kind, &author).files.extend(file);
        }
        // every later change of a field is a row of history with scrips of its own: dear, so few
        ticket.custom = self.custom(if by_mail { 30 } else { 90 });
        ticket
    }

    /// A value for each of the custom fields, of every type, with a chance of `percent`.
    pub fn custom(&mut self, percent: u64) -> BTreeMap<String, Custom> {
        let r = &mut self.random;
        let date = |r: &mut Random| format!("20{}-{:02}-{:02}", 10 + r.below(15), 1 + r.below(12), 1 + r.below(28));
        let serials: Vec<String> = (1..=9).map(|n| format!("SN-{n}")).collect();
        let many = |chosen: Vec<&str>| chosen.into_iter().map(String::from).collect::<Vec<_>>();
        let all = [
            ("Order Number", vec![format!("A-{:06} №", r.below(1_000_000))], Alike::Exactly),
            ("Serial Numbers", r.some(&serials).into_iter().cloned().collect(), Alike::Exactly),
            ("Seats", vec![r.below(1000).to_string()], Alike::Number),
            ("Weight", vec![format!("{}.{}", r.below(100), 1 + r.below(9))], Alike::Number),
            ("Severity", vec![r.pick(&["Low", "Medium", "High"]).to_string()], Alike::Exactly),
            ("Products", many(r.some(&["Alpha", "Beta", "Gämma"]).into_iter().copied().collect()), Alike::Exactly),
            ("Details", vec!["line 1\nline 2 ünï <b> & *stars*".into()], Alike::Exactly),
            ("Runbook", vec!["= Heading =\n* first step\n* second step".into()], Alike::Words),
            ("Memo", vec!["<p>A memo with <strong>bold</strong> words</p>".into()], Alike::Words),
            ("Purchase Date", vec![date(r)], Alike::Exactly),
            ("Callback At", vec![format!("{}T{:02}:{:02}:00Z", date(r), r.below(24), r.below(60))], Alike::Instant),
            ("Region", vec![r.pick(&["North", "South", "Überall"]).to_string()], Alike::Exactly),
            ("Keywords", many(r.some(&["network", "printer", "login"]).into_iter().copied().collect()), Alike::Exactly),
            ("Channel", vec![r.pick(&["Phone", "Counter", "Пейджер"]).to_string()], Alike::Exactly),
            ("Host", vec![format!("10.1.{}.{}", r.below(256), r.below(256))], Alike::Exactly),
            ("Network", vec![format!("192.168.{0}.0-192.168.{0}.255", r.below(256))], Alike::Exactly),
        ];
        let mut custom = BTreeMap::new();
        for (title, values, alike) in all {
            if r.percent(percent) {
                custom.insert(title.to_string(), Custom { values, alike });
            }
        }
        custom
    }
}

/// The three agents, who exist on both desks under the same address. The third may not write private notes in Redmine.
pub fn agent(n: usize) -> Person {
    let (login, name) = [("agent1", "Agent One"), ("agent2", "Ægir Ünïcode"), ("agent3", "Ирина Иванова")][n - 1];
    Person { name: Some(name.into()), email: Some(format!("{login}@rt.test")), login: login.into() }
}

/// A customer without an e-mail address.
pub fn walk_in() -> Person {
    Person { name: Some("Walk-in Customer".into()), email: None, login: "walkin".into() }
}
