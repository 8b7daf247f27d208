//! The real sender over real HTTP against the simulators: every channel, dead tokens, lost answers, throttles.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod stage;

use std::sync::Arc;

use sluice_channels::{Channels, EndpointHealth, Endpoints, HyperClient, Message};
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::Channel;
use sluice_simulators::{Fault, FaultEffect, FaultTimes, Place, Platform};
use stage::{
    Named, Simulated, Stage, all, applications, destination, feishu_app, is_delivered, message, platform_of,
    wechat, wecom_app, wecom_bot,
};

#[tokio::test]
async fn every_channel_delivers_what_a_person_can_read() {
    let stage = Stage::new().await;
    for (number, channel) in (0..).zip(all()) {
        let report = stage.send(&channel, &message(number)).await;
        assert!(is_delivered(&report.outcome), "{}: {report:?}", channel.as_str());
        let seen = stage.simulators.seen().pop().unwrap();
        for part in ["新线索", "想了解课程", "https://example.com/lead/1"] {
            assert!(seen.text.contains(part), "{}: `{part}` is not in `{}`", channel.as_str(), seen.text);
        }
        let plain = Message { title: None, link: None, ..message(100 + number) };
        assert!(is_delivered(&stage.outcome(&channel, &plain).await), "{}", channel.as_str());
        assert_eq!(stage.simulators.seen().len(), 2 * (number as usize + 1));
    }
}

#[tokio::test]
async fn platforms_that_name_the_message_have_the_name_kept() {
    let stage = Stage::new().await;
    for channel in [feishu_app(), wecom_app(&["lisi"])] {
        let Outcome::Delivered { provider_id } = stage.outcome(&channel, &message(1)).await else {
            panic!("not delivered")
        };
        assert!(provider_id.is_some_and(|id| !id.is_empty()), "{}", channel.as_str());
    }
}

#[tokio::test]
async fn one_token_serves_many_sends_at_once() {
    let stage = Arc::new(Stage::new().await);
    let sends: Vec<_> = (0..5)
        .map(|number| {
            let stage = Arc::clone(&stage);
            tokio::spawn(async move { stage.outcome(&feishu_app(), &message(number)).await })
        })
        .collect();
    for send in sends {
        assert!(is_delivered(&send.await.unwrap()));
    }
    assert_eq!(stage.simulators.counters(Platform::Feishu).tokens_issued, 1);
}

#[tokio::test]
async fn a_token_that_dies_early_is_replaced_once_and_the_message_sent() {
    let stage = Stage::new().await;
    for (channel, platform) in applications() {
        assert!(is_delivered(&stage.outcome(&channel, &message(1)).await));
        stage.fault(platform, Place::Send, FaultEffect::RevokeTokens);
        assert!(is_delivered(&stage.outcome(&channel, &message(2)).await), "{platform:?}");
        let counters = stage.simulators.counters(platform);
        assert_eq!((counters.tokens_issued, counters.committed), (2, 2), "{platform:?}");
    }
}

#[tokio::test]
async fn a_token_that_dies_twice_is_the_endpoints_fault() {
    let stage = Stage::new().await;
    for (channel, platform) in applications() {
        let revoke = FaultEffect::RevokeTokens;
        let times = FaultTimes::Next(2);
        stage.simulators.inject(Fault { platform, place: Place::Send, effect: revoke, times });
        assert_eq!(stage.outcome(&channel, &message(1)).await, Outcome::EndpointRefused, "{platform:?}");
        assert_eq!(stage.simulators.counters(platform).requests, 4, "two tokens and two sends");
    }
}

#[tokio::test]
async fn tokens_are_replaced_when_their_time_is_over() {
    let stage = Stage::new().await;
    for (channel, platform) in applications() {
        assert!(is_delivered(&stage.outcome(&channel, &message(1)).await));
        stage.minutes(121);
        assert!(is_delivered(&stage.outcome(&channel, &message(2)).await), "{platform:?}");
        let counters = stage.simulators.counters(platform);
        assert_eq!(
            (counters.tokens_issued, counters.requests),
            (2, 4),
            "{platform:?}: no send failed on the way"
        );
    }
}

#[tokio::test]
async fn a_lost_token_answer_is_passing_because_no_message_left() {
    let stage = Stage::new().await;
    for (channel, platform) in applications() {
        for effect in [FaultEffect::ResetAfterCommit, FaultEffect::Html, FaultEffect::Status { status: 503 }]
        {
            stage.fault(platform, Place::Token, effect);
            assert_eq!(stage.outcome(&channel, &message(1)).await, Outcome::Transient, "{platform:?}");
        }
        assert_eq!(stage.simulators.counters(platform).committed, 0);
    }
}

#[tokio::test]
async fn a_lost_answer_is_unclear_and_a_repeat_is_seen_once_where_the_platform_remembers() {
    let stage = Stage::new().await;
    for (channel, platform) in [(feishu_app(), Platform::Feishu), (wecom_app(&["lisi"]), Platform::Wecom)] {
        let before = stage.simulators.seen().len();
        stage.fault(platform, Place::Send, FaultEffect::ResetAfterCommit);
        let first = stage.send(&channel, &message(1)).await;
        assert_eq!((first.outcome, first.code.as_deref()), (Outcome::Unclear, Some("no_answer")));
        let second = stage.send(&channel, &message(1)).await;
        assert!(is_delivered(&second.outcome), "{platform:?}");
        assert_eq!(first.request_sha256, second.request_sha256, "the bytes of a repeat are the same");
        assert_eq!(stage.simulators.seen().len() - before, 1, "{platform:?}");
        assert_eq!(stage.simulators.counters(platform).duplicates_suppressed, 1);
    }
}

#[tokio::test]
async fn equal_texts_of_two_dispatches_are_two_messages() {
    let stage = Stage::new().await;
    for channel in [feishu_app(), wecom_app(&["lisi"])] {
        let again = Message { dispatch_id: message(2).dispatch_id, ..message(1) };
        assert!(is_delivered(&stage.outcome(&channel, &message(1)).await));
        assert!(is_delivered(&stage.outcome(&channel, &again).await));
    }
    assert_eq!(stage.simulators.seen().len(), 4);
}

#[tokio::test]
async fn nothing_but_a_success_in_the_body_is_a_delivery() {
    let stage = Stage::new().await;
    let unclear = [
        FaultEffect::ResetBeforeCommit,
        FaultEffect::ResetAfterCommit,
        FaultEffect::Truncate,
        FaultEffect::Html,
        FaultEffect::Redirect,
        FaultEffect::Status { status: 502 },
        FaultEffect::Status { status: 200 },
    ];
    for channel in all() {
        let platform = platform_of(&channel);
        for effect in &unclear {
            stage.fault(platform, Place::Send, effect.clone());
            let outcome = stage.outcome(&channel, &message(1)).await;
            assert_eq!(outcome, Outcome::Unclear, "{} {effect:?}", channel.as_str());
            // After some of them the endpoint is tried out only now and then.
            stage.minutes(17);
        }
        stage.fault(platform, Place::Send, FaultEffect::Status { status: 503 });
        assert_eq!(stage.outcome(&channel, &message(1)).await, Outcome::Transient);
        stage.minutes(1);
    }
}

#[tokio::test]
async fn a_platform_that_does_not_listen_is_passing() {
    let stage = Stage::new().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let endpoints = Endpoints::new(&url, &url, &url).unwrap();
    let clock = Simulated(stage.simulators.clock());
    let channels = Channels::new(endpoints, HyperClient::new().unwrap(), Named, clock);
    let report = channels.send(&stage.tenant, &destination(&wecom_bot()), &message(1)).await;
    assert_eq!((report.outcome, report.code.as_deref()), (Outcome::Transient, Some("not_sent")));
}

#[tokio::test]
async fn what_would_be_too_many_does_not_leave() {
    let stage = Stage::new().await;
    for number in 0..20 {
        assert!(is_delivered(&stage.outcome(&wecom_bot(), &message(number)).await));
    }
    let report = stage.send(&wecom_bot(), &message(20)).await;
    assert_eq!(report.code.as_deref(), Some("limit_wecom_bot"));
    let Outcome::Throttled { until } = report.outcome else { panic!("the 21st in a minute is too many") };
    let wait = until.0 - stage.simulators.clock().now_ms();
    assert!((55_000..=190_000).contains(&wait), "{wait} ms");
    stage.simulators.clock().advance_ms(wait);
    assert!(is_delivered(&stage.outcome(&wecom_bot(), &message(20)).await));
    assert_eq!(stage.simulators.counters(Platform::Wecom).requests, 21);
}

#[tokio::test]
async fn no_call_goes_out_inside_a_block_window() {
    let stage = Stage::new().await;
    stage.fault(Platform::Wecom, Place::Send, FaultEffect::Code { code: 45_009, status: 200 });
    let Outcome::Throttled { until } = stage.outcome(&wecom_bot(), &message(0)).await else {
        panic!("somebody else used the bot up")
    };
    let wait = until.0 - stage.simulators.clock().now_ms();
    assert!((55_000..=60_000).contains(&wait), "{wait} ms");
    for _ in 0..5 {
        let report = stage.send(&wecom_bot(), &message(1)).await;
        assert_eq!((report.outcome, report.code.as_deref()), (Outcome::Throttled { until }, Some("blocked")));
    }
    stage.minutes(1);
    assert!(is_delivered(&stage.outcome(&wecom_bot(), &message(1)).await));
    let counters = stage.simulators.counters(Platform::Wecom);
    assert_eq!((counters.requests, counters.calls_while_blocked), (2, 0));
}

#[tokio::test]
async fn a_broken_endpoint_is_left_alone_but_for_single_probes() {
    let stage = Stage::new().await;
    let gone = Channel::WecomBot { key: "unknown".to_owned() };
    assert_eq!(stage.outcome(&gone, &message(0)).await, Outcome::EndpointRefused);
    for number in 1..5 {
        let report = stage.send(&gone, &message(number)).await;
        assert_eq!(report.code.as_deref(), Some("endpoint_open"));
    }
    assert_eq!(stage.simulators.counters(Platform::Wecom).requests, 1);
    assert!(is_delivered(&stage.outcome(&wecom_app(&["lisi"]), &message(5)).await), "others are not touched");
    stage.minutes(1);
    assert_eq!(stage.outcome(&gone, &message(6)).await, Outcome::EndpointRefused, "a probe");
    assert_eq!(stage.send(&gone, &message(7)).await.code.as_deref(), Some("endpoint_open"));
}

/// One may be of this message alone; again and again it is the endpoint, until it works again.
#[tokio::test]
async fn a_code_that_nobody_knows_opens_an_endpoint_only_when_it_repeats() {
    let stage = Stage::new().await;
    let odd =
        || stage.fault(Platform::Wecom, Place::Send, FaultEffect::Code { code: 7_654_321, status: 200 });
    for round in 0..3 {
        for number in 0..2 {
            odd();
            let report = stage.send(&wecom_bot(), &message(round * 3 + number)).await;
            assert_eq!((report.outcome, report.endpoint), (Outcome::UnknownCode, None));
        }
        let report = stage.send(&wecom_bot(), &message(round * 3 + 2)).await;
        assert!(is_delivered(&report.outcome), "the next one goes at once");
    }
    for number in 10..13 {
        odd();
        let report = stage.send(&wecom_bot(), &message(number)).await;
        let opened = matches!(report.endpoint, Some(EndpointHealth::Open { .. }));
        assert_eq!((report.outcome, opened), (Outcome::UnknownCode, number == 12));
    }
    assert_eq!(stage.send(&wecom_bot(), &message(13)).await.code.as_deref(), Some("endpoint_open"));
    stage.minutes(1);
    let report = stage.send(&wecom_bot(), &message(14)).await;
    assert!(is_delivered(&report.outcome));
    assert_eq!(report.endpoint, Some(EndpointHealth::Healthy));
}

#[tokio::test]
async fn the_reset_header_says_when_to_come_back() {
    let stage = Stage::new().await;
    let limited = FaultEffect::Code { code: 99_991_400, status: 429 };
    stage.fault(Platform::Feishu, Place::Send, limited);
    let before = stage.simulators.clock().now_ms();
    let Outcome::Throttled { until } = stage.outcome(&feishu_app(), &message(1)).await else {
        panic!("throttled")
    };
    let wait = until.0 - before;
    assert!((2_000..3_000).contains(&wait), "{wait} ms: the simulator's header says 2 s");
}

#[tokio::test]
async fn a_wrong_clock_or_secret_makes_the_bots_endpoint_unusable() {
    let stage = Stage::new().await;
    let wrong =
        Channel::FeishuBot { hook: "hook".to_owned(), signing: Some("other".to_owned()), uploads: None };
    let report = stage.send(&wrong, &message(1)).await;
    assert_eq!((report.outcome, report.code.as_deref()), (Outcome::EndpointRefused, Some("19021")));
    assert_eq!(stage.simulators.counters(Platform::Feishu).requests, 2, "signed anew once");
    stage.minutes(1);
    let unsigned = Channel::FeishuBot { hook: "hook".to_owned(), signing: None, uploads: None };
    assert_eq!(stage.outcome(&unsigned, &message(1)).await, Outcome::EndpointRefused);
}

#[tokio::test]
async fn configuration_faults_are_reports_with_a_code() {
    let stage = Stage::new().await;
    let receiver = |kind: &str, id: &str| Channel::FeishuApp {
        app_id: "cli_1".to_owned(),
        secret: "app-secret".to_owned(),
        receive_id_type: kind.to_owned(),
        receive_id: id.to_owned(),
    };
    let wecom = |secret: &str, agent_id| Channel::WecomApp {
        corp_id: "ww1".to_owned(),
        agent_id,
        secret: secret.to_owned(),
        members: vec!["lisi".to_owned()],
    };
    for (channel, code) in [
        (Channel::WecomBot { key: "missing".to_owned() }, "secret_missing"),
        (Channel::WecomBot { key: "https://example.com/key".to_owned() }, "key_malformed"),
        (Channel::WecomBot { key: "unknown".to_owned() }, "93000"),
        (Channel::FeishuBot { hook: "unknown".to_owned(), signing: None, uploads: None }, "19001"),
        (receiver("phone", "oc_1"), "receive_id_malformed"),
        (wecom("wrong", 7), "40001"),
        (wecom("corp-secret", 8), "40056"),
        (wecom_app(&[]), "members_malformed"),
        (wecom_app(&["a|b"]), "members_malformed"),
    ] {
        let report = stage.send(&channel, &message(1)).await;
        assert_eq!((report.outcome, report.code.as_deref()), (Outcome::EndpointRefused, Some(code)));
        stage.minutes(17);
    }
    let gone = stage.send(&receiver("chat_id", "oc_gone"), &message(1)).await;
    assert_eq!(gone.outcome, Outcome::RecipientRefused { opt_out: false });
    assert!(stage.simulators.seen().is_empty());
}

#[tokio::test]
async fn people_who_said_no_are_reported_as_opted_out() {
    let stage = Stage::new().await;
    stage.simulators.feishu_person_stops_bot("oc_1");
    stage.simulators.wechat_person_refuses("wx1", "o1");
    for channel in [feishu_app(), wechat()] {
        assert_eq!(stage.outcome(&channel, &message(1)).await, Outcome::RecipientRefused { opt_out: true });
    }
}

#[tokio::test]
async fn wecom_reaches_the_members_it_can() {
    let stage = Stage::new().await;
    assert!(is_delivered(&stage.outcome(&wecom_app(&["lisi", "nobody"]), &message(1)).await));
    let gone = stage.outcome(&wecom_app(&["nobody"]), &message(2)).await;
    assert_eq!(gone, Outcome::RecipientRefused { opt_out: false });
    assert_eq!(stage.simulators.seen().len(), 1);
}

#[tokio::test]
async fn wechat_messages_end_with_the_persons_window() {
    let stage = Stage::new().await;
    let refused = Outcome::RecipientRefused { opt_out: false };
    for number in 0..5 {
        assert!(is_delivered(&stage.outcome(&wechat(), &message(number)).await));
    }
    let sixth = stage.send(&wechat(), &message(5)).await;
    assert_eq!((sixth.outcome, sixth.code.as_deref()), (refused.clone(), Some("45047")));
    stage.simulators.wechat_person_writes("wx1", "o1");
    assert!(is_delivered(&stage.outcome(&wechat(), &message(5)).await));
    stage.minutes(48 * 60);
    let late = stage.send(&wechat(), &message(6)).await;
    assert_eq!((late.outcome, late.code.as_deref()), (refused.clone(), Some("45015")));
    let nobody = Message { recipient: None, ..message(7) };
    let report = stage.send(&wechat(), &nobody).await;
    assert_eq!((report.outcome, report.code.as_deref()), (refused, Some("recipient_missing")));
}

#[tokio::test]
async fn nothing_is_called_delivered_that_wecom_drops_in_silence() {
    let stage = Stage::new().await;
    let mut delivered = 0;
    for number in 0..40 {
        let report = stage.send(&wecom_app(&["lisi"]), &message(number)).await;
        if is_delivered(&report.outcome) {
            delivered += 1;
        } else {
            assert!(matches!(report.outcome, Outcome::Throttled { .. }), "{report:?}");
            assert_eq!(report.code.as_deref(), Some("limit_wecom_member"));
        }
    }
    let dropped = stage.simulators.counters(Platform::Wecom).dropped_silently;
    assert_eq!((delivered, stage.simulators.seen().len(), dropped), (30, 30, 0));
    stage.minutes(5);
    assert!(is_delivered(&stage.outcome(&wecom_app(&["lisi"]), &message(40)).await));
}

#[tokio::test]
async fn a_busy_bot_waits_a_minute_every_time() {
    let stage = Stage::new().await;
    for _ in 0..3 {
        stage.fault(Platform::Wecom, Place::Send, FaultEffect::Code { code: 45_009, status: 200 });
        let before = stage.simulators.clock().now_ms();
        let Outcome::Throttled { until } = stage.outcome(&wecom_bot(), &message(1)).await else {
            panic!("throttled")
        };
        assert!((60_000..61_000).contains(&(until.0 - before)));
        stage.minutes(2);
    }
}
