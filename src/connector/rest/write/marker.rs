//! The custom field our markers live in: found by its title, or made where the project and the platform allow it.

use crate::connector::manifest::{Marker, MarkerCall};
use crate::connector::rest::{Account, MarkerField, Rest};
use crate::error::{Problem, Reason, Result};
use crate::http::{Call, Payload, Repeat, Sent, Target};
use reqwest::Method;
use serde_json::{Map, Value};

/// The fact that holds the field's id; the native half may have found it itself.
pub(crate) const FIELD: &str = "marker_field";
/// Stands in requests for the id of a field that is not made yet.
pub(crate) const IMAGINED: &str = "<marker field>";

impl Rest {
    /// Errors: `refused` where there is no such field and none may be made.
    pub(crate) async fn prepare_marker(&self, account: &mut Account) -> Result<()> {
        let Some(marker) = self.marker().filter(|_| !account.contains_key(FIELD)) else { return Ok(()) };
        if !self.manifest.read.contains_key("field") {
            return Ok(());
        }
        if let Some(field) = self.marker_id(marker).await? {
            account.insert(FIELD.into(), field);
            return Ok(());
        }
        let missing =
            format!("the ticket field `{}` is missing; Deskferry needs it to find migrated tickets", marker.field);
        let by_hand = format!("make it by hand: {}", marker.make);
        let Some(create) = &marker.create else {
            return Err(Problem::new(Reason::Refused, missing).hint(by_hand));
        };
        match self.marker_field {
            MarkerField::Made => {}
            MarkerField::Imagined => {
                account.insert(FIELD.into(), IMAGINED.into());
                return Ok(());
            }
            MarkerField::Needed | MarkerField::Noted => {
                let hint = format!("say `create_marker = true` under [run], or {by_hand}");
                return Err(Problem::new(Reason::Refused, missing).hint(hint));
            }
        }
        self.make_marker(create).await?;
        match self.marker_id(marker).await? {
            Some(field) => {
                account.insert(FIELD.into(), field);
                Ok(())
            }
            None => {
                Err(Problem::new(Reason::NotStored, "the field for our markers was made but is not there")
                    .hint(by_hand))
            }
        }
    }

    async fn marker_id(&self, marker: &Marker) -> Result<Option<Value>> {
        let rows = self.detailed("field", self.read_all("field", None).await?).await?;
        for row in &rows {
            let fields: Map<String, Value> = self.fields("field", row, &Value::Null, row)?;
            if fields.get("title").and_then(Value::as_str) == Some(&marker.field) {
                return Ok(fields.get("id").cloned());
            }
        }
        Ok(None)
    }

    /// A field made twice would show as two; it is made only where none was found, and never sent again.
    async fn make_marker(&self, create: &MarkerCall) -> Result<()> {
        let wrong = || Problem::new(Reason::Manifest, "`call` of the marker is `METHOD /path`");
        let (method, path) = create.call.split_once(' ').ok_or_else(wrong)?;
        let call = Call {
            method: Method::from_bytes(method.as_bytes()).map_err(|_| wrong())?,
            target: Target::Path(path.to_owned()),
            body: Payload::Json(create.json.clone()),
            repeat: Repeat::Never,
            ..Call::get("")
        };
        match self.client.send(&call).await {
            Sent::Answer(response) if response.status < 300 => Ok(()),
            Sent::Answer(response) => Err(self.refusal(&response).at("making the field for our markers")),
            Sent::NotSent(problem) | Sent::Unknown(problem) => Err(problem.at("making the field for our markers")),
        }
    }
}
