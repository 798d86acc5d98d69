//! What the two accounts of a project are called, and which migration of its ledger is meant.

use crate::connector::files::{self, Place};
use crate::connector::rest::Role;
use crate::error::{Problem, Reason, Result};
use crate::ledger::{Accounts, Named, Which};
use crate::project::{Account, Project};

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
    match project.run.migration.as_deref() {
        None => Which::ByAccounts,
        Some("new") => Which::Another,
        Some(id) => Which::Id(id.to_owned()),
    }
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
