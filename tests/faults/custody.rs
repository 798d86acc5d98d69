//! What becomes of a migration whose ledger, stage or folder is not what its last run left.
