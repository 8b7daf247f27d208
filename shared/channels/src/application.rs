//! The applications that send with an access token.

use bytes::Bytes;
use secrecy::SecretString;
use serde_json::Value;
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::{MiniProgram, SubscribeAccount};
use sluice_domain::id::TenantId;
use sluice_domain::image::Image;
use sluice_ports::HttpRequest;

use crate::call::Payload;
use crate::limits::{Need, needs};
use crate::message::{Message, Reply};
use crate::reading::Dialect;
use crate::refusal::Refusal;
use crate::{Endpoints, douyin, feishu, media, wechat, wecom};

/// An application and what it sends to.
#[derive(Clone, Copy)]
pub(crate) enum Application<'a> {
    Feishu {
        app_id: &'a str,
        receive_id_type: &'a str,
        receive_id: &'a str,
    },
    Wecom {
        corp_id: &'a str,
        agent_id: i64,
        members: &'a [String],
    },
    Wechat {
        app_id: &'a str,
    },
    WechatTemplate {
        app_id: &'a str,
        template_id: &'a str,
        mini_program: Option<&'a MiniProgram>,
    },
    WechatSubscribe {
        app_id: &'a str,
        template_id: &'a str,
        account: SubscribeAccount,
        page: Option<&'a str>,
    },
    Douyin {
        client_key: &'a str,
        reply: &'a Reply,
    },
}

impl Application<'_> {
    pub(crate) fn dialect(self) -> &'static Dialect {
        match self {
            Self::Feishu { .. } => &feishu::DIALECT,
            Self::Wecom { .. } => &wecom::DIALECT,
            Self::Wechat { .. } | Self::WechatTemplate { .. } | Self::WechatSubscribe { .. } => {
                &wechat::DIALECT
            }
            Self::Douyin { .. } => &douyin::DIALECT,
        }
    }

    /// Whose tokens it uses, as the platform names it.
    pub(crate) fn account(self) -> String {
        match self {
            Self::Feishu { app_id, .. }
            | Self::Wechat { app_id }
            | Self::WechatTemplate { app_id, .. }
            | Self::WechatSubscribe { app_id, .. } => app_id.to_owned(),
            // A refresh token is one merchant's.
            Self::Douyin { client_key, reply } => format!("{client_key}:{}", reply.account()),
            Self::Wecom { corp_id, agent_id, .. } => format!("{corp_id}:{agent_id}"),
        }
    }

    /// The body, the same bytes at every attempt.
    pub(crate) fn payload(self, message: &Message) -> Result<Payload, Refusal> {
        match self {
            Self::Feishu { receive_id_type, receive_id, .. } => {
                feishu::app::payload(message, receive_id_type, receiver(receive_id, message)?)
            }
            Self::Wecom { agent_id, members, .. } => wecom::app::payload(message, agent_id, members),
            Self::Wechat { .. } => wechat::custom::payload(message),
            Self::WechatTemplate { template_id, mini_program, .. } => {
                wechat::template::template(message, template_id, mini_program)
            }
            Self::WechatSubscribe { template_id, page, .. } => {
                wechat::template::subscribe(message, template_id, page)
            }
            Self::Douyin { reply, .. } => douyin::message::payload(message, reply),
        }
    }

    /// The body of a message that is an image, under the name that the platform gave it.
    pub(crate) fn picture(self, message: &Message, media: &str) -> Result<Payload, Refusal> {
        match self {
            Self::Feishu { receive_id_type, receive_id, .. } => {
                let receiver = receiver(receive_id, message)?;
                feishu::app::picture(message, (receive_id_type, receiver), media)
            }
            Self::Wecom { agent_id, members, .. } => wecom::app::picture(agent_id, members, media),
            Self::Wechat { .. } => wechat::custom::picture(message, media),
            Self::WechatTemplate { .. } | Self::WechatSubscribe { .. } | Self::Douyin { .. } => {
                Err(Refusal::content("image_not_supported"))
            }
        }
    }

    /// The request that uploads an image.
    pub(crate) fn upload_request(
        self,
        endpoints: &Endpoints,
        token: &str,
        file: (&Image, &Bytes),
    ) -> Result<HttpRequest, Refusal> {
        match self {
            Self::Feishu { .. } => feishu::app::upload(endpoints.feishu(), token, file),
            Self::Wecom { .. } => Ok(wecom::app::upload(endpoints.wecom(), token, file)),
            Self::Wechat { .. } => Ok(wecom::app::upload(endpoints.wechat(), token, file)),
            Self::WechatTemplate { .. } | Self::WechatSubscribe { .. } | Self::Douyin { .. } => {
                Err(Refusal::content("image_not_supported"))
            }
        }
    }

    /// The permits that an upload needs.
    pub(crate) fn upload_needs(self, tenant: &TenantId) -> Vec<Need> {
        match self {
            Self::Feishu { app_id, .. } => vec![needs::of_feishu_api(tenant, app_id, "im/v1/images")],
            Self::Wecom { corp_id, .. } => needs::of_contact(tenant, corp_id, "media/upload"),
            // No limit by time is documented.
            Self::Wechat { .. }
            | Self::WechatTemplate { .. }
            | Self::WechatSubscribe { .. }
            | Self::Douyin { .. } => Vec::new(),
        }
    }

    /// The name of an uploaded image and how many seconds it lasts, in an answer.
    pub(crate) fn media_in(self, body: &Value) -> Option<(&str, i64)> {
        match self {
            Self::Feishu { .. } => {
                Some((body.get("data")?.get("image_key")?.as_str()?, media::IMAGE_KEY_SECONDS))
            }
            Self::Wecom { .. }
            | Self::Wechat { .. }
            | Self::WechatTemplate { .. }
            | Self::WechatSubscribe { .. }
            | Self::Douyin { .. } => Some((body.get("media_id")?.as_str()?, media::MEDIA_SECONDS)),
        }
    }

    /// Codes that, for a message of an image, may mean that the platform does not know the image (any more).
    pub(crate) fn dead_media_codes(self) -> &'static [i64] {
        match self {
            // No code of its own is documented: a wrong parameter, somebody else's file, a file of another kind.
            Self::Feishu { .. } => &[230_001, 230_017, 230_055],
            Self::Wecom { .. }
            | Self::Wechat { .. }
            | Self::WechatTemplate { .. }
            | Self::WechatSubscribe { .. }
            | Self::Douyin { .. } => &[],
        }
    }

    /// The request that sends it.
    pub(crate) fn request(
        self,
        endpoints: &Endpoints,
        token: &str,
        payload: &Payload,
    ) -> Result<HttpRequest, Refusal> {
        match self {
            Self::Feishu { receive_id_type, .. } => {
                feishu::app::request(endpoints.feishu(), receive_id_type, token, payload)
            }
            Self::Wecom { .. } => Ok(wecom::app::request(endpoints.wecom(), token, payload)),
            Self::Wechat { .. } => Ok(wechat::custom::request(endpoints.wechat(), token, payload)),
            Self::WechatTemplate { .. } => {
                Ok(wechat::template::template_request(endpoints.wechat(), token, payload))
            }
            Self::WechatSubscribe { account, .. } => {
                Ok(wechat::template::subscribe_request(endpoints.wechat(), account, token, payload))
            }
            Self::Douyin { reply, .. } => douyin::message::request(endpoints.douyin(), reply, token, payload),
        }
    }

    /// The request for a token.
    pub(crate) fn token_request(
        self,
        endpoints: &Endpoints,
        secret: &SecretString,
    ) -> Result<HttpRequest, Refusal> {
        match self {
            Self::Feishu { app_id, .. } => feishu::app::token_request(endpoints.feishu(), app_id, secret),
            Self::Wecom { corp_id, .. } => Ok(wecom::app::token_request(endpoints.wecom(), corp_id, secret)),
            Self::Wechat { app_id }
            | Self::WechatTemplate { app_id, .. }
            | Self::WechatSubscribe { app_id, .. } => {
                wechat::custom::token_request(endpoints.wechat(), app_id, secret)
            }
            Self::Douyin { client_key, .. } => {
                Ok(douyin::message::token_request(endpoints.douyin(), client_key, secret))
            }
        }
    }

    /// The token and its life in seconds in an answer.
    pub(crate) fn token_in(self, body: &Value) -> Option<(&str, i64)> {
        match self {
            Self::Feishu { .. } => feishu::app::token(body),
            Self::Wecom { .. }
            | Self::Wechat { .. }
            | Self::WechatTemplate { .. }
            | Self::WechatSubscribe { .. } => wecom::app::token(body),
            Self::Douyin { .. } => douyin::message::token(body),
        }
    }

    /// What a success code means.
    pub(crate) fn accepted(self, body: &Value) -> Outcome {
        match self {
            Self::Feishu { .. } => Outcome::Delivered { provider_id: feishu::app::provider_id(body) },
            Self::Wecom { members, .. } => wecom::app::accepted(body, members),
            Self::Wechat { .. } => Outcome::Delivered { provider_id: None },
            Self::WechatTemplate { .. } | Self::WechatSubscribe { .. } => {
                Outcome::Delivered { provider_id: wechat::template::provider_id(body) }
            }
            Self::Douyin { .. } => Outcome::Delivered { provider_id: douyin::message::provider_id(body) },
        }
    }
}

/// Whom a Feishu application writes to.
fn receiver<'a>(receive_id: &'a str, message: &'a Message) -> Result<&'a str, Refusal> {
    // To the person: the address comes with the form.
    let person = receive_id.starts_with("form.").then_some(message.recipient.as_deref());
    let receiver = person.unwrap_or(Some(receive_id)).filter(|id| !id.is_empty());
    receiver.ok_or_else(|| Refusal::unreachable("recipient_missing"))
}
