//! The door for other processes.

use http::Method;
use serde_json::{Value, json};

use crate::{MINUTE_MS, Stage, code};

#[tokio::test]
async fn other_processes_see_and_steer_through_the_control_door() {
    let stage = Stage::new().await;
    let fault =
        json!({ "platform": "wecom", "effect": { "kind": "code", "code": 45_009 }, "times": { "next": 1 } });
    assert_eq!(stage.post("/_simulator/faults", fault).await, json!({}));
    let path = "/cgi-bin/webhook/send?key=demo";
    let body = json!({ "msgtype": "text", "text": { "content": "hello" } });
    assert_eq!(code(&stage.post(path, body.clone()).await), 45_009);
    assert_eq!(code(&stage.post(path, body).await), 0);
    let before = stage.simulators.clock().now_ms();
    stage.post("/_simulator/clock", json!({ "advance_ms": 3_600_000 })).await;
    assert!(stage.simulators.clock().now_ms() - before >= 3_600_000);

    let state = stage.get("/_simulator/state").await;
    assert_eq!(state["seen"][0]["text"], "hello");
    assert_eq!(state["counters"]["wecom"]["requests"], 2);
    assert_eq!(state["counters"]["wecom"]["committed"], 1);
    for (from, seen) in [("0", 1), ("1", 0), ("9", 0)] {
        let state = stage.get(&format!("/_simulator/state?seen_from={from}")).await;
        assert_eq!(state["seen"].as_array().unwrap().len(), seen, "{from}");
    }
    let answer = stage.call(Method::GET, "/_simulator/state?seen_from=x", Vec::new(), String::new()).await;
    let told = "`seen_from` is how many messages are known already, got `x`";
    assert_eq!(answer, (400, json!({ "error": told })));
    let (status, _) =
        stage.call(Method::POST, "/_simulator/faults", Vec::new(), "{\"platform\":\"qq\"}".to_owned()).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn the_control_door_says_what_it_does_not_do() {
    let stage = Stage::new().await;
    let fault =
        |effect: Value, times: Value| json!({ "platform": "wecom", "effect": effect, "times": times });
    let html = || json!({ "kind": "html" });
    let cases = [
        (
            "faults",
            fault(json!({ "kind": "status", "status": 42 }), json!({ "next": 1 })),
            "a status is 200 to 599, got 42",
        ),
        (
            "faults",
            fault(json!({ "kind": "code", "code": 1, "status": 101 }), json!({ "next": 1 })),
            "a status is 200 to 599, got 101",
        ),
        (
            "faults",
            fault(json!({ "kind": "large", "bytes": 1_u64 << 40 }), json!({ "next": 1 })),
            "an answer has at most 67108864 bytes, got 1099511627776",
        ),
        ("faults", fault(html(), json!({ "next": 0 })), "`next` is at least 1, got 0"),
        ("faults", fault(html(), json!({ "ratio": 1.5 })), "a ratio is above 0 and at most 1, got 1.5"),
        ("faults", fault(html(), json!({ "ratio": 0.0 })), "a ratio is above 0 and at most 1, got 0"),
        (
            "clock",
            json!({ "advance_ms": i64::MAX }),
            "the clock goes from 1970 to 9999, 0 to 253402300799999 ms, not to 9223372036854775807 ms",
        ),
        (
            "clock",
            json!({ "set_ms": -1 }),
            "the clock goes from 1970 to 9999, 0 to 253402300799999 ms, not to -1 ms",
        ),
        (
            "people",
            json!({ "does": "wechat_writes", "app_id": "wx_other", "open_id": "demo" }),
            "there is no WeChat account `wx_other`",
        ),
        (
            "people",
            json!({ "does": "wechat_refuses", "app_id": "wx_demo", "open_id": "o" }),
            "`o` neither follows the WeChat account nor has written to it",
        ),
        (
            "people",
            json!({ "does": "feishu_stops_bot", "receive_id": "oc_other" }),
            "no application of Feishu has the receiver `oc_other`",
        ),
    ];
    for (door, order, told) in cases {
        let before = stage.get("/_simulator/state").await;
        let path = format!("/_simulator/{door}");
        let answer = stage.call(Method::POST, &path, Vec::new(), order.to_string()).await;
        assert_eq!(answer, (400, json!({ "error": told })), "{order}");
        let after = stage.get("/_simulator/state").await;
        assert_eq!(after["faults"], json!([]), "{order}");
        let moved = after["clock_ms"].as_i64().unwrap() - before["clock_ms"].as_i64().unwrap();
        assert!((0..MINUTE_MS).contains(&moved), "{order}: {moved} ms");
    }
}
