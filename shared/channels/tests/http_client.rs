//! The HTTP client against servers that behave badly.

#![cfg(feature = "hyper-client")]
#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use bytes::Bytes;
use http::Method;
use sluice_channels::HyperClient;
use sluice_ports::{HttpClient, HttpRequest, HttpResponse, Reach, TransportError};

/// Answers one request on one connection with these bytes, then closes it.
fn server(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/path?key=secret", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4_096];
        let _ = stream.read(&mut request).unwrap();
        // The client may hang up in the middle.
        let _ = stream.write_all(&answer);
    });
    url
}

async fn ask(url: &str) -> Result<HttpResponse, TransportError> {
    let request = HttpRequest {
        method: Method::POST,
        url: url.to_owned(),
        headers: Vec::new(),
        body: Bytes::from("{}"),
        reach: Reach::Platform,
    };
    HyperClient::new().unwrap().send(request).await
}

fn answered(length: usize, sent: usize) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + sent, b'x');
    answer
}

#[tokio::test]
async fn answers_are_read_up_to_64_kib() {
    let limit = 64 * 1_024;
    assert_eq!(ask(&server(answered(limit, limit))).await.unwrap().body.len(), limit);
    let too_long = ask(&server(answered(limit + 1, limit + 1))).await;
    assert!(matches!(too_long, Err(TransportError::BadAnswer(_))), "{too_long:?}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_bad_and_none_at_all_is_none() {
    let half = ask(&server(answered(100, 50))).await;
    assert!(matches!(half, Err(TransportError::BadAnswer(_))), "{half:?}");
    let none = ask(&server(Vec::new())).await;
    assert!(matches!(none, Err(TransportError::NoAnswer(_))), "{none:?}");
    let noise = ask(&server(b"SSH-2.0-OpenSSH\r\n".to_vec())).await;
    assert!(matches!(noise, Err(TransportError::NoAnswer(_))), "{noise:?}");
}

#[tokio::test]
async fn redirects_are_answers() {
    let moved = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n".to_vec();
    assert_eq!(ask(&server(moved)).await.unwrap().status, 302);
}

#[tokio::test]
async fn nothing_is_sent_in_the_clear_to_other_machines() {
    for url in ["http://192.0.2.1/x?key=secret", "http://example.com/", "ftp://127.0.0.1/", "not an address"]
    {
        let refused = ask(url).await;
        assert!(matches!(refused, Err(TransportError::BadRequest(_))), "{url}: {refused:?}");
    }
}

#[tokio::test]
async fn a_server_without_tls_gets_no_request() {
    let plain = server(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).replace("http://", "https://");
    let refused = ask(&plain).await;
    let Err(TransportError::NotSent(words)) = refused else { panic!("{refused:?}") };
    assert!(!words.contains("secret"), "{words}");
}
