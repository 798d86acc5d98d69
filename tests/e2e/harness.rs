//! What runs the tests of this target: those that need real servers are *ignored*, with the reason, where they may not be
//! started, and never counted as passed.

use libtest_mimic::{Arguments, Completion, Conclusion, Trial};

/// Why a test failed, shown as it was written.
pub struct Failed(pub String);

impl std::fmt::Debug for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Failed {
    fn from(why: String) -> Self {
        Failed(why)
    }
}

impl From<&str> for Failed {
    fn from(why: &str) -> Self {
        Failed(why.into())
    }
}

/// What a test needs.
#[derive(Clone, Copy)]
pub enum Needs {
    Nothing,
    /// Real help desks, which the test installs and starts.
    Servers,
}

impl Needs {
    /// Why a test that needs this cannot run here.
    fn lacking(self) -> Option<&'static str> {
        let may = || std::env::var("DESKFERRY_E2E").is_ok_and(|v| v == "1");
        match self {
            Needs::Servers if !may() => Some("DESKFERRY_E2E=1 installs and starts the servers it needs"),
            _ => None,
        }
    }
}

/// What a test may give back.
pub trait Ending {
    fn ended(self) -> Result<(), Failed>;
}

impl Ending for () {
    fn ended(self) -> Result<(), Failed> {
        Ok(())
    }
}

impl Ending for Result<(), Failed> {
    fn ended(self) -> Result<(), Failed> {
        self
    }
}

pub fn trial<E: Ending + 'static>(name: &str, needs: Needs, test: fn() -> E) -> Trial {
    let name = name.split_once("::").map_or(name, |(_, inner)| inner);
    Trial::ignorable_test(name, move || match needs.lacking() {
        Some(why) => Ok(Completion::ignored_with(why)),
        None => test().ended().map(|()| Completion::Completed).map_err(|Failed(why)| why.into()),
    })
}

/// Runs what the command line asks for.
pub fn run(trials: Vec<Trial>) -> Conclusion {
    libtest_mimic::run(&Arguments::from_args(), trials)
}

/// The tests of a module that need the same. One that is in no such list is dead code, which the compiler names.
macro_rules! trials {
    ($needs:ident: $($name:ident),+ $(,)?) => {
        vec![$($crate::harness::trial(concat!(module_path!(), "::", stringify!($name)), $crate::harness::Needs::$needs, $name)),+]
    };
}
pub(crate) use trials;
