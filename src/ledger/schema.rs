//! The tables of `ledger.db`.
//!
//! Types, upserts and queries are those PostgreSQL shares; `INTEGER PRIMARY KEY` alone would become an
//! identity column there. Times are UTC milliseconds. Lists of codes are the closed lists of the code.
//! A record's `seq` is the order in which it was first seen.

use super::store::Design;

pub(super) static DESIGN: Design = Design {
    file: "ledger.db",
    synchronous: "FULL",
    versions: &[VERSION_1, VERSION_2, CUSTODY, VENDOR_TIME, LEARNT, TWINS, FILED, MAKERS, UNDO],
    damaged: "do not delete it: it is the only account of what was written. Put it back from a copy of .deskferry/, \
              or recover it with `sqlite3 ledger.db .recover`",
};

/// A copy that is thrown away: nothing of it has to outlive anything.
pub(super) static SCRATCH: Design = Design { synchronous: "OFF", damaged: "delete it: it is a copy", ..DESIGN };

const VERSION_1: &str = "
CREATE TABLE link (
  id       TEXT PRIMARY KEY,
  source   TEXT NOT NULL,
  target   TEXT NOT NULL,
  made_at  BIGINT NOT NULL
);

CREATE TABLE record (
  seq                INTEGER PRIMARY KEY,
  link               TEXT NOT NULL REFERENCES link (id),
  kind               TEXT NOT NULL,
  id                 TEXT NOT NULL,
  number             TEXT,
  updated_at         BIGINT,
  content_hash       TEXT NOT NULL,
  state              TEXT NOT NULL,
  reason             TEXT,
  detail             TEXT,
  hint               TEXT,
  look_at            TEXT,
  target_id          TEXT,
  target_number      TEXT,
  target_url         TEXT,
  outputs            TEXT,
  origin             TEXT,
  target_hash        TEXT,
  target_updated_at  BIGINT,
  stands_kind        TEXT,
  stands_id          TEXT,
  seen_at            BIGINT NOT NULL,
  changed_at         BIGINT NOT NULL,
  UNIQUE (link, kind, id)
);
CREATE INDEX record_by_state ON record (link, kind, state, seq);

CREATE TABLE step (
  seq            INTEGER PRIMARY KEY,
  record         BIGINT NOT NULL REFERENCES record (seq),
  step           TEXT NOT NULL,
  child          TEXT NOT NULL,
  part           BIGINT NOT NULL,
  state          TEXT NOT NULL,
  marker         TEXT,
  request_hash   TEXT,
  target_id      TEXT,
  target_number  TEXT,
  target_url     TEXT,
  outputs        TEXT,
  origin         TEXT,
  reason         TEXT,
  detail         TEXT,
  hint           TEXT,
  intent_at      BIGINT NOT NULL,
  tries          BIGINT NOT NULL,
  UNIQUE (record, step, child, part)
);
CREATE INDEX step_in_doubt ON step (intent_at) WHERE state IN ('intent', 'unknown');
CREATE INDEX step_by_marker ON step (marker) WHERE marker IS NOT NULL;

CREATE TABLE loss (
  record  BIGINT NOT NULL REFERENCES record (seq),
  child   TEXT NOT NULL,
  loss    TEXT NOT NULL,
  detail  TEXT NOT NULL,
  PRIMARY KEY (record, child, loss, detail)
);

CREATE TABLE watermark (
  link    TEXT NOT NULL REFERENCES link (id),
  kind    TEXT NOT NULL,
  value   TEXT NOT NULL,
  set_at  BIGINT NOT NULL,
  PRIMARY KEY (link, kind)
);

CREATE TABLE run (
  id          INTEGER PRIMARY KEY,
  link        TEXT NOT NULL REFERENCES link (id),
  command     TEXT NOT NULL,
  manifests   TEXT NOT NULL,
  started_at  BIGINT NOT NULL,
  ended_at    BIGINT,
  exit_code   BIGINT,
  calls       TEXT
);
CREATE INDEX run_by_link ON run (link, id);
";

/// `run.rules` is a hash of what decides, beside the source, what is migrated: scope, mapping, manifests. `record.rebuilt_at`
/// is set on records known from the target's markers alone: what their steps did is not known yet.
const VERSION_2: &str = "
ALTER TABLE run ADD COLUMN rules TEXT;
ALTER TABLE record ADD COLUMN rebuilt_at BIGINT;
";

/// `alias` is every name an account of a migration ever had; `link.mark` the id in its markers where that is not its own.
/// `pairing` are the tokens that ledger and stage have shared, the last one now. `custody` is up to when, by the vendor's clock, all
/// markers in the target are known; `stray` what carries the marker of a record that is another one there. What we made there is one
/// source record's: the second of two that claimed it only goes by it.
const CUSTODY: &str = "
ALTER TABLE link ADD COLUMN mark TEXT;

CREATE TABLE alias (
  link  TEXT NOT NULL REFERENCES link (id),
  side  TEXT NOT NULL,
  name  TEXT NOT NULL,
  PRIMARY KEY (link, side, name)
);
INSERT INTO alias (link, side, name) SELECT id, 'source', source FROM link;
INSERT INTO alias (link, side, name) SELECT id, 'target', target FROM link;

CREATE TABLE pairing (
  token  TEXT PRIMARY KEY,
  link   TEXT NOT NULL REFERENCES link (id),
  nth    BIGINT NOT NULL
);
CREATE INDEX pairing_by_link ON pairing (link, nth);

CREATE TABLE custody (
  link   TEXT NOT NULL REFERENCES link (id),
  kind   TEXT NOT NULL,
  until  BIGINT NOT NULL,
  PRIMARY KEY (link, kind)
);

CREATE TABLE stray (
  link           TEXT NOT NULL REFERENCES link (id),
  kind           TEXT NOT NULL,
  id             TEXT NOT NULL,
  target_id      TEXT NOT NULL,
  target_number  TEXT,
  target_url     TEXT,
  seen_at        BIGINT NOT NULL,
  PRIMARY KEY (link, kind, id, target_id)
);

UPDATE record SET origin = 'adopted' WHERE origin = 'created' AND target_id IS NOT NULL AND EXISTS (
  SELECT 1 FROM record AS earlier WHERE earlier.link = record.link AND earlier.kind = record.kind
    AND earlier.target_id = record.target_id AND earlier.origin = 'created' AND earlier.seq < record.seq);
CREATE UNIQUE INDEX record_made ON record (link, kind, target_id) WHERE origin = 'created' AND target_id <> '' AND kind NOT IN ('field', 'group', 'link');
";

/// `step.vendor_at` is when the step was intended by the target's clock, or a little earlier; nothing where that was not known.
/// `watermark.ahead` is by how many milliseconds this machine's clock was ahead of the source's; of a watermark from before, in this
/// machine's time, nothing.
const VENDOR_TIME: &str = "
ALTER TABLE step ADD COLUMN vendor_at BIGINT;
ALTER TABLE watermark ADD COLUMN ahead BIGINT;
";

/// `alias.learnt` is how a name came to be one of the migration's: it was `made` under it, or the project `said` so and the target was
/// seen to be its own. Earlier versions noted whatever name an account had when a command was given: of these only the first of
/// each account is sure, and the id of a folder.
const LEARNT: &str = "
ALTER TABLE alias ADD COLUMN learnt TEXT;
UPDATE alias SET learnt = 'made' WHERE name LIKE 'folder:%' OR name = (
  SELECT CASE alias.side WHEN 'source' THEN link.source ELSE link.target END FROM link WHERE link.id = alias.link);
";

/// The files that a record was written with, by what its source knows them by; the empty one stands for that they were noted at all.
const FILED: &str = "
CREATE TABLE filed (
  record  BIGINT NOT NULL REFERENCES record (seq),
  file    TEXT NOT NULL,
  PRIMARY KEY (record, file)
);
";

/// What stands below a record of the target a second time, beside what the ledger knows to be the source's part `child`: written by
/// another copy of the project, or by people.
const TWINS: &str = "
CREATE TABLE twin (
  link       TEXT NOT NULL REFERENCES link (id),
  kind       TEXT NOT NULL,
  id         TEXT NOT NULL,
  section    TEXT NOT NULL,
  child      TEXT NOT NULL,
  target_id  TEXT NOT NULL,
  seen_at    BIGINT NOT NULL,
  PRIMARY KEY (link, kind, id, section, target_id)
);
";

/// By which step a record of the target was made: it is asked before another one is booked as made by a step of another record.
const MAKERS: &str = "
CREATE INDEX step_makes ON step (target_id) WHERE child = '' AND part = 0 AND target_id IS NOT NULL;
";

/// What was agreed to be deleted again, in this order, and how far that is. `run.trial` is how many tickets a trial took at most;
/// `run.after_step` the number of the last step that was begun before the run.
const UNDO: &str = "
ALTER TABLE run ADD COLUMN trial BIGINT;
ALTER TABLE run ADD COLUMN after_step BIGINT;

CREATE TABLE undo_plan (
  id         INTEGER PRIMARY KEY,
  link       TEXT NOT NULL REFERENCES link (id),
  choice     TEXT NOT NULL,
  agreed_at  BIGINT NOT NULL,
  ended_at   BIGINT
);

CREATE TABLE undo (
  plan        BIGINT NOT NULL REFERENCES undo_plan (id),
  nth         BIGINT NOT NULL,
  kind        TEXT NOT NULL,
  id          TEXT NOT NULL,
  target_id   TEXT NOT NULL,
  state       TEXT NOT NULL,
  why         TEXT,
  changed_at  BIGINT NOT NULL,
  PRIMARY KEY (plan, kind, id)
);
CREATE INDEX undo_in_doubt ON undo (plan) WHERE state = 'intent';
CREATE INDEX record_by_other ON record (link, kind, target_id) WHERE origin <> 'created';
";
