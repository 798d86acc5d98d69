//! The project folder of the move, and the same decisions as the comparison knows them.

use crate::compare::{Dates, Images, PrivateFiles, Rules};
use std::path::Path;

pub const STATUSES: [(&str, &str); 5] = [
    ("new", "New"),
    ("open", "In Progress"),
    ("stalled", "Feedback"),
    ("resolved", "Resolved"),
    ("rejected", "Rejected"),
];
const GROUPS: [(&str, &str); 3] = [("Support", "Support"), ("Billing", "Billing"), ("General", "General")];

pub fn rules(api_user: String) -> Rules {
    Rules {
        status: STATUSES.map(|(from, to)| (from.into(), to.into())).into(),
        project: GROUPS.map(|(queue, project)| (queue.into(), project.to_lowercase())).into(),
        marker: Some("Deskferry".into()),
        api_user,
        dates: Dates::Header,
        created: false,
        requesters: false,
        private_files: PrivateFiles::Kept,
        images: Images::Shown,
        empty_files: true,
        ticket_bytes: u64::MAX,
        body_chars: usize::MAX,
        first_by_requester: false,
        links: true,
        hosts: vec![],
    }
}

/// Writes `migration.toml` and `mapping.toml`. `text_format` is `textile` or `markdown`, as the target has it.
pub fn write(dir: &Path, rt_url: &str, redmine_url: &str, text_format: &str) -> Result<(), String> {
    let migration = format!(
        r#"[source]
connector = "rt"
url       = "{rt_url}"
token     = {{ env = "RT_TOKEN" }}

[target]
connector   = "redmine"
url         = "{redmine_url}"
api_key     = {{ env = "REDMINE_API_KEY" }}
project     = "support"
tracker     = "Support"
text_format = "{text_format}"
silenced    = true             # the administrator switched Redmine's e-mail notifications off

[run]
settle = "2s"

[mapping]
file = "mapping.toml"
"#
    );
    let table = |pairs: &[(&str, &str)]| {
        let pairs: Vec<String> = pairs.iter().map(|(from, to)| format!("{from:?} = {to:?}")).collect();
        pairs.join(", ")
    };
    let mapping = format!(
        "[ticket.status]\nvalues = {{ {} }}\n\n[ticket.group]\nvalues = {{ {} }}\n",
        table(&STATUSES),
        table(&GROUPS)
    );
    let save = |name: &str, text: String| std::fs::write(dir.join(name), text).map_err(|e| format!("{name}: {e}"));
    save("migration.toml", migration)?;
    save("mapping.toml", mapping)
}
