//! What the demo plays: callbacks of every scheme, in the platform's own shapes.

use serde_json::{Value, json};

/// What is done to a genuine callback before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tamper {
    /// Nothing.
    Genuine,
    /// One byte of the body changes after signing.
    Forged,
    /// It is signed an hour ago.
    Stale,
}

/// One callback of the demo.
#[derive(Debug, Clone)]
pub struct Callback {
    /// What the table calls it.
    pub title: &'static str,
    /// The configured source.
    pub source: &'static str,
    /// `POST`, or `GET` for two of the handshakes.
    pub method: &'static str,
    /// The body before signing (or before encryption).
    pub body: String,
    /// Query parameters that the platform sends besides the signature's own.
    pub query: Vec<(&'static str, String)>,
    /// The platform's message id, where a header carries it.
    pub message_id: Option<&'static str>,
    /// What is done to it.
    pub tamper: Tamper,
    /// The status it must be answered with.
    pub status: u16,
}

const LI: &str = "aaa-ae9b-4dbf-add1-bf67e4093fab";
/// Somebody who has agreed, left a card, said much, and takes it all back at the end.
pub const WANG: &str = "5bfa0218-477c-4d51-865c-64f0588794a6";
const STRANGER: &str = "500a9e2f-ca96-4225-865d-a341914502ae";
const FAN: &str = "fan-7c11-43e5-9a44-2f0be2d3c9aa";
/// The openid that the OceanEngine lead gives; a follower of the simulated WeChat account.
pub const WECHAT_FOLLOWER: &str = "openid-zhaoliu";
const SHOP: &str = "aaa-7ae0-4399-914a-5eb1df5861ba";

/// More than 200 characters, and nothing that a rule minds.
pub const LONG: &str = "你好,我上周在直播间看到你们的新款空气净化器,想先了解一下再决定。我家客厅大约三十平方米,层高两米八,平时窗户开得不多,\
    家里还养了一只猫,掉毛比较厉害,所以比较在意滤网多久要换一次、换一次大概多少钱、能不能自己换。另外想问一下晚上睡觉时开着噪音大不大,有没有\
    睡眠模式,遥控和定时是不是都支持。安装的话需不需要师傅上门,如果不合适七天之内能不能退,退货的运费由谁承担。还有就是最近有没有活动,如果\
    一次买两台送给父母一台,有没有优惠,发货大概要几天,能不能指定下午送到。麻烦方便的时候回复我一下,不着急,谢谢啦,辛苦了。";

/// Consents that stand before the demo begins: tenant, person, recipient.
pub const CONSENTS: [(&str, &str, &str); 3] = [
    ("demo-brand", WANG, "feishu_leads"),
    ("demo-brand", LI, "feishu_leads"),
    ("demo-mcn", FAN, "mcn_leads"),
];

fn callback(title: &'static str, source: &'static str, message_id: &'static str, body: &Value) -> Callback {
    Callback {
        title,
        source,
        method: "POST",
        body: body.to_string(),
        query: Vec::new(),
        message_id: Some(message_id),
        tamper: Tamper::Genuine,
        status: 200,
    }
}

fn open_platform(
    title: &'static str,
    id: &'static str,
    event: &str,
    from: &str,
    content: impl Into<Value>,
) -> Callback {
    let content = content.into();
    let body = json!({
        "event": event, "client_key": "awdemobrand000001", "from_user_id": from, "to_user_id": SHOP, "content": content,
        "log_id": format!("log-{id}"),
    });
    callback(title, "open-platform", id, &body)
}

/// A content that comes as a JSON string, as most events' does.
fn quoted(content: &Value) -> Value {
    Value::String(content.to_string())
}

fn message(id: &str, from: &str, text: &str, at_ms: i64) -> Value {
    json!({
        "conversation_short_id": format!("@conversation-{id}=="), "server_message_id": format!("@message-{id}=="),
        "conversation_type": 1, "create_time": at_ms, "message_type": "text", "source": "", "scene_type": 100, "text": text,
        "user_infos": [{ "open_id": from, "nick_name": "刘东", "avatar": "https://p3.douyinpic.com/a" }],
    })
}

fn lead_card(id: &str, name: &str, phone: &str, at_ms: i64) -> Value {
    json!({
        "conversation_short_id": format!("@conversation-{id}=="), "server_message_id": format!("@message-{id}=="),
        "conversation_type": 1, "create_time": at_ms, "message_type": "retain_consult_card", "source": "", "scene_type": 100,
        "card_id": "@72Mq-demo-card", "card_status": 2,
        "card_data": [{ "label": "姓名", "value": name }, { "label": "手机号", "value": phone }, { "label": "城市", "value": "北京市海淀区" }],
        "user_infos": [],
    })
}

/// The callbacks in the order they are played. `now_ms` is the demo's own time.
pub fn all(now_ms: i64) -> Vec<Callback> {
    let mut plan = handshakes();
    plan.extend(leads(now_ms));
    plan.extend(behaviour(now_ms));
    plan.extend(orders(now_ms));
    plan.extend(other_schemes(now_ms));
    plan.extend(hostile(now_ms));
    plan
}

fn handshakes() -> Vec<Callback> {
    let challenge = json!({ "event": "verify_webhook", "client_key": "", "content": { "challenge": 12345 } });
    let probe = json!([{ "tag": "0", "msg_id": "0", "data": "2026-11-20 20:16:40" }]);
    let ocean = Callback {
        method: "GET",
        body: String::new(),
        query: vec![("event", "verify_webhook".into()), ("challenge", "678".into())],
        message_id: None,
        ..callback("handshake: OceanEngine", "ocean", "", &Value::Null)
    };
    let echo = Callback {
        method: "GET",
        body: String::new(),
        query: vec![("msg", "hello".into()), ("echostr", "4375120948345356249".into())],
        message_id: None,
        ..callback("handshake: mini-program", "mini-push", "", &Value::Null)
    };
    vec![
        callback("handshake: open platform", "open-platform", "handshake-1", &challenge),
        callback("handshake: 抖店 probe", "doudian", "", &probe),
        ocean,
        echo,
    ]
}

fn leads(now_ms: i64) -> Vec<Callback> {
    let lead = |title, id, from: &str, name, phone| {
        open_platform(title, id, "im_receive_msg", from, lead_card(id, name, phone, now_ms))
    };
    let member = json!({
        "event": "life_member_join", "client_key": "awdemolife0000001", "from_user_id": FAN,
        "content": quoted(&json!({ "account_id": "12134", "mobile": "18611159323" })),
    });
    vec![
        lead("lead card", "lead-1", LI, "李雷", "13800138000"),
        lead("lead card", "lead-2", WANG, "王小明", "13912345678"),
        lead("lead card", "lead-3", "lead-person-3", "韩梅梅", "15012345678"),
        lead("lead card", "lead-5", "lead-person-5", "张三", "18612345678"),
        callback("membership joined", "life-webhook", "member-1", &member),
    ]
}

fn behaviour(now_ms: i64) -> Vec<Callback> {
    let follow = |at: i64| quoted(&json!({ "action_type": 1, "action_time": at }));
    let seconds = now_ms / 1_000;
    let enter = quoted(&json!({
        "conversation_short_id": "@conversation-enter==", "server_message_id": "@message-enter==", "conversation_type": 1,
        "create_time": now_ms, "scene_type": 4, "user_infos": [{ "open_id": WANG, "nick_name": "Hs姝羽", "avatar": "https://p3.douyinpic.com/b" }],
        "data-im-extra": "123456789", "query": "cptName = button", "path": "page/componentTpl/componentTpl",
    }));
    let comment = json!({
        "comment_id": "@comment-1", "comment_user_id": WANG, "content": "这款有现货吗", "create_time": seconds, "digg_count": 0,
        "reply_comment_total": 1, "reply_to_comment_id": "", "reply_to_item_id": "@item-1", "at_user_id": "",
    });
    let group = quoted(&json!({
        "open_id": STRANGER, "im_group_id": "@group-1==", "group_type": 1, "create_time": now_ms, "create_group_type": "5",
    }));
    let say = |title, id, from: &str, text| {
        open_platform(title, id, "im_receive_msg", from, message(id, from, text, now_ms))
    };
    vec![
        open_platform("follow, consent stands", "follow-1", "new_follow_action", WANG, follow(seconds)),
        open_platform("follow, no consent", "follow-2", "new_follow_action", STRANGER, follow(seconds)),
        say("chat", "chat-1", WANG, "你好,捷途70什么时候到店?"),
        say("chat with a phone number", "chat-3", WANG, "我是车主,13912345678"),
        say("chat with a foreign link", "chat-4", WANG, "这家更便宜 https://shop.example.net/x"),
        say("long chat, checked by the platform", "chat-5", WANG, LONG),
        say("chat with a grey word, checked", "chat-6", WANG, "请问能代开发票吗"),
        say("chat with contact diversion", "chat-2", WANG, "加我薇信 vx_12345 私聊"),
        open_platform("chat opened", "enter-1", "im_enter_direct_msg", WANG, enter),
        open_platform("comment", "comment-1", "item_comment_reply", WANG, comment),
        open_platform("fan group joined, no consent", "group-1", "group_fans_event", STRANGER, group),
        open_platform("event of an unknown name", "unknown-1", "brand_new_event_2027", LI, json!({ "x": 1 })),
    ]
}

fn orders(now_ms: i64) -> Vec<Callback> {
    let seconds = now_ms / 1_000;
    let life = |title, id, event: &str, content: Value| {
        let body = json!({ "event": event, "client_key": "awdemolife0000001", "from_user_id": FAN, "content": quoted(&content) });
        callback(title, "life-webhook", id, &body)
    };
    let paid = json!({ "action": "pay_success", "msg_time": seconds, "order": {
        "order_id": "7000277894522046508", "pay_amount": 2990, "original_amount": 3990, "account_id": "123", "create_time": seconds, "pay_time": seconds,
    }});
    let voucher = json!({ "action": "verify", "msg_time": seconds, "certificate": { "certificate_id": "456", "order_id": "7000277894522046508", "account_id": "123" } });
    let shop = json!([
        { "tag": "101", "msg_id": "4705288465508532862:101", "data": json!({
            "p_id": 4_705_288_465_508_532_862_i64, "s_ids": [4_705_288_465_508_532_862_i64], "shop_id": 95250, "order_status": 2, "order_type": 0,
            "create_time": seconds, "pay_type": 1, "pay_time": seconds, "pay_amount": 12_900, "biz": 2 }).to_string() },
        { "tag": "206", "msg_id": "4705288465508532862:206", "data": json!({
            "p_id": 4_705_288_465_508_532_862_i64, "s_id": 4_705_288_465_508_532_862_i64, "shop_id": 95250, "aftersale_id": "7001", "aftersale_status": 6,
            "aftersale_type": 3, "refund_amount": 12_900, "success_time": seconds }).to_string() },
    ]);
    let secured = json!({ "appid": "tt00demo0000000001", "cp_orderno": "order-77", "way": "1", "total_amount": 4_500, "status": "SUCCESS", "payment_order_no": "pay-77" });
    let trade = json!({ "msg": json!({ "app_id": "tt00demo0000000001", "out_order_no": "order-78", "order_id": "ot7078", "status": "SUCCESS", "total_amount": 8_800 }).to_string(), "type": "payment", "version": "3.0" });
    vec![
        life("order paid (生活服务)", "life-1", "life_trade_order_notify", paid),
        life("voucher verified", "life-2", "life_trade_certificate_notify", voucher),
        callback("抖店: paid and refunded", "doudian", "", &shop),
        callback("担保支付", "secured-payment", "", &secured),
        callback("交易系统 (RSA)", "trade", "", &trade),
    ]
}

fn other_schemes(now_ms: i64) -> Vec<Callback> {
    let seconds = now_ms / 1_000;
    let push = json!({ "ToUserName": "tt00demo0000000001", "FromUserName": "mini-person-1", "CreateTime": seconds, "MsgType": "text", "Content": "在吗" });
    let ticket = json!({ "FromUserName": "ByteDanceMicroApp", "CreateTime": "2026-11-20 12:45:10", "Event": "PUSH", "MsgType": "Ticket", "Ticket": "8c0da4968b0d1e28acbc1d738a56607d" });
    let spi = json!({ "account_id": "123", "sku_id": "1708941687677982" });
    let live = json!([
        { "msg_id": "live-1", "sec_openid": FAN, "content": "主播这个多少钱", "avatar_url": "https://p3.douyinpic.com/c", "nickname": "小粉丝", "timestamp": now_ms },
        { "msg_id": "live-2", "sec_openid": STRANGER, "content": "666", "avatar_url": "https://p3.douyinpic.com/d", "nickname": "路人", "timestamp": now_ms },
    ]);
    let ocean_lead = json!({
        "message_id": "ocean-1", "account_relation": "{}", "service_label": "clue.form.submit", "advertiser_ids": [1_700_000_000_000_001_i64],
        "subscribe_task_id": 1, "publish_time": now_ms, "timestamp": now_ms, "nonce": "n1",
        "data": json!({ "content": { "clue_id": "7000000000000000077", "form_id": "ocean-lead-form", "open_id": "ocean-person-1", "name": "赵六", "telephone": "13712345678", "wechat_openid": WECHAT_FOLLOWER } }).to_string(),
    });
    vec![
        callback("mini-program chat, no consent", "mini-push", "", &push),
        callback("mini-program ticket, encrypted", "mini-encrypted", "", &ticket),
        Callback {
            query: vec![("client_key", "awdemolife0000001".into())],
            ..callback("生活服务 SPI", "life-spi", "", &spi)
        },
        callback("live comments, one with consent", "live", "", &live),
        callback("OceanEngine lead form", "ocean", "", &ocean_lead),
    ]
}

fn hostile(now_ms: i64) -> Vec<Callback> {
    let follow = quoted(&json!({ "action_type": 1, "action_time": now_ms / 1_000 }));
    let genuine = open_platform("", "follow-1", "new_follow_action", WANG, follow.clone());
    let forged = open_platform("forged: body altered", "forged-1", "new_follow_action", LI, follow);
    let malformed = Callback {
        body: "{\"event\":\"new_follow_action\",".into(),
        status: 400,
        ..callback("malformed: cut JSON, well signed", "open-platform", "malformed-1", &Value::Null)
    };
    let stale = json!([{ "msg_id": "live-9", "sec_openid": FAN, "content": "old", "timestamp": now_ms }]);
    vec![
        Callback { title: "replayed: same message id", ..genuine },
        Callback { tamper: Tamper::Forged, status: 401, ..forged },
        malformed,
        Callback {
            tamper: Tamper::Stale,
            status: 401,
            ..callback("replayed an hour later", "live", "", &stale)
        },
    ]
}

/// Played once everything before is settled: callbacks overtake each other.
pub fn endings() -> Vec<Callback> {
    let scopes = json!({ "scopes": ["user_info", "im.direct_message"] });
    vec![open_platform("authorisation taken back", "unauthorize-1", "unauthorize", WANG, scopes)]
}

/// Played while WeCom answers that it is called too often.
pub fn throttled(now_ms: i64) -> Vec<Callback> {
    let card = lead_card("lead-4", "欧阳娜娜", "17012345678", now_ms);
    vec![open_platform("lead card, throttling channel", "lead-4", "im_receive_msg", "lead-person-4", card)]
}

/// Played once everything before is settled: the person who took consent back follows again.
pub fn afterwards(now_ms: i64) -> Vec<Callback> {
    let follow = quoted(&json!({ "action_type": 1, "action_time": now_ms / 1_000 }));
    vec![open_platform("follow after withdrawal", "follow-3", "new_follow_action", WANG, follow)]
}
