use super::*;

#[tokio::test]
async fn the_sub_path_of_the_account_is_kept() {
    let server = Server::start(|_, _| reply(200, "{}")).await;
    for base in ["/desk/api", "/desk/api/"] {
        let client = client(server.url(base));
        let call = Call::get("/issues.json?status=*").query("q", "a b&c");
        assert_eq!(answer(client.send(&call).await).status, 200);
    }
    for seen in server.seen() {
        assert_eq!(seen.line(), "GET /desk/api/issues.json?status=*&q=a+b%26c HTTP/1.1");
        assert_eq!(seen.header("x-api-key"), Some("s3cret"));
    }
}

#[tokio::test]
async fn a_path_never_climbs_out_of_the_api() {
    let server = Server::start(|_, _| reply(200, "{}")).await;
    let client = client(server.url("/api"));
    for path in ["/issues/../../admin", "/%2e%2E/admin", "..\\admin", "/a/./b"] {
        assert!(matches!(client.send(&Call::get(path)).await, Sent::NotSent(_)), "{path}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_unknown_and_was_sent_once() {
    for act in [|| Act::Reset, || Act::CutOff(b"{\"id\"".to_vec()), || Act::Silence] {
        let server = Server::start(move |_, _| act()).await;
        let mut config = config(server.url("/"));
        config.timeout = Duration::from_millis(500);
        let client = Client::new(config, pacer()).unwrap();
        let sent = client.send(&post("/issues")).await;
        assert!(matches!(sent, Sent::Unknown(_)), "{sent:?}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_write_reset_before_it_was_read_is_unknown_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let server = tokio::spawn(async move {
        let mut connections = 0;
        while let Ok(Ok((stream, _))) = tokio::time::timeout(Duration::from_secs(1), listener.accept()).await {
            connections += 1;
            stream.set_zero_linger().unwrap();
        }
        connections
    });
    let sent = client(url).send(&post("/issues")).await;
    assert!(matches!(sent, Sent::Unknown(_)), "{sent:?}");
    assert_eq!(server.await.unwrap(), 1);
}

#[tokio::test]
async fn what_never_reached_the_platform_is_proven_not_sent() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let refused = client(Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap());
    match refused.send(&post("/issues")).await {
        Sent::NotSent(problem) => {
            assert_eq!(problem.reason, Reason::Network);
            assert_eq!(problem.what, format!("POST /issues: 127.0.0.1:{port} cannot be reached: connection refused"));
        }
        other => panic!("{other:?}"),
    }
    let server = Server::start(|_, _| reply(201, "{}")).await;
    let call = post("/files").body(Payload::File { path: "/nonexistent".into(), content_type: "a/b".into() });
    assert!(matches!(client(server.url("/")).send(&call).await, Sent::NotSent(_)));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_read_is_repeated_until_a_whole_answer_comes() {
    let server = Server::start(|n, _| match n {
        0 => Act::Reset,
        1 => Act::CutOff(b"[1,".to_vec()),
        2 => reply(502, ""),
        3 => reply(503, ""),
        _ => reply(200, "[1,2]"),
    })
    .await;
    let answer = answer(client(server.url("/")).send(&Call::get("/x")).await);
    // The 503 is waited out by the pacer besides.
    assert_eq!((answer.status, answer.json().unwrap()), (200, serde_json::json!([1, 2])));
    assert_eq!(server.seen().len(), 5);
}

#[tokio::test]
async fn a_read_that_keeps_failing_ends() {
    let server = Server::start(|_, _| reply(500, "")).await;
    assert_eq!(answer(client(server.url("/")).send(&Call::get("/x")).await).class(), Class::Broken);
    assert_eq!(server.seen().len(), 5);
    let server = Server::start(|_, _| Act::Reset).await;
    assert!(matches!(client(server.url("/")).send(&Call::get("/x")).await, Sent::Unknown(_)));
    assert_eq!(server.seen().len(), 5);
}

#[tokio::test]
async fn a_part_of_an_answer_is_not_taken_for_all_of_it() {
    let server = Server::start(|n, _| if n == 0 { reply(206, "[1]") } else { reply(200, "[1,2]") }).await;
    let all = answer(client(server.url("/")).send(&Call::get("/x")).await);
    assert_eq!((all.status, all.json().unwrap()), (200, serde_json::json!([1, 2])));
    let server = Server::start(|_, _| reply(206, "{\"id\":1}")).await;
    assert!(matches!(client(server.url("/")).send(&post("/x")).await, Sent::Unknown(_)), "a write may have been done");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_write_refused_for_pace_waits_as_told_and_is_sent_again() {
    let server = Server::start(|n, _| match n {
        0 => Act::Reply(429, vec!["Retry-After: 1".into()], vec![]),
        _ => reply(201, "{\"id\":1}"),
    })
    .await;
    let start = std::time::Instant::now();
    assert_eq!(answer(client(server.url("/")).send(&post("/x")).await).status, 201);
    assert!(start.elapsed() >= Duration::from_secs(1));
    let seen = server.seen();
    assert_eq!((seen.len(), &seen[0].body), (2, &seen[1].body));
}

#[tokio::test]
async fn a_429_that_is_not_the_platforms_proves_nothing_of_a_write_and_is_waited_out_by_a_read() {
    const PAGE: &str = "<html><title>Too many requests</title></html>";
    for (headers, body) in
        [(vec!["Retry-After: 0".to_owned()], PAGE), (vec![], PAGE), (vec![], "slow down"), (vec![], "")]
    {
        let server = Server::start(move |n, _| match n {
            0 => Act::Reply(429, headers.clone(), body.as_bytes().to_vec()),
            _ => reply(200, "{}"),
        })
        .await;
        let client = client(server.url("/"));
        assert_eq!(answer(client.send(&post("/x")).await).status, 429, "{body}");
        assert_eq!(server.seen().len(), 1);
    }
    let server =
        Server::start(|n, _| if n == 0 { Act::Reply(429, vec![], PAGE.into()) } else { reply(200, "{}") }).await;
    assert_eq!(answer(client(server.url("/")).send(&Call::get("/x")).await).status, 200);
}

#[tokio::test]
async fn a_429_in_the_platforms_own_words_or_with_its_limits_is_never_done() {
    let own = [
        (vec![], "{\"error\":\"too many\"}"),
        (vec!["X-RateLimit-Remaining: 0"], ""),
        (vec!["Retry-After: 0"], "Wait."),
    ];
    for (headers, body) in own {
        let headers: Vec<String> = headers.into_iter().map(str::to_owned).collect();
        let server = Server::start(move |n, _| match n {
            0 => Act::Reply(429, headers.clone(), body.as_bytes().to_vec()),
            _ => reply(201, "{\"id\":1}"),
        })
        .await;
        assert_eq!(answer(client(server.url("/")).send(&post("/x")).await).status, 201, "{body}");
    }
}

#[tokio::test]
async fn a_write_that_met_a_503_is_not_sent_again() {
    let server = Server::start(|_, _| Act::Reply(503, vec!["Retry-After: 0".into()], vec![])).await;
    let answer = answer(client(server.url("/")).send(&post("/x")).await);
    assert_eq!((answer.class(), server.seen().len()), (Class::Broken, 1));
}

#[tokio::test]
async fn patience_ends_the_wait_for_the_limits() {
    let server = Server::start(|_, _| Act::Reply(429, vec!["Retry-After: 60".into()], vec![])).await;
    let mut config = config(server.url("/"));
    config.patience = Duration::from_millis(300);
    match Client::new(config, pacer()).unwrap().send(&post("/x")).await {
        Sent::NotSent(problem) => assert_eq!(problem.reason, Reason::RateLimited),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_too_large_to_hold_is_given_up() {
    let server = Server::start(|_, _| Act::Reply(200, vec![], vec![b' '; 33 * 1024 * 1024])).await;
    match client(server.url("/")).send(&Call::get("/x")).await {
        Sent::Unknown(problem) => assert_eq!(problem.reason, Reason::BadAnswer),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn calls_are_counted_by_method_and_shape() {
    let server = Server::start(|_, _| reply(200, "[]")).await;
    let client = client(server.url("/api"));
    for id in 1..4 {
        client.send(&Call::get(format!("/tickets/{id}/notes"))).await;
    }
    client.send(&post("/tickets")).await;
    let calls: Vec<_> = client.calls().into_iter().map(|c| (c.method, c.shape, c.calls, c.bytes)).collect();
    let row = |m: &str, s: &str, n, b| (m.to_owned(), s.to_owned(), n, b);
    assert_eq!(calls, [row("GET", "/tickets/:id/notes", 3, 6), row("POST", "/tickets", 1, 2)]);
}

#[tokio::test]
async fn a_form_and_an_impersonation_header_arrive_as_given() {
    let server = Server::start(|_, _| reply(200, "{}")).await;
    let form = Payload::Form(vec![("a b".into(), "ü&=".into())]);
    let call = post("/x").body(form).header("X-Redmine-Switch-User", "änn");
    client(server.url("/")).send(&call).await;
    let seen = &server.seen()[0];
    assert_eq!(seen.body, b"a+b=%C3%BC%26%3D");
    assert_eq!(seen.header("x-redmine-switch-user"), Some("änn"));
    let injected = post("/x").header("X-A", "b\r\nX-Evil: 1");
    assert!(matches!(client(server.url("/")).send(&injected).await, Sent::NotSent(_)));
}
