//! The knowledge base: <https://developers.freshdesk.com/api/#solutions>.
//!
//! What nobody verified takes the stricter reading:
//!
//! - the name of a category is one's alone, that of a folder in its category; both are refused with a 409;
//! - the list of a category holds the folders within folders too, as the page's example shows;
//! - a translation that is not there is a 404, one that is there already a 409, a language that is switched off a 400;
//! - `attachments[]` of an update add files, up to 20 MB in all; the portal shows them at `/helpdesk/attachments/ID`;
//! - an article keeps the folder and the time it was made in; its author is whoever made it until an update says another agent.

mod routes;
mod seed;
mod store;
mod write;

pub use routes::{answer, settings};
pub use store::Solutions;
