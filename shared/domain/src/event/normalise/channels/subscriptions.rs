//! Subscribe messages of WeChat accounts: whom a person lets write to them by which template, and what became of a message. They come as
//! lists within the push; each entry is an event.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{id_of, state};
use crate::event::normalise::{Facts, NormaliseError};
use crate::event::wire::{self, Text};
use crate::event::{EventKind, SUBSCRIPTION_FAILED, SUBSCRIPTION_SENT, Subject};
use crate::scheme::NestedXml;

const FORM: NormaliseError = NormaliseError::Content("a list of templates, each with its status or result");
/// WeChat asks about three templates at once, and five at most.
const MOST: usize = 32;
/// Template ids have 43 characters.
const LONGEST_TEMPLATE: usize = 64;

/// One entry of a list.
#[derive(Debug, Default)]
struct Entry {
    template: Option<String>,
    status: Option<String>,
    message: Option<String>,
    error: Option<String>,
}

/// The list that a push of this name holds; `None` when it is no such push.
fn list_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "subscribe_msg_popup_event" => "SubscribeMsgPopupEvent",
        "subscribe_msg_change_event" => "SubscribeMsgChangeEvent",
        "subscribe_msg_sent_event" => "SubscribeMsgSentEvent",
        _ => return None,
    })
}

/// An event for each entry of a push, whose common facts are given; the push itself, when it has no entries or is another.
pub(super) fn read(text: &str, from: Option<&str>, push: Facts) -> Result<Vec<Facts>, NormaliseError> {
    let Some(list) = list_of(&push.name) else { return Ok(vec![push]) };
    let entries = match NestedXml::root(text) {
        Some(root) => of_xml(&root, list),
        None => of_json(text, list)?,
    };
    if entries.is_empty() {
        return Ok(vec![push]);
    }
    if entries.len() > MOST {
        return Err(FORM);
    }
    let entries = entries.iter().enumerate();
    entries.map(|(place, entry)| event(text, place, entry, from, &push)).collect()
}

fn event(
    text: &str,
    place: usize,
    entry: &Entry,
    from: Option<&str>,
    push: &Facts,
) -> Result<Facts, NormaliseError> {
    let template = state(entry.template.as_deref()).filter(|id| id.len() <= LONGEST_TEMPLATE).ok_or(FORM)?;
    let subscription = || Subject::Authorization { scopes: vec![template], expires_at: None };
    let (kind, subject, name) = match (push.name.as_str(), entry.status.as_deref()) {
        ("subscribe_msg_sent_event", _) => {
            let error = state(entry.error.as_deref()).ok_or(FORM)?;
            let (sent, name) = (error == "0", format!("{} {error}", push.name));
            let what = if sent { SUBSCRIPTION_SENT } else { SUBSCRIPTION_FAILED }.to_owned();
            let messages = state(entry.message.as_deref()).into_iter().collect();
            (EventKind::ChannelActivity, Subject::Activity { what, state: None, messages }, name)
        }
        (_, Some("accept")) => (EventKind::Authorize, subscription(), push.name.clone()),
        (_, Some("reject")) => (EventKind::Unauthorize, subscription(), push.name.clone()),
        // `ban` and `filter` are the platform's own doing, and say nothing of what the person wants.
        (_, Some(_)) => (EventKind::Unhandled, Subject::Nothing, push.name.clone()),
        (_, None) => return Err(FORM),
    };
    let mut facts = Facts::new(kind, name);
    facts.message_id = Some(id_of(&format!("{text}\n{place}")));
    facts.occurred_at = push.occurred_at;
    facts.account.clone_from(&push.account);
    facts.subject = subject;
    if kind != EventKind::Unhandled {
        facts.contact("wechat", push.account.as_deref(), from);
    }
    Ok(facts)
}

/// `<SubscribeMsgPopupEvent><List>…</List><List>…</List></SubscribeMsgPopupEvent>`.
fn of_xml(root: &NestedXml<'_>, list: &str) -> Vec<Entry> {
    let entries = root.all(list).flat_map(|list| list.all("List"));
    entries
        .map(|entry| {
            let text = |name| entry.text(name).map(str::to_owned);
            Entry {
                template: text("TemplateId"),
                status: text("SubscribeStatusString"),
                message: text("MsgID"),
                error: text("ErrorCode"),
            }
        })
        .collect()
}

/// `List`, or the list's own name, holds one entry or an array of them; under the list's own name there may be a `List` in between.
fn of_json(text: &str, list: &str) -> Result<Vec<Entry>, NormaliseError> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Push<'a> {
        #[serde(borrow, rename = "List")]
        list: Option<&'a RawValue>,
        #[serde(borrow, rename = "SubscribeMsgPopupEvent")]
        popup: Option<&'a RawValue>,
        #[serde(borrow, rename = "SubscribeMsgChangeEvent")]
        change: Option<&'a RawValue>,
        #[serde(borrow, rename = "SubscribeMsgSentEvent")]
        sent: Option<&'a RawValue>,
    }
    let push: Push<'_> = wire::object(text).map_err(|_| FORM)?;
    let named = match list {
        "SubscribeMsgPopupEvent" => push.popup,
        "SubscribeMsgChangeEvent" => push.change,
        _ => push.sent,
    };
    let Some(found) = named.or(push.list) else { return Ok(Vec::new()) };
    entries(within(found.get())?)
}

/// What a list's own name holds: the list, or an object with it.
fn within(raw: &str) -> Result<&str, NormaliseError> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Holder<'a> {
        #[serde(borrow, rename = "List")]
        list: Option<&'a RawValue>,
    }
    if !raw.starts_with('{') {
        return Ok(raw);
    }
    let holder: Holder<'_> = wire::object(raw).map_err(|_| FORM)?;
    Ok(holder.list.map_or(raw, RawValue::get))
}

fn entries(raw: &str) -> Result<Vec<Entry>, NormaliseError> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Json<'a> {
        #[serde(borrow, rename = "TemplateId")]
        template: Text<'a>,
        #[serde(borrow, rename = "SubscribeStatusString")]
        status: Text<'a>,
        #[serde(borrow, rename = "MsgID", alias = "MsgId")]
        message: Text<'a>,
        #[serde(borrow, rename = "ErrorCode")]
        error: Text<'a>,
    }
    let one = |raw: &str| {
        let Json { template, status, message, error } = wire::object(raw).map_err(|_| FORM)?;
        let (template, status) = (template.owned(), status.owned());
        Ok(Entry { template, status, message: message.owned(), error: error.owned() })
    };
    match raw {
        "null" | "{}" => Ok(Vec::new()),
        array if array.starts_with('[') => {
            let all: Vec<&RawValue> = serde_json::from_str(array).map_err(|_| FORM)?;
            // No more are read than can be refused.
            all.into_iter().take(MOST + 1).map(|entry| one(entry.get())).collect()
        }
        object => one(object).map(|entry| vec![entry]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::wechat;
    use super::*;
    use crate::event::normalise::Found;
    use crate::sealed::exposed;
    use crate::time::UnixMillis;

    const TEMPLATE: &str = "VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc";

    fn events(push: &str) -> Result<Vec<Facts>, NormaliseError> {
        match wechat(push, Some("wx1"))? {
            Found::Facts(facts) => Ok(facts),
            Found::Handshake(_) => panic!("no question of a console"),
        }
    }

    fn pushed(event: &str, list: &str) -> String {
        format!(
            r#"{{"ToUserName":"gh_1","FromUserName":"o1","CreateTime":1610969440,"MsgType":"event","Event":"{event}","List":{list}}}"#
        )
    }

    fn popup(list: &str) -> Result<Vec<Facts>, NormaliseError> {
        events(&pushed("subscribe_msg_popup_event", list))
    }

    #[test]
    fn pushes_as_the_platform_and_its_clients_show_them_are_read() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../../../../tests/vectors/wechat_subscriptions.json"))
                .unwrap();
        let rows = vectors["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 8);
        for row in rows {
            let (source, push) = (row["source"].as_str().unwrap(), row["push"].as_str().unwrap());
            let found = events(push).unwrap();
            let expected = row["events"].as_array().unwrap();
            assert_eq!(found.len(), expected.len(), "{source}");
            for (facts, expected) in found.iter().zip(expected) {
                assert_eq!(facts.kind.as_str(), expected["kind"], "{source}");
                let (template, message) = match &facts.subject {
                    Subject::Authorization { scopes, expires_at: None } => (scopes.first(), None),
                    Subject::Activity { what, state: None, messages } if what == SUBSCRIPTION_SENT => {
                        (None, messages.first())
                    }
                    other => panic!("{source}: {other:?}"),
                };
                assert_eq!(template.map(String::as_str), expected["template"].as_str(), "{source}");
                assert_eq!(message.map(String::as_str), expected["message"].as_str(), "{source}");
                let known_by = format!("wechat:wx1:{}", row["person"].as_str().unwrap());
                assert_eq!(facts.person.as_ref().map(exposed), Some(known_by.as_str()), "{source}");
                let at = UnixMillis(row["at"].as_i64().unwrap() * 1_000);
                assert_eq!(facts.occurred_at, Some(at), "{source}");
            }
        }
    }

    #[test]
    fn each_entry_has_an_id_of_its_own_that_stays() {
        let entry = format!(r#"{{"TemplateId":"{TEMPLATE}","SubscribeStatusString":"accept"}}"#);
        let ids = || -> Vec<String> {
            let found = popup(&format!("[{entry},{entry},{entry}]")).unwrap();
            found.into_iter().filter_map(|facts| facts.message_id).collect()
        };
        assert_eq!(ids(), ids());
        assert_eq!(ids().iter().collect::<BTreeSet<_>>().len(), 3, "of one template, too");
    }

    #[test]
    fn a_message_that_did_not_arrive_says_why() {
        let entry = |code: &str| {
            format!(
                r#"{{"TemplateId":"{TEMPLATE}","MsgID":1864323726461255680,"ErrorCode":{code},"ErrorStatus":"x"}}"#
            )
        };
        let sent = |code: &str| events(&pushed("subscribe_msg_sent_event", &entry(code)));
        let found = sent("1000").unwrap();
        assert_eq!(found[0].name, "subscribe_msg_sent_event 1000");
        let messages = vec!["1864323726461255680".to_owned()];
        let what = SUBSCRIPTION_FAILED.to_owned();
        assert_eq!(found[0].subject, Subject::Activity { what, state: None, messages });
        assert!(sent("null").is_err(), "nobody would know what became of it");
    }

    #[test]
    fn what_the_platform_does_by_itself_is_no_word_of_the_person() {
        for status in ["ban", "filter", "a word of tomorrow"] {
            let found =
                popup(&format!(r#"{{"TemplateId":"{TEMPLATE}","SubscribeStatusString":"{status}"}}"#))
                    .unwrap();
            assert_eq!((found[0].kind, found[0].person.is_none()), (EventKind::Unhandled, true), "{status}");
        }
        for empty in ["[]", "{}", "null"] {
            let found = popup(empty).unwrap();
            assert_eq!((found.len(), found[0].kind), (1, EventKind::Unhandled), "{empty}");
        }
    }

    #[test]
    fn lists_without_form_or_end_are_refused() {
        let entry = format!(r#"{{"TemplateId":"{TEMPLATE}","SubscribeStatusString":"reject"}}"#);
        let many = |count: usize| format!("[{}]", vec![entry.as_str(); count].join(","));
        assert_eq!(popup(&many(32)).map(|found| found.len()).ok(), Some(32));
        let long = format!(r#"{{"TemplateId":"{}","SubscribeStatusString":"reject"}}"#, "a".repeat(65));
        for list in [
            many(33).as_str(),
            long.as_str(),
            r#""accept""#,
            "[1]",
            r#"[["VRR0", "accept"]]"#,
            r#"{"TemplateId":"VRR0"}"#,
            r#"{"SubscribeStatusString":"reject"}"#,
            r#"{"TemplateId":"a b","SubscribeStatusString":"reject"}"#,
        ] {
            assert_eq!(popup(list).err(), Some(FORM), "{list}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_lists_never_panic(text in "(<|>|List|TemplateId|/|\\{|\\}|\\[|\\]|\"|:|,|reject|1){0,40}") {
            let json = pushed("subscribe_msg_sent_event", &text);
            let xml = format!("<xml><MsgType>event</MsgType><Event>subscribe_msg_popup_event</Event><SubscribeMsgPopupEvent>{text}</SubscribeMsgPopupEvent></xml>");
            let _ = (events(&json).is_ok(), events(&xml).is_ok());
        }
    }
}
