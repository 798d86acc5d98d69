-- A ledger of the first version that was given out, after four tickets of a folder were moved into Zendesk. MARK is the
-- migration's id, SOURCE and TARGET are its addresses.
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE link (
  id       TEXT PRIMARY KEY,
  source   TEXT NOT NULL,
  target   TEXT NOT NULL,
  made_at  BIGINT NOT NULL
);
INSERT INTO "link" VALUES('MARK','SOURCE','TARGET',1796048253445);
CREATE TABLE loss (
  record  BIGINT NOT NULL REFERENCES record (seq),
  child   TEXT NOT NULL,
  loss    TEXT NOT NULL,
  detail  TEXT NOT NULL,
  PRIMARY KEY (record, child, loss, detail)
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
  changed_at         BIGINT NOT NULL, rebuilt_at BIGINT,
  UNIQUE (link, kind, id)
);
INSERT INTO "record" VALUES(1,'MARK','contact','c1',NULL,NULL,'a021e1a63210dd154cae9e8421bb4fda','done',NULL,NULL,NULL,NULL,'380000000001',NULL,NULL,NULL,'created',NULL,NULL,NULL,NULL,1796048253510,1796048254533,NULL);
INSERT INTO "record" VALUES(2,'MARK','ticket','1',NULL,NULL,'8cd8d123c13d9e088a7b19a4b67b782b','done',NULL,NULL,NULL,NULL,'3','3','TARGET/agent/tickets/3',NULL,'created',NULL,1796048256000,NULL,NULL,1796048254535,1796048258610,NULL);
INSERT INTO "record" VALUES(3,'MARK','ticket','2',NULL,NULL,'28bc4cd3e216c092825e9eb0c1c24f94','done',NULL,NULL,NULL,NULL,'2','2','TARGET/agent/tickets/2',NULL,'created',NULL,1796048256000,NULL,NULL,1796048254535,1796048258588,NULL);
INSERT INTO "record" VALUES(4,'MARK','ticket','3',NULL,NULL,'29c3f694b86adfabd91c1c9005597c23','done',NULL,NULL,NULL,NULL,'4','4','TARGET/agent/tickets/4',NULL,'created',NULL,1796048256000,NULL,NULL,1796048254535,1796048258617,NULL);
INSERT INTO "record" VALUES(5,'MARK','ticket','4',NULL,NULL,'49380b9b4331f9295335a54de1c43fd3','done',NULL,NULL,NULL,NULL,'1','1','TARGET/agent/tickets/1',NULL,'created',NULL,1796048256000,NULL,NULL,1796048254535,1796048258621,NULL);
CREATE TABLE run (
  id          INTEGER PRIMARY KEY,
  link        TEXT NOT NULL REFERENCES link (id),
  command     TEXT NOT NULL,
  manifests   TEXT NOT NULL,
  started_at  BIGINT NOT NULL,
  ended_at    BIGINT,
  exit_code   BIGINT,
  calls       TEXT
, rules TEXT);
INSERT INTO "run" VALUES(1,'MARK','run','{"files":"files-1-jsonl-af1349b9f5f9","zendesk":"zendesk-7d7f4ecf98ee"}',1796048253449,1796048258705,0,'{"target GET /custom_statuses.json":1,"target GET /group_memberships.json":1,"target GET /groups.json":1,"target GET /guide/permission_groups.json":1,"target GET /help_center/locales.json":1,"target GET /help_center/user_segments.json":1,"target GET /incremental/organizations.json":1,"target GET /job_statuses/:id.json":1,"target GET /organization_fields.json":2,"target GET /ticket_fields.json":2,"target GET /tickets/:id.json":4,"target GET /tickets/:id/comments.json":4,"target GET /user_fields.json":2,"target GET /users.json":2,"target GET /users/me.json":3,"target POST /imports/tickets/create_many.json":1,"target POST /users/create_or_update.json":1}','b60942a3531d5c9f6d96b43b27539120');
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
INSERT INTO "step" VALUES(1,1,'create','',0,'applied','ann@example.com','eca27de7f8432451dbf14f6c971c5b63','380000000001',NULL,NULL,NULL,'created',NULL,NULL,NULL,1796048253513,1);
INSERT INTO "step" VALUES(2,3,'append','2-2',0,'applied',NULL,'c48835e7c9690c09906750b05280c4ab','380000000006',NULL,NULL,NULL,'created',NULL,NULL,NULL,1796048254547,1);
INSERT INTO "step" VALUES(3,5,'append','4-2',0,'applied',NULL,'ff0b0671ae88c519b67b71734aa46aaf','380000000004',NULL,NULL,NULL,'created',NULL,NULL,NULL,1796048254548,1);
INSERT INTO "step" VALUES(4,4,'append','3-2',0,'applied',NULL,'4306e7752d2bf4bbb8798323e45962b3','380000000010',NULL,NULL,NULL,'created',NULL,NULL,NULL,1796048254548,1);
INSERT INTO "step" VALUES(5,2,'append','1-2',0,'applied',NULL,'2167c13edd572e0defb53fe2799fa4e6','380000000008',NULL,NULL,NULL,'created',NULL,NULL,NULL,1796048254548,1);
INSERT INTO "step" VALUES(6,3,'create','',0,'applied','deskferry:MARK:ticket:2','c48835e7c9690c09906750b05280c4ab','2','2','TARGET/agent/tickets/2',NULL,'created',NULL,NULL,NULL,1796048254548,1);
INSERT INTO "step" VALUES(7,5,'create','',0,'applied','deskferry:MARK:ticket:4','ff0b0671ae88c519b67b71734aa46aaf','1','1','TARGET/agent/tickets/1',NULL,'created',NULL,NULL,NULL,1796048254548,1);
INSERT INTO "step" VALUES(8,4,'create','',0,'applied','deskferry:MARK:ticket:3','4306e7752d2bf4bbb8798323e45962b3','4','4','TARGET/agent/tickets/4',NULL,'created',NULL,NULL,NULL,1796048254548,1);
INSERT INTO "step" VALUES(9,2,'create','',0,'applied','deskferry:MARK:ticket:1','2167c13edd572e0defb53fe2799fa4e6','3','3','TARGET/agent/tickets/3',NULL,'created',NULL,NULL,NULL,1796048254549,1);
CREATE TABLE watermark (
  link    TEXT NOT NULL REFERENCES link (id),
  kind    TEXT NOT NULL,
  value   TEXT NOT NULL,
  set_at  BIGINT NOT NULL,
  PRIMARY KEY (link, kind)
);
INSERT INTO "watermark" VALUES('MARK','group','2026-11-30T14:17:33.506Z',1796048258648);
INSERT INTO "watermark" VALUES('MARK','agent','2026-11-30T14:17:33.507Z',1796048258657);
INSERT INTO "watermark" VALUES('MARK','company','2026-11-30T14:17:33.508Z',1796048258657);
INSERT INTO "watermark" VALUES('MARK','field','2026-11-30T14:17:33.509Z',1796048258669);
INSERT INTO "watermark" VALUES('MARK','contact','2026-11-30T14:17:33.51Z',1796048258669);
INSERT INTO "watermark" VALUES('MARK','ticket','2026-11-30T14:17:34.534Z',1796048258676);
INSERT INTO "watermark" VALUES('MARK','category','2026-11-30T14:17:38.641Z',1796048258685);
INSERT INTO "watermark" VALUES('MARK','section','2026-11-30T14:17:38.642Z',1796048258691);
INSERT INTO "watermark" VALUES('MARK','article','2026-11-30T14:17:38.643Z',1796048258697);
CREATE INDEX record_by_state ON record (link, kind, state, seq);
CREATE INDEX step_in_doubt ON step (intent_at) WHERE state IN ('intent', 'unknown');
CREATE INDEX step_by_marker ON step (marker) WHERE marker IS NOT NULL;
CREATE INDEX run_by_link ON run (link, id);
COMMIT;
