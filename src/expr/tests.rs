use super::*;
use serde_json::json;

fn expr(toml: &str) -> Expr {
    #[derive(Deserialize)]
    struct Holder {
        e: Expr,
    }
    toml::from_str::<Holder>(&format!("e = {toml}")).unwrap().e
}

fn eval(toml: &str, item: &Value) -> Value {
    expr(toml).eval(&Scope::of(item)).unwrap()
}

#[test]
fn a_path_reads_keys_indices_and_every_element_and_misses_are_null() {
    let item = json!({"a": {"b": [1, 2]}, "l": [{"n": "x"}, {"n": "y"}], "odd key": 3});
    assert_eq!(eval(r#"".a.b[0]""#, &item), json!(1));
    assert_eq!(eval(r#"".a.b[-1]""#, &item), json!(2));
    assert_eq!(eval(r#"".l[].n""#, &item), json!(["x", "y"]));
    assert_eq!(eval(r#"'."odd key"'"#, &item), json!(3));
    assert_eq!(eval(r#"".a.nothing.there""#, &item), Value::Null);
}

#[test]
fn jq_sees_the_row_and_the_roots_and_gives_its_first_output() {
    let (item, account) = (json!({"n": 20}), json!({"add": 1}));
    let scope = Scope { account: &account, ..Scope::of(&item) };
    assert_eq!(expr(r#"{ jq = ".n + $account.add" }"#).eval(&scope).unwrap(), json!(21));
    assert_eq!(eval(r#"{ jq = "empty" }"#, &item), Value::Null);
}

#[test]
fn an_error_at_run_time_never_shows_the_record() {
    let item = json!({"body": "my secret letter"});
    let problem = expr(r#"{ jq = ".body + 1" }"#).eval(&Scope::of(&item)).unwrap_err();
    assert_eq!(problem.reason, Reason::Expression);
    assert!(!format!("{problem:?}").contains("secret letter"));
}

#[test]
fn filters_and_paths_see_the_same_of_an_object_that_changes_between_them() {
    let object = json!({"ticket": {"n": 9_007_199_254_740_993_u64, "x": 0.5, "t": "ü", "l": [null, true]}, "gone": 1});
    let mut eval_context = EvalContext::new(object.as_object().unwrap().clone());
    eval_context.put("comment", json!({"id": 7}));
    eval_context.take("gone");
    let scope = Scope { eval_context: Some(&eval_context), ..Scope::of(eval_context.value()) };
    for path in [".", ".ticket", ".ticket.n", ".ticket.l[1]", ".comment.id", ".gone"] {
        let filter = expr(&format!("{{ jq = '{path} | .' }}")).eval(&scope).unwrap();
        assert_eq!(filter, expr(&format!("'{path}'")).eval(&scope).unwrap(), "{path}");
    }
    let other = json!({"ticket": "another"});
    let scope = Scope { item: &other, ..scope };
    assert_eq!(
        expr("{ jq = '.ticket' }").eval(&scope).unwrap(),
        json!("another"),
        "it stands for its own object alone"
    );
}

#[test]
fn a_filter_cannot_reach_out_of_the_record() {
    for reach in ["env", "$ENV", "input", "debug", "now", "halt"] {
        assert!(expr(&format!("{{ jq = '{reach}' }}")).check().is_err(), "{reach}");
    }
}

#[test]
fn a_wrong_filter_is_told_with_its_place() {
    let wrong = expr("{ jq = '.a | nonsense(.b)' }").check().unwrap_err();
    assert_eq!(&wrong.filter[wrong.range], "nonsense");
}

#[test]
fn pairs_make_custom_values_of_a_list_and_of_an_object() {
    let item = json!({"cf": [{"id": 7, "name": "Size", "value": "L"}], "map": {"cf_a": 1}});
    assert_eq!(
        eval(r#"{ pairs = ".cf", key = ".id", value = ".value", title = ".name" }"#, &item),
        json!([{"key": "7", "title": "Size", "value": "L"}])
    );
    assert_eq!(eval(r#"{ pairs = ".map", key = ".", value = "." }"#, &item), json!([{"key": "cf_a", "value": 1}]));
}

#[test]
fn a_table_looks_values_up_and_an_unknown_one_is_null() {
    let tables = Tables::from([("s".into(), BTreeMap::from([("Open".into(), "open".into())]))]);
    let item = json!({"s": "open", "t": "odd"});
    let scope = Scope { tables: Some(&tables), ..Scope::of(&item) };
    assert_eq!(expr(r#"{ path = ".s", table = "s" }"#).eval(&scope).unwrap(), json!("open"));
    assert_eq!(expr(r#"{ path = ".t", table = "s" }"#).eval(&scope).unwrap(), Value::Null);
}

#[test]
fn times_are_made_utc_by_format_and_zone() {
    let item = json!({"t": "2024-07-01 12:00:00", "u": 0, "e": ""});
    let local = r#"{ path = ".t", format = "%Y-%m-%d %H:%M:%S", zone = "Europe/Berlin" }"#;
    assert_eq!(eval(local, &item), json!("2024-07-01T10:00:00Z"));
    assert_eq!(eval(r#"{ path = ".u", format = "unix" }"#, &item), json!("1970-01-01T00:00:00Z"));
    assert_eq!(eval(r#"{ path = ".e", format = "unix" }"#, &item), Value::Null);
}

#[test]
fn a_value_in_a_path_stays_within_its_segment() {
    let item = json!({"id": "a/../b?x=ü"});
    let template = Template::parse("/user/${.id}/files").unwrap();
    assert_eq!(template.render_path(&Scope::of(&item)).unwrap(), "/user/a%2F..%2Fb%3Fx%3D%C3%BC/files");
    assert_eq!(template.render(&Scope::of(&item)).unwrap(), "/user/a/../b?x=ü/files");
}

#[test]
fn a_form_with_two_sources_or_an_unknown_key_is_refused() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its errors count")]
    struct Holder {
        e: Expr,
    }
    let error = |text: &str| toml::from_str::<Holder>(text).unwrap_err().to_string();
    assert!(error(r#"e = { path = ".a", jq = ".b" }"#).contains("exactly one"));
    assert!(error(r#"e = { pth = ".a" }"#).contains("unknown field `pth`"));
}
