//! `GET /links/{token}`: does a signed link hold, and where does it lead?
//!
//! Whoever asks holds the link already; the answer repeats what the token says and adds whether it holds. Nothing is stored, and no
//! caller is known. A browser is sent on to the landing page, which is always one that was signed and is still in the allow-list.

use http::StatusCode;
use serde_json::json;
use sluice_domain::link::{SignedLink, SignedLinkError, claimed_tenant, link_to, verify_link};
use sluice_domain::settings::Tenant;
use sluice_ports::{Clock, Entropy, Intake, KeyRing, PortError, SecretStore};
use sluice_telemetry::Signal;

use crate::{CurrentSettings, Greeter, RawRequest, WebhookVerify};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
/// What people see instead of a landing page.
const OVER: &str = "链接已失效";

/// The answer about a link. It must not be cached: a link ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkAnswer {
    /// 200 holds, 303 holds and a browser asks, 404 not ours, 405 not GET, 410 over, 503 try again.
    pub status: u16,
    /// The content type.
    pub content_type: &'static str,
    /// Where a browser goes on.
    pub location: Option<String>,
    /// The body.
    pub body: String,
}

impl LinkAnswer {
    /// The headers, by lower-case name.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("content-type", self.content_type.to_owned()),
            ("cache-control", "no-store".to_owned()),
            ("referrer-policy", "no-referrer".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
        ];
        headers.extend(self.location.clone().map(|location| ("location", location)));
        headers
    }
}

/// Why a link does not open.
#[derive(Debug, thiserror::Error)]
enum Closed {
    /// The token itself.
    #[error(transparent)]
    Token(#[from] SignedLinkError),
    /// Nobody of that name is configured.
    #[error("no such tenant is configured")]
    Tenant,
    /// The landing page left the allow-list, or its filing changed.
    #[error("the landing page is not allowed (any more)")]
    NotAllowed,
    /// The keys can not be had now.
    #[error("{0}")]
    Port(#[from] PortError),
}

impl Closed {
    fn code(&self) -> &'static str {
        match self {
            Self::Token(error) => error.code(),
            // To a stranger, a tenant that is not here and a forged tag are the same.
            Self::Tenant => "forged",
            Self::NotAllowed => "not_allowed",
            Self::Port(_) => "store_unavailable",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Token(SignedLinkError::Expired(_) | SignedLinkError::Key(_)) | Self::NotAllowed => {
                StatusCode::GONE
            }
            Self::Token(
                SignedLinkError::Malformed(_) | SignedLinkError::Forged | SignedLinkError::Destination(_),
            )
            | Self::Tenant => StatusCode::NOT_FOUND,
            Self::Port(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Is the path one of a signed link?
pub fn is_link_path(path: &str) -> bool {
    token(path).is_some()
}

/// The token of `/links/{token}`, behind whatever stage the gateway puts before it.
fn token(path: &str) -> Option<&str> {
    let (stage, token) = path.split_once("/links/")?;
    (!stage.contains("/callbacks")).then_some(token)
}

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
    /// Answers one request for a signed link.
    pub async fn open_link(&self, request: RawRequest<'_>) -> LinkAnswer {
        if request.method != "GET" {
            return json_answer(
                StatusCode::METHOD_NOT_ALLOWED,
                &json!({ "error": { "code": "method_not_allowed" } }),
            );
        }
        let token = token(request.path).unwrap_or_default();
        let opened = self.opened(token).await;
        let code = opened.as_ref().map_or_else(Closed::code, |_| "valid");
        self.metrics.count(Signal::LinkOpened { outcome: code });
        if let Err(Closed::Port(error)) = &opened {
            tracing::error!(code, "signed link not looked at: {error}");
        }
        match (opened, wants_page(&request)) {
            (Ok(link), true) => LinkAnswer {
                status: StatusCode::SEE_OTHER.as_u16(),
                content_type: TEXT,
                location: Some(link_to(&link.destination, token)),
                body: String::new(),
            },
            (Ok(link), false) => json_answer(StatusCode::OK, &told(&link)),
            (Err(closed), true) => LinkAnswer {
                status: closed.status().as_u16(),
                content_type: TEXT,
                location: None,
                body: OVER.to_owned(),
            },
            (Err(closed), false) => {
                let message = match &closed {
                    Closed::Port(_) => "temporarily not available".to_owned(),
                    Closed::Tenant => SignedLinkError::Forged.to_string(),
                    other => other.to_string(),
                };
                json_answer(
                    closed.status(),
                    &json!({ "error": { "code": closed.code(), "message": message } }),
                )
            }
        }
    }

    async fn opened(&self, token: &str) -> Result<SignedLink, Closed> {
        let settings = self.settings.current();
        let tenant: &Tenant = settings.tenants.get(&claimed_tenant(token)?).ok_or(Closed::Tenant)?;
        let keys = self.keys.keys(&tenant.id).await?;
        let link = verify_link(&keys, token, tenant.links.oldest_key, self.clock.now())?;
        tenant.links.check(&link.destination).map_err(|_| Closed::NotAllowed)?;
        Ok(link)
    }
}

fn told(link: &SignedLink) -> serde_json::Value {
    json!({
        "valid": true,
        "campaign": link.campaign,
        "destination": link.destination,
        "reference": link.reference,
        "expires_at": link.expires_at.as_secs(),
        "nonce": link.nonce,
    })
}

/// Browsers name `text/html` first; programs ask for JSON, or for anything.
fn wants_page(request: &RawRequest<'_>) -> bool {
    let accept = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("accept"));
    accept
        .and_then(|(_, value)| std::str::from_utf8(value).ok())
        .is_some_and(|value| value.contains("text/html"))
}

fn json_answer(status: StatusCode, body: &serde_json::Value) -> LinkAnswer {
    LinkAnswer { status: status.as_u16(), content_type: JSON, location: None, body: body.to_string() }
}
