//! What the two accounts of a project are called, and which migration of its ledger is meant.

use deskferry::connector::files::{self, Place};
use deskferry::connector::rest::Role;
use deskferry::error::{Problem, Reason, Result};
use deskferry::ledger::{Accounts, Link, Named, Which};
use deskferry::project::{Account, Migration, Project};
use std::path::Path;

/// The two accounts by all their names. `own` asks a folder for the one that stays when it is moved.
pub fn accounts(project: &Project, own: impl Fn(&Place) -> Option<String>) -> Result<Accounts> {
    let named = |role: Role| -> Result<Named> {
        let account = account(project, role);
        if account.connector != files::NAME {
            return Ok(Named::at(&address(project, role)?));
        }
        let place = Place::of(project.folder(), account)?;
        Ok(Named::at(&place.address()).called(own(&place)))
    };
    Ok(Accounts { source: named(Role::Source)?, target: named(Role::Target)? })
}

/// What the project says of it.
pub fn which(project: &Project) -> Which {
    match &project.run.migration {
        None => Which::ByAccounts,
        Some(Migration::New) => Which::Another,
        Some(Migration::Id(id)) => Which::Id(id.clone()),
    }
}

/// What a person should know of folders that go by the id of another one, which the ledger knows and which is there still.
pub fn copies(project: &Project, link: &Link) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for (role, names) in [Role::Source, Role::Target].into_iter().zip(link.names()) {
        let account = account(project, role);
        if account.connector != files::NAME {
            continue;
        }
        let place = Place::of(project.folder(), account)?;
        let Some(id) = place.known_as() else { continue };
        let others = names.into_iter().map(Path::new).filter(|path| path.is_absolute() && *path != place.folder);
        let others = others.map(|path| Place { folder: path.to_owned(), ..place.clone() });
        notes.extend(others.filter(|other| other.known_as().as_ref() == Some(&id)).map(|other| {
            let Problem { what, hint, .. } = files::copied(&place.folder, &other.folder);
            format!("{what}; {}", hint.unwrap_or_default())
        }));
    }
    Ok(notes)
}

/// The address of an account, as it is shown.
pub fn address(project: &Project, role: Role) -> Result<String> {
    let account = account(project, role);
    match account.connector == files::NAME {
        true => Ok(Place::of(project.folder(), account)?.address()),
        false if role == Role::Target && is_on_paper(project) => Ok(format!("{} (no account)", account.connector)),
        false => url_of(account),
    }
}

/// Whether the target is a platform of which no account is named.
pub fn is_on_paper(project: &Project) -> bool {
    project.target.connector != files::NAME && project.target.is_bare()
}

pub fn account(project: &Project, role: Role) -> &Account {
    match role {
        Role::Source => &project.source,
        Role::Target => &project.target,
    }
}

pub fn url_of(account: &Account) -> Result<String> {
    account
        .address()
        .ok_or_else(|| Problem::new(Reason::Config, format!("the account of `{}` has no `url`", account.connector)))
}
