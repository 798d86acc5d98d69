//! What a person sees: bars on a terminal, a line every 30 seconds elsewhere, JSON objects with `--json`.
//!
//! Data goes to stdout, everything else to stderr.

use super::args::{Color, Global};
use super::out;
use deskferry::error::Problem;
use deskferry::pipeline::{Event, Listener, Side};
use deskferry::printable;
use deskferry::record::Kind;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const LINE_EVERY: Duration = Duration::from_secs(30);
/// Failures shown one by one; the report holds all.
const SHOWN: u64 = 20;
/// What is drawn of a kind: while it is read nobody knows how many there are.
const UNCOUNTED: &str = "{prefix:>8} {msg}";
const COUNTED: &str = "{prefix:>8} {bar:30} {pos}/{len} {msg} {eta}";

pub struct Screen {
    json: bool,
    quiet: bool,
    color: bool,
    bars: MultiProgress,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bars: BTreeMap<Kind, ProgressBar>,
    lines: BTreeMap<Kind, (String, Option<Instant>)>,
    shown: u64,
    /// Hints of failures shown so far: each is said once.
    hints: BTreeSet<String>,
}

impl Screen {
    pub fn new(global: &Global) -> Screen {
        let terminal = std::io::stderr().is_terminal();
        let draws = terminal && !global.json && !global.quiet;
        let to = if draws { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none(),
        };
        Screen {
            json: global.json,
            quiet: global.quiet,
            color,
            bars: MultiProgress::with_draw_target(to),
            state: Mutex::default(),
        }
    }

    /// The listener a pipeline tells its events to.
    pub fn listener(self: &Arc<Self>) -> Listener {
        let screen = Arc::clone(self);
        Arc::new(move |event| screen.tell(&event))
    }

    pub fn tell(&self, event: &Event) {
        if self.json {
            return json_line(event);
        }
        match event {
            Event::Check { account, proves, problem, found, .. } => {
                self.check(*account, proves, found.as_deref(), problem.as_ref())
            }
            Event::Progress { kind, total, done, skipped, failed, parked, in_doubt } => {
                let rest = [("skipped", skipped), ("failed", failed), ("parked", parked), ("in doubt", in_doubt)];
                let rest: String =
                    rest.iter().filter(|(_, n)| **n > 0).map(|(word, n)| format!(", {n} {word}")).collect();
                self.progress(
                    *kind,
                    *total,
                    done + skipped + failed + parked + in_doubt,
                    &format!("{done} migrated{rest}"),
                );
            }
            // Of a kind that the source does not have there is nothing to say.
            Event::Staged { rows: 0, .. } => {}
            Event::Staged { kind, rows, complete } => {
                let more = if *complete { "" } else { " …" };
                self.line_or_bar(*kind, &format!("{rows} read{more}"), *complete);
            }
            Event::Record { kind, id, outcome, problem } => self.record(*kind, id, outcome, problem),
            // Drawn as a table.
            Event::Undo { .. } => {}
            Event::Note { what } => self.line(&format!("note: {what}")),
            Event::Error { problem } => self.problem(problem),
            Event::Started { source, target, .. } => self.line(&format!("{source} → {target}")),
            // As far as it came: a bar of what was stopped is not full.
            Event::Ended { .. } => self.state().bars.values().for_each(ProgressBar::abandon),
        }
    }

    /// Takes the bars off the terminal, so that none is drawn over what is printed next.
    pub fn clear(&self) {
        let bars = std::mem::take(&mut self.state().bars);
        bars.values().for_each(ProgressBar::finish_and_clear);
        // A closed stderr is nobody's error.
        let _ = self.bars.clear();
    }

    /// An error that ends the command.
    pub fn problem(&self, problem: &Problem) {
        if self.json {
            return json_line(&Event::Error { problem: problem.clone() });
        }
        self.say(&self.paint("error:", "31;1"), &problem.what);
        problem.excerpt.iter().flat_map(|lines| lines.lines()).for_each(|line| self.print(&printable::line(line)));
        problem.hint.iter().for_each(|hint| self.hint("", hint));
    }

    /// A line for people, unless `-q` or `--json`.
    pub fn line(&self, text: &str) {
        if !self.quiet && !self.json {
            self.print(&printable::line(text));
        }
    }

    pub fn paint(&self, text: &str, code: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Words of ours, maybe in colour, and behind them what may come from outside.
    fn say(&self, head: &str, text: &str) {
        self.print(&format!("{head} {}", printable::line(text)));
    }

    fn hint(&self, indent: &str, hint: &str) {
        self.say(&format!("{indent}{}", self.paint("hint:", "36")), hint);
    }

    fn print(&self, text: &str) {
        // `println` of hidden bars prints nothing; a closed stderr is nobody's error.
        if self.bars.is_hidden() {
            let _ = writeln!(std::io::stderr(), "{text}");
        } else {
            let _ = self.bars.println(text);
        }
    }

    fn check(&self, account: Side, proves: &str, found: Option<&str>, problem: Option<&Problem>) {
        let side = match account {
            Side::Source => "source",
            Side::Target => "target",
            Side::Project => "project",
        };
        match problem {
            None => {
                let found = found.filter(|f| !f.is_empty()).map(|f| format!(": {f}")).unwrap_or_default();
                if !self.quiet {
                    self.say(&self.paint("ok", "32"), &format!("{side}: {proves}{found}"));
                }
            }
            Some(problem) => {
                self.say(&self.paint("FAILED", "31;1"), &format!("{side}: {proves}: {}", problem.what));
                problem.hint.iter().for_each(|hint| self.hint("   ", hint));
            }
        }
    }

    fn record(&self, kind: Kind, id: &str, outcome: &str, problem: &Problem) {
        let (shown, hint) = {
            let mut state = self.state();
            state.shown += 1;
            let hint = problem.hint.as_ref().filter(|hint| state.hints.insert((*hint).clone()));
            (state.shown, hint)
        };
        match shown {
            n if n <= SHOWN => {
                let what = format!("{kind} {id}: {} ({})", problem.what, problem.reason);
                self.say(&self.paint(outcome, "33"), &what);
                hint.iter().for_each(|hint| self.hint("", hint));
            }
            n if n == SHOWN + 1 => self.print("… more: `deskferry report --format csv` lists them all"),
            _ => {}
        }
    }

    fn progress(&self, kind: Kind, total: u64, position: u64, text: &str) {
        if self.bars.is_hidden() {
            return self.line_or_bar(kind, &format!("{position} of {total}: {text}"), position == total);
        }
        let bar = self.bar(kind);
        bar.set_style(style(COUNTED));
        bar.set_length(total);
        bar.set_position(position);
        bar.set_message(text.to_owned());
    }

    fn line_or_bar(&self, kind: Kind, text: &str, complete: bool) {
        if !self.bars.is_hidden() {
            self.bar(kind).set_message(text.to_owned());
            return;
        }
        let due = {
            let mut state = self.state();
            let (last, at) = state.lines.entry(kind).or_default();
            let began = *at.get_or_insert_with(Instant::now);
            let due = last != text && (complete || began.elapsed() >= LINE_EVERY);
            if due {
                text.clone_into(last);
                *at = Some(Instant::now());
            }
            due
        };
        if due {
            self.line(&format!("{kind}: {text}"));
        }
    }

    fn bar(&self, kind: Kind) -> ProgressBar {
        let mut state = self.state();
        let bar = state.bars.entry(kind).or_insert_with(|| {
            let bar = self.bars.add(ProgressBar::new(0));
            bar.set_style(style(UNCOUNTED));
            bar.set_prefix(kind.code());
            bar
        });
        bar.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn json_line(event: &Event) {
    // Where it cannot be written nobody listens, and the work goes on.
    let _ = out::json(event);
}
