//! Spans as OpenTelemetry's collectors read them: one `ExportTraceServiceRequest` in OTLP's JSON encoding
//! (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>) a line, one line for each scope. ADR 8 says why not by a client.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{Scope, TraceContext};

/// `SPAN_KIND_SERVER`: the front door answers a request.
const SERVER: u8 = 2;
/// `SPAN_KIND_CONSUMER`: the other steps take messages off a queue.
const CONSUMER: u8 = 5;
/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// Writes the spans of a scope that has ended; nothing when it worked on no trace.
pub(super) fn export(scope: &Scope, began: SystemTime) {
    if let Some(request) = request(scope, began, SystemTime::now()) {
        // One write a line. A closed output must not stop an event.
        let _ = std::io::stdout().lock().write_all(format!("{request}\n").as_bytes());
    }
}

/// The request of a scope.
fn request(scope: &Scope, began: SystemTime, ended: SystemTime) -> Option<Value> {
    let spans: Vec<Value> = scope.contexts.values().map(|it| span(scope, it, began, ended)).collect();
    if spans.is_empty() {
        return None;
    }
    let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME");
    let mut resource = vec![attribute("service.name", "sluice")];
    resource.extend(function.as_deref().map(|name| attribute("faas.name", name)));
    Some(json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{"scope": {"name": "sluice", "version": env!("CARGO_PKG_VERSION")}, "spans": spans}],
    }]}))
}

fn span(scope: &Scope, context: &TraceContext, began: SystemTime, ended: SystemTime) -> Value {
    let sent = context.traceparent;
    let trace_id = sent.trace_id.to_string().replace('-', "");
    let mut attributes = vec![attribute("sluice.trace_id", &sent.trace_id.to_string())];
    attributes.extend(context.xray.as_ref().map(|xray| attribute("aws.xray.trace_id", xray.root())));
    let mut span = json!({
        "traceId": trace_id,
        "spanId": sent.span_id.to_string(),
        "name": scope.step(),
        "kind": if context.parent.is_some() { CONSUMER } else { SERVER },
        "startTimeUnixNano": nanoseconds(began),
        "endTimeUnixNano": nanoseconds(ended),
        "attributes": attributes,
        "status": scope.failures.get(&sent.trace_id).map_or_else(|| json!({}), |code| json!({"code": ERROR, "message": code})),
    });
    if let (Some(parent), Some(fields)) = (context.parent, span.as_object_mut()) {
        fields.insert("parentSpanId".to_owned(), parent.to_string().into());
    }
    span
}

fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// 64-bit integers are strings in OTLP's JSON.
fn nanoseconds(at: SystemTime) -> String {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use serde::Deserialize;
    use sluice_domain::id::TraceId;
    use sluice_domain::time::UnixMillis;

    use super::*;
    use crate::trace::XRayHeader;

    // The messages of opentelemetry/proto/trace/v1/trace.proto that are sent, in the JSON mapping: lowerCamelCase names, ids in
    // hexadecimal, 64-bit integers as strings, enumerations as numbers. Nothing else may be there.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct ExportTraceServiceRequest {
        resource_spans: Vec<ResourceSpans>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct ResourceSpans {
        resource: Resource,
        scope_spans: Vec<ScopeSpans>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Resource {
        attributes: Vec<KeyValue>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct KeyValue {
        key: String,
        value: AnyValue,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct AnyValue {
        string_value: String,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct ScopeSpans {
        scope: InstrumentationScope,
        spans: Vec<Span>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct InstrumentationScope {
        name: String,
        #[serde(rename = "version")]
        _version: String,
    }

    #[expect(clippy::struct_field_names, reason = "they are the protocol's")]
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Span {
        trace_id: String,
        span_id: String,
        parent_span_id: Option<String>,
        name: String,
        kind: u8,
        start_time_unix_nano: String,
        end_time_unix_nano: String,
        attributes: Vec<KeyValue>,
        status: Status,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Status {
        #[serde(default)]
        code: u8,
        #[serde(default)]
        message: String,
    }

    /// A collector on the loopback that takes one `POST /v1/traces`, decodes it and answers as OTLP/HTTP does.
    fn collected(line: &str) -> ExportTraceServiceRequest {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let collector = std::thread::spawn(move || {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            let (mut request, mut length) = (String::new(), 0);
            stream.read_line(&mut request).unwrap();
            assert!(request.starts_with("POST /v1/traces "), "{request}");
            loop {
                let mut header = String::new();
                stream.read_line(&mut header).unwrap();
                if header.trim().is_empty() {
                    break;
                }
                if let Some(value) = header.strip_prefix("Content-Length: ") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
            serde_json::from_slice(&body).unwrap()
        });
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            line.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(line.as_bytes()).unwrap();
        collector.join().unwrap()
    }

    fn id(random: u8) -> TraceId {
        TraceId::from_parts(UnixMillis(1_795_190_400_000), [random; 10])
    }

    #[test]
    fn a_collector_reads_the_spans_of_each_step_as_one_trace() {
        let began = UNIX_EPOCH + Duration::from_hours(498_664);
        let ended = began + Duration::from_millis(12);
        let mut door = Scope::new("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1".parse().ok())
            .of_step("webhook-verify");
        let sent = door.context(id(1));
        let mut check = Scope::new(None).of_step("compliance-check");
        check.receive(id(1), Some(&sent.traceparent.to_string()), sent.xray.as_ref().map(XRayHeader::as_str));
        check.receive(id(2), None, None);
        check.fail(id(2), "store");

        let mut spans = Vec::new();
        for scope in [&door, &check] {
            let line = request(scope, began, ended).unwrap().to_string();
            for resource in collected(&line).resource_spans {
                let service = &resource.resource.attributes[0];
                assert_eq!(
                    (service.key.as_str(), service.value.string_value.as_str()),
                    ("service.name", "sluice")
                );
                for scope in resource.scope_spans {
                    assert_eq!(scope.scope.name, "sluice");
                    spans.extend(scope.spans);
                }
            }
        }
        let [first, second, failed] = spans.try_into().ok().unwrap();
        assert_eq!((first.name.as_str(), first.kind, &first.parent_span_id), ("webhook-verify", 2, &None));
        assert_eq!((second.name.as_str(), second.kind), ("compliance-check", 5));
        assert_eq!(first.trace_id, second.trace_id);
        assert_eq!(first.trace_id, id(1).to_string().replace('-', ""));
        assert_eq!(second.parent_span_id.as_deref(), Some(first.span_id.as_str()));
        assert_eq!(
            (first.start_time_unix_nano.as_str(), first.end_time_unix_nano.as_str()),
            ("1795190400000000000", "1795190400012000000")
        );
        assert_eq!(second.attributes[1].key, "aws.xray.trace_id");
        assert_eq!((second.status.code, failed.status.code, failed.status.message.as_str()), (0, 2, "store"));
    }

    #[test]
    fn a_scope_without_events_writes_nothing() {
        assert_eq!(request(&Scope::new(None), UNIX_EPOCH, UNIX_EPOCH), None);
    }
}
