//! Signed links: made on the command line, drawn, opened at the door.

use crate::program::{Server, get, json, sluice, workspace, write_private};

#[test]
fn a_signed_link_is_made_drawn_opened_and_not_altered() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    std::fs::create_dir(&data).unwrap();
    write_private(&data.join("secrets.json"), "{}");
    let config = workspace().join("config");
    let server = Server::start(&config, &data, &[]);
    let place = ["--config", config.to_str().unwrap(), "--data", data.to_str().unwrap()];

    // The server holds the data directory, so it signs.
    let page = "https://www.example.com/spring";
    let sign = ["link", "sign", "--tenant", "demo-brand", "--campaign", "双11", "--to", page, "--hours", "1"];
    let (code, signed) = json(&[&sign[..], &place].concat());
    assert_eq!(code, 0, "{signed:?}");
    let link = signed[0]["link"].as_str().unwrap();
    let path = link.strip_prefix("https://go.example.com").unwrap();

    let (code, verified) = json(&[&["link", "verify", link][..], &place].concat());
    assert_eq!((code, &verified[0]["campaign"]), (0, &"双11".into()));

    let answer = get(&server.base, path, "text/html");
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    assert!(answer.contains(&format!("location: {page}?sluice=")), "{answer}");
    assert!(get(&server.base, path, "application/json").contains(r#""valid":true"#));
    let altered = path.replacen("/links/bDF8", "/links/bDF9", 1);
    assert!(get(&server.base, &altered, "application/json").starts_with("HTTP/1.1 404"));
    let (code, refused) = json(&[&["link", "verify", &altered][..], &place].concat());
    assert_eq!((code, &refused[0]["valid"]), (1, &false.into()));

    let (svg, png) = (directory.path().join("q.svg"), directory.path().join("q.png"));
    let qr = ["link", "qr", link, "--svg", svg.to_str().unwrap(), "--png", png.to_str().unwrap()];
    let (code, drawn) = json(&[&qr[..], &place[..2]].concat());
    assert_eq!((code, drawn[0]["files"].as_array().unwrap().len()), (0, 2), "{drawn:?}");
    assert!(std::fs::read(png).unwrap().starts_with(b"\x89PNG"));
    assert!(std::fs::read_to_string(svg).unwrap().contains("<svg"));
}

#[test]
fn check_says_why_a_link_may_not_be_sent() {
    for (link, code, reason) in [
        ("https://example.com/?a=1", 0, None),
        ("https://examp1e.com/", 1, Some("homograph")),
        ("https://example.com/?url=https%253A%252F%252Fevil.cn", 1, Some("redirect")),
        ("https://example.com@evil.cn/", 1, Some("user_info")),
    ] {
        let (exit, answer) = json(&["link", "check", link]);
        assert_eq!((exit, answer[0]["code"].as_str()), (code, reason), "{link}");
    }
    let refused = sluice(&["link", "qr", "https://evil.cn/", "--svg", "never.svg"]);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(sluice(&["link", "qr", "https://example.com/"]).status.code(), Some(2));
}
