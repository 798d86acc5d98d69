use super::*;
use std::io::Write;

/// A server that sends every read on to `location`.
async fn redirecting(status: u16, location: String) -> Server {
    Server::start(move |_, _| Act::Reply(status, vec![format!("Location: {location}")], vec![])).await
}

fn knows_us(seen: &Seen) -> bool {
    ["x-api-key", "x-own", "x-per-call", "authorization", "cookie"].iter().any(|name| seen.header(name).is_some())
}

#[tokio::test]
async fn a_redirect_to_another_port_gets_no_credential() {
    let elsewhere = Server::start(|_, _| reply(200, "{}")).await;
    for status in [301, 302, 303, 307, 308] {
        let first = redirecting(status, elsewhere.url("/file").into()).await;
        let answer = answer(client(first.url("/")).send(&Call::get("/x").header("X-Per-Call", "1")).await);
        assert_eq!((answer.status, answer.url), (200, elsewhere.url("/file")));
        assert!(knows_us(&first.seen()[0]));
    }
    assert_eq!(elsewhere.seen().len(), 5);
    for seen in elsewhere.seen() {
        assert!(!knows_us(&seen) && !seen.head.contains("s3cret"), "{}", seen.head);
    }
}

#[tokio::test]
async fn a_redirect_on_the_same_origin_keeps_the_credential() {
    let server = Server::start(|n, _| match n {
        0 => Act::Reply(302, vec!["Location: ../login/done?a=1".into()], vec![]),
        _ => reply(200, "{}"),
    })
    .await;
    answer(client(server.url("/api/")).send(&Call::get("/x/y")).await);
    let seen = server.seen();
    assert_eq!(seen[1].line(), "GET /api/login/done?a=1 HTTP/1.1");
    assert!(knows_us(&seen[1]));
}

#[tokio::test]
async fn an_address_of_another_origin_gets_no_credential_and_the_accounts_own_does() {
    let (ours, other) = (Server::start(|_, _| reply(200, "{}")).await, Server::start(|_, _| reply(200, "{}")).await);
    let client = client(ours.url("/api"));
    for url in [ours.url("/next?page=2"), other.url("/next")] {
        answer(
            client.send(&Call::new(Method::GET, Target::Absolute(url), Repeat::Safe).header("X-Per-Call", "1")).await,
        );
    }
    assert!(knows_us(&ours.seen()[0]) && !knows_us(&other.seen()[0]));
    let mut with_password = other.url("/next");
    with_password.set_password(Some("s3cret")).unwrap();
    answer(client.send(&Call::new(Method::GET, Target::Absolute(with_password), Repeat::Safe)).await);
    assert!(!knows_us(&other.seen()[1]));
}

/// A call for a file that a text names.
fn file_of_a_text(url: Url) -> Call {
    let places = Places::parse(&["/files/*".to_owned()]);
    let trust = Trust::Places(Arc::new(places));
    Call { trust, ..Call::new(Method::GET, Target::Absolute(url), Repeat::Safe).header("X-Per-Call", "1") }
}

#[tokio::test]
async fn what_a_text_names_gets_the_credential_at_the_places_of_files_alone() {
    let server = Server::start(|_, _| reply(200, "{}")).await;
    let client = client(server.url("/api"));
    let dir = tempfile::tempdir().unwrap();
    for (path, known) in
        [("/files/7", true), ("/files/../api/users", false), ("/api/users", false), ("/files/7?a=1", false)]
    {
        let call = file_of_a_text(server.url(path));
        client.download_to(&call, &Decode::Raw, dir.path()).await.unwrap();
        client.length_of(&call).await;
        for seen in server.seen().iter().rev().take(2) {
            assert_eq!(knows_us(seen), known, "{}", seen.head);
        }
    }
}

#[tokio::test]
async fn from_a_place_of_files_the_credential_goes_to_another_such_place_and_never_back_from_elsewhere() {
    let hops = |to: &'static [&'static str]| {
        Server::start(move |n, _| match to.get(n) {
            Some(place) => Act::Reply(302, vec![format!("Location: {place}")], vec![]),
            None => reply(200, "{}"),
        })
    };
    for (to, known) in [
        (&["/files/8"][..], vec![true, true]),
        (&["/api/users"], vec![true, false]),
        (&["/login", "/files/8"], vec![true, false, false]),
    ] {
        let server = hops(to).await;
        answer(client(server.url("/")).send(&file_of_a_text(server.url("/files/7"))).await);
        assert_eq!(server.seen().iter().map(knows_us).collect::<Vec<_>>(), known, "{to:?}");
    }
}

#[tokio::test]
async fn a_redirected_write_is_not_followed() {
    let elsewhere = Server::start(|_, _| reply(201, "{}")).await;
    for status in [302, 303, 307, 308] {
        let server = redirecting(status, elsewhere.url("/").into()).await;
        let answer = answer(client(server.url("/")).send(&post("/x")).await);
        assert_eq!((answer.status, answer.class()), (status, Class::Broken));
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_circle_of_redirects_ends() {
    let server = redirecting(302, "/again".into()).await;
    assert!(matches!(client(server.url("/")).send(&Call::get("/x")).await, Sent::Unknown(_)));
    assert_eq!(server.seen().len(), 6);
}

#[test]
fn plain_http_is_only_for_this_machine_or_on_the_users_word() {
    let url = |text: &str| Url::parse(text).unwrap();
    let refused = Client::new(config(url("http://desk.example/")), pacer()).unwrap_err();
    assert_eq!(refused.reason, Reason::Config);
    assert!(refused.hint.unwrap().contains("insecure = true"));
    for fine in ["http://127.0.0.1:3000/", "http://localhost/desk", "http://[::1]/", "https://desk.example/"] {
        assert!(Client::new(config(url(fine)), pacer()).is_ok(), "{fine}");
    }
    let mut insecure = config(url("http://desk.example/"));
    insecure.insecure_http = true;
    assert!(Client::new(insecure, pacer()).is_ok());
    for wrong in ["ftp://desk.example/", "https://ann:pw@desk.example/", "https://desk.example/?a=1"] {
        let problem = Client::new(config(url(wrong)), pacer()).unwrap_err();
        assert!(!format!("{problem:?}").contains("pw"), "{problem:?}");
    }
    let client = Client::new(config(url("https://desk.example/")), pacer()).unwrap();
    for led in ["http://desk.example/x", "http://127.0.0.1/x", "file:///etc/passwd"] {
        assert_eq!(client.vetted(url(led)).unwrap_err().reason, Reason::Refused, "{led}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_proven_not_to_have_got_the_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 16]).await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        // Kept open: closing it with unread bytes would reset the connection before the answer is read.
        (listener, stream)
    });
    match Client::new(config(url), pacer()).unwrap().send(&post("/x")).await {
        Sent::NotSent(problem) => assert!(problem.hint.unwrap().contains("https or http"), "{}", problem.what),
        other => panic!("{other:?}"),
    }
    let (listener, _stream) = server.await.unwrap();
    let again = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(again.is_err(), "a wrong scheme is not tried again");
}

#[test]
fn a_wrong_ca_file_is_named() {
    let mut missing = config(Url::parse("https://desk.example/").unwrap());
    missing.ca_file = Some("/nonexistent.pem".into());
    assert!(Client::new(missing.clone(), pacer()).unwrap_err().what.starts_with("`ca_file`: cannot read"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"no certificate").unwrap();
    missing.ca_file = Some(file.path().to_owned());
    assert!(Client::new(missing, pacer()).unwrap_err().what.contains("holds no certificate"));
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_trace_shows_the_call_and_nothing_that_opens_a_door() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server =
        Server::start(|_, _| Act::Reply(200, vec!["Set-Cookie: sid=c00kie".into()], b"answer-text".to_vec())).await;
    let client = client(server.url("/"));
    let call = post("/tickets/7").query("access_token", "qs3cret").query("page", "2").header("X-Auth", "hs3cret");
    let response = answer(client.send(&call).await);
    let shown = format!("{call:?} {response:?} {client:?} {:?}", config(server.url("/")));
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line = log.lines().find(|line| line.contains("deskferry::http")).expect("the call is traced");
    for part in ["POST", "/tickets/7?access_token=***&page=2", "status=200", "bytes=11", "try=1"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    for secret in ["s3cret", "c00kie", "answer-text", "hello"] {
        assert!(!log.contains(secret) && !shown.contains(secret), "{secret}: {log} {shown}");
    }
}
