//! The JSON door for other processes: `/_simulator/state`, `/faults`, `/clock`, `/people`; and `/`, a page for people that uses it.

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::wire::{Call, Reply};
use crate::world::World;
use crate::{Fault, Platform, SimulatorClock};

const DOOR: &str = "/_simulator/";
/// What each recipient saw, live; orders faults and moves the clock.
const PAGE: &str = include_str!("page/page.html");
const PAGE_STYLE: &str = include_str!("page/page.css");
const PAGE_SCRIPT: &str = include_str!("page/page.js");

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Time {
    AdvanceMs(i64),
    SetMs(i64),
}

/// What a person does.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "does", deny_unknown_fields)]
enum Act {
    /// A WeChat person writes to the account.
    WechatWrites { app_id: String, open_id: String },
    /// A WeChat person switches messages off.
    WechatRefuses { app_id: String, open_id: String },
    /// A Feishu person stops the bot.
    FeishuStopsBot { receive_id: String },
    /// A WeChat person allows one message of a template.
    WechatAllows { app_id: String, open_id: String, template_id: String },
    /// A customer adds a WeCom member: the code to welcome them with.
    WecomAdds { welcome_code: String },
    /// A person writes to an account on Douyin.
    DouyinWrites { message_id: String },
}

/// The answer, when the call is for this door.
pub(crate) fn control(world: &mut World, clock: &SimulatorClock, call: &Call) -> Option<Reply> {
    if call.method == Method::GET && call.path == "/" {
        return Some(Reply::page(PAGE));
    }
    let door = call.path.strip_prefix(DOOR)?;
    Some(match (&call.method, door) {
        (&Method::GET, "page.css") => Reply::part_of_page("text/css", PAGE_STYLE),
        (&Method::GET, "page.js") => Reply::part_of_page("text/javascript", PAGE_SCRIPT),
        (&Method::GET, "state") => state(world, clock),
        (&Method::POST, "faults") => read(call, |fault: Fault| world.faults.order(fault)),
        (&Method::DELETE, "faults") => {
            world.faults.clear();
            Reply::ok(&json!({}))
        }
        (&Method::POST, "clock") => read(call, |time: Time| match time {
            Time::AdvanceMs(ms) => clock.advance_ms(ms),
            Time::SetMs(at) => clock.set_ms(at),
        }),
        (&Method::POST, "people") => read(call, |act: Act| match act {
            Act::WechatWrites { app_id, open_id } => world.wechat.writes(&app_id, &open_id, clock.now_ms()),
            Act::WechatRefuses { app_id, open_id } => world.wechat.refuses(&app_id, &open_id),
            Act::FeishuStopsBot { receive_id } => world.feishu.stop_bot(&receive_id),
            Act::WechatAllows { app_id, open_id, template_id } => {
                world.wechat.allows(&app_id, &open_id, &template_id);
            }
            Act::WecomAdds { welcome_code } => world.wecom.adds(&welcome_code, clock.now_ms()),
            Act::DouyinWrites { message_id } => world.douyin.writes(&message_id, clock.now_ms()),
        }),
        _ => Reply::not_found(),
    })
}

fn state(world: &World, clock: &SimulatorClock) -> Reply {
    Reply::ok(&json!({
        "started_ms": world.started_ms,
        "clock_ms": clock.now_ms(),
        "seen": world.seen,
        "faults": world.faults.waiting(),
        "counters": {
            "feishu": world.counters(Platform::Feishu),
            "wecom": world.counters(Platform::Wecom),
            "wechat": world.counters(Platform::Wechat),
            "douyin": world.counters(Platform::Douyin),
            "webhook": world.counters(Platform::Webhook),
            "douyin_censor": world.counters(Platform::DouyinCensor),
            "toutiao_censor": world.counters(Platform::ToutiaoCensor),
        },
    }))
}

fn read<T: serde::de::DeserializeOwned>(call: &Call, then: impl FnOnce(T)) -> Reply {
    match serde_json::from_slice(&call.body) {
        Ok(read) => {
            then(read);
            Reply::ok(&json!({}))
        }
        Err(error) => {
            Reply::json(StatusCode::BAD_REQUEST, &json!({ "error": format!("unreadable request: {error}") }))
        }
    }
}
