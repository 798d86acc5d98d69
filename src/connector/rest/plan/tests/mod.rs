//! The rules of embedded manifests, tried in this room.

mod zendesk_import;
