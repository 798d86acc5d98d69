//! The help center, read and written: <https://developer.zendesk.com/api-reference/help_center/help-center-api/>.
//!
//! Facts come from that reference. What nobody verified takes the stricter reading:
//!
//! - a translation that is published where the article was a draft is mailed to the followers of its section, as a new article is
//!   whose `notify_subscribers` is not false;
//! - `user_segment_id` and `permission_group_id` must be named when an article is made;
//! - a file belongs to no article until it is associated; 20 MB are 20,000,000 bytes.

mod routes;
mod seed;
mod store;
mod write;

pub use store::Library;
