//! Whatever comes in, an answer goes out.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use proptest::prelude::*;
use sluice_domain::scheme::Signed;
use webhook_verify::RawRequest;

use crate::gate::Gate;

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let name = prop::sample::select(vec![
        "X-Douyin-Signature",
        "Msg-Id",
        "x-life-sign",
        "Byte-Signature",
        "Byte-Timestamp",
        "Byte-Nonce-Str",
        "x-signature",
        "x-timestamp",
        "x-nonce-str",
        "x-msg-type",
        "event-sign",
        "app-id",
        "X-Open-Signature",
    ]);
    let value = prop::collection::vec(any::<u8>(), 0..70);
    prop::collection::vec((name.prop_map(str::to_owned), value), 0..6)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_requests_are_answered_and_never_taken(
        headers in headers(),
        body in prop::collection::vec(any::<u8>(), 0..300),
        query in "[a-z%&=+0-9]{0,40}",
        method in prop::sample::select(vec!["POST", "GET", "PUT", ""]),
    ) {
        let runtime = runtime();
        runtime.block_on(async {
            let gate = Gate::open().await;
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
            for source in &gate.manifest.sources {
                let path = format!("/callbacks/{}", source.id);
                let request =
                    RawRequest { method, path: &path, query: &query, headers: &headers, body: &body, source_ip: None };
                let answer = gate.handler.handle_raw(request).await;
                prop_assert!((400..=503).contains(&answer.status), "{} {}", source.id, answer.status);
            }
            prop_assert_eq!(gate.store.accepted().unwrap(), 0);
            Ok(())
        })?;
    }

    #[test]
    fn genuine_but_mangled_bodies_are_answered(
        pick in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        insert in "[\\[\\]{}\",:0-9a-z\\\\ ]{0,6}",
    ) {
        let runtime = runtime();
        runtime.block_on(async {
            let gate = Gate::open().await;
            let sample = pick.get(&gate.manifest.samples);
            let mut body = gate.manifest.body(sample).unwrap();
            let at = cut.index(body.len() + 1);
            body.splice(at..at, insert.bytes());
            let signed = gate.manifest.signed_with_body(sample, &body);
            // Bodies that their own scheme can't even wrap are none of the platform's.
            let Ok(signed) = signed else { return Ok(()) };
            let answer = gate.post(&sample.source, &signed).await;
            prop_assert!([200, 400, 401, 404, 405, 413].contains(&answer.status), "{}", answer.status);
            Ok::<_, TestCaseError>(())
        })?;
    }

    #[test]
    fn arbitrary_gateway_events_are_answered(body in ".{0,60}", base64: bool, path in "(/callbacks/)?[a-z-]{0,14}") {
        let runtime = runtime();
        runtime.block_on(async {
            let gate = Gate::open().await;
            let nothing = Signed { headers: Vec::new(), query: Vec::new(), body: Vec::new() };
            let at = gate.manifest.signed_at_ms;
            let event = webhook_verify::samples::gateway_event("x", "POST", &nothing, false, at);
            let mut event: ApiGatewayV2httpRequest = serde_json::from_value(event).unwrap();
            event.body = Some(body);
            event.is_base64_encoded = base64;
            event.raw_path = Some(path);
            let response = gate.handler.handle(event).await;
            prop_assert!((400..=503).contains(&response.status_code));
            Ok::<_, TestCaseError>(())
        })?;
    }
}
