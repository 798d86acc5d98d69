-- A ledger of the first version that was given out, after four tickets of a folder were moved into Freshdesk. MARK is the
-- migration's id, SOURCE and TARGET are its addresses.
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE link (
  id       TEXT PRIMARY KEY,
  source   TEXT NOT NULL,
  target   TEXT NOT NULL,
  made_at  BIGINT NOT NULL
);
INSERT INTO link VALUES('MARK','SOURCE','TARGET',1796015765620);
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
INSERT INTO record VALUES(1,'MARK','contact','c1',NULL,NULL,'7a1b5a06bb3e2c001afa1837e30d9e66','done',NULL,NULL,NULL,NULL,'80000000095',NULL,NULL,NULL,'created',NULL,NULL,NULL,NULL,1796015765673,1796015765677,NULL);
INSERT INTO record VALUES(2,'MARK','ticket','1',NULL,NULL,'940ac21dec3ed5b14aab0ea38756d2fa','done',NULL,NULL,NULL,NULL,'2','2','TARGET/a/tickets/2',NULL,'created',NULL,1796015765000,NULL,NULL,1796015765679,1796015765706,NULL);
INSERT INTO record VALUES(3,'MARK','ticket','2',NULL,NULL,'c73c6f31188cc9962f1b5d2af199025d','done',NULL,NULL,NULL,NULL,'1','1','TARGET/a/tickets/1',NULL,'created',NULL,1796015765000,NULL,NULL,1796015765679,1796015765696,NULL);
INSERT INTO record VALUES(4,'MARK','ticket','3',NULL,NULL,'d7833d9e417ba1049f6423a1d0c6b5f9','done',NULL,NULL,NULL,NULL,'3','3','TARGET/a/tickets/3',NULL,'created',NULL,1796015765000,NULL,NULL,1796015765679,1796015765706,NULL);
INSERT INTO record VALUES(5,'MARK','ticket','4',NULL,NULL,'6d8d73524dc94de1a169c886b519b99c','done',NULL,NULL,NULL,NULL,'4','4','TARGET/a/tickets/4',NULL,'created',NULL,1796015765000,NULL,NULL,1796015765679,1796015765712,NULL);
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
INSERT INTO step VALUES(1,1,'create','',0,'applied','ann@example.com','c7f09d08b16c817b3d2b535cbe36218c','80000000095',NULL,NULL,NULL,'created',NULL,NULL,NULL,1796015765675,1);
INSERT INTO step VALUES(2,3,'create','',0,'applied','deskferry:MARK:ticket:2','52bd55c0776ddbe0ea51f9b367743e36','1','1','TARGET/a/tickets/1',NULL,'created',NULL,NULL,NULL,1796015765685,1);
INSERT INTO step VALUES(3,2,'create','',0,'applied','deskferry:MARK:ticket:1','389cb3140109a1e2617cbb76b2bf55a9','2','2','TARGET/a/tickets/2',NULL,'created',NULL,NULL,NULL,1796015765685,1);
INSERT INTO step VALUES(4,4,'create','',0,'applied','deskferry:MARK:ticket:3','f69177b22af14f12d0b087f7bd51430a','3','3','TARGET/a/tickets/3',NULL,'created',NULL,NULL,NULL,1796015765685,1);
INSERT INTO step VALUES(5,5,'create','',0,'applied','deskferry:MARK:ticket:4','49cf1fbd4b5fa7bf23ead7806ba86b24','4','4','TARGET/a/tickets/4',NULL,'created',NULL,NULL,NULL,1796015765685,1);
INSERT INTO step VALUES(6,3,'note','2-2',0,'applied',NULL,'e5fc948c5a9921323f2daf94bb91e2bc','80000000096',NULL,NULL,NULL,'created',NULL,NULL,NULL,1796015765687,1);
INSERT INTO step VALUES(7,2,'note','1-2',0,'applied',NULL,'c3933148cc165d18d09d4cb73268320d','80000000097',NULL,NULL,NULL,'created',NULL,NULL,NULL,1796015765691,1);
INSERT INTO step VALUES(8,4,'note','3-2',0,'applied',NULL,'c13cc65b74c70f51192bcac799ec78f8','80000000098',NULL,NULL,NULL,'created',NULL,NULL,NULL,1796015765694,1);
INSERT INTO step VALUES(9,5,'note','4-2',0,'applied',NULL,'255439bed8412e555d4d3351eaf305fe','80000000099',NULL,NULL,NULL,'created',NULL,NULL,NULL,1796015765696,1);
CREATE TABLE loss (
  record  BIGINT NOT NULL REFERENCES record (seq),
  child   TEXT NOT NULL,
  loss    TEXT NOT NULL,
  detail  TEXT NOT NULL,
  PRIMARY KEY (record, child, loss, detail)
);
INSERT INTO loss VALUES(3,'2-1','date_in_header','');
INSERT INTO loss VALUES(3,'2-2','date_in_header','');
INSERT INTO loss VALUES(2,'1-1','date_in_header','');
INSERT INTO loss VALUES(2,'1-2','date_in_header','');
INSERT INTO loss VALUES(4,'3-1','date_in_header','');
INSERT INTO loss VALUES(4,'3-2','date_in_header','');
INSERT INTO loss VALUES(5,'4-1','date_in_header','');
INSERT INTO loss VALUES(5,'4-2','date_in_header','');
CREATE TABLE watermark (
  link    TEXT NOT NULL REFERENCES link (id),
  kind    TEXT NOT NULL,
  value   TEXT NOT NULL,
  set_at  BIGINT NOT NULL,
  PRIMARY KEY (link, kind)
);
INSERT INTO watermark VALUES('MARK','group','2026-11-30T05:16:05.668Z',1796015765721);
INSERT INTO watermark VALUES('MARK','agent','2026-11-30T05:16:05.667Z',1796015765722);
INSERT INTO watermark VALUES('MARK','company','2026-11-30T05:16:05.67Z',1796015765722);
INSERT INTO watermark VALUES('MARK','field','2026-11-30T05:16:05.671Z',1796015765722);
INSERT INTO watermark VALUES('MARK','contact','2026-11-30T05:16:05.672Z',1796015765723);
INSERT INTO watermark VALUES('MARK','ticket','2026-11-30T05:16:05.678Z',1796015765723);
INSERT INTO watermark VALUES('MARK','category','2026-11-30T05:16:05.715Z',1796015765724);
INSERT INTO watermark VALUES('MARK','section','2026-11-30T05:16:05.716Z',1796015765725);
INSERT INTO watermark VALUES('MARK','article','2026-11-30T05:16:05.717Z',1796015765726);
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
INSERT INTO run VALUES(1,'MARK','run','{"files":"files-1-jsonl-af1349b9f5f9","freshdesk":"freshdesk-fdef0d12911e"}',1796015765622,1796015765727,0,'{"target GET /admin/ticket_fields":1,"target GET /agents":1,"target GET /agents/me":1,"target GET /companies":1,"target GET /company_fields":4,"target GET /contact_fields":4,"target GET /groups":1,"target GET /settings/helpdesk":1,"target GET /surveys":1,"target GET /ticket_fields":8,"target GET /tickets":1,"target GET /tickets/:id":4,"target GET /tickets/:id/conversations":4,"target POST /admin/ticket_fields":1,"target POST /contacts":1,"target POST /tickets":4,"target POST /tickets/:id/notes":4}','49fbc894f58c458a3f8ca52868a6cf1f');
CREATE INDEX record_by_state ON record (link, kind, state, seq);
CREATE INDEX step_in_doubt ON step (intent_at) WHERE state IN ('intent', 'unknown');
CREATE INDEX step_by_marker ON step (marker) WHERE marker IS NOT NULL;
CREATE INDEX run_by_link ON run (link, id);
COMMIT;
