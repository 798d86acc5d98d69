//! What is known of a record's steps while they are done: those of earlier runs, and those of this one. It sends nothing and asks nobody.

use crate::connector::LOST;
use crate::connector::manifest::Verb;
use crate::connector::plan::{ID_NUMBER, LateValues, Step};
use crate::connector::seen::Seen;
use crate::error::Loss;
use crate::ledger::{Origin, Remote, StepKey, StepRow, StepState, Told};
use crate::record::Outputs;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The steps a record has behind it.
pub struct Progress {
    pub(super) late: LateValues,
    /// What the target listed below the record since the last step was sent.
    pub(super) seen: Seen,
    pub(super) rows: HashMap<StepKey, StepRow>,
    /// Steps this run has sent as part of another one, and those found to have happened so.
    pub(super) intended: HashSet<StepKey>,
    pub(super) covered: HashSet<StepKey>,
    /// Creates and appends this run had the effect of.
    pub(super) sent: HashSet<StepKey>,
    /// Steps of a rehearsal, not booked yet.
    pub(super) told: Vec<Told>,
    /// Whether this run has had an effect on the record.
    pub wrote: bool,
    /// Whether the target could not take something of it.
    pub lost: bool,
    /// Which values of a person that were.
    pub lacks: BTreeSet<String>,
    pub created: Option<(Remote, Origin)>,
    /// Whether the record in the target is known to be this one: this run made it, or asked.
    pub(super) proved: bool,
}

impl Progress {
    /// Of a record whose steps earlier runs did so far.
    pub(super) fn of(rows: Vec<StepRow>) -> Progress {
        Progress {
            late: LateValues::default(),
            seen: Seen::default(),
            rows: rows.into_iter().map(|row| (row.key.clone(), row)).collect(),
            intended: HashSet::new(),
            covered: HashSet::new(),
            sent: HashSet::new(),
            told: Vec::new(),
            wrote: false,
            lost: false,
            lacks: BTreeSet::new(),
            created: None,
            proved: false,
        }
    }

    /// Whether the record was in the target before us.
    pub(super) fn is_adopted(&self) -> bool {
        matches!(self.created, Some((_, Origin::Adopted)))
    }

    /// Whether a step is done, by itself or by another.
    pub(super) fn has(&self, step: &StepKey) -> bool {
        self.covered.contains(step) || self.rows.get(step).is_some_and(|row| row.state == StepState::Applied)
    }

    /// The steps whose effect a step that happened had: those that were intended with it.
    pub(super) fn covered_by(&self, step: &Step) -> Vec<StepKey> {
        let sent = |key: &&StepKey| {
            let known = self.rows.get(key).is_some_and(|row| row.state.in_doubt());
            known || self.intended.contains(key)
        };
        step.covers.iter().filter(sent).cloned().collect()
    }

    /// Steps that had to be sent by themselves, where that loses something. One that another had the effect of has its hash.
    pub fn lost_alone(&self, steps: &[Step]) -> Vec<(StepKey, Loss)> {
        let hash = |step: &StepKey| self.rows.get(step).and_then(|row| row.request_hash.as_deref());
        let with_another = |step: &StepKey| {
            let covering = steps.iter().filter(|other| other.covers.contains(step));
            let shared = hash(step).is_some() && covering.map(|other| hash(&other.key)).any(|own| own == hash(step));
            shared || self.covered.contains(step)
        };
        let alone = steps.iter().filter(|step| !with_another(&step.key));
        alone.filter_map(|step| Some((step.key.clone(), step.loss?))).collect()
    }

    /// Steps of this run that added something to a record which was there before it.
    pub fn added<'s>(&self, steps: &'s [Step]) -> Vec<&'s Step> {
        let is_sent = |step: &&Step| self.sent.contains(&step.key);
        match steps.iter().filter(|step| step.verb == Verb::Create).any(|step| is_sent(&step)) {
            true => vec![],
            false => steps.iter().filter(|step| step.verb == Verb::Append).filter(is_sent).collect(),
        }
    }

    /// The target's id of what a step made.
    pub fn id_of(&self, step: &Step) -> Option<String> {
        self.late.id_of(&step.key)
    }

    /// The target's ids of what the record's steps are known to have made.
    pub fn known_ids(&self) -> impl Iterator<Item = String> {
        let earlier = self.rows.values().filter_map(|row| row.remote.as_ref()).map(|remote| remote.id.clone());
        earlier.chain(self.sent.iter().filter_map(|step| self.late.id_of(step)))
    }

    pub(super) fn took(&mut self, step: &Step, remote: &Remote, origin: Option<Origin>) {
        self.late.put(step.key.clone(), outputs(remote));
        let lost = remote.outputs.get(LOST);
        self.lost |= lost.is_some();
        self.lacks.extend(lost.and_then(Value::as_str).map(str::to_owned));
        if step.verb == Verb::Create {
            self.created = Some((remote.clone(), origin.unwrap_or(Origin::Created)));
        }
    }
}

pub(super) fn outputs(remote: &Remote) -> Outputs {
    let mut outputs = remote.outputs.clone();
    outputs.insert("id".into(), remote.id.clone().into());
    let number = remote.id.parse::<u64>().map_or_else(|_| remote.id.clone().into(), Value::from);
    outputs.insert(ID_NUMBER.into(), number);
    if let Some(number) = &remote.number {
        outputs.insert("number".into(), number.clone().into());
    }
    outputs
}
