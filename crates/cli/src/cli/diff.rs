//! How two short texts differ, by lines.

/// Longest text of which all pairs of lines are compared; of a longer one the middle is shown as changed whole.
const PAIRS: usize = 16_000_000;
/// Lines shown around a change.
const AROUND: usize = 2;

enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// The changed lines with a few around them, marked `+`, `-` or a space. Empty when nothing changes.
pub fn lines(before: &str, after: &str) -> String {
    let all = compared(before, after);
    let is_near = |at: usize| {
        let near = all.iter().take(at + AROUND + 1).skip(at.saturating_sub(AROUND));
        near.into_iter().any(|line| !matches!(line, Line::Same(_)))
    };
    let (mut out, mut cut) = (String::new(), false);
    for (at, line) in all.iter().enumerate() {
        if !is_near(at) {
            cut = true;
            continue;
        }
        if std::mem::take(&mut cut) && !out.is_empty() {
            out.push_str("…\n");
        }
        let (mark, text) = match line {
            Line::Same(text) => (' ', text),
            Line::Gone(text) => ('-', text),
            Line::New(text) => ('+', text),
        };
        out.push_str(&format!("{mark}{text}\n"));
    }
    out
}

/// How many lines of `after` are new: those that say something, and comments.
pub fn added(before: &str, after: &str) -> (usize, usize) {
    let all = compared(before, after);
    let new = all.iter().filter_map(|line| match line {
        Line::New(text) if !text.trim().is_empty() => Some(text.trim_start().starts_with('#')),
        _ => None,
    });
    let (comments, rules): (Vec<bool>, Vec<bool>) = new.partition(|is_comment| *is_comment);
    (rules.len(), comments.len())
}

fn compared<'a>(before: &'a str, after: &'a str) -> Vec<Line<'a>> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let mut all: Vec<Line<'a>> = old[..head].iter().map(|line| Line::Same(line)).collect();
    middle(&old[head..old.len() - tail], &new[head..new.len() - tail], &mut all);
    all.extend(old[old.len() - tail..].iter().map(|line| Line::Same(line)));
    all
}

/// By the longest list of lines both have.
fn middle<'a>(old: &[&'a str], new: &[&'a str], all: &mut Vec<Line<'a>>) {
    if old.len().saturating_mul(new.len()) > PAIRS {
        all.extend(old.iter().map(|line| Line::Gone(line)));
        all.extend(new.iter().map(|line| Line::New(line)));
        return;
    }
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            common[a][b] = match old[a] == new[b] {
                true => common[a + 1][b + 1] + 1,
                false => common[a + 1][b].max(common[a][b + 1]),
            };
        }
    }
    let (mut a, mut b) = (0, 0);
    while a < old.len() || b < new.len() {
        if a < old.len() && b < new.len() && old[a] == new[b] {
            all.push(Line::Same(old[a]));
            (a, b) = (a + 1, b + 1);
        } else if b == new.len() || (a < old.len() && common[a + 1][b] >= common[a][b + 1]) {
            all.push(Line::Gone(old[a]));
            a += 1;
        } else {
            all.push(Line::New(new[b]));
            b += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changed_lines_and_those_beside_them_are_shown() {
        let before = "a\nb\nc\nd\ne\nf\ng\n";
        let after = "a\nb\nc\nd\nx\nf\ng\ny\n";
        assert_eq!(lines(before, after), " c\n d\n-e\n+x\n f\n g\n+y\n");
        assert_eq!(lines(before, before), "");
        assert_eq!(added(before, after), (2, 0));
        assert_eq!(added("a\n", "a\n\n# b = 1\nc = 2\n"), (1, 1));
        assert_eq!(lines("", "n\n"), "+n\n");
    }
}
