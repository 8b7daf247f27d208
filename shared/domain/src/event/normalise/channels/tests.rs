use proptest::prelude::*;

use super::super::{Found, NormaliseError};
use super::*;
use crate::event::EventKind;
use crate::time::UnixMillis;

fn one(found: Result<Found, NormaliseError>) -> Facts {
    match found {
        Ok(Found::Facts(mut facts)) if facts.len() == 1 => facts.remove(0),
        Ok(_) => panic!("not one event"),
        Err(error) => panic!("{error}"),
    }
}

fn known_by(facts: &Facts) -> Option<&str> {
    facts.person.as_ref().map(crate::sealed::exposed)
}

/// The XML of an event, as WeCom and WeChat write them.
fn xml(fields: &[(&str, &str)]) -> String {
    let inside = fields.iter().fold(String::new(), |inside, (name, value)| {
        inside + &format!("<{name}><![CDATA[{value}]]></{name}>")
    });
    format!("<xml><ToUserName><![CDATA[ww1]]></ToUserName><CreateTime>1795219200</CreateTime>{inside}</xml>")
}

fn wecom_event(fields: &[(&str, &str)]) -> Facts {
    let all = [&[("FromUserName", "sys"), ("MsgType", "event")], fields].concat();
    one(wecom(&xml(&all), Some("ww1")))
}

#[test]
fn whoever_adds_a_member_brings_the_state_of_the_link() {
    for change in ["add_external_contact", "add_half_external_contact"] {
        let facts = wecom_event(&[
            ("Event", "change_external_contact"),
            ("ChangeType", change),
            ("UserID", "zhangsan"),
            ("ExternalUserID", "woAJ2GCAAAXtWyujaWJHDDGi0mACAAAA"),
            ("State", "teststate"),
            ("WelcomeCode", "WELCOMECODE"),
        ]);
        assert_eq!((facts.kind, facts.name.as_str()), (EventKind::ContactAdded, change));
        assert_eq!(known_by(&facts), Some("wecom:ww1:woAJ2GCAAAXtWyujaWJHDDGi0mACAAAA"));
        assert_eq!(facts.occurred_at, Some(UnixMillis(1_795_219_200_000)));
        let (state, member) = (Some("teststate".to_owned()), Some("zhangsan".to_owned()));
        assert_eq!(facts.subject, Subject::Contact { state, member, by_person: true });
        let kept = format!("{:?} {:?}", facts.subject, facts.personal.len());
        assert!(!kept.contains("WELCOME"), "a code of twenty seconds is not kept");
    }
}

#[test]
fn who_leaves_and_who_is_removed_are_told_apart() {
    for (change, by_person) in [("del_follow_user", true), ("del_external_contact", false)] {
        let facts = wecom_event(&[
            ("Event", "change_external_contact"),
            ("ChangeType", change),
            ("UserID", "zhangsan"),
            ("ExternalUserID", "wo1"),
        ]);
        assert_eq!(facts.kind, EventKind::ContactLost);
        let member = Some("zhangsan".to_owned());
        assert_eq!(facts.subject, Subject::Contact { state: None, member, by_person });
    }
}

#[test]
fn links_of_customer_acquisition_tell_activity_and_warn() {
    for (change, kind) in [
        ("friend_request", EventKind::ChannelActivity),
        ("open_profile", EventKind::ChannelActivity),
        ("balance_low", EventKind::ChannelNotice),
        ("balance_exhausted", EventKind::ChannelNotice),
        ("a_name_of_tomorrow", EventKind::ChannelNotice),
    ] {
        let facts = wecom_event(&[("Event", "customer_acquisition"), ("ChangeType", change), ("State", "s")]);
        assert_eq!(facts.kind, kind, "{change}");
    }
    let facts = wecom_event(&[("Event", "change_contact"), ("ChangeType", "create_user"), ("UserID", "x")]);
    assert_eq!((facts.kind, known_by(&facts)), (EventKind::Unhandled, None));
}

#[test]
fn the_same_event_sealed_twice_is_one_event() {
    let fields = [("Event", "change_external_contact"), ("ChangeType", "del_follow_user")];
    let (one, again) = (wecom_event(&fields), wecom_event(&fields));
    assert_eq!(one.message_id, again.message_id);
    let other = wecom_event(&[("Event", "change_external_contact"), ("ChangeType", "del_external_contact")]);
    assert_ne!(one.message_id, other.message_id);
    assert!(one.message_id.is_some_and(|id| id.starts_with(DIGEST_ID)));
}

#[test]
fn followers_and_messages_of_a_wechat_account_are_read_from_xml_and_json() {
    let of_xml = |fields: &[(&str, &str)]| {
        one(wechat(&xml(&[&[("FromUserName", "o1")], fields].concat()), Some("wx1")))
    };
    let facts = of_xml(&[("MsgType", "event"), ("Event", "subscribe"), ("EventKey", "qrscene_abc")]);
    let state = Some("abc".to_owned());
    assert_eq!(facts.subject, Subject::Contact { state, member: None, by_person: true });
    assert_eq!((facts.kind, known_by(&facts)), (EventKind::ContactAdded, Some("wechat:wx1:o1")));
    let facts = of_xml(&[("MsgType", "event"), ("Event", "unsubscribe")]);
    assert_eq!(facts.kind, EventKind::ContactLost);
    let finished = [("MsgType", "event"), ("Event", "TEMPLATESENDJOBFINISH")];
    for (status, kind) in [
        ("failed:user block", EventKind::ContactLost),
        ("success", EventKind::Unhandled),
        ("failed: system failed", EventKind::Unhandled),
    ] {
        assert_eq!(of_xml(&[&finished[..], &[("Status", status)]].concat()).kind, kind, "{status}");
    }
    // As the platform's own document shows it in safe mode.
    let debug = r#"{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714112445,"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}"#;
    assert_eq!(one(wechat(debug, Some("wx1"))).kind, EventKind::Unhandled);
    let text = r#"{"ToUserName":"gh","FromUserName":"o2","CreateTime":1714112445,"MsgType":"text","MsgId":23456789012345678901,"Content":"退订"}"#;
    let facts = one(wechat(text, Some("wx1")));
    assert_eq!(
        (facts.kind, facts.message_id.as_deref()),
        (EventKind::DirectMessage, Some("23456789012345678901"))
    );
    let written = facts.personal.iter().find(|(field, _)| *field == PersonalField::Text);
    assert_eq!(written.map(|(_, text)| crate::sealed::exposed(text)), Some("退订"));
}

fn feishu_event(name: &str, event: &str) -> Facts {
    let header = format!(
        r#"{{"event_id":"f7984f25108f8137722bb63cee927e66","token":"t","create_time":"1795219200000","event_type":"{name}","tenant_key":"k","app_id":"cli_1"}}"#
    );
    one(feishu(&format!(r#"{{"schema":"2.0","header":{header},"event":{event}}}"#), Some("cli_1")))
}

#[test]
fn private_messages_to_a_feishu_application_are_read_and_those_of_groups_are_not() {
    let message = |chat: &str| {
        format!(
            r#"{{"sender":{{"sender_id":{{"open_id":"ou_1","union_id":"on_1"}},"sender_type":"user"}},"message":{{"message_id":"om_1","chat_type":"{chat}","message_type":"text","content":"{{\"text\":\"TD\"}}"}}}}"#
        )
    };
    let facts = feishu_event("im.message.receive_v1", &message("p2p"));
    assert_eq!((facts.kind, facts.message_id.as_deref()), (EventKind::DirectMessage, Some("om_1")));
    assert_eq!(known_by(&facts), Some("feishu:cli_1:ou_1"));
    let facts = feishu_event("im.message.receive_v1", &message("group"));
    assert_eq!((facts.kind, known_by(&facts), facts.personal.len()), (EventKind::Unhandled, None, 0));
}

#[test]
fn readings_and_removals_of_feishu_are_read() {
    let read = r#"{"reader":{"reader_id":{"open_id":"ou_2"},"read_time":"1609484183000"},"message_id_list":["om_1","om 2","om_3"]}"#;
    let facts = feishu_event("im.message.message_read_v1", read);
    let messages = vec!["om_1".to_owned(), "om_3".to_owned()];
    assert_eq!(facts.subject, Subject::Activity { what: "message_read".into(), state: None, messages });
    let facts = feishu_event("im.chat.member.bot.deleted_v1", r#"{"chat_id":"oc_1"}"#);
    assert_eq!(facts.kind, EventKind::ChannelNotice);
    let facts = feishu_event("contact.user.deleted_v3", r#"{"object":{"open_id":"ou_3"}}"#);
    assert_eq!((facts.kind, known_by(&facts)), (EventKind::ContactLost, Some("feishu:cli_1:ou_3")));
    assert_eq!(feishu_event("contact.user.updated_v3", "{}").kind, EventKind::Unhandled);
}

#[test]
fn what_has_no_form_is_refused_in_words() {
    for text in ["", "{}", "[]", "<xml>", "<xml><A>1</A></xml>", r#"{"header":{}}"#, "hello"] {
        assert!(wecom(text, None).is_err(), "{text}");
        assert!(wechat(text, None).is_err(), "{text}");
        assert!(feishu(text, None).is_err(), "{text}");
    }
    let broken = r#"{"header":{"event_type":"im.message.receive_v1"},"event":{"message":3}}"#;
    assert!(matches!(feishu(broken, None), Err(NormaliseError::Content(_))));
}

#[test]
fn a_state_that_is_none_of_ours_is_not_taken_along() {
    let long = "a".repeat(65);
    for (came, kept) in
        [("teststate", true), (long.as_str(), false), ("状态", false), ("a b", false), ("", true)]
    {
        assert_eq!(state(Some(came)).is_some(), kept, "{came}");
    }
}

proptest! {
    #[test]
    fn arbitrary_texts_never_panic(text in "(<|>|xml|MsgType|event|/|\\[CDATA\\[|\\]\\]|\\{|\\}|\"|:|header|,){0,40}") {
        let _ = (wecom(&text, None).is_ok(), wechat(&text, None).is_ok(), feishu(&text, None).is_ok());
    }
}
