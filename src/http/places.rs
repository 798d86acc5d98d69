//! The paths of an account behind which it keeps files: for a file that a text names, the credentials go there and nowhere else.
//!
//! Anybody may write such a text, a customer too. With the credentials of an administrator it would have whatever the account shows to
//! one fetched and put into the writer's own ticket. Nothing is fetched here.

use percent_encoding::percent_decode_str;
use std::sync::Arc;
use url::Url;

/// To which addresses of the account's own origin a call takes the credentials.
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// The platform named the address, or the manifest made it.
    #[default]
    Account,
    /// A text named it.
    Places(Arc<Places>),
}

impl Trust {
    /// For an address of the account's own origin.
    pub fn covers(&self, url: &Url) -> bool {
        match self {
            Trust::Account => true,
            Trust::Places(places) => places.hold(url),
        }
    }
}

/// Whole paths, each with what may stand in its query.
#[derive(Clone, Debug, Default)]
pub struct Places(Vec<Place>);

#[derive(Clone, Debug)]
struct Place {
    parts: Vec<String>,
    query: Vec<String>,
}

impl Places {
    /// Written `/files/*/*?name`: `*` is any one part, and behind `?` stand the names that a query may have.
    pub fn parse(places: &[String]) -> Places {
        let place = |text: &String| {
            let (path, query) = text.split_once('?').unwrap_or((text, ""));
            let parts = path.trim_matches('/').split('/').map(str::to_owned).collect();
            Place { parts, query: query.split('&').filter(|name| !name.is_empty()).map(str::to_owned).collect() }
        };
        Places(places.iter().map(place).collect())
    }

    fn hold(&self, url: &Url) -> bool {
        self.0.iter().any(|place| place.is(url))
    }
}

impl Place {
    fn is(&self, url: &Url) -> bool {
        let path = url.path();
        let path = path.strip_prefix('/').unwrap_or(path);
        let found: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
        found.len() == self.parts.len()
            && found
                .iter()
                .zip(&self.parts)
                .all(|(found, part)| if part == "*" { is_one(found) } else { found == part })
            && url.query_pairs().all(|(name, _)| self.query.iter().any(|known| *known == name))
    }
}

/// Whether a part of a path is one to everybody: some servers decode it twice, or end it at a semicolon.
fn is_one(part: &str) -> bool {
    let Ok(read) = percent_decode_str(part).decode_utf8() else { return false };
    let splits = |c: char| matches!(c, '/' | '\\' | '%' | ';' | '?' | '#') || c.is_control();
    !read.trim_matches('.').is_empty() && !read.contains(splits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: [&str; 3] =
        ["/attachments/token/*?name", "/hc/*/article_attachments/*", "/hc/article_attachments/*/*"];

    fn holds(address: &str) -> bool {
        Places::parse(&PLACES.map(str::to_owned))
            .hold(&Url::parse("https://desk.example/").unwrap().join(address).unwrap())
    }

    #[test]
    fn the_places_of_files_are_known() {
        for file in [
            "/attachments/token/AbC-d_1",
            "/attachments/token/AbC/?name=a%20b%2Fc.png",
            "/hc/en-us/article_attachments/360",
            "/hc/article_attachments/360/100%20days.png",
            "/hc/article_attachments/360/M%C3%BCll.png",
            "https://desk.example:443/attachments/token/AbC#top",
            "/x/../attachments/token/AbC",
        ] {
            assert!(holds(file), "{file}");
        }
    }

    #[test]
    fn no_trick_of_an_address_makes_another_path_a_place_of_files() {
        for other in [
            "/",
            "/api/v2/users.json",
            "/attachments/token",
            "/attachments/token/",
            "/attachments/token/../../api/v2/users.json",
            "/attachments/token/%2e%2e/%2E%2e/api/v2/users.json",
            "/attachments/token/..%2f..%2fapi%2fv2%2fusers.json",
            "/attachments/token/..%5c..%5capi",
            "/attachments/token/%252e%252e%252fapi",
            "/attachments/token/...",
            "/attachments/token/x;/../../api",
            "/attachments/token/..;",
            "/attachments/token/x%00",
            "/attachments/token/x%0a",
            "/attachments/token/x%3Fformat=json",
            "/attachments/token/%ff",
            "/attachments/token/x/y",
            "/attachments/token//x",
            "//desk.example//attachments/token/x",
            "/attachments//token/x",
            "/Attachments/Token/x",
            "/attachments/%74oken/x",
            "/api/attachments/token/x",
            "/attachments/token/x?name=a&_method=delete",
            "/attachments/token/x?NAME=a",
            "/attachments/token/x?return_to=/api",
            "/hc/en-us/article_attachments/360?format=json",
            "/hc/../article_attachments/360",
            "/hc/en-us/articles/360",
        ] {
            assert!(!holds(other), "{other}");
        }
        assert!(!Places::default().hold(&Url::parse("https://desk.example/attachments/token/x").unwrap()));
    }
}
