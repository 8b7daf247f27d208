//! Every sample of `events/webhook-verify`, as API Gateway hands it over.

use std::collections::BTreeSet;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use aws_lambda_events::encodings::Body;
use sluice_domain::event::EventKind;

use crate::gate::{Gate, manifest};

#[tokio::test]
async fn every_sample_is_answered_and_queued_as_listed() {
    let gate = Gate::open().await;
    for sample in &gate.manifest.samples {
        let text = std::fs::read_to_string(gate.manifest.file(sample)).unwrap();
        let event: ApiGatewayV2httpRequest = serde_json::from_str(&text).unwrap();
        let response = gate.handler.handle(event).await;
        let expect = &sample.expect;
        let Some(Body::Text(body)) = &response.body else { panic!("{}: no body", sample.name) };
        assert_eq!(response.status_code, i64::from(expect.status), "{}: {body}", sample.name);
        if let Some(code) = &expect.code {
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["error"]["code"], *code, "{}", sample.name);
        }
        let kinds: Vec<EventKind> = gate.queued().await.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, expect.kinds, "{}", sample.name);
    }
}

#[test]
fn the_written_samples_are_the_signed_ones() {
    let manifest = manifest();
    for sample in &manifest.samples {
        let written = std::fs::read_to_string(manifest.file(sample)).unwrap();
        let signed = manifest.event(sample).unwrap();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&written).unwrap(),
            signed,
            "{}: run `cargo xtask events`",
            sample.name
        );
    }
}

#[test]
fn no_file_is_unlisted() {
    let manifest = manifest();
    let listed: BTreeSet<_> = manifest.samples.iter().map(|sample| manifest.file(sample)).collect();
    let bodies: BTreeSet<_> = manifest.samples.iter().filter_map(|sample| sample.body.clone()).collect();
    let dir = listed.first().unwrap().parent().unwrap().to_owned();
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        let own = path.is_dir() || path.ends_with("samples.json");
        assert!(own || listed.contains(&path), "{} is not listed", path.display());
    }
    for entry in std::fs::read_dir(dir.join("bodies")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(bodies.contains(&name), "body {name} is not used");
    }
}

#[tokio::test]
async fn handshakes_are_answered_exactly_and_queue_nothing() {
    let gate = Gate::open().await;
    let answers = [
        ("verify-webhook", r#"{"challenge":12345}"#),
        ("mini-push-echo", "echo-4711"),
        ("doudian-probe", r#"{"code":0,"msg":"success"}"#),
        ("ocean-handshake", r#"{"BaseResp":{"StatusCode":200,"StatusMessage":"ok"},"challenge":12345}"#),
    ];
    for (name, expected) in answers {
        let sample = gate.manifest.samples.iter().find(|sample| sample.name == name).unwrap();
        let event = serde_json::from_value(gate.manifest.event(sample).unwrap()).unwrap();
        let response = gate.handler.handle(event).await;
        assert_eq!(response.body, Some(Body::Text(expected.to_owned())), "{name}");
    }
    assert!(gate.queued().await.is_empty());
    assert_eq!(gate.counters.total("Handshake"), 4);
}
