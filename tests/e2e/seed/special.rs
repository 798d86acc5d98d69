//! The tickets that are there for a reason: one awkward thing each.

use super::expected::*;
use super::plan::{Draw, Fate, Planned, agent, walk_in};
use super::random::Random;
use super::words;

pub fn tickets(draw: &mut Draw) -> Vec<Planned> {
    let mut all = vec![
        files_of_every_size(draw),
        private_files(draw),
        nobody_may_be_named_by_address(draw),
        walk_in_writes(draw),
        many_people(draw),
        only_a_file(draw),
        one_second(draw),
        images(draw),
        same_bytes_twice(draw),
        long_message(draw),
        long_conversation(draw),
    ];
    let (from, to) = linked(draw);
    all.extend([from, to]);
    let mut all: Vec<Planned> = all.into_iter().map(|ticket| Planned { ticket, fate: Fate::Stays }).collect();
    all.extend(merged(draw));
    let who = draw.customer(1);
    let ticket = draw.ticket("deleted in the source", &who, &who);
    all.push(Planned { ticket, fate: Fate::Deleted });
    all
}

fn everyday(draw: &mut Draw, about: &str, customer: usize) -> Ticket {
    let who = draw.customer(customer);
    draw.ticket(about, &who, &who)
}

/// Nothing at all by mail (the JSON way refuses an empty file), text in UTF-8, odd names; then 20 MiB from an agent.
fn files_of_every_size(draw: &mut Draw) -> Ticket {
    let mut ticket = everyday(draw, "files of every size", 0);
    let some = draw.random.bytes(1000);
    ticket.messages[0].files = vec![
        words::named("empty.bin", "application/octet-stream", vec![]),
        words::named("readme.txt", "text/plain; charset=utf-8", "Читай меня\nline 2\n".as_bytes().to_vec()),
        words::named("no extension", "application/octet-stream", some),
    ];
    let big = draw.random.bytes(20 * 1024 * 1024);
    let message = draw.message(&mut ticket, Kind::Public, &agent(1));
    message.files.push(words::named("большой файл.iso", "application/octet-stream", big));
    let quoted = words::named("a b\"c.dat", "application/octet-stream", draw.random.bytes(17));
    draw.message(&mut ticket, Kind::Public, &agent(2)).files.push(quoted);
    ticket
}

/// Files and images of private messages, by agents who may and who may not write private notes in the target.
fn private_files(draw: &mut Draw) -> Ticket {
    let mut ticket = everyday(draw, "private files", 4);
    for n in [1, 2, 3, 3] {
        let file = words::file(&mut draw.random);
        draw.message(&mut ticket, Kind::Private, &agent(n)).files.push(file);
    }
    draw.message(&mut ticket, Kind::Private, &agent(3));
    let two = [words::file(&mut draw.random), words::file(&mut draw.random)];
    draw.message(&mut ticket, Kind::Public, &agent(3)).files.extend(two);
    ticket
}

fn nobody_may_be_named_by_address(draw: &mut Draw) -> Ticket {
    let mut ticket = draw.ticket("requester without an e-mail address", &agent(1), &walk_in());
    draw.message(&mut ticket, Kind::Public, &agent(2));
    ticket
}

fn walk_in_writes(draw: &mut Draw) -> Ticket {
    let mut ticket = draw.ticket("written by a customer without an e-mail address", &walk_in(), &walk_in());
    draw.message(&mut ticket, Kind::Public, &agent(2));
    ticket
}

fn many_people(draw: &mut Draw) -> Ticket {
    let mut ticket = everyday(draw, "two requesters and people in copy", 2);
    ticket.requesters.push(draw.customer(3));
    ticket.ccs = vec![draw.customer(5), agent(2)];
    let second = draw.customer(3);
    draw.message(&mut ticket, Kind::Public, &second);
    ticket
}

/// A mail with no text, and a file: the message is there all the same.
fn only_a_file(draw: &mut Draw) -> Ticket {
    let mut ticket = everyday(draw, "a message that is only a file", 6);
    let (who, file) = (draw.customer(6), words::file(&mut draw.random));
    let message = draw.message(&mut ticket, Kind::Public, &who);
    (message.token, message.text, message.body) = (None, vec![], Body::Empty);
    message.files.push(file);
    draw.message(&mut ticket, Kind::Public, &agent(1));
    ticket
}

/// Three messages with one date: only their order in the source tells them apart.
fn one_second(draw: &mut Draw) -> Ticket {
    let mut ticket = everyday(draw, "three messages in one second", 7);
    let first = draw.message(&mut ticket, Kind::Public, &agent(1)).created;
    draw.message(&mut ticket, Kind::Private, &agent(2)).created = first;
    draw.message(&mut ticket, Kind::Public, &agent(1)).created = first;
    ticket
}

/// Two images with one name, one with none, and a file beside them; then one more in a later mail.
fn images(draw: &mut Draw) -> Ticket {
    let mut ticket = everyday(draw, "inline images", 8);
    show_images(&mut draw.random, &mut ticket.messages[0], &["image001.gif", "image001.gif", "", "картинка.gif"]);
    let file = words::file(&mut draw.random);
    ticket.messages[0].files.push(file);
    draw.message(&mut ticket, Kind::Public, &agent(2));
    let who = draw.customer(8);
    let message = draw.message(&mut ticket, Kind::Public, &who);
    let mut random = Random::new(draw.seed ^ 0xfeed);
    show_images(&mut random, message, &["image001.gif"]);
    ticket
}

/// The same bytes under the same name on two messages belong to both.
fn same_bytes_twice(draw: &mut Draw) -> Ticket {
    let mut ticket = everyday(draw, "one file sent twice", 9);
    let file = words::named("contract.pdf", "application/pdf", draw.random.bytes(5000));
    let other = words::named("contract.pdf", "application/pdf", draw.random.bytes(5000));
    draw.message(&mut ticket, Kind::Public, &agent(1)).files.push(file.clone());
    let who = draw.customer(9);
    draw.message(&mut ticket, Kind::Public, &who).files.extend([file, other]);
    ticket
}

fn long_message(draw: &mut Draw) -> Ticket {
    let mut ticket = everyday(draw, "a message of 100 KB", 3);
    let message = draw.message(&mut ticket, Kind::Public, &agent(1));
    let token = message.token.clone().unwrap_or_default();
    let mut lines = vec![format!("Message {token} begins.")];
    lines.extend((0..1500).map(|n| format!("Line number {n} of a very long log, with größe and длина in it.")));
    message.body = Body::Text(lines.join("\n"));
    message.text = lines;
    ticket
}

/// More history than one page of the API: the last message is on the second.
fn long_conversation(draw: &mut Draw) -> Ticket {
    let mut ticket = everyday(draw, "a long conversation", 5);
    for n in 0..24 {
        let kind = if n % 4 == 3 { Kind::Private } else { Kind::Public };
        draw.message(&mut ticket, kind, &agent(1 + n % 2));
    }
    ticket.chatter = 100;
    ticket
}

fn linked(draw: &mut Draw) -> (Ticket, Ticket) {
    let mut from = everyday(draw, "refers to another", 1);
    let mut to = everyday(draw, "referred to", 2);
    (from.queue, to.queue) = ("Support".into(), "Support".into());
    from.refers_to = vec![to.subject.clone()];
    (from, to)
}

/// Two tickets made one: the conversation of both, under the older one's number.
fn merged(draw: &mut Draw) -> [Planned; 2] {
    let mut kept = everyday(draw, "the ticket that stays after a merge", 0);
    let mut gone = everyday(draw, "the ticket merged away", 0);
    kept.owner = Some(agent(1));
    gone.owner = Some(agent(1));
    gone.queue.clone_from(&kept.queue);
    for ticket in [&mut kept, &mut gone] {
        let file = words::file(&mut draw.random);
        draw.message(ticket, Kind::Public, &agent(1)).files.push(file);
        draw.message(ticket, Kind::Private, &agent(2));
    }
    // they take turns, the kept one first
    for (n, message) in kept.messages.iter_mut().enumerate() {
        message.created = kept.created + jiff::SignedDuration::from_hours(2 * n as i64);
    }
    for (n, message) in gone.messages.iter_mut().enumerate() {
        message.created = kept.created + jiff::SignedDuration::from_hours(2 * n as i64 + 1);
    }
    gone.created = gone.messages[0].created;
    let fate = Fate::MergedInto(kept.subject.clone());
    [Planned { ticket: kept, fate: Fate::Stays }, Planned { ticket: gone, fate }]
}

/// Makes the message an HTML one that shows an image of each name.
pub fn show_images(random: &mut Random, message: &mut Message, names: &[&str]) {
    let token = message.token.clone().unwrap_or_default();
    let (body, text) = words::html(random, &token);
    let Body::Html(mut html) = body else { unreachable!("html() makes HTML") };
    for (n, name) in names.iter().enumerate() {
        let id = format!("{token}.{n}@img.example");
        html.push_str(&format!("<p>image {n}: <img src=\"cid:{id}\" alt=\"\"></p>"));
        message.files.push(words::image(random, name, &id));
    }
    (message.body, message.text) = (Body::Html(html), text);
}
