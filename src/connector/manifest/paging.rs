//! How a listing is walked from page to page.

use schemars::JsonSchema;
use serde::Deserialize;

/// How a listing is walked. A list ordered by a column that moves is walked by `keyset` or `window`,
/// never by page number alone.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Paging {
    /// One page holds all.
    #[default]
    Single,
    /// Numbered pages, the first is `start`; goes on until `total` rows, else while `more` holds, else while pages are full.
    Number {
        param: String,
        #[serde(default = "one")]
        start: u64,
        size: Size,
        /// Path in the page that is set while there is more.
        #[serde(default)]
        more: Option<String>,
        /// Path of the number of all rows in the page. Where that is null, the list ends at an empty page.
        #[serde(default)]
        total: Option<String>,
    },
    /// Row offsets; goes on until `total` or a short page. Each page begins with the last rows of the one before, told apart by `.id`:
    /// where these are missing, the walk goes back.
    Offset {
        param: String,
        size: Size,
        #[serde(default)]
        total: Option<String>,
    },
    /// A cursor from the page is sent back.
    Cursor {
        param: String,
        /// Path of the next cursor in the page.
        next: String,
        /// Path in the page that is true on the last page.
        #[serde(default)]
        done: Option<String>,
        /// Path in the page that is set while there is more.
        #[serde(default)]
        more: Option<String>,
        #[serde(default)]
        size: Option<Size>,
    },
    /// Rows come in the order of a time that the platform keeps; the page says where it ends, and the next is asked from there. Rows
    /// at the seam come twice and are one.
    Time {
        param: String,
        /// Path of the time in the page.
        next: String,
        /// Path in the page that is true on the last page.
        #[serde(default)]
        done: Option<String>,
        /// Path in the page that is set while there is more.
        #[serde(default)]
        more: Option<String>,
        /// Where a page does not say whether there is more, one with fewer rows is the last.
        #[serde(default)]
        size: Option<Size>,
    },
    /// The page names the next address, in its body or in the `Link` header. Never followed to another host.
    Link {
        /// Path in the page; absent = the header `Link; rel="next"`.
        #[serde(default)]
        next: Option<String>,
        #[serde(default)]
        done: Option<String>,
        #[serde(default)]
        size: Option<Size>,
    },
    /// The last row's key is asked from: `${$key}` in the query.
    Keyset {
        /// Path of the key in a row; rows come in its order.
        key: String,
        /// The key before the first row.
        start: String,
        size: Size,
    },
    /// A list ordered by a moving time, whose rows may change their place while it is walked: each page is asked from the time of
    /// the last row before it, `${$key}`; rows seen twice are one.
    Window {
        /// Path of the time in a row; rows come in its order.
        key: String,
        /// The time before the first row, on a full run. On a later one it is what `since` says, if no query names `${$since}`.
        start: String,
        /// Number of a page, for times that more rows share than fit in one.
        #[serde(default)]
        param: Option<String>,
        size: Size,
    },
    /// Numbered pages of a list that shifts while it is walked: each page begins with the last rows of the one before, and where
    /// these are missing the walk goes back. The size of a page must be the caller's to choose.
    Shifting {
        param: String,
        size: Size,
        /// Path of what tells rows apart.
        #[serde(default = "id")]
        id: String,
    },
    /// The numbers that no listing of the stream showed: each is asked for by `${$key}` in the path, and is a row or a 404. Those
    /// above the largest that was seen are, too, until many in a row are gone. Only on a full run, and only after the other listings.
    Gaps {
        /// Path of the number in a row.
        key: String,
        /// How many in a row.
        beyond: u64,
    },
}

impl Paging {
    /// Path of what tells rows apart, where one row may stand on two pages.
    pub fn overlaps_by(&self) -> Option<&str> {
        match self {
            Paging::Shifting { id, .. } => Some(id),
            Paging::Offset { .. } | Paging::Window { .. } => Some(".id"),
            _ => None,
        }
    }

    /// Whether each page says where the next one is, and the rows of two are never the same.
    pub fn names_next(&self) -> bool {
        matches!(self, Paging::Single | Paging::Link { .. } | Paging::Cursor { .. })
    }
}

fn id() -> String {
    ".id".into()
}

fn one() -> u64 {
    1
}

/// Rows asked for in one page.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Query parameter; absent = the vendor's fixed size.
    #[serde(default)]
    pub param: Option<String>,
    pub rows: u64,
}
