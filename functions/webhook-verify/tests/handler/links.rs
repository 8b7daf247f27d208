//! Signed links at the front door.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sluice_domain::id::TenantId;
use sluice_domain::link::{Campaign, ToSign, sign_link};
use sluice_domain::time::UnixMillis;
use sluice_ports::KeyRing as _;
use webhook_verify::{LinkAnswer, RawRequest, is_link_path};

use crate::gate::Gate;

const HOUR: i64 = 3_600_000;

async fn token(gate: &Gate, destination: &str) -> String {
    let keys = gate.handler.keys.keys(&TenantId::new(gate.manifest.tenant.clone()).unwrap()).await.unwrap();
    let campaign = Campaign::new("双11").unwrap();
    let expires_at = UnixMillis(gate.manifest.signed_at_ms.0 + HOUR);
    let what =
        ToSign { campaign: &campaign, destination, reference: None, expires_at, nonce: [1; 12], key: None };
    sign_link(&keys, &what).unwrap()
}

async fn get(gate: &Gate, token: &str, accept: &str) -> LinkAnswer {
    ask(gate, "GET", &format!("/links/{token}"), accept).await
}

async fn ask(gate: &Gate, method: &str, path: &str, accept: &str) -> LinkAnswer {
    assert!(is_link_path(path));
    let headers = [("Accept", accept.as_bytes())];
    gate.handler
        .open_link(RawRequest {
            method,
            path,
            query: "",
            headers: &headers,
            body: b"",
            source_ip: Some("192.0.2.1"),
        })
        .await
}

fn body(answer: &LinkAnswer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

const BROWSER: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

#[tokio::test]
async fn a_link_that_holds_is_told_to_programs_and_opened_for_browsers() {
    let gate = Gate::open().await;
    let token = token(&gate, "https://www.example.com/spring?a=1").await;
    let answer = get(&gate, &token, "application/json").await;
    assert_eq!((answer.status, answer.location.as_deref()), (200, None));
    let told = body(&answer);
    assert_eq!((&told["valid"], &told["campaign"]), (&json!(true), &json!("双11")));
    assert_eq!(told["destination"], "https://www.example.com/spring?a=1");
    let answer = get(&gate, &token, BROWSER).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.location.unwrap(), format!("https://www.example.com/spring?a=1&sluice={token}"));
    assert!(gate.queued().await.is_empty());
    assert_eq!(gate.counters.total("LinkOpened"), 2);
}

#[tokio::test]
async fn a_link_that_does_not_hold_opens_nothing() {
    let gate = Gate::open().await;
    let good = token(&gate, "https://www.example.com/").await;
    let foreign = token(&gate, "https://evil.cn/").await;
    // The campaign's first byte is another.
    let (canonical, tag) = good.split_once('.').unwrap();
    let mut canonical = URL_SAFE_NO_PAD.decode(canonical).unwrap();
    let at = canonical.iter().position(|byte| *byte == 0xe5).unwrap();
    canonical[at..at + 3].copy_from_slice("单".as_bytes());
    let forged = format!("{}.{tag}", URL_SAFE_NO_PAD.encode(canonical));
    for (token, status, code) in [
        (format!("{good}A"), 404, "malformed"),
        (forged, 404, "forged"),
        (foreign, 410, "not_allowed"),
        (String::new(), 404, "malformed"),
    ] {
        let answer = get(&gate, &token, "*/*").await;
        assert_eq!((answer.status, body(&answer)["error"]["code"].as_str()), (status, Some(code)), "{token}");
        assert_eq!(get(&gate, &token, BROWSER).await.location, None);
    }
    let answer = ask(&gate, "POST", &format!("/links/{good}"), "*/*").await;
    assert_eq!(answer.status, 405);
    gate.handler.clock.advance_ms(HOUR);
    let answer = get(&gate, &good, "*/*").await;
    assert_eq!((answer.status, body(&answer)["error"]["code"].as_str()), (410, Some("expired")));
    assert_eq!(get(&gate, &good, BROWSER).await.body, "链接已失效");
}

#[tokio::test]
async fn a_token_of_a_tenant_that_is_not_here_is_like_a_forged_one() {
    let gate = Gate::open().await;
    let other = sluice_domain::tenant::TenantKeys::new(
        TenantId::new("nobody").unwrap(),
        zeroize::Zeroizing::new([1; 32]),
        vec![sluice_domain::sealed::DataKey::new(1, &[1; 32])],
    );
    let campaign = Campaign::new("c").unwrap();
    let what = ToSign {
        campaign: &campaign,
        destination: "https://www.example.com/",
        reference: None,
        expires_at: UnixMillis(i64::MAX / 2),
        nonce: [0; 12],
        key: None,
    };
    let answer = get(&gate, &sign_link(&other, &what).unwrap(), "*/*").await;
    assert_eq!((answer.status, body(&answer)["error"]["code"].as_str()), (404, Some("forged")));
}

#[tokio::test]
async fn a_gateways_event_gets_the_redirect_as_headers() {
    let gate = Gate::open().await;
    let path = format!("/links/{}", token(&gate, "https://www.example.com/").await);
    let event: ApiGatewayV2httpRequest = serde_json::from_value(json!({
        "version": "2.0", "routeKey": "GET /links/{token}", "rawPath": path, "rawQueryString": "",
        "headers": { "accept": BROWSER },
        "requestContext": { "http": { "method": "GET", "path": path, "sourceIp": "192.0.2.1" } },
        "isBase64Encoded": false,
    }))
    .unwrap();
    let answer = gate.handler.handle(event).await;
    assert_eq!(answer.status_code, 303);
    assert!(answer.headers["location"].to_str().unwrap().starts_with("https://www.example.com/?sluice="));
    assert_eq!(
        (&answer.headers["cache-control"], &answer.headers["referrer-policy"]),
        (&"no-store".parse().unwrap(), &"no-referrer".parse().unwrap())
    );
}
