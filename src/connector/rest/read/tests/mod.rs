//! The rules of embedded manifests, tried in this room.

mod redmine_rows;
