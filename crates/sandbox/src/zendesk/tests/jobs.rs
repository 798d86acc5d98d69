use super::*;
use crate::desk::Ends;

fn rows(many: usize) -> Value {
    let row = |n: usize| json!({ "subject": format!("n{n}"), "external_id": format!("m:{n}"), "comments": [{ "body": format!("b{n}") }] });
    json!({ "tickets": (0..many).map(row).collect::<Vec<_>>() })
}

const CREATE_MANY: &str = "/imports/tickets/create_many.json";

impl Room {
    fn job(&mut self, id: &str) -> Value {
        self.get(&format!("/job_statuses/{id}.json"))["job_status"].clone()
    }

    fn started(&mut self, body: Value) -> String {
        let got = self.post(CREATE_MANY, body);
        assert_eq!((got.status, &got.body["job_status"]["status"]), (200, &json!("queued")), "{}", got.body);
        assert_eq!(got.body["job_status"]["results"], Value::Null);
        got.body["job_status"]["id"].as_str().unwrap().to_owned()
    }

    fn tickets(&self) -> usize {
        self.desk.account.tickets.len()
    }

    fn pass_ms(&mut self, milliseconds: i64) {
        self.now += SignedDuration::from_millis(milliseconds);
        self.desk.pass(self.now);
    }
}

#[test]
fn a_job_waits_works_and_is_completed_in_an_order_of_its_own() {
    let mut room = room();
    let mut body = rows(40);
    body["tickets"][7]["requester_id"] = json!(1);
    let id = room.started(body);
    assert_eq!((room.tickets(), room.job(&id)["progress"].clone()), (0, Value::Null));
    room.pass_ms(200);
    let job = room.job(&id);
    assert_eq!(job["status"], "working");
    let written = room.tickets();
    assert!(written > 0 && written < 39, "{written}");
    room.pass(10);
    let job = room.job(&id);
    assert_eq!((&job["status"], &job["total"], &job["progress"]), (&json!("completed"), &json!(40), &json!(40)));
    let results = job["results"].as_array().unwrap();
    let mut indexes: Vec<u64> = results.iter().map(|row| row["index"].as_u64().unwrap()).collect();
    assert!(!indexes.is_sorted(), "in the order of the input");
    indexes.sort_unstable();
    assert_eq!(indexes, (0..40).collect::<Vec<_>>());
    for row in results {
        let index = row["index"].as_u64().unwrap();
        if index == 7 {
            assert_eq!(
                (&row["error"], &row["details"], &row["id"]),
                (&json!("TicketCreateFailed"), &json!("Requester: is invalid"), &Value::Null)
            );
        } else {
            assert_eq!(room.stored(row["id"].as_u64().unwrap())["external_id"], format!("m:{index}"));
        }
    }
    assert_eq!(room.tickets(), 39);
    room.pass(3600);
    assert_eq!(room.send("GET", &format!("/job_statuses/{id}"), "").status, 404);
}

#[test]
fn a_job_that_ends_badly_has_written_what_it_has() {
    for (ends, rows_written, left) in [
        (Ends::Killed, Some(0), 0),
        (Ends::Killed, Some(3), 3),
        (Ends::Killed, None, 10),
        (Ends::Vanished, Some(4), 4),
        (Ends::Vanished, None, 10),
        (Ends::Stuck, Some(2), 2),
    ] {
        let mut room = room();
        room.desk.doom(Fate { ends, rows: rows_written });
        let id = room.started(rows(10));
        room.pass(60);
        assert_eq!(room.tickets(), left, "{ends:?}");
        let shown = room.send("GET", &format!("/job_statuses/{id}.json"), "");
        let many = room.get(&format!("/job_statuses/show_many?ids={id}"));
        let listed = room.get("/job_statuses");
        let (one, all) = (&many["job_statuses"], &listed["job_statuses"]);
        match ends {
            Ends::Vanished => assert_eq!((shown.status, one, all), (404, &json!([]), &json!([]))),
            Ends::Killed => {
                assert_eq!(
                    (&shown.body["job_status"]["status"], &one[0]["status"]),
                    (&json!("killed"), &json!("killed"))
                );
                assert_eq!(shown.body["job_status"]["results"], Value::Null);
            }
            Ends::Stuck => assert_eq!((&one[0]["status"], &all[0]["progress"]), (&json!("working"), &json!(2))),
        }
        // The next one is not doomed.
        let id = room.started(rows(2));
        room.pass(60);
        assert_eq!(room.job(&id)["status"], "completed");
    }
}

#[test]
fn thirty_jobs_and_a_hundred_rows_are_the_most() {
    let mut room = room();
    let first = room.started(rows(1));
    for _ in 1..30 {
        room.started(rows(1));
    }
    let got = room.post(CREATE_MANY, rows(1));
    assert_eq!((got.status, &got.body["error"]), (429, &json!("TooManyJobs")));
    room.pass(5);
    assert_eq!(room.job(&first)["status"], "completed");
    room.started(rows(100));
    let got = room.post(CREATE_MANY, rows(101));
    assert_eq!((got.status, &got.body["error"]), (400, &json!("TooManyValues")));
    assert_eq!(room.post(CREATE_MANY, json!({ "tickets": [] })).status, 400);
}

#[test]
fn closed_tickets_of_a_job_go_to_the_archive_when_it_is_asked_for() {
    let mut room = room();
    let mut body = rows(3);
    let agent = room.agent()["id"].clone();
    body["tickets"][1]["status"] = json!("closed");
    body["tickets"][1]["assignee_id"] = agent;
    room.post(&format!("{CREATE_MANY}?archive_immediately=true"), body);
    room.pass(5);
    let archived: Vec<_> =
        room.desk.account.tickets.iter().filter(|t| t.archived).map(|t| t.row["external_id"].clone()).collect();
    assert_eq!(archived, ["m:1"]);
}

#[test]
fn users_in_bulk_are_for_accounts_that_have_them() {
    let users = json!({ "users": [
        { "name": "Ann", "email": "ann@x.example", "skip_verify_email": true },
        { "name": "", "email": "bob@x.example" },
        { "name": "Ada", "email": "admin@acme.example" },
    ] });
    let mut small = room();
    assert_eq!(small.post("/users/create_or_update_many", users.clone()).status, 403);
    let mut large = with(|options| options.plan = Some("enterprise".into()));
    let id = large.post("/users/create_or_update_many", users).body["job_status"]["id"].as_str().unwrap().to_owned();
    large.pass(5);
    let job = large.job(&id);
    let failed: Vec<_> = job["results"].as_array().unwrap().iter().filter(|row| row["error"].is_string()).collect();
    assert_eq!((failed.len(), &failed[0]["index"]), (1, &json!(1)));
    assert_eq!(large.get("/users/search?query=email:ann@x.example")["users"][0]["name"], "Ann");
}

#[test]
fn the_list_of_jobs_is_in_pages_by_cursor_with_those_that_ended_last_first() {
    let mut room = room();
    let first = room.started(rows(1));
    room.pass(5);
    let second = room.started(rows(1));
    room.pass(5);
    room.desk.doom(Fate { ends: Ends::Stuck, rows: Some(0) });
    let third = room.started(rows(1));
    room.pass(5);
    let page = room.get("/job_statuses.json?page[size]=2");
    let ids =
        |page: &Value| page["job_statuses"].as_array().unwrap().iter().map(|job| job["id"].clone()).collect::<Vec<_>>();
    assert_eq!((ids(&page), page["meta"]["has_more"].clone()), (vec![json!(second), json!(first)], json!(true)));
    let after = page["meta"]["after_cursor"].as_str().unwrap().replace('=', "%3D");
    let page = room.get(&format!("/job_statuses.json?page[size]=2&page[after]={after}"));
    assert_eq!(ids(&page), [json!(third)]);
}
