//! `sluice script`: what scripts become.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use channel_dispatch::{Preview, preview};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use sluice_channels::{Channels, Endpoints, Message};
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::Destination;
use sluice_domain::event::EventKind;
use sluice_domain::id::TenantId;
use sluice_domain::image::Image;
use sluice_domain::script::{Script, Variables, mask, mask_name, mask_phone};
use sluice_domain::settings::{Settings, Tenant};
use sluice_domain::time::UnixMillis;
use sluice_ports::{
    Clock, HttpClient, HttpRequest, HttpResponse, ImageFiles, PortError, SecretStore, SecretVersions,
    TransportError,
};
use sluice_settings::Bundle;

use crate::cli::ScriptRender;
use crate::exit::Exit;
use crate::input;
use crate::output::{CommandError, Output};

/// `--event`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Given {
    kind: Option<EventKind>,
    name: Option<String>,
    phone: Option<String>,
    form: BTreeMap<String, String>,
    variant: Option<String>,
}

/// `sluice script render`.
///
/// # Errors
/// When script or destination are not configured, or the event file can not be read.
pub async fn render(
    args: &ScriptRender,
    (settings, files): (&Settings, Bundle),
    now: UnixMillis,
) -> Result<Output, CommandError> {
    let (tenant, script, destination) = found(args, settings)?;
    let given = match &args.event {
        Some(path) => serde_json::from_str(&input::text(path)?)
            .map_err(|error| CommandError::usage(format!("`--event` is no event: {error}")))?,
        None => Given::default(),
    };
    let kind = given.kind.unwrap_or(EventKind::FormSubmit);
    let variables = variables(given, args.plain, args.event.is_some());
    let head = json!({
        "tenant": tenant.id, "script": script.id, "version": script.version, "sha256": script.sha256(),
        "destination": destination.id, "channel": destination.channel.as_str(),
    });
    let Preview { message, waits_for } = match preview(tenant, script, destination, kind, variables, now) {
        Ok(preview) => preview,
        Err(error) => return Ok(withheld(head, &error.code(), &error.to_string())),
    };
    let (report, requests) = sent(&tenant.id, destination, &message, files, now).await;
    if !matches!(report.outcome, Outcome::Delivered { .. }) {
        let code = report.code.unwrap_or_default();
        let advice = format!("`{}` would not take it ({code})", destination.channel.as_str());
        return Ok(withheld(head, &code, &advice));
    }
    let image = message.image.as_ref();
    let shown: Vec<Value> = requests.iter().map(|request| document(request, image)).collect();
    let mut lines =
        vec![format!("script {} version {}, sha256 {}", script.id, script.version, script.sha256())];
    lines.extend(image.map(|image| format!("an image alone, {}", image.reference())));
    lines.extend(
        waits_for.iter().map(|code| format!("waits for a review first ({code}), then leaves like this")),
    );
    lines.extend(requests.iter().map(|request| line(request, image)));
    if requests.is_empty() {
        let link = message.link.map(|(_, link)| link).unwrap_or_default();
        lines.push(format!("nothing is sent; the person is led by {link}"));
    }
    let mut json = head;
    if let Some(fields) = json.as_object_mut() {
        fields.insert("withheld".into(), Value::Null);
        fields.insert("waits_for_review".into(), json!(waits_for));
        fields.insert("requests".into(), shown.into());
    }
    Ok(Output::one(Exit::Ok, lines.join("\n"), json))
}

fn found<'a>(
    args: &ScriptRender,
    settings: &'a Settings,
) -> Result<(&'a Tenant, &'a Script, &'a Destination), CommandError> {
    let wanted =
        settings.tenants.values().filter(|tenant| args.tenant.as_ref().is_none_or(|id| *id == tenant.id));
    let mut both = wanted.filter_map(|tenant| {
        Some((
            tenant.as_ref(),
            tenant.scripts.get(&args.script)?,
            tenant.destinations.get(&args.destination)?,
        ))
    });
    both.next().ok_or_else(|| {
        let (script, destination) = (&args.script, &args.destination);
        CommandError::usage(format!("no tenant has both script `{script}` and destination `{destination}`"))
    })
}

fn variables(given: Given, plain: bool, is_given: bool) -> Variables {
    if !is_given {
        return Variables::example();
    }
    let shown = |value: Option<String>, masked: fn(&str) -> String| match value {
        None => Variables::NOT_GIVEN.to_owned(),
        Some(value) if plain => value,
        Some(value) => masked(&value),
    };
    Variables {
        name: shown(given.name, mask_name),
        phone: shown(given.phone, mask_phone),
        form: given.form.into_iter().map(|(label, value)| (label, shown(Some(value), mask))).collect(),
        variant: given.variant.unwrap_or_default(),
        ..Variables::example()
    }
}

fn withheld(head: Value, code: &str, advice: &str) -> Output {
    let text = format!("withheld ({code}): {advice}");
    let mut json = head;
    if let Some(fields) = json.as_object_mut() {
        fields.insert("withheld".into(), json!({ "code": code, "message": advice }));
        fields.insert("requests".into(), json!([]));
    }
    Output::one(Exit::No, text, json)
}

fn line(request: &HttpRequest, image: Option<&Image>) -> String {
    let body = body(request, image);
    format!("{} {} ({} bytes)\n{body}", request.method, request.url, request.body.len())
}

/// The body, with words in place of the image's bytes.
fn body(request: &HttpRequest, image: Option<&Image>) -> String {
    let words = |image: &Image| format!("<{} bytes, sha256 {}>", image.bytes, image.sha256);
    let Some(image) = image else { return String::from_utf8_lossy(&request.body).into_owned() };
    if let Ok(mut json) = serde_json::from_slice::<Value>(&request.body) {
        if let Some(bytes) = json.pointer_mut("/image/base64") {
            *bytes = json!(words(image));
        }
        return json.to_string();
    }
    // A form: the file is the part that is no text, and comes after one of the first empty lines.
    let length = usize::try_from(image.bytes).unwrap_or(usize::MAX);
    let lines = request.body.windows(4).take(1_024).enumerate().filter(|(_, bytes)| bytes == b"\r\n\r\n");
    let is_file =
        |at: &usize| request.body.get(*at..at.saturating_add(length)).is_some_and(|it| image.is(it));
    let file = lines.map(|(place, _)| place + 4).find(is_file);
    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let (before, after) = match file {
        Some(at) => (text(request.body.get(..at)), text(request.body.get(at + length..))),
        None => (String::new(), String::new()),
    };
    format!("{before}{}{after}", words(image))
}

fn document(request: &HttpRequest, image: Option<&Image>) -> Value {
    let headers: BTreeMap<&str, &str> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()))
        .collect();
    json!({
        "method": request.method.as_str(), "url": request.url, "headers": headers, "bytes": request.body.len(),
        "body": body(request, image),
    })
}

/// Sends through the real adapter to a platform that takes everything and keeps it: what is shown is what would leave. Requests for
/// tokens are left out, and secrets are words that say so.
async fn sent(
    tenant: &TenantId,
    destination: &Destination,
    message: &Message,
    files: Bundle,
    now: UnixMillis,
) -> (sluice_channels::SendReport, Vec<HttpRequest>) {
    let platform = Taker::default();
    let channels = Channels::new(Endpoints::default(), platform.clone(), Placeholders, At(now));
    let channels = channels.showing(Files(files));
    let report = channels.send(tenant, destination, message).await;
    let requests = platform.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (report, requests)
}

#[derive(Clone, Default)]
struct Taker(Arc<Mutex<Vec<HttpRequest>>>);

impl HttpClient for Taker {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let is_token = ["/gettoken", "/stable_token", "/tenant_access_token/", "/oauth/"];
        let body = if is_token.iter().any(|part| request.url.contains(part)) {
            json!({
                "code": 0, "errcode": 0, "tenant_access_token": "TOKEN", "access_token": "TOKEN", "expire": 7_200, "expires_in": 7_200,
                "data": { "access_token": "TOKEN", "expires_in": 7_200, "error_code": 0 },
            })
        } else {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(request);
            json!({ "code": 0, "errcode": 0, "media_id": "MEDIA_ID", "data": { "error_code": 0, "image_key": "IMAGE_KEY" } })
        };
        let status = http::StatusCode::OK;
        Ok(HttpResponse { status, headers: http::HeaderMap::new(), body: Bytes::from(body.to_string()) })
    }
}

/// The images of the configuration.
struct Files(Bundle);

impl ImageFiles for Files {
    async fn image(&self, image: &Image) -> Result<Bytes, PortError> {
        let found = self.0.image_bytes(image);
        found.map(Bytes::from).map_err(|cause| PortError::Missing { what: "images", cause })
    }
}

struct Placeholders;

impl SecretStore for Placeholders {
    async fn secret(&self, _: &TenantId, _: &str) -> Result<SecretVersions, PortError> {
        // Takes the shape of every kind: a bot's key is plain text, a webhook's begins with `whsec_`.
        let current = SecretString::from("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        Ok(SecretVersions { current, previous: None })
    }
}

struct At(UnixMillis);

impl Clock for At {
    fn now(&self) -> UnixMillis {
        self.0
    }
}
