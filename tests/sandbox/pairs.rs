//! What is expected of a move from one platform to another: the mapping it is made with, and what values become.

use crate::held::Ticket;
use std::collections::BTreeSet;

/// The tag some of the mappings put on every ticket.
const ADDED: &str = "from-old-account";

/// A source and a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    pub source: &'static str,
    pub target: &'static str,
    /// The project's own mapping, without custom fields.
    pub mapping: &'static str,
    /// Fields of tickets, source and target: titles, or names where the platform has such.
    pub custom: &'static [(&'static str, &'static str)],
    /// Under `[source]`.
    pub of_source: &'static str,
    /// How many tickets the target takes from nobody: their requester is blocked there as well.
    pub refused: usize,
}

pub const ZENDESK_FRESHDESK: Pair = Pair {
    source: "zendesk",
    target: "freshdesk",
    mapping: include_str!("../../mappings/zendesk-freshdesk.toml"),
    custom: &[
        ("Order no.", "cf_order_number"),
        ("What was tried", "cf_steps_to_reproduce"),
        ("Under warranty?", "cf_vip"),
        ("Bought on", "cf_purchased_on"),
        ("Pieces", "cf_quantity"),
        ("Price (€)", "cf_amount"),
    ],
    of_source: "",
    refused: 0,
};

pub const ZENDESK_ZENDESK: Pair = Pair {
    source: "zendesk",
    target: "zendesk",
    mapping: include_str!("../../mappings/zendesk-zendesk.toml"),
    custom: &[
        ("Order no.", "Order no."),
        ("What was tried", "What was tried"),
        ("Under warranty?", "Under warranty?"),
        ("Bought on", "Bought on"),
        ("Pieces", "Pieces"),
        ("Price (€)", "Price (€)"),
        ("Product", "Product"),
        ("Heard of us by", "Heard of us by"),
        ("Serial <no>", "Serial <no>"),
    ],
    of_source: "",
    refused: 0,
};

pub const FRESHDESK_ZENDESK: Pair = Pair {
    source: "freshdesk",
    target: "zendesk",
    mapping: include_str!("../../mappings/freshdesk-zendesk.toml"),
    custom: &[
        ("cf_order_number", "Order no."),
        ("cf_steps_to_reproduce", "What was tried"),
        ("cf_vip", "Under warranty?"),
        ("cf_purchased_on", "Bought on"),
        ("cf_quantity", "Pieces"),
        ("cf_amount", "Price (€)"),
    ],
    of_source: "archived = \"yes\"\n",
    refused: 0,
};

pub const FRESHDESK_FRESHDESK: Pair = Pair {
    source: "freshdesk",
    target: "freshdesk",
    mapping: include_str!("../../mappings/freshdesk-freshdesk.toml"),
    custom: &[
        ("cf_order_number", "cf_order_number"),
        ("cf_steps_to_reproduce", "cf_steps_to_reproduce"),
        ("cf_vip", "cf_vip"),
        ("cf_purchased_on", "cf_purchased_on"),
        ("cf_quantity", "cf_quantity"),
        ("cf_amount", "cf_amount"),
        ("cf_region", "cf_region"),
    ],
    of_source: "archived = \"yes\"\n",
    refused: 1,
};

/// How the target tells who wrote a message, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// As its own author and date.
    Natively,
    /// In a first line of the body.
    InALine,
}

impl Pair {
    pub fn telling(&self) -> Telling {
        if self.target == "zendesk" { Telling::Natively } else { Telling::InALine }
    }

    /// Flags of the target's desk. One that imports tells nobody, silenced or not.
    pub fn silence(&self) -> &'static [&'static str] {
        if self.target == "zendesk" { &[] } else { &["--silenced"] }
    }

    /// Whether the target takes a file of `size` on a ticket whose messages have `together` already. *Unverified:* that neither
    /// takes an empty one.
    pub fn takes(&self, size: u64, together: u64) -> bool {
        size > 0 && if self.target == "zendesk" { size <= 50_000_000 } else { together + size <= 20_000_000 }
    }

    pub fn status(&self, ticket: &Ticket) -> String {
        let by_category = |open, pending, hold, solved| match ticket.category {
            "new" | "open" => open,
            "pending" => pending,
            "hold" => hold,
            "solved" => solved,
            _ => "Closed",
        };
        match (self.source, self.target) {
            (source, target) if source == target => ticket.status.clone(),
            (_, "freshdesk") => by_category("Open", "Pending", "On Hold", "Resolved").to_owned(),
            _ => by_category("Open", "Pending", "On-hold", "Solved").to_owned(),
        }
    }

    pub fn priority(&self, ticket: &Ticket) -> String {
        let own = ticket.priority.as_str();
        let told = match (self.source, self.target) {
            (source, target) if source == target => own,
            (_, "freshdesk") => match own {
                "low" => "Low",
                "high" => "High",
                "urgent" => "Urgent",
                _ => "Medium",
            },
            _ => match own {
                "Low" => "low",
                "High" => "high",
                "Urgent" => "urgent",
                _ => "normal",
            },
        };
        told.to_owned()
    }

    pub fn kind(&self, ticket: &Ticket) -> Option<String> {
        let own = ticket.kind.as_deref()?;
        let shared = ["question", "incident", "problem"].contains(&own.to_lowercase().as_str());
        let told = match (self.source, self.target) {
            (source, target) if source == target => own.to_owned(),
            (_, "zendesk") if !shared => "task".to_owned(),
            _ if !shared => return None,
            (_, "freshdesk") => own[..1].to_uppercase() + &own[1..],
            _ => own.to_lowercase(),
        };
        Some(told)
    }

    /// Those of the mapping among them. Zendesk keeps small letters, digits and a few signs; a space would end a tag.
    pub fn tags(&self, tags: &BTreeSet<String>) -> BTreeSet<String> {
        let added = self.mapping.contains(ADDED).then(|| ADDED.to_owned());
        let small = tags.iter().map(|tag| tag.to_lowercase()).chain(added);
        if self.target != "zendesk" {
            return small.collect();
        }
        let kept = |c: &char| c.is_alphanumeric() || "-_/:.".contains(*c);
        small.map(|tag| tag.replace(' ', "_").chars().filter(kept).collect()).collect()
    }
}
