//! The platforms together: which call goes where, which fault strikes it, what was seen.

use http::{Method, StatusCode};

use crate::censor::{Censors, Shape};
use crate::douyin::Douyin;
use crate::fault::{Faults, Struck};
use crate::feishu::Feishu;
use crate::record::Record;
use crate::webhook::Webhook;
use crate::wechat::Wechat;
use crate::wecom::{self, Wecom};
use crate::wire::{Call, Reply};
use crate::{Counters, FaultEffect, Place, Platform, Seen, SimulatorOptions};

/// Everything behind the one lock.
pub(crate) struct World {
    pub(crate) feishu: Feishu,
    pub(crate) wecom: Wecom,
    pub(crate) wechat: Wechat,
    pub(crate) douyin: Douyin,
    webhook: Webhook,
    pub(crate) censors: Censors,
    records: [Record; 7],
    pub(crate) faults: Faults,
    pub(crate) seen: Vec<Seen>,
    /// By their own clock; by it a watcher knows these simulators from others that were started at the same address.
    pub(crate) started_ms: i64,
}

/// What the server does with a call.
#[derive(Debug)]
pub(crate) enum Conduct {
    /// Answers.
    Answer(Reply),
    /// Answers late.
    AnswerLate(Reply, u64),
    /// Sends the first half of the answer and drops the connection.
    Truncate(Reply),
    /// Drops the connection.
    Reset,
}

#[derive(Debug, Clone, Copy)]
enum Route<'a> {
    FeishuBot(&'a str),
    FeishuToken,
    FeishuMessage,
    FeishuImage,
    WecomBot,
    WecomToken,
    WecomMedia,
    WechatMedia,
    WecomMessage,
    WechatStableToken,
    WechatToken,
    WechatCustom,
    WecomContactWay,
    WecomWelcome,
    WechatTemplate,
    WechatSubscribe,
    WechatLink(&'a str),
    DouyinToken,
    DouyinMessage,
    DouyinComment,
    Webhook(&'a str),
    CensorToken(Shape),
    CensorCheck(Shape),
}

impl World {
    pub(crate) fn new(options: SimulatorOptions, now: i64) -> Self {
        Self {
            feishu: Feishu::new(options.feishu_bots, options.feishu_apps),
            wecom: Wecom::new(options.wecom_bots, options.wecom_apps),
            wechat: Wechat::new(options.wechat_accounts, now),
            douyin: Douyin::new(options.douyin_accounts),
            webhook: Webhook::new(options.webhooks),
            censors: Censors::new(options.censor_apps),
            records: Default::default(),
            faults: Faults::new(options.seed),
            seen: Vec::new(),
            started_ms: now,
        }
    }

    pub(crate) fn counters(&self, platform: Platform) -> Counters {
        let [feishu, wecom, wechat, douyin, webhook, open, mini] = &self.records;
        match platform {
            Platform::Feishu => feishu.counters,
            Platform::Wecom => wecom.counters,
            Platform::Wechat => wechat.counters,
            Platform::Douyin => douyin.counters,
            Platform::Webhook => webhook.counters,
            Platform::DouyinCensor => open.counters,
            Platform::ToutiaoCensor => mini.counters,
        }
    }

    /// Carries a call out, or lets a fault strike it.
    pub(crate) fn call(&mut self, call: &Call, now: i64) -> Conduct {
        let Some(route) = route(call) else { return Conduct::Answer(Reply::not_found()) };
        let platform = route.platform();
        self.record(platform).counters.requests += 1;
        match self.faults.strike(platform, route.place()) {
            None => Conduct::Answer(self.carry_out(route, call, now)),
            Some(Struck(effect)) => self.faulty(&effect, route, call, now),
        }
    }

    fn faulty(&mut self, effect: &FaultEffect, route: Route<'_>, call: &Call, now: i64) -> Conduct {
        let platform = route.platform();
        match effect {
            FaultEffect::Delay { ms } => Conduct::AnswerLate(self.carry_out(route, call, now), *ms),
            FaultEffect::ResetBeforeCommit => Conduct::Reset,
            FaultEffect::ResetAfterCommit => {
                self.carry_out(route, call, now);
                Conduct::Reset
            }
            FaultEffect::Truncate => Conduct::Truncate(self.carry_out(route, call, now)),
            FaultEffect::Html => Conduct::Answer(Reply::html()),
            FaultEffect::Redirect => Conduct::Answer(Reply::redirect()),
            FaultEffect::Large { bytes } => {
                let reply = Reply { body: "x".repeat(*bytes), ..Reply::empty(StatusCode::OK) };
                Conduct::Answer(reply)
            }
            FaultEffect::Status { status } => Conduct::Answer(Reply::empty(status_of(*status))),
            FaultEffect::Code { code, status } => {
                Conduct::Answer(Reply::code(platform, status_of(*status), *code, "injected"))
            }
            FaultEffect::RevokeTokens => {
                match platform {
                    Platform::Feishu => self.feishu.revoke_tokens(),
                    Platform::Wecom => self.wecom.revoke_tokens(),
                    Platform::Wechat => self.wechat.revoke_tokens(),
                    Platform::Douyin => self.douyin.revoke_tokens(),
                    Platform::Webhook => {}
                    Platform::DouyinCensor => self.censors.revoke_tokens(Shape::Open),
                    Platform::ToutiaoCensor => self.censors.revoke_tokens(Shape::Mini),
                }
                Conduct::Answer(self.carry_out(route, call, now))
            }
        }
    }

    fn carry_out(&mut self, route: Route<'_>, call: &Call, now: i64) -> Reply {
        let wanted = match route {
            Route::WecomToken | Route::WechatToken => Method::GET,
            _ => Method::POST,
        };
        if call.method != wanted {
            return Reply::empty(StatusCode::METHOD_NOT_ALLOWED);
        }
        let [feishu, wecom, wechat, douyin, webhook, open, mini] = &mut self.records;
        let reply = match route {
            Route::FeishuBot(hook) => self.feishu.bot(hook, call, now, feishu),
            Route::FeishuToken => self.feishu.token(call, now, feishu),
            Route::FeishuMessage => self.feishu.message(call, now, feishu),
            Route::FeishuImage => self.feishu.image(call, now, feishu),
            Route::WecomMedia => self.wecom.media(call, now, wecom),
            Route::WechatMedia => self.wechat.media(call, now, wechat),
            Route::WecomBot => self.wecom.bot(call, now, wecom),
            Route::WecomToken => self.wecom.token(call, now, wecom),
            Route::WecomMessage => self.wecom.message(call, now, wecom),
            Route::WechatStableToken => self.wechat.stable_token(call, now, wechat),
            Route::WechatToken => self.wechat.plain_token(call, now, wechat),
            Route::WechatCustom => self.wechat.custom(call, now, wechat),
            Route::WecomContactWay => self.wecom.contact_way(call, now),
            Route::WecomWelcome => self.wecom.welcome(call, now, wecom),
            Route::WechatTemplate => self.wechat.template(call, now, wechat),
            Route::WechatSubscribe => self.wechat.subscribe(call, now, wechat),
            Route::WechatLink(api) => self.wechat.link(api, call, now),
            Route::DouyinToken => self.douyin.token(call, now, douyin),
            Route::DouyinMessage => self.douyin.message(call, now, douyin),
            Route::DouyinComment => self.douyin.comment(call, now, douyin),
            Route::Webhook(name) => self.webhook.receive(name, call, now, webhook),
            Route::CensorToken(Shape::Open) => self.censors.open_token(call, now, open),
            Route::CensorToken(Shape::Mini) => self.censors.mini_token(call, now, mini),
            Route::CensorCheck(shape @ Shape::Open) => self.censors.check(shape, call, now, open),
            Route::CensorCheck(shape @ Shape::Mini) => self.censors.check(shape, call, now, mini),
        };
        for record in &mut self.records {
            self.seen.append(&mut record.shown);
        }
        reply
    }

    /// The platforms forget every image that was uploaded.
    pub(crate) fn forget_uploads(&mut self) {
        self.feishu.uploads.forget();
        self.wecom.uploads.forget();
        self.wechat.uploads.forget();
    }

    fn record(&mut self, platform: Platform) -> &mut Record {
        let [feishu, wecom, wechat, douyin, webhook, open, mini] = &mut self.records;
        match platform {
            Platform::Feishu => feishu,
            Platform::Wecom => wecom,
            Platform::Wechat => wechat,
            Platform::Douyin => douyin,
            Platform::Webhook => webhook,
            Platform::DouyinCensor => open,
            Platform::ToutiaoCensor => mini,
        }
    }
}

impl Route<'_> {
    fn platform(self) -> Platform {
        match self {
            Self::FeishuBot(_) | Self::FeishuToken | Self::FeishuMessage | Self::FeishuImage => {
                Platform::Feishu
            }
            Self::WecomBot
            | Self::WecomMedia
            | Self::WecomToken
            | Self::WecomMessage
            | Self::WecomContactWay
            | Self::WecomWelcome => Platform::Wecom,
            Self::WechatStableToken
            | Self::WechatToken
            | Self::WechatMedia
            | Self::WechatCustom
            | Self::WechatTemplate
            | Self::WechatSubscribe
            | Self::WechatLink(_) => Platform::Wechat,
            Self::DouyinToken | Self::DouyinMessage | Self::DouyinComment => Platform::Douyin,
            Self::Webhook(_) => Platform::Webhook,
            Self::CensorToken(Shape::Open) | Self::CensorCheck(Shape::Open) => Platform::DouyinCensor,
            Self::CensorToken(Shape::Mini) | Self::CensorCheck(Shape::Mini) => Platform::ToutiaoCensor,
        }
    }

    fn place(self) -> Place {
        match self {
            Self::FeishuBot(_)
            | Self::FeishuMessage
            | Self::WecomBot
            | Self::WecomMessage
            | Self::WechatCustom
            | Self::WecomContactWay
            | Self::WecomWelcome
            | Self::WechatTemplate
            | Self::WechatSubscribe
            | Self::WechatLink(_)
            | Self::DouyinMessage
            | Self::DouyinComment
            | Self::Webhook(_)
            | Self::CensorCheck(_) => Place::Send,
            Self::FeishuToken
            | Self::WecomToken
            | Self::WechatStableToken
            | Self::WechatToken
            | Self::DouyinToken
            | Self::CensorToken(_) => Place::Token,
            Self::FeishuImage | Self::WecomMedia | Self::WechatMedia => Place::Upload,
        }
    }
}

/// No two platforms share a path, but for uploads, so one port serves all three.
fn route(call: &Call) -> Option<Route<'_>> {
    Some(match call.path.as_str() {
        // WeCom's and WeChat's: each knows its own tokens by how they begin.
        "/cgi-bin/media/upload" if call.parameter("access_token").starts_with(wecom::TOKEN) => {
            Route::WecomMedia
        }
        "/cgi-bin/media/upload" => Route::WechatMedia,
        "/open-apis/im/v1/images" => Route::FeishuImage,
        "/open-apis/auth/v3/tenant_access_token/internal" => Route::FeishuToken,
        "/open-apis/im/v1/messages" => Route::FeishuMessage,
        "/cgi-bin/webhook/send" => Route::WecomBot,
        "/cgi-bin/gettoken" => Route::WecomToken,
        "/cgi-bin/message/send" => Route::WecomMessage,
        "/cgi-bin/stable_token" => Route::WechatStableToken,
        "/cgi-bin/token" => Route::WechatToken,
        "/cgi-bin/message/custom/send" => Route::WechatCustom,
        "/cgi-bin/externalcontact/add_contact_way" => Route::WecomContactWay,
        "/cgi-bin/externalcontact/send_welcome_msg" => Route::WecomWelcome,
        "/cgi-bin/message/template/send" => Route::WechatTemplate,
        "/cgi-bin/message/subscribe/send" | "/cgi-bin/message/subscribe/bizsend" => Route::WechatSubscribe,
        "/wxa/generate_urllink" => Route::WechatLink("generate_urllink"),
        "/wxa/generatescheme" => Route::WechatLink("generatescheme"),
        "/wxa/genwxashortlink" => Route::WechatLink("genwxashortlink"),
        "/oauth/refresh_token/" => Route::DouyinToken,
        "/oauth/stable_client_token/" => Route::CensorToken(Shape::Open),
        "/api/apps/v1/censor/text/" => Route::CensorCheck(Shape::Open),
        "/api/apps/v2/token" => Route::CensorToken(Shape::Mini),
        "/api/v2/tags/text/antidirt" => Route::CensorCheck(Shape::Mini),
        "/im/send/msg/" => Route::DouyinMessage,
        "/item/comment/reply/" => Route::DouyinComment,
        other => match other.strip_prefix("/webhook/") {
            Some(name) => Route::Webhook(name),
            None => Route::FeishuBot(other.strip_prefix("/open-apis/bot/v2/hook/")?),
        },
    })
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
