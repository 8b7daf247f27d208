//! Images that a platform wants to have before a message can name them: Feishu's `image_key`, WeCom's and WeChat's `media_id`.
//!
//! What was uploaded is remembered like a token: for all processes, until shortly before it dies, fetched by one of them at a time, and
//! forgotten when the platform does not know it any more. Until a message leaves nothing is ever unclear: an upload whose answer got lost is
//! one that nobody names.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use serde_json::Value;
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::FeishuUploads;
use sluice_domain::image::Image;
use sluice_ports::{Clock, HttpClient, HttpRequest, Reach, SecretStore};
use tokio::time::{Instant, timeout_at};

use crate::application::Application;
use crate::channels::{Channels, Errand};
use crate::exchange::{Before, Heard};
use crate::message::SendReport;
use crate::refusal::Refusal;
use crate::tokens::{Token, TokenKey};

/// `media_id` holds for three days (WW90389; WeChat, uploadTempMedia). A little less, for clocks.
pub(crate) const MEDIA_SECONDS: i64 = 3 * 86_400 - 600;
/// No end of an `image_key` is documented.
pub(crate) const IMAGE_KEY_SECONDS: i64 = 30 * 86_400;
/// Tokens and uploads of one attempt are done by then, or the message comes back and finds what was uploaded: the dispatcher gives a send
/// 20 s, of which the send itself may need 5, and what is cut there is unclear.
const PREPARED_WITHIN: Duration = Duration::from_secs(14);

/// The image of a group bot, and the application that uploads it.
pub(crate) struct BotImage<'a> {
    application: Application<'a>,
    key: TokenKey,
    pub(crate) media_key: TokenKey,
    image: &'a Image,
    ends_at: Instant,
    /// It was uploaded anew.
    again: bool,
}

impl<'a> BotImage<'a> {
    /// `None` for a message without one.
    pub(crate) fn of(
        errand: Errand<'a>,
        uploads: Option<&'a FeishuUploads>,
    ) -> Result<Option<Self>, Refusal> {
        let Some(image) = &errand.message.image else { return Ok(None) };
        let FeishuUploads { app_id, secret } =
            uploads.ok_or_else(|| Refusal::content("image_not_supported"))?;
        // It writes to nobody.
        let application = Application::Feishu { app_id, receive_id_type: "chat_id", receive_id: "" };
        Ok(Some(Self {
            application,
            key: TokenKey::of_token(errand.tenant, application, secret),
            media_key: TokenKey::of_image(errand.tenant, application, image),
            image,
            ends_at: Instant::now() + PREPARED_WITHIN,
            again: false,
        }))
    }

    /// Says once that the platform does not know the image. A bot answers 9499 to whatever parameter is wrong.
    pub(crate) fn is_gone(&mut self, heard: &Heard) -> bool {
        let gone = !self.again && heard.asks_for_another_upload(&[9_499]);
        self.again |= gone;
        gone
    }
}

impl<Http: HttpClient, Secrets: SecretStore, Time: Clock> Channels<Http, Secrets, Time> {
    /// Sends an image: uploads it where it is not, then names it. A dead token is renewed once, and an image that the platform does not know
    /// is uploaded once more; both times the platform has refused the message, so the repeat is no second one.
    pub(crate) async fn with_image(
        &self,
        errand: Errand<'_>,
        application: Application<'_>,
        secret: &str,
        image: &Image,
    ) -> Result<SendReport, Refusal> {
        // What can not be sent for another reason is not uploaded either.
        application.picture(errand.message, "-")?;
        let ends_at = Instant::now() + PREPARED_WITHIN;
        let key = TokenKey::of_token(errand.tenant, application, secret);
        let media_key = TokenKey::of_image(errand.tenant, application, image);
        let (mut other_token, mut other_media) = (false, false);
        loop {
            let preparing = async {
                let media = self.media(errand, application, (&key, &media_key), image).await?;
                Ok((media, self.token(errand, application, &key).await?))
            };
            let (media, token) = by(ends_at, preparing).await?;
            let payload = application.picture(errand.message, media.expose())?;
            let admitted = self.admitted(errand).await?;
            let heard = self.sent(admitted, application, &token, &payload).await?;
            if !other_token && heard.asks_for_another_token() {
                other_token = true;
                self.tokens.forget(&self.shared, &self.clock, &key, &token).await;
            } else if !other_media && heard.asks_for_another_upload(application.dead_media_codes()) {
                other_media = true;
                self.tokens.forget(&self.shared, &self.clock, &media_key, &media).await;
            } else {
                let accepted = |body: &Value| application.accepted(body);
                return Ok(self.conclude(errand, application.dialect(), &payload, heard, accepted).await);
            }
        }
    }

    /// The name under which Feishu has a bot's image.
    pub(crate) async fn bot_media(&self, errand: Errand<'_>, bot: &BotImage<'_>) -> Result<Token, Refusal> {
        let keys = (&bot.key, &bot.media_key);
        by(bot.ends_at, self.media(errand, bot.application, keys, bot.image)).await
    }

    /// The name under which the platform has the image.
    async fn media(
        &self,
        errand: Errand<'_>,
        application: Application<'_>,
        (key, media_key): (&TokenKey, &TokenKey),
        image: &Image,
    ) -> Result<Token, Refusal> {
        let upload = async || {
            self.accounts.blocked(&self.shared, errand.at, self.clock.now()).await?;
            let bytes = self.images.bytes(image).await?;
            let mut token = self.token(errand, application, key).await?;
            let mut heard = self.uploaded(errand, application, &token, (image, &bytes)).await?;
            if heard.asks_for_another_token() {
                self.tokens.forget(&self.shared, &self.clock, key, &token).await;
                token = self.token(errand, application, key).await?;
                heard = self.uploaded(errand, application, &token, (image, &bytes)).await?;
            }
            let (media, seconds) = self.given(errand, application, heard, Before::Upload).await?;
            tracing::info!(image = %image.name, channel = application.dialect().name, "image `{}` is uploaded", image.name);
            Ok(Token::kept(&media, self.clock.now(), seconds))
        };
        self.tokens.get(&self.shared, &self.clock, media_key, upload).await.map_err(Refusal::from)
    }

    async fn uploaded(
        &self,
        errand: Errand<'_>,
        application: Application<'_>,
        token: &Token,
        file: (&Image, &Bytes),
    ) -> Result<Heard, Refusal> {
        let request = application.upload_request(&self.endpoints, token.expose(), file)?;
        let needs = application.upload_needs(errand.tenant);
        let admitted = self.admitted(Errand { needs: &needs, ..errand }).await?;
        Ok(self.exchange_admitted(admitted, application.dialect(), request).await)
    }
}

/// What is had by then. Also what needs no waiting comes too late after it: the send that follows would be cut.
async fn by<T>(ends_at: Instant, prepared: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    let late = || Refusal::new(Outcome::Transient, "upload_timeout");
    let prepared = timeout_at(ends_at, prepared).await.unwrap_or_else(|_| Err(late()));
    if Instant::now() >= ends_at { Err(late()) } else { prepared }
}

/// `POST` of a form with one file (RFC 7578). Names of files need no escape: they are letters, digits and `._-`.
pub(crate) fn form(
    url: String,
    fields: &[(&str, &str)],
    (field, length): (&str, bool),
    (image, bytes): (&Image, &Bytes),
) -> HttpRequest {
    // A file that holds its own hash can not be made.
    let boundary = format!("sluice-{}", image.sha256.get(..32).unwrap_or_default());
    let mut body = Vec::with_capacity(bytes.len() + 1_024);
    for (name, value) in fields {
        let part =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    // WeCom and WeChat ask for the length inside the part.
    let length = if length { format!("; filelength={}", bytes.len()) } else { String::new() };
    let (name, kind) = (&image.name, image.format.media_type());
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"{length}\r\nContent-Type: {kind}\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let form = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"));
    let form = form.unwrap_or(HeaderValue::from_static("multipart/form-data"));
    HttpRequest {
        method: Method::POST,
        url,
        headers: vec![(header::CONTENT_TYPE, form)],
        body: Bytes::from(body),
        reach: Reach::Platform,
    }
}
