//! The applications that send with an access token.

use secrecy::SecretString;
use serde_json::Value;
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::{MiniProgram, SubscribeAccount};
use sluice_ports::HttpRequest;

use crate::call::Payload;
use crate::message::{Message, Reply};
use crate::reading::Dialect;
use crate::refusal::Refusal;
use crate::{Endpoints, douyin, feishu, wechat, wecom};

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
                // To the person: the address comes with the form.
                let person = receive_id.starts_with("form.").then_some(message.recipient.as_deref());
                let Some(receiver) = person.unwrap_or(Some(receive_id)).filter(|id| !id.is_empty()) else {
                    let outcome = Outcome::RecipientRefused { opt_out: false };
                    return Err(Refusal::new(outcome, "recipient_missing"));
                };
                feishu::app::payload(message, receive_id_type, receiver)
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
