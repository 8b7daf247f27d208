//! `kill -9` at any moment loses no acknowledged event and delivers nothing twice to an idempotent channel.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json as value};
use sluice::client::GateClient;
use sluice_domain::scheme::{Credentials, Signed, ToSign, sign};
use sluice_domain::source::SchemeName;
use sluice_domain::time::UnixMillis;
use sluice_simulators::{
    Fault, FaultEffect, FaultTimes, FeishuApp, Place, Platform, Running, SimulatorOptions, Simulators,
};

use crate::program::{Server, json, workspace, write_private};

const EVENTS: usize = 160;
const KILLS: usize = 4;
const APPS: usize = 4;
const CHATS: usize = 5;

/// One tenant whose leads go to twenty chats of four Feishu applications: enough for the platform's limits.
fn configuration(directory: &Path) {
    std::fs::create_dir_all(directory).unwrap();
    for folder in ["rules", "lexicons"] {
        std::fs::create_dir(directory.join(folder)).unwrap();
        for file in std::fs::read_dir(workspace().join("config").join(folder)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), directory.join(folder).join(file.file_name())).unwrap();
        }
    }
    let chats: Vec<_> = (0..APPS * CHATS).collect();
    let destinations: Vec<_> = chats
        .iter()
        .map(|chat| {
            value!({
                "id": format!("chat-{chat}"), "channel": "feishu_app", "recipient": "sales", "app_id": format!("cli_app{}", chat / CHATS),
                "secret": format!("feishu-{}", chat / CHATS), "receive_id_type": "chat_id", "receive_id": format!("oc_{chat}"),
            })
        })
        .collect();
    let settings = value!({ "tenants": [{
        "id": "brand", "name": "示例品牌", "rules": "baseline.yaml",
        "sources": [{ "id": "open-platform", "scheme": "open-platform", "secret": "source", "app_id": "key" }],
        "forms": [{ "id": "card", "purpose": "sales_contact", "recipient": "sales", "version": "1", "text": "我同意销售团队与我联系。" }],
        "routes": [{
            "kinds": ["form_submit"], "purpose": "sales_contact", "recipient": "sales", "script": "card",
            "destinations": chats.iter().map(|chat| format!("chat-{chat}")).collect::<Vec<_>>(),
        }],
        "destinations": destinations,
        "scripts": [{ "id": "card", "version": 1, "title": "新线索", "text": "【{{ tenant }}】{{ name }} {{ phone }},拒绝请登记退订。" }],
        "links": { "allowed_domains": ["example.com"] },
    }]});
    // JSON is YAML.
    std::fs::write(directory.join("sluice.yaml"), settings.to_string()).unwrap();
}

async fn platforms(data: &Path) -> Running {
    let mut secrets = serde_json::Map::from_iter([("source".to_owned(), value!("source-secret"))]);
    let mut options = SimulatorOptions::default();
    for app in 0..APPS {
        secrets.insert(format!("feishu-{app}"), value!(format!("app-secret-{app}")));
        options.feishu_apps.push(FeishuApp {
            app_id: format!("cli_app{app}"),
            app_secret: format!("app-secret-{app}"),
            receivers: (app * CHATS..(app + 1) * CHATS).map(|chat| format!("oc_{chat}")).collect(),
        });
    }
    write_private(&data.join("secrets.json"), &value!({ "brand": secrets }).to_string());
    Simulators::start(options).await.unwrap()
}

fn lead(number: usize) -> Signed {
    let body = value!({
        "event": "im_receive_msg", "client_key": "key", "from_user_id": format!("person-{number}"), "to_user_id": "shop",
        "content": { "conversation_short_id": "@c==", "server_message_id": format!("@m{number}=="), "conversation_type": 1,
            "create_time": 1_681_303_285_997_i64, "message_type": "retain_consult_card", "source": "", "scene_type": 100, "card_id": "card",
            "card_status": 2, "user_infos": [],
            "card_data": [{ "label": "姓名", "value": format!("顾客{number}") }, { "label": "手机号", "value": format!("138{number:08}") }] },
    });
    let secret = secrecy::SecretString::from("source-secret");
    let headers = [("Msg-Id".to_owned(), format!("lead-{number}"))];
    let body = body.to_string();
    let message = ToSign { headers: &headers, ..ToSign::post(body.as_bytes(), UnixMillis(0)) };
    sign(SchemeName::OpenPlatform, message, &Credentials::of_secret(&secret)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_the_server_under_load_loses_and_doubles_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (config, data) = (directory.path().join("config"), directory.path().join("data"));
    configuration(&config);
    std::fs::create_dir(&data).unwrap();
    let platforms = platforms(&data).await;
    // A third of the sends take their time, so that every kill cuts some of them off between the platform's commit and our record.
    platforms.inject(Fault {
        platform: Platform::Feishu,
        place: Place::Send,
        effect: FaultEffect::Delay { ms: 40 },
        times: FaultTimes::Ratio(0.3),
    });
    let addresses = [("feishu", platforms.feishu_url.as_str())];
    let mut server = Server::start(&config, &data, &addresses);
    let mut kills = 0;
    let mut next = 0;
    while next < EVENTS {
        // Eight callbacks at a time; those that were not acknowledged are pushed again, as the platform does.
        let client = GateClient::new(&server.base);
        let wave: Vec<_> = (next..EVENTS.min(next + 8)).collect();
        let sends = wave.iter().map(|number| {
            let (client, signed) = (client.clone(), lead(*number));
            tokio::spawn(async move { client.send("open-platform", "POST", signed).await })
        });
        let sends: Vec<_> = sends.collect();
        if kills < KILLS && next >= (kills + 1) * EVENTS / (KILLS + 1) {
            // Nothing is waited for: the pause only picks the moment of the kill, another point of the wave each time.
            tokio::time::sleep(Duration::from_millis(2 + 3 * u64::try_from(kills).unwrap())).await;
            server.kill();
            server = Server::start(&config, &data, &addresses);
            kills += 1;
        }
        let mut all = true;
        for send in sends {
            all &= send.await.unwrap().is_ok_and(|answer| answer.status.is_success());
        }
        if all {
            next += wave.len();
        }
    }
    assert_eq!(kills, KILLS);
    drained(&server, &config, &data).await;
    assert_eq!(server.stop(), 0);
    let reports = reconciled(&config, &data);
    let total =
        |name: &str| reports.iter().map(|report| report["totals"][name].as_u64().unwrap()).sum::<u64>();
    let events = u64::try_from(EVENTS).unwrap();
    assert_eq!((total("received"), total("delivered")), (events, events), "{reports:#?}");
    let mut seen = BTreeMap::new();
    for message in platforms.seen() {
        *seen.entry(message.idempotency_key.unwrap()).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), EVENTS, "each delivery arrived");
    assert!(seen.values().all(|count| *count == 1), "none arrived twice");
}

/// Waits until every delivery is settled: the queues are empty.
async fn drained(server: &Server, config: &Path, data: &Path) {
    let began = Instant::now();
    let idle = |metrics: &Value| {
        let queues = metrics["queues"].as_object().unwrap();
        queues.values().all(|queue| ["visible", "in_flight", "delayed"].iter().all(|part| queue[part] == 0))
    };
    loop {
        let answer = metrics(&server.base).await;
        if idle(&answer) {
            return;
        }
        assert!(
            began.elapsed() < Duration::from_mins(3),
            "not drained: {answer}\n{:?}\n{}",
            json(&["dlq", "list", "--config", config.to_str().unwrap(), "--data", data.to_str().unwrap()]),
            std::fs::read_to_string(data.with_extension("log")).unwrap()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn metrics(base: &str) -> Value {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = base.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

/// The reports of today and yesterday in China: a run at midnight touches both.
fn reconciled(config: &Path, data: &Path) -> Vec<Value> {
    let today = sluice_ports::Clock::now(&sluice_embedded::SystemClock).business_day();
    let mut reports = Vec::new();
    for day in [today.previous(), today] {
        let day = day.to_string();
        let args = [
            "reconcile",
            "--day",
            &day,
            "--config",
            config.to_str().unwrap(),
            "--data",
            data.to_str().unwrap(),
        ];
        let (code, documents) = json(&args);
        assert_eq!(code, 0, "breaks are open: {documents:#?}");
        reports.extend(documents);
    }
    reports
}
