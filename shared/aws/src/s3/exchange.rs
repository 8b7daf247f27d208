//! One call: signed, sent, read within bounds, and repeated when that is safe.

use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_types::body::SdkBody;
use aws_smithy_xml::decode::{Document, try_data};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::Inner;
use crate::answer::Refusal;

/// Attempts of one call. Every call here may be repeated: a read changes nothing, and a put finds its own object.
const ATTEMPTS: u32 = 3;
/// A whole object is not slower: beyond the patience for a call, so many bytes have a second each.
const BYTES_A_SECOND: usize = 8 * 1_024 * 1_024;
/// What S3 says of an error is below a KiB, a page of a listing below a MiB.
const LARGEST_ANSWER: usize = 2 * 1_024 * 1_024;

/// What is asked for.
pub(super) struct Call<'a> {
    method: Method,
    bucket: &'a str,
    key: &'a str,
    pub(super) query: Vec<(&'a str, &'a str)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: &'a [u8],
    pub(super) limit: usize,
}

impl<'a> Call<'a> {
    pub(super) fn new(method: Method, bucket: &'a str, key: &'a str) -> Self {
        let (query, headers) = (Vec::new(), Vec::new());
        Self { method, bucket, key, query, headers, body: &[], limit: LARGEST_ANSWER }
    }
}

/// What came back.
pub(super) enum Answer {
    Whole { status: StatusCode, headers: HeaderMap, bytes: Bytes },
    TooLong,
}

impl Inner {
    /// One call, up to three attempts: time-outs, broken connections, 5xx and "slow down" are tried again after a random pause.
    pub(super) async fn exchange(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let bulk = call.body.len().max(call.limit) / BYTES_A_SECOND;
        let bulk = Duration::from_secs(u64::try_from(bulk).unwrap_or_default());
        let attempts = async {
            let mut attempt = 1;
            loop {
                let answer = tokio::time::timeout(self.patience.attempt + bulk, self.attempt(call)).await;
                let answer = answer.unwrap_or_else(|_| Err(no_answer("time-out")));
                if attempt == ATTEMPTS || !passes(&answer) {
                    return answer;
                }
                tokio::time::sleep(self.pause(attempt)).await;
                attempt += 1;
            }
        };
        tokio::time::timeout(self.patience.operation + bulk * ATTEMPTS, attempts)
            .await
            .unwrap_or_else(|_| Err(no_answer("time-out")))
    }

    /// Up to the first pause, doubled with each attempt, at random, so that functions that failed together do not come back together.
    fn pause(&self, attempt: u32) -> Duration {
        let longest = self.patience.pause.saturating_mul(1 << attempt.min(8)).min(self.patience.attempt);
        let mut random = [0];
        // Without randomness the pause is the longest one.
        let share = getrandom::fill(&mut random).map_or(255, |()| u32::from(random[0]));
        longest.saturating_mul(share) / 255
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let request =
            self.signed(call).ok_or_else(|| Refusal::Code("the request can not be built".to_owned()))?;
        let answer = self.http.send(request).await.map_err(|_| no_answer("no connection"))?;
        let (head, body) = answer.into_parts();
        // Errors are read whatever the object may have.
        let limit = if head.status.is_success() { call.limit } else { LARGEST_ANSWER };
        let bytes = match Limited::new(body, limit).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Ok(Answer::TooLong),
            Err(_) => return Err(no_answer("answer was cut off")),
        };
        Ok(Answer::Whole { status: head.status, headers: head.headers, bytes })
    }

    fn signed(&self, call: &Call<'_>) -> Option<Request<SdkBody>> {
        let address = self.addresses.of_key(call.bucket, call.key, &call.query);
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let identity = Identity::from(self.credentials.clone());
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .ok()?
            .into();
        let headers = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let signable = SignableRequest::new(
            call.method.as_str(),
            &address,
            headers.clone(),
            SignableBody::Bytes(call.body),
        )
        .ok()?;
        let (instructions, _) = sign(signable, &parameters).ok()?.into_parts();
        let mut request = Request::builder().method(&call.method).uri(&address);
        request = headers.fold(request, |request, (name, value)| request.header(name, value));
        request = request.header(header::USER_AGENT, &self.agent);
        let mut request = request.body(SdkBody::from(call.body)).ok()?;
        instructions.apply_to_request_http1x(&mut request);
        Some(request)
    }
}

/// May it be different in a moment?
fn passes(answer: &Result<Answer, Refusal>) -> bool {
    match answer {
        Ok(Answer::Whole { status, bytes, .. }) if !status.is_success() && status.as_u16() != 304 => {
            matches!(refusal(*status, bytes), Refusal::Throttled | Refusal::NoAnswer(_))
        }
        Ok(_) => false,
        Err(refusal) => matches!(refusal, Refusal::NoAnswer(_)),
    }
}

/// What an answer that is no success says.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> Refusal {
    Refusal::judged(code(body).as_deref(), status.as_u16())
}

/// `<Error><Code>…</Code>…</Error>`. The message beside it may quote what was sent, and is not read.
fn code(body: &[u8]) -> Option<String> {
    let mut document = Document::new(std::str::from_utf8(body).ok()?);
    let mut root = document.root_element().ok()?;
    while let Some(mut tag) = root.next_tag() {
        if tag.start_el().matches("Code") {
            let code = try_data(&mut tag).ok()?;
            return (!code.is_empty()).then(|| code.into_owned());
        }
    }
    None
}

fn no_answer(cause: &str) -> Refusal {
    Refusal::NoAnswer(cause.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errors_code_is_read_and_its_words_are_not() {
        // As in S3's API reference, "REST Error Responses".
        let body = br#"<?xml version="1.0" encoding="UTF-8"?>
<Error>
  <Code>NoSuchKey</Code>
  <Message>The resource you requested does not exist</Message>
  <Resource>/mybucket/myfoto.jpg</Resource>
  <RequestId>4442587FB7D0A2F9</RequestId>
</Error>"#;
        assert_eq!(refusal(StatusCode::NOT_FOUND, body), Refusal::Code("NoSuchKey".into()));
        assert_eq!(refusal(StatusCode::NOT_FOUND, b""), Refusal::Code("status 404".into()));
        assert_eq!(refusal(StatusCode::NOT_FOUND, b"<Error><Code>"), Refusal::Code("status 404".into()));
        let slow = b"<Error><Code>SlowDown</Code></Error>";
        assert_eq!(refusal(StatusCode::SERVICE_UNAVAILABLE, slow), Refusal::Throttled);
        assert!(matches!(refusal(StatusCode::BAD_GATEWAY, b"<html>"), Refusal::NoAnswer(_)));
    }
}
