//! The markers of a migration, under each id it may have had: how they are written, and what is one.

use crate::connector::plan::MARKER;
use crate::ledger::Link;
use crate::record::Kind;

/// The markers of one kind of a migration.
pub(super) struct Marks<'a> {
    link: &'a Link,
    kind: Kind,
}

impl<'a> Marks<'a> {
    pub fn of(link: &'a Link, kind: Kind) -> Marks<'a> {
        Marks { link, kind }
    }

    /// What all of them begin with.
    pub fn prefix(&self) -> String {
        match self.link.marks() {
            [mark] => format!("{MARKER}{mark}:{}:", self.kind),
            _ => MARKER.to_owned(),
        }
    }

    /// The migration's id and the source record's in a marker; none where it is not one of these.
    pub fn read<'m>(&self, marker: &'m str) -> Option<(&'m str, &'m str)> {
        let (mark, rest) = marker.strip_prefix(MARKER)?.split_once(':')?;
        let (kind, id) = rest.split_once(':')?;
        (kind == self.kind.code() && self.link.marks().iter().any(|known| **known == *mark)).then_some((mark, id))
    }

    /// The marker of a record, under each id the migration may have had.
    pub fn each<'i>(&self, id: &'i str) -> impl Iterator<Item = String> + use<'a, 'i> {
        let kind = self.kind;
        self.link.marks().iter().map(move |mark| format!("{MARKER}{mark}:{kind}:{id}"))
    }
}
