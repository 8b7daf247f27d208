use sluice_domain::delivery::Outcome;
use sluice_domain::destination::{Channel, Destination, FeishuUploads};
use sluice_domain::id::TenantId;
use sluice_ports::{ChannelState, Clock, Entropy, HttpClient, ImageFiles, KeyRing, PortError, SecretStore};

use crate::account::{Accounts, At, EndpointHealth};
use crate::application::Application;
use crate::call;
use crate::images::Images;
use crate::limits::{Limits, Need, needs};
use crate::media::BotImage;
use crate::refusal::Refusal;
use crate::shared::Shared;
use crate::tokens::{Token, Tokens};
use crate::{Endpoints, Form, Idempotency, Message, SendReport, feishu, wecom};

/// Sends messages to destinations, within the platforms' limits and never inside a block window that they announced.
///
/// One per process. What must hold for all processes together (tokens, limits, block windows, broken endpoints) is in the state of
/// [`Channels::sharing`]; without it, this process is alone. It never repeats a message whose fate is unclear; it repeats at most once, and only what a platform has
/// refused for a dead token or a stale sign.
#[derive(Debug)]
pub struct Channels<Http, Secrets, Time> {
    pub(crate) endpoints: Endpoints,
    pub(crate) http: Http,
    pub(crate) secrets: Secrets,
    pub(crate) clock: Time,
    pub(crate) tokens: Tokens,
    pub(crate) shared: Shared,
    pub(crate) images: Images,
    pub(crate) limits: Limits,
    pub(crate) accounts: Accounts,
}

/// What is sent, where to, for whom.
#[derive(Clone, Copy)]
pub(crate) struct Errand<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) message: &'a Message,
    /// Where what is known of the endpoint is.
    pub(crate) at: &'a At,
    /// What each call needs.
    pub(crate) needs: &'a [Need],
}

impl<Http: HttpClient, Secrets: SecretStore, Time: Clock> Channels<Http, Secrets, Time> {
    /// With empty caches.
    pub fn new(endpoints: Endpoints, http: Http, secrets: Secrets, clock: Time) -> Self {
        Self {
            endpoints,
            http,
            secrets,
            clock,
            tokens: Tokens::default(),
            shared: Shared::default(),
            images: Images::default(),
            limits: Limits::default(),
            accounts: Accounts::default(),
        }
    }

    /// One of several processes: what they know together is in `state`, its secrets sealed with the tenants' keys.
    #[must_use]
    pub fn sharing<S, K, E>(mut self, state: S, keys: K, entropy: E) -> Self
    where
        S: ChannelState + 'static,
        K: KeyRing + 'static,
        E: Entropy + 'static,
    {
        self.shared = Shared::new(state, keys, entropy);
        self
    }

    /// With the files of the images that messages name; without, no image is sent.
    #[must_use]
    pub fn showing(mut self, files: impl ImageFiles + 'static) -> Self {
        self.images = Images::of(files);
        self
    }

    /// How an endpoint is, as of a moment ago.
    ///
    /// # Errors
    /// The shared state's.
    pub async fn health(
        &self,
        tenant: &TenantId,
        destination: &Destination,
    ) -> Result<EndpointHealth, PortError> {
        self.accounts.health(&self.shared, &At::of(tenant, destination), self.clock.now()).await
    }

    /// Sends one message once. Every fault is in the report: configuration faults are [`Outcome::EndpointRefused`] with a code.
    ///
    /// Inside a block window that the platform has announced, nothing is sent; the report says [`Outcome::Throttled`] with the
    /// code `blocked`. The same where a limit is used up (`limit_wecom_bot`, …) and where the endpoint is broken (`endpoint_open`).
    pub async fn send(&self, tenant: &TenantId, destination: &Destination, message: &Message) -> SendReport {
        let at = At::of(tenant, destination);
        let needs =
            needs::of(tenant, &destination.channel, message.recipient.as_deref(), &destination.limits);
        let errand = Errand { tenant, message, at: &at, needs: &needs };
        let mut report = match self.route(errand, &destination.channel).await {
            Ok(report) => report,
            Err(refusal) => refusal.into_report(),
        };
        self.hear(&at, &mut report).await;
        if report.outcome == Outcome::EndpointRefused {
            let (channel, code) = (destination.channel.as_str(), report.code.as_deref().unwrap_or_default());
            tracing::error!(%tenant, destination = %destination.id, channel, code, "endpoint refused: {code}");
        }
        report
    }

    /// Notes what a report says about its endpoint, and in the report how the endpoint is, if that changed it.
    pub(crate) async fn hear(&self, at: &At, report: &mut SendReport) {
        // What never got as far as the platform says nothing about it, but for a set-up that can not work.
        let set_up = matches!(report.outcome, Outcome::EndpointRefused | Outcome::UnknownCode);
        if report.request_sha256.is_some() || set_up {
            let (code, now) = (report.code.as_deref().unwrap_or_default(), self.clock.now());
            report.endpoint = self.accounts.heard(&self.shared, at, &report.outcome, code, now).await;
        }
    }

    /// What the channel promises about repeats.
    pub fn idempotency(channel: &Channel, form: Form) -> Idempotency {
        idempotency(channel, form)
    }

    async fn route(&self, errand: Errand<'_>, channel: &Channel) -> Result<SendReport, Refusal> {
        if let Some(image) = &errand.message.image {
            match channel.image_limit() {
                None => return Err(Refusal::content("image_not_supported")),
                Some(limit) if image.bytes > limit => return Err(Refusal::content("image_too_large")),
                Some(_) => {}
            }
        }
        self.accounts.may_leave(&self.shared, errand.at, self.clock.now()).await?;
        match channel {
            Channel::FeishuBot { hook, signing, uploads } => {
                self.feishu_bot(errand, hook, signing.as_deref(), uploads.as_ref()).await
            }
            Channel::FeishuApp { app_id, secret, receive_id_type, receive_id } => {
                let application = Application::Feishu { app_id, receive_id_type, receive_id };
                self.with_token(errand, application, secret).await
            }
            Channel::WecomBot { key } => self.wecom_bot(errand, key).await,
            Channel::WecomApp { corp_id, agent_id, secret, members } => {
                let application = Application::Wecom { corp_id, agent_id: *agent_id, members };
                self.with_token(errand, application, secret).await
            }
            Channel::WechatCustom { app_id, secret, openid_field: _ } => {
                self.with_token(errand, Application::Wechat { app_id }, secret).await
            }
            Channel::WechatTemplate { app_id, secret, template_id, mini_program, .. } => {
                let mini_program = mini_program.as_ref();
                let application = Application::WechatTemplate { app_id, template_id, mini_program };
                self.with_token(errand, application, secret).await
            }
            Channel::WechatSubscribe { app_id, secret, template_id, account, page, .. } => {
                let (account, page) = (*account, page.as_deref());
                let application = Application::WechatSubscribe { app_id, template_id, account, page };
                self.with_token(errand, application, secret).await
            }
            Channel::DouyinMessage { client_key, refresh_token, acknowledge }
            | Channel::DouyinComment { client_key, refresh_token, acknowledge } => {
                self.douyin(errand, client_key, refresh_token, acknowledge).await
            }
            Channel::Webhook { url, secret, allow_private } => {
                self.webhook(errand, url, secret, *allow_private).await
            }
        }
    }

    /// A stale sign is renewed once: with the previous secret while one is being rotated, else with a later moment. An image that the platform
    /// does not know is uploaded once more.
    async fn feishu_bot(
        &self,
        errand: Errand<'_>,
        hook: &str,
        signing: Option<&str>,
        uploads: Option<&FeishuUploads>,
    ) -> Result<SendReport, Refusal> {
        let hook = self.secret(errand.tenant, hook).await?.current;
        let signing = match signing {
            Some(name) => Some(self.secret(errand.tenant, name).await?),
            None => None,
        };
        let url = feishu::bot::url(self.endpoints.feishu(), call::bot_key(expose(&hook))?);
        let mut uploaded = BotImage::of(errand, uploads)?;
        let mut secret = signing.as_ref().map(|secret| &secret.current);
        let mut other_sign = false;
        loop {
            let media = match &uploaded {
                Some(image) => Some(self.bot_media(errand, image).await?),
                None => None,
            };
            let (image_key, seconds) = (media.as_ref().map(Token::expose), self.clock.now().as_secs());
            let payload = feishu::bot::payload(errand.message, image_key, secret.map(expose), seconds)?;
            let admitted = self.admitted(errand).await?;
            let request = call::post(url.clone(), &payload);
            let heard = self.exchange_admitted(admitted, &feishu::DIALECT, request).await;
            let gone = uploaded.as_mut().is_some_and(|image| image.is_gone(&heard));
            match (&signing, &uploaded, &media) {
                (Some(signing), _, _) if !other_sign && heard.asks_for_another_sign() => {
                    other_sign = true;
                    secret = Some(signing.previous.as_ref().unwrap_or(&signing.current));
                }
                (_, Some(image), Some(media)) if gone => {
                    self.tokens.forget(&self.shared, &self.clock, &image.media_key, media).await;
                }
                _ => return Ok(self.conclude(errand, &feishu::DIALECT, &payload, heard, taken).await),
            }
        }
    }

    async fn wecom_bot(&self, errand: Errand<'_>, key: &str) -> Result<SendReport, Refusal> {
        let payload = match &errand.message.image {
            Some(image) => wecom::bot::picture(&self.images.bytes(image).await?)?,
            None => wecom::bot::payload(errand.message)?,
        };
        let key = self.secret(errand.tenant, key).await?.current;
        let url = wecom::bot::url(self.endpoints.wecom(), call::bot_key(expose(&key))?);
        let admitted = self.admitted(errand).await?;
        let request = call::post(url, &payload);
        let heard = self.exchange_admitted(admitted, &wecom::BOT_DIALECT, request).await;
        Ok(self.conclude(errand, &wecom::BOT_DIALECT, &payload, heard, taken).await)
    }
}

/// What the channel promises about repeats.
pub fn idempotency(channel: &Channel, form: Form) -> Idempotency {
    /// Kept back from every window, for clocks and queues.
    const MARGIN_MS: i64 = 5 * 60_000;
    match channel {
        // `uuid`: at most one message per hour (Feishu, im/v1/messages).
        Channel::FeishuApp { .. } => Idempotency::Window { ms: 60 * 60_000 - MARGIN_MS },
        // It compares bodies, and nothing in an image's body is the dispatch's own: the check would drop the same image for the next event.
        Channel::WecomApp { .. } if form == Form::Image => Idempotency::None,
        // `enable_duplicate_check` over the longest interval, 4 h (WW90236).
        Channel::WecomApp { .. } => {
            Idempotency::Window { ms: wecom::app::DUPLICATE_CHECK_S * 1_000 - MARGIN_MS }
        }
        // `client_msg_id`: the same person once in ten minutes.
        Channel::WechatTemplate { .. } => Idempotency::Window { ms: 10 * 60_000 - 2 * 60_000 },
        // `webhook-id`: the receiver drops what it has seen, for as long as anybody would try (Standard Webhooks).
        Channel::Webhook { .. } => Idempotency::Window { ms: 24 * 60 * 60_000 - MARGIN_MS },
        // A repeat of a subscribe message can spend another consent of the person's.
        Channel::WechatSubscribe { .. }
        | Channel::FeishuBot { .. }
        | Channel::WecomBot { .. }
        | Channel::WechatCustom { .. }
        | Channel::DouyinMessage { .. }
        | Channel::DouyinComment { .. } => Idempotency::None,
    }
}

/// A success that names no message.
fn taken(_: &serde_json::Value) -> Outcome {
    Outcome::Delivered { provider_id: None }
}

fn expose(secret: &secrecy::SecretString) -> &str {
    secrecy::ExposeSecret::expose_secret(secret)
}
