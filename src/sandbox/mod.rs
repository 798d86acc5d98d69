//! In-process look-alikes of help desks, to rehearse a migration without an account. They import nothing of the engine:
//! what they know of a vendor they know from the vendor.

pub mod desk;
