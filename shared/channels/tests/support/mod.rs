//! A platform that gives prepared answers and keeps the requests, and a clock that stands still.

#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses its part of it")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use secrecy::SecretString;
use sluice_channels::{Channels, Endpoints, Message, Reply, SendReport};
use sluice_domain::consent::Recipient;
use sluice_domain::destination::{Channel, Destination};
use sluice_domain::id::{DestinationId, TenantId};
use sluice_domain::time::UnixMillis;
use sluice_ports::{
    Clock, HttpClient, HttpRequest, HttpResponse, PortError, SecretStore, SecretVersions, TransportError,
};

/// 2022-08-30T12:01:20Z, the moment of the published signature.
pub(crate) const NOW: UnixMillis = UnixMillis(1_661_860_880_000);

pub(crate) type Answer = Result<HttpResponse, TransportError>;

/// Answers sends from a list (then with its last), tokens always well.
#[derive(Clone)]
pub(crate) struct Prepared {
    sends: Arc<Mutex<VecDeque<Answer>>>,
    pub(crate) requests: Arc<Mutex<Vec<HttpRequest>>>,
}

impl HttpClient for Prepared {
    async fn send(&self, request: HttpRequest) -> Answer {
        let url = request.url.clone();
        self.requests.lock().unwrap().push(request);
        if url.ends_with("/internal") {
            return answer(200, r#"{"code":0,"msg":"ok","tenant_access_token":"t-1","expire":7200}"#);
        }
        if url.contains("gettoken") {
            return answer(200, r#"{"errcode":0,"errmsg":"ok","access_token":"w-1","expires_in":7200}"#);
        }
        if url.contains("/oauth/") {
            return answer(
                200,
                r#"{"data":{"access_token":"act.1","expires_in":1296000,"error_code":0},"message":"success"}"#,
            );
        }
        if url.contains("stable_token") {
            return answer(200, r#"{"access_token":"s-1","expires_in":7200}"#);
        }
        let mut sends = self.sends.lock().unwrap();
        if sends.len() > 1 { sends.pop_front().unwrap() } else { sends.front().unwrap().clone() }
    }
}

pub(crate) fn answer(status: u16, body: &str) -> Answer {
    bytes_answer(status, body.as_bytes())
}

#[expect(clippy::unnecessary_wraps, reason = "prepared answers may be failures too")]
pub(crate) fn bytes_answer(status: u16, body: &[u8]) -> Answer {
    Ok(HttpResponse {
        status: http::StatusCode::from_u16(status).unwrap(),
        headers: http::HeaderMap::new(),
        body: Bytes::copy_from_slice(body),
    })
}

/// Secrets whose value is their name; `rotating` has a previous version.
pub(crate) struct Named;

impl SecretStore for Named {
    async fn secret(&self, _: &TenantId, name: &str) -> Result<SecretVersions, PortError> {
        let previous = (name == "rotating").then(|| SecretString::from("xxx"));
        Ok(SecretVersions { current: SecretString::from(name), previous })
    }
}

/// Stands still but for what is slept.
pub(crate) struct Still;

thread_local! {
    static BEGAN: std::cell::Cell<Option<tokio::time::Instant>> = const { std::cell::Cell::new(None) };
}

impl Clock for Still {
    fn now(&self) -> UnixMillis {
        let slept = BEGAN.get().map_or(0, |began| i64::try_from(began.elapsed().as_millis()).unwrap());
        NOW.plus_ms(slept)
    }
}

/// Fresh channels, and what they talk to.
pub(crate) fn channels(answers: Vec<Answer>) -> (Channels<Prepared, Named, Still>, Prepared) {
    let http = Prepared { sends: Arc::new(Mutex::new(answers.into())), requests: Arc::default() };
    (Channels::new(Endpoints::default(), http.clone(), Named, Still), http)
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("acme").unwrap()
}

pub(crate) fn destination(channel: &Channel) -> Destination {
    Destination {
        id: DestinationId::new("sales").unwrap(),
        weight: 1,
        recipient: Recipient::new("sales").unwrap(),
        channel: channel.clone(),
        acquisition_link: None,
        limits: std::sync::Arc::default(),
    }
}

/// Runs to the end, with time that stands still but for what is slept.
pub(crate) fn block<T>(work: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let done = runtime.block_on(async {
        BEGAN.set(Some(tokio::time::Instant::now()));
        work.await
    });
    BEGAN.set(None);
    done
}

/// One send to fresh channels, and the requests it made.
pub(crate) fn send(
    channel: &Channel,
    message: &Message,
    answers: Vec<Answer>,
) -> (SendReport, Vec<HttpRequest>) {
    let (channels, http) = channels(answers);
    let report = block(channels.send(&tenant(), &destination(channel), message));
    let requests = http.requests.lock().unwrap().clone();
    (report, requests)
}

pub(crate) fn feishu_bot(signing: Option<&str>) -> Channel {
    Channel::FeishuBot { hook: "a0b1".to_owned(), signing: signing.map(ToOwned::to_owned), uploads: None }
}

pub(crate) fn feishu_app() -> Channel {
    Channel::FeishuApp {
        app_id: "cli_1".to_owned(),
        secret: "app-secret".to_owned(),
        receive_id_type: "open_id".to_owned(),
        receive_id: "ou_7d8a6e6df7621556ce0d21922b676706ccs".to_owned(),
    }
}

pub(crate) fn wecom_bot() -> Channel {
    Channel::WecomBot { key: "693a91f6-7xxx".to_owned() }
}

pub(crate) fn wecom_app() -> Channel {
    Channel::WecomApp {
        corp_id: "ww1".to_owned(),
        agent_id: 1,
        secret: "corp secret".to_owned(),
        members: vec!["UserID1".to_owned(), "UserID2".to_owned()],
    }
}

pub(crate) fn wechat() -> Channel {
    Channel::WechatCustom {
        app_id: "wx1".to_owned(),
        secret: "wx-secret".to_owned(),
        openid_field: "openid".to_owned(),
    }
}

pub(crate) fn all() -> [Channel; 5] {
    [feishu_bot(Some("xxx")), feishu_app(), wecom_bot(), wecom_app(), wechat()]
}

pub(crate) fn message() -> Message {
    Message {
        dispatch_id: "0193a0c0-1dd1-758b-8525-dfeca4015204".to_owned(),
        title: Some("新线索 <b>".to_owned()),
        text: "张先生 138****0001\n<at user_id=\"all\"></at> 想了解 [课程](x)".to_owned(),
        link: Some(("查看线索详情".to_owned(), "https://example.com/l/1?a=(b)&c=d".to_owned())),
        image: None,
        recipient: Some("oPerson".to_owned()),
        fields: [
            ("thing1".to_owned(), "预约成功".to_owned()),
            ("time2".to_owned(), "2026-11-21 14:05".to_owned()),
        ]
        .into(),
        reply: Some(Reply::Message {
            account: "merchant".to_owned(),
            conversation_id: "@conversation==".to_owned(),
            message_id: "@message==".to_owned(),
            until: NOW.plus_ms(1),
        }),
        at: NOW,
    }
}

pub(crate) fn text(text: &str) -> Message {
    Message { title: None, link: None, text: text.to_owned(), ..message() }
}
