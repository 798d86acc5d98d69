use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

fn bytes(count: u32) -> Vec<u8> {
    (0..count).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// As RT writes it: base64 in lines, within JSON.
fn wrapped(file: &[u8]) -> Vec<u8> {
    let encoded = STANDARD.encode(file);
    let mut lines: String =
        encoded.as_bytes().chunks(76).map(|l| format!("{}\n", std::str::from_utf8(l).unwrap())).collect();
    lines = lines.replace('/', "\\/").replace('\n', "\\n");
    format!("{{\"id\":7,\"Headers\":\"a\\\"b\",\"Content\":\"{lines}\",\"Creator\":{{\"id\":\"root\"}}}}").into_bytes()
}

fn content() -> Decode {
    Decode::Base64Field(".Content".into())
}

fn names(dir: &tempfile::TempDir) -> Vec<String> {
    std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn a_file_arrives_whole_and_is_named_by_its_content() {
    let file = bytes(5_000_003);
    let hash = blake3::hash(&file).to_hex().to_string();
    let (raw, json) = (file.clone(), wrapped(&file));
    let server = Server::start(move |_, seen| {
        let body = if seen.line().contains("raw") { raw.clone() } else { json.clone() };
        Act::Reply(200, vec!["Content-Type: image/png".into()], body)
    })
    .await;
    let client = client(server.url("/"));
    for (path, decode) in [("/raw", Decode::Raw), ("/json", content())] {
        let dir = tempfile::tempdir().unwrap();
        let done = client.download_to(&Call::get(path), &decode, dir.path()).await.unwrap();
        assert_eq!((done.hash.as_str(), done.bytes, done.head.as_slice()), (hash.as_str(), 5_000_003, &file[..512]));
        assert_eq!(done.content_type.as_deref(), (decode == Decode::Raw).then_some("image/png"));
        assert_eq!(names(&dir).as_slice(), std::slice::from_ref(&hash));
        assert!(std::fs::read(dir.path().join(&hash)).unwrap() == file);
    }
    assert_eq!(server.seen()[0].header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let server = Server::start(|_, _| reply(200, "{\"Content\":\"\"}")).await;
    let dir = tempfile::tempdir().unwrap();
    let done = client(server.url("/")).download_to(&Call::get("/x"), &content(), dir.path()).await.unwrap();
    assert_eq!((done.bytes, names(&dir)), (0, vec![blake3::hash(b"").to_hex().to_string()]));
}

#[tokio::test]
async fn a_download_that_breaks_off_starts_anew_and_keeps_nothing_of_the_first_try() {
    let file = bytes(300_000);
    let json = wrapped(&file);
    let server = Server::start(move |n, _| match n {
        0 => Act::CutOff(json[..200_000].to_vec()),
        1 => Act::Reset,
        // The right length, and yet not all of it.
        2 => Act::Reply(200, vec![], json[..json.len() - 100].to_vec()),
        _ => Act::Reply(200, vec![], json.clone()),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let done = client(server.url("/")).download_to(&Call::get("/x"), &content(), dir.path()).await.unwrap();
    assert_eq!(done.bytes, 300_000);
    assert!(std::fs::read(dir.path().join(&done.hash)).unwrap() == file);
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn what_is_no_file_is_said_so_and_leaves_nothing_behind() {
    let server = Server::start(|_, seen| match seen.line().split(' ').nth(1).unwrap() {
        "/gone" => reply(404, "{}"),
        "/forbidden" => reply(403, "{}"),
        "/broken" => reply(500, ""),
        "/null" => reply(200, "{\"Content\":null}"),
        _ => reply(200, "<html>log in</html>"),
    })
    .await;
    let client = client(server.url("/"));
    let dir = tempfile::tempdir().unwrap();
    for (path, reason) in [
        ("/gone", Reason::NotFound),
        ("/forbidden", Reason::Forbidden),
        ("/broken", Reason::ServerError),
        ("/null", Reason::BadAnswer),
        ("/html", Reason::BadAnswer),
    ] {
        let problem = client.download_to(&Call::get(path), &content(), dir.path()).await.unwrap_err();
        assert_eq!(problem.reason, reason, "{problem:?}");
        assert!(problem.what.starts_with(&format!("GET {path}: ")) && !problem.what.contains("log in"), "{problem:?}");
    }
    assert!(names(&dir).is_empty());
    let missing = client.download_to(&Call::get("/x"), &Decode::Raw, &dir.path().join("nowhere")).await.unwrap_err();
    assert_eq!(missing.reason, Reason::Disk);
    let nested =
        client.download_to(&Call::get("/x"), &Decode::Base64Field(".a.b".into()), dir.path()).await.unwrap_err();
    assert_eq!(nested.reason, Reason::Manifest);
}

#[tokio::test]
async fn a_large_file_goes_up_with_its_length_announced_and_its_name_untouched() {
    let file = bytes(4_000_001);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    std::fs::write(&path, &file).unwrap();
    let server = Server::start(|_, _| reply(201, "{}")).await;
    let client = client(server.url("/"));
    let part = |name: &str, file_name: Option<&str>, content| Part {
        name: name.into(),
        file_name: file_name.map(str::to_owned),
        content_type: None,
        content,
    };
    let bodies = [
        Payload::File { path: path.clone(), content_type: "application/octet-stream".into() },
        Payload::Multipart(vec![
            part("JSON", None, Content::Json(json!({"a": 1}))),
            part("Attachments", Some("скан 😀.bin"), Content::File(path.clone())),
        ]),
        Payload::JsonWithFiles { json: json!({"Content": "\u{0}0"}), files: [("\u{0}0".to_owned(), path)].into() },
    ];
    for body in bodies {
        assert_eq!(answer(client.send(&post("/up").body(body)).await).status, 201);
    }
    let seen = server.seen();
    for request in &seen {
        assert_eq!(request.header("content-length").unwrap(), request.body.len().to_string());
        assert_eq!(request.header("transfer-encoding"), None);
    }
    assert!(seen[0].body == file);
    let disposition = "form-data; name=\"Attachments\"; filename=\"скан 😀.bin\"\r\n".as_bytes();
    assert!(seen[1].body.windows(disposition.len()).any(|w| w == disposition));
    let json: Value = serde_json::from_slice(&seen[2].body).unwrap();
    assert!(STANDARD.decode(json["Content"].as_str().unwrap()).unwrap() == file);
}

#[tokio::test]
async fn a_transfer_that_moves_is_not_cut_and_one_that_stops_is() {
    let piece = || b"0123456789".to_vec();
    let server = Server::start(move |n, _| match n {
        0 => Act::Slowly((0..8).map(|_| piece()).collect(), Duration::from_millis(400)),
        _ => Act::Slowly(vec![piece(), piece()], Duration::from_secs(60)),
    })
    .await;
    let mut config = config(server.url("/"));
    config.timeout = Duration::from_secs(2);
    let client = Client::new(config, pacer()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let call = Call::new(Method::GET, Target::Path("/x".into()), Repeat::Never);
    assert_eq!(client.download_to(&call, &Decode::Raw, dir.path()).await.unwrap().bytes, 80);
    let stopped = client.download_to(&call, &Decode::Raw, dir.path()).await.unwrap_err();
    assert_eq!(stopped.reason, Reason::Timeout);
}

/// An address a platform sends a download on to is good for a moment: a download that breaks off asks for a new one, and does not
/// go back to the old.
#[tokio::test]
async fn a_download_that_breaks_off_starts_again_at_the_account() {
    let store = Server::start(|n, seen| match n {
        0 => Act::CutOff(b"half".to_vec()),
        _ if seen.line().contains("sign=1") => reply(403, "expired"),
        _ => reply(200, "whole"),
    })
    .await;
    let elsewhere = store.url("/file").to_string();
    let server =
        Server::start(move |n, _| Act::Reply(302, vec![format!("Location: {elsewhere}?sign={}", n + 1)], vec![])).await;
    let dir = tempfile::tempdir().unwrap();
    let done = client(server.url("/")).download_to(&Call::get("/x"), &Decode::Raw, dir.path()).await.unwrap();
    assert_eq!((done.bytes, server.seen().len()), (5, 2));
    assert!(store.seen().iter().all(|seen| seen.header("x-api-key").is_none()));
}

#[tokio::test]
async fn the_length_of_a_file_is_what_its_host_says_or_unknown() {
    let server = Server::start(|_, seen| match seen.line() {
        line if line.starts_with("HEAD /told") => Act::Reply(200, vec![], vec![b'x'; 900]),
        line if line.starts_with("HEAD /refused") => Act::Reply(403, vec![], vec![b'x'; 17]),
        line if line.starts_with("HEAD /broken") => Act::Reset,
        line => Act::Reply(500, vec![], format!("asked {line}").into_bytes()),
    })
    .await;
    let client = client(server.url("/"));
    assert_eq!(client.length_of(&Call::get("/told")).await, Some(900));
    assert_eq!(client.length_of(&Call::get("/refused")).await, None);
    assert_eq!(client.length_of(&Call::get("/broken")).await, None);
}
