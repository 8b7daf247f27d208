//! API Gateway's event in front of the same path.

use std::borrow::Cow;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::{CONTENT_TYPE, HeaderName};
use sluice_domain::scheme::{Acknowledgement, Refusal};
use sluice_ports::{Clock, Entropy, Intake, KeyRing, SecretStore};
use sluice_telemetry::invocation;
use sluice_telemetry::trace::{self, Scope};

use crate::door::{LONGEST_BODY, RawRequest, STEP, WebhookVerify};
use crate::links::{LinkAnswer, is_link_path};
use crate::welcome::Greeter;
use crate::{CurrentSettings, Refused};

/// API Gateway adds it to what it passes on.
const XRAY: &str = "x-amzn-trace-id";

impl<S, I, K, X, C, E, W> WebhookVerify<S, I, K, X, C, E, W>
where
    S: CurrentSettings,
    I: Intake,
    K: KeyRing,
    X: SecretStore,
    C: Clock,
    E: Entropy,
    W: Greeter,
{
    /// Answers one event of an HTTP API (payload format 2.0).
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let http = &event.request_context.http;
        let body = match decoded(event.body.as_deref().unwrap_or_default(), event.is_base64_encoded) {
            Ok(body) => body,
            Err(refused) => return response(refusal(&refused)),
        };
        let headers: Vec<_> =
            event.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = RawRequest {
            method: http.method.as_str(),
            path: event.raw_path.as_deref().unwrap_or_default(),
            query: event.raw_query_string.as_deref().unwrap_or_default(),
            headers: &headers,
            body: &body,
            source_ip: http.source_ip.as_deref(),
        };
        // What the caller claims to be tracing is not taken over: each event's trace begins here. X-Ray's header is Lambda's, or else
        // API Gateway's.
        let from_gateway = || event.headers.get(XRAY).and_then(|value| value.to_str().ok()?.parse().ok());
        let xray = invocation::xray().or_else(from_gateway);
        let scope = Scope::new(xray).of_step(STEP);
        if is_link_path(request.path) {
            return link_response(trace::scope(scope, self.open_link(request)).await);
        }
        response(trace::scope(scope, self.handle_raw(request)).await)
    }
}

/// Signatures are over the bytes that were sent, so the gateway's base64 comes off first.
fn decoded(body: &str, is_base64: bool) -> Result<Cow<'_, [u8]>, Refused> {
    if !is_base64 {
        return Ok(Cow::Borrowed(body.as_bytes()));
    }
    if body.len() / 4 * 3 > LONGEST_BODY + 3 {
        return Err(Refused::BodyTooLarge { limit: LONGEST_BODY });
    }
    STANDARD.decode(body).map(Cow::Owned).map_err(|_| Refused::NotBase64)
}

fn refusal(refused: &Refused) -> Acknowledgement {
    let message = refused.public_message();
    let refusal = Refusal { status: refused.status(), code: refused.code(), message: &message };
    Acknowledgement::refused(None, refusal)
}

fn response(answer: Acknowledgement) -> ApiGatewayV2httpResponse {
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = answer.status.into();
    response.headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    response.body = Some(Body::Text(answer.body));
    response
}

fn link_response(answer: LinkAnswer) -> ApiGatewayV2httpResponse {
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = answer.status.into();
    for (name, value) in answer.headers() {
        // What can not stand in a header is left out: a redirect without `location` opens nothing.
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers.insert(HeaderName::from_static(name), value);
        }
    }
    response.body = Some(Body::Text(answer.body));
    response
}
