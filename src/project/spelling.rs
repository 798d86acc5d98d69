//! Which known word a mistyped one was meant to be.

/// The known word nearest to `word`, when it is near enough to be a slip of the fingers.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = word.to_lowercase();
    let allowed = (typed.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|k| (strsim::osa_distance(&typed, &k.to_lowercase()), k))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

/// A hint for a word that is none of the known ones: the nearest, else all of them.
pub fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(word, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => None,
        None => Some(format!("one of {}", known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let known = ["project", "queue", "url"];
        assert_eq!(nearest("projcet", known), Some("project"));
        assert_eq!(nearest("URL", known), Some("url"));
        assert_eq!(nearest("password", known), None);
    }

    #[test]
    fn without_a_near_word_the_hint_lists_all() {
        assert_eq!(hint("zzz", ["a_key", "b_key"]).as_deref(), Some("one of `a_key`, `b_key`"));
        assert_eq!(hint("zzz", []), None);
    }
}
