//! The JSON door for other processes: `/_simulator/state`, `/faults`, `/clock`, `/people`; and `/`, a page for people that uses it.

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::fault::FaultError;
use crate::people::Act;
use crate::wire::{Call, Reply};
use crate::world::World;
use crate::{Fault, Platform, SimulatorClock};

const DOOR: &str = "/_simulator/";
/// What each recipient saw, live; orders faults, moves the clock, does what people do.
const PAGE: &str = include_str!("page/page.html");
const PAGE_STYLE: &str = include_str!("page/page.css");
const PAGE_SCRIPT: &str = include_str!("page/page.js");
/// The last millisecond of the year 9999: beyond it dates have no common form, and sums of times no room.
const LATEST_MS: i64 = 253_402_300_799_999;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Time {
    AdvanceMs(i64),
    SetMs(i64),
}

/// A clock is not moved there.
#[derive(Debug, thiserror::Error)]
#[error("the clock goes from 1970 to 9999, 0 to {LATEST_MS} ms, not to {0} ms")]
struct ClockError(i64);

impl Time {
    fn set(&self, clock: &SimulatorClock) -> Result<(), ClockError> {
        let to = match self {
            Self::AdvanceMs(ms) => clock.now_ms().saturating_add(*ms),
            Self::SetMs(at) => *at,
        };
        if !(0..=LATEST_MS).contains(&to) {
            return Err(ClockError(to));
        }
        match self {
            Self::AdvanceMs(ms) => clock.advance_ms(*ms),
            Self::SetMs(at) => clock.set_ms(*at),
        }
        Ok(())
    }
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
        (&Method::GET, "state") => match seen_from(call) {
            Ok(from) => state(world, clock, from),
            Err(error) => refused(&error.to_string()),
        },
        (&Method::POST, "faults") => obey(call, |fault: Fault| {
            fault.check()?;
            world.faults.order(fault);
            Ok::<_, FaultError>(())
        }),
        (&Method::DELETE, "faults") => {
            world.faults.clear();
            Reply::ok(&json!({}))
        }
        (&Method::POST, "clock") => obey(call, |time: Time| time.set(clock)),
        (&Method::POST, "people") => obey(call, |act: Act| act.happen(world, clock.now_ms())),
        _ => Reply::not_found(),
    })
}

/// A state is asked for from no such message.
#[derive(Debug, thiserror::Error)]
#[error("`seen_from` is how many messages are known already, got `{0}`")]
struct SeenFromError(String);

/// Who looks again and again asks for what is new.
fn seen_from(call: &Call) -> Result<usize, SeenFromError> {
    match call.parameter("seen_from") {
        "" => Ok(0),
        from => from.parse().map_err(|_| SeenFromError(from.to_owned())),
    }
}

fn state(world: &World, clock: &SimulatorClock, seen_from: usize) -> Reply {
    Reply::ok(&json!({
        "started_ms": world.started_ms,
        "clock_ms": clock.now_ms(),
        "seen_from": seen_from,
        "seen": world.seen.get(seen_from..).unwrap_or_default(),
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

/// Does what the body says; 400 with the reason when it can not be read or done.
fn obey<T: serde::de::DeserializeOwned, E: std::fmt::Display>(
    call: &Call,
    act: impl FnOnce(T) -> Result<(), E>,
) -> Reply {
    let done = match serde_json::from_slice(&call.body) {
        Ok(order) => act(order).map_err(|error| error.to_string()),
        Err(error) => Err(format!("unreadable request: {error}")),
    };
    match done {
        Ok(()) => Reply::ok(&json!({})),
        Err(error) => refused(&error),
    }
}

fn refused(error: &str) -> Reply {
    Reply::json(StatusCode::BAD_REQUEST, &json!({ "error": error }))
}
