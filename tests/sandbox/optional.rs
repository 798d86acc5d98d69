//! Lists an account need not show: one that an earlier run could read is not given up because it is refused once.

use crate::desks::{Desk, Options};
use crate::vendors::Project;

/// Out of a Zendesk of a few tickets into files; the second call of a path is answered so.
fn refused_second(path: &str, status: u16) -> (Project, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("faults.toml");
    let fault =
        format!("[[fault]]\npath = \"{path}\"\nat = 2\ncalls = 2\ndoes = \"error_before\"\nstatus = {status}\n");
    std::fs::write(&file, fault).unwrap();
    let options = Options { platform: "zendesk", tickets: 3, faults: Some(&file), flags: &["--lag", "0"] };
    (Project::out_of(Desk::start(&options), "side_conversations = \"no\"\n"), folder)
}

#[test]
fn a_knowledge_base_that_is_not_found_once_is_not_given_up() {
    let (project, _folder) = refused_second("/api/v2/help_center/articles.json", 404);
    let run = || project.run(&["run", "--only", "category,section,article"]);
    assert_eq!(run().0, 0);
    let before = project.files("article").len();
    assert!(before > 0);
    for nth in ["second", "third"] {
        let (code, said) = run();
        assert_eq!(code, 3, "{nth}: {said}");
        assert!(said.contains("could be listed") && said.contains("name under [scope] `kinds`"), "{nth}: {said}");
    }
    let (code, said) = run();
    assert_eq!(code, 0, "{said}");
    assert_eq!(project.files("article").len(), before);
}

#[test]
fn a_list_of_tickets_that_is_closed_later_is_named_with_the_word_that_leaves_it_out() {
    let (project, _folder) = refused_second("/api/v2/suspended_tickets.json", 403);
    let run = || project.run(&["run", "--only", "ticket"]);
    let (code, said) = run();
    assert_eq!(code, 0, "{said}");
    let (code, said) = run();
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("leave_out = [\"suspended_tickets\"]"), "{said}");
    let asked = || project.desk.calls().iter().filter(|call| call["path"] == "/api/v2/suspended_tickets.json").count();
    let before = asked();
    let file = project.at("migration.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("[target]", "leave_out = [\"suspended_tickets\"]\n[target]")).unwrap();
    let (code, said) = run();
    assert_eq!((code, asked()), (0, before), "{said}");
    assert!(said.contains("suspended tickets are left out"), "{said}");
    std::fs::write(&file, text).unwrap();
    assert_eq!(run().0, 3, "it is asked for again");
    assert_eq!(run().0, 0);
}
