//! What leaves for the platforms, and what their answers mean.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod support;

use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_channels::{Channels, Form, HyperClient, Idempotency, Row, Verdict, Wait, codes, idempotency};
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::Channel;
use sluice_domain::time::UnixMillis;
use sluice_ports::{HttpRequest, TransportError};
use support::{
    NOW, Named, Still, all, answer, bytes_answer, feishu_app, feishu_bot, message, send, text,
    wechat as wechat_custom, wecom_app, wecom_bot,
};

const TAKEN: &str = r#"{"code":0,"errcode":0}"#;

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// The last request as people read it: where it went, its headers, its body.
fn shown(channel: &Channel, message: &sluice_channels::Message) -> Value {
    let (_, requests) = send(channel, message, vec![answer(200, TAKEN)]);
    let request = requests.last().unwrap();
    let headers: Vec<String> =
        request.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    json!({ "to": format!("{} {}", request.method, request.url), "headers": headers, "body": body(request) })
}

#[test]
fn cards_are_built_as_documented() {
    for channel in all() {
        insta::assert_json_snapshot!(format!("card_{}", channel.as_str()), shown(&channel, &message()));
    }
}

#[test]
fn texts_are_built_as_documented() {
    for channel in all() {
        insta::assert_json_snapshot!(
            format!("text_{}", channel.as_str()),
            shown(&channel, &text("test content <@all>"))
        );
    }
}

#[test]
fn the_documented_request_of_the_feishu_application_is_reproduced() {
    let documented = sluice_channels::Message {
        dispatch_id: "a0d69e20-1dd1-458b-k525-dfeca4015204".to_owned(),
        ..text("test content")
    };
    let (_, requests) = send(&feishu_app(), &documented, vec![answer(200, TAKEN)]);
    let expected = r#"{"receive_id":"ou_7d8a6e6df7621556ce0d21922b676706ccs","msg_type":"text","content":"{\"text\":\"test content\"}","uuid":"a0d69e20-1dd1-458b-k525-dfeca4015204"}"#;
    assert_eq!(body(&requests[1]), serde_json::from_str::<Value>(expected).unwrap());
}

#[test]
fn bots_sign_in_the_body_with_the_published_value() {
    let (_, requests) = send(&feishu_bot(Some("xxx")), &text("x"), vec![answer(200, TAKEN)]);
    let sent = body(&requests[0]);
    assert_eq!(sent["timestamp"], "1661860880");
    assert_eq!(sent["sign"], "QnWVTSBe6FmQDE0bG6X0mURbI+DnvVyu1h+j5dHOjrU=");
    assert!(requests[0].headers.iter().all(|(name, _)| !name.as_str().starts_with("x-lark")));
}

#[test]
fn a_refused_sign_is_renewed_once_with_the_secret_before() {
    let mismatch = answer(200, r#"{"code":19021,"msg":"sign match fail"}"#);
    let (report, requests) =
        send(&feishu_bot(Some("rotating")), &text("x"), vec![mismatch.clone(), answer(200, TAKEN)]);
    assert_eq!(report.outcome, Outcome::Delivered { provider_id: None });
    assert_eq!(body(&requests[1])["sign"], "QnWVTSBe6FmQDE0bG6X0mURbI+DnvVyu1h+j5dHOjrU=");

    let (report, requests) = send(&feishu_bot(Some("rotating")), &text("x"), vec![mismatch]);
    assert_eq!((report.outcome, requests.len()), (Outcome::EndpointRefused, 2));
}

/// Every row that a channel can be answered, and the field of the code.
fn tables() -> Vec<(&'static [Row], Channel, &'static str)> {
    let speaks = |platform: &str| match platform {
        "feishu" => Some((feishu_app(), "code")),
        "wecom" => Some((wecom_app(), "errcode")),
        "wechat" => Some((wechat_custom(), "errcode")),
        _ => None,
    };
    let tables = codes::TABLES.iter().filter(|table| (table.platform, table.api) != ("wecom", "bot"));
    tables
        .filter_map(|table| speaks(table.platform).map(|(channel, field)| (table.rows, channel, field)))
        .collect()
}

fn first_wait_ms(wait: Wait) -> i64 {
    match wait {
        Wait::Seconds(seconds) | Wait::Rising { first: seconds, .. } => seconds * 1_000,
        Wait::ResetHeader | Wait::MinuteHourDay => 60_000,
    }
}

#[test]
fn every_row_of_the_error_tables_becomes_its_outcome() {
    for (table, channel, field) in tables() {
        for row in table {
            for status in [200, 400] {
                let refused = json!({ field: row.code, "msg": "no", "errmsg": "no" }).to_string();
                let (report, requests) = send(&channel, &message(), vec![answer(status, &refused)]);
                let expected = match row.verdict {
                    Verdict::Duplicate => Outcome::Delivered { provider_id: None },
                    Verdict::Transient => Outcome::Transient,
                    Verdict::Recipient { opt_out } => Outcome::RecipientRefused { opt_out },
                    Verdict::Content { compliance } => Outcome::ContentRefused { compliance },
                    // Of a text: there is nothing to upload.
                    Verdict::UploadAgain => Outcome::ContentRefused { compliance: false },
                    Verdict::Endpoint | Verdict::RefreshToken | Verdict::SignAgain => {
                        Outcome::EndpointRefused
                    }
                    Verdict::Throttle(wait, _) => {
                        Outcome::Throttled { until: NOW.plus_ms(first_wait_ms(wait)) }
                    }
                    Verdict::Quota(sluice_channels::Refill::NextDay) => {
                        Outcome::QuotaExhausted { until: NOW.business_day().end() }
                    }
                    // 2022-09-01T00:00:00+08:00
                    Verdict::Quota(sluice_channels::Refill::NextMonth) => {
                        Outcome::QuotaExhausted { until: UnixMillis(1_661_961_600_000) }
                    }
                };
                assert_eq!(report.outcome, expected, "{} {} under {status}", channel.as_str(), row.code);
                assert_eq!(report.code, Some(row.code.to_string()));
                assert_eq!(report.message.as_deref(), Some("no"));
                // A token, a send; a dead token doubles both.
                let calls = if row.verdict == Verdict::RefreshToken { 4 } else { 2 };
                assert_eq!(requests.len(), calls, "{} {}", channel.as_str(), row.code);
            }
        }
    }
}

/// The classes that matter most, spelled out against the platforms' documents rather than against our own table.
#[test]
fn codes_mean_what_the_platforms_say() {
    let recipient = |opt_out| Outcome::RecipientRefused { opt_out };
    let content = |compliance| Outcome::ContentRefused { compliance };
    let after = |seconds: i64| Outcome::Throttled { until: NOW.plus_ms(seconds * 1_000) };
    for (channel, field, code, expected) in [
        (feishu_bot(None), "code", 19_001, Outcome::EndpointRefused),
        (feishu_bot(None), "code", 19_022, Outcome::EndpointRefused),
        (feishu_bot(None), "code", 19_024, content(false)),
        (feishu_bot(None), "StatusCode", 19_024, content(false)),
        (feishu_bot(None), "code", 11_232, after(5)),
        (feishu_app(), "code", 230_002, recipient(false)),
        (feishu_app(), "code", 230_022, content(true)),
        (feishu_app(), "code", 230_028, content(true)),
        (feishu_app(), "code", 230_049, Outcome::Transient),
        (feishu_app(), "code", 230_053, recipient(true)),
        (feishu_app(), "code", 99_991_672, Outcome::EndpointRefused),
        (wecom_bot(), "errcode", 93_000, Outcome::EndpointRefused),
        (wecom_bot(), "errcode", 45_009, after(60)),
        (wecom_app(), "errcode", -1, Outcome::Transient),
        (wecom_app(), "errcode", 45_033, after(5)),
        (wecom_app(), "errcode", 48_002, Outcome::EndpointRefused),
        (wecom_app(), "errcode", 81_013, recipient(false)),
        (wechat_custom(), "errcode", 45_011, after(60)),
        (wechat_custom(), "errcode", 45_009, Outcome::QuotaExhausted { until: NOW.business_day().end() }),
        (wechat_custom(), "errcode", 45_015, recipient(false)),
        (wechat_custom(), "errcode", 48_002, recipient(true)),
        (wechat_custom(), "errcode", 87_014, content(true)),
        (wechat_custom(), "errcode", 7_654_321, Outcome::UnknownCode),
        (feishu_app(), "code", 7_654_321, Outcome::UnknownCode),
    ] {
        let (report, _) = send(&channel, &message(), vec![answer(200, &json!({ field: code }).to_string())]);
        assert_eq!(report.outcome, expected, "{} {code}", channel.as_str());
    }
}

#[test]
fn silence_is_unclear_unless_nothing_was_sent() {
    let said = || "the reason".to_owned();
    for (error, outcome, code) in [
        (TransportError::NotSent(said()), Outcome::Transient, "not_sent"),
        (TransportError::NoAnswer(said()), Outcome::Unclear, "no_answer"),
        (TransportError::BadAnswer(said()), Outcome::Unclear, "bad_answer"),
        (TransportError::BadRequest(said()), Outcome::EndpointRefused, "bad_request"),
    ] {
        for channel in all() {
            let (report, _) = send(&channel, &message(), vec![Err(error.clone())]);
            assert_eq!((&report.outcome, report.code.as_deref()), (&outcome, Some(code)));
        }
    }
}

#[test]
fn the_longest_text_is_sent_and_one_byte_more_is_not() {
    for (channel, longest) in [
        (wecom_bot(), 2_048),
        (wecom_app(), 2_048 - "\n编号 dfeca4015204".len()),
        (wechat_custom(), 2_048),
        (feishu_app(), 150_000 - r#"{"text":""}"#.len()),
        (feishu_bot(None), 20_000 - r#"{"content":{"text":""},"msg_type":"text"}"#.len()),
    ] {
        let fits = text(&"x".repeat(longest));
        let (report, _) = send(&channel, &fits, vec![answer(200, TAKEN)]);
        assert!(matches!(report.outcome, Outcome::Delivered { .. }), "{}: {report:?}", channel.as_str());
        let (report, requests) = send(&channel, &text(&"x".repeat(longest + 1)), vec![answer(200, TAKEN)]);
        assert_eq!(report.outcome, Outcome::ContentRefused { compliance: false }, "{}", channel.as_str());
        assert_eq!((report.code.as_deref(), requests.len()), (Some("too_long"), 0));
    }
}

#[test]
fn a_long_card_becomes_a_text_before_it_becomes_too_long() {
    let long = sluice_channels::Message { text: "长".repeat(400), ..message() };
    let (_, requests) = send(&wecom_app(), &long, vec![answer(200, TAKEN)]);
    let sent = body(&requests[1]);
    assert_eq!(sent["msgtype"], "text");
    assert!(sent["text"]["content"].as_str().unwrap().contains("<a href=\"https://example.com/l/1"));
}

#[test]
fn empty_texts_and_odd_links_are_not_sent() {
    let link = |address: &str| sluice_channels::Message {
        link: Some(("查看".to_owned(), address.to_owned())),
        ..message()
    };
    for channel in all() {
        for (message, code) in [(text(" \n"), "empty"), (link("javascript:alert(1)"), "bad_link")] {
            let (report, requests) = send(&channel, &message, vec![answer(200, TAKEN)]);
            assert_eq!((report.code.as_deref(), requests.len()), (Some(code), 0));
        }
    }
}

#[test]
fn a_platform_that_repeats_the_message_is_not_quoted() {
    let echo = json!({ "errcode": 40_058, "errmsg": "bad parameter near 张先生 138****0001" }).to_string();
    let (report, _) = send(&wecom_bot(), &message(), vec![answer(200, &echo)]);
    let kept = report.message.unwrap();
    assert!(kept.starts_with("bad parameter near ·") && !kept.contains("138"), "{kept}");
}

#[test]
fn of_a_code_that_nobody_knows_the_whole_answer_is_kept_and_told() {
    let odd = r#"{"errcode":7654321,"errmsg":"new rule","hint":{"of":"张先生"}}"#;
    for channel in [wecom_bot(), wecom_app(), wechat_custom()] {
        let (report, _) = send(&channel, &message(), vec![answer(200, odd)]);
        assert_eq!(report.message.as_deref(), Some(odd.replace("张先生", "···").as_str()));
        assert_eq!(report.outcome, Outcome::UnknownCode, "{}", channel.as_str());
    }
    let (report, _) =
        send(&wecom_bot(), &message(), vec![answer(200, &format!("<html>{}", "x".repeat(9_000)))]);
    assert_eq!((report.outcome, report.message.unwrap().len()), (Outcome::Unclear, 1_024));
}

#[test]
fn windows_of_repeats_stay_inside_the_platforms() {
    for (channel, window_ms) in [
        (feishu_app(), Some(3_600_000)),
        (wecom_app(), Some(14_400_000)),
        (feishu_bot(None), None),
        (wecom_bot(), None),
        (wechat_custom(), None),
    ] {
        match (idempotency(&channel, Form::Text), window_ms) {
            (Idempotency::Window { ms }, Some(most)) => assert!(ms > 0 && ms < most),
            (Idempotency::None, None) => {}
            (other, _) => panic!("{}: {other:?}", channel.as_str()),
        }
        let same = Channels::<HyperClient, Named, Still>::idempotency(&channel, Form::Text);
        assert_eq!(same, idempotency(&channel, Form::Text));
    }
}

/// Does the body say success, by a reading of its own?
fn says_success(bytes: &[u8]) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(bytes) else { return false };
    ["code", "errcode", "StatusCode"]
        .iter()
        .any(|field| matches!(body.get(field), Some(code) if code == 0 || code == 45_065))
}

fn answers() -> impl Strategy<Value = Vec<u8>> {
    let field = prop::sample::select(vec!["code", "errcode", "StatusCode", "msg", "data", "invaliduser"]);
    let value = prop_oneof![
        Just(json!(0)),
        Just(json!("0")),
        Just(json!(0.0)),
        Just(json!(null)),
        Just(json!({})),
        Just(json!("userid1|userid2")),
        any::<i64>().prop_map(|code| json!(code)),
        prop::sample::select(vec![-1_i64, 40_001, 45_009, 19_021, 99_991_663, 230_053])
            .prop_map(|code| json!(code)),
    ];
    let object =
        prop::collection::hash_map(field, value, 0..4).prop_map(|map| json!(map).to_string().into_bytes());
    prop_oneof![prop::collection::vec(any::<u8>(), 0..80), object]
}

proptest! {
    #[test]
    fn no_answer_panics_or_is_a_delivery_without_saying_so(bytes in answers(), status in 200_u16..600, which in 0_usize..5) {
        let channel = &all()[which];
        let (report, _) = send(channel, &message(), vec![bytes_answer(status, &bytes)]);
        if matches!(report.outcome, Outcome::Delivered { .. }) {
            prop_assert!(says_success(&bytes), "{status} {:?}", String::from_utf8_lossy(&bytes));
        }
        prop_assert!(report.outcome != Outcome::TokenExpired);
    }

    #[test]
    fn any_message_is_sent_whole_or_refused(title in "\\PC{0,60}", words in "\\PC{0,3000}", which in 0_usize..5) {
        let message = sluice_channels::Message { title: Some(title), text: words, ..message() };
        let (report, requests) = send(&all()[which], &message, vec![answer(200, TAKEN)]);
        match report.outcome {
            Outcome::Delivered { .. } => prop_assert!(serde_json::from_slice::<Value>(&requests.last().unwrap().body).is_ok()),
            other => prop_assert_eq!(other, Outcome::ContentRefused { compliance: false }),
        }
    }
}
