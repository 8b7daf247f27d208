//! Events per second through all steps: HTTP callback → verify → decide → assign → dispatch → simulated WeChat.
//!
//! Every lead is of another person with another openid, so no platform limit slows the run. Generator, gate and simulator share one
//! process and the machine's cores; three rounds, median reported. Run it with `cargo xtask bench pipeline`.

#![expect(clippy::print_stdout, reason = "its result is what it prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark that can not go on has failed")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use sluice::builtin;
use sluice::cli::Place;
use sluice::client::GateClient;
use sluice::gate::{Gate, GateOptions};
use sluice::state;
use sluice_channels::Endpoints;
use sluice_domain::scheme::{Credentials, ToSign, sign};
use sluice_domain::source::SchemeName;
use sluice_embedded::{FileSecrets, SystemClock};
use sluice_ports::{Clock, Queue};
use sluice_simulators::{SimulatorOptions, Simulators, WechatAccount};
use sluice_telemetry::Metrics;

const EVENTS: usize = 2_000;
const CONNECTIONS: usize = 16;
const ROUNDS: usize = 3;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut rates: Vec<f64> = (0..ROUNDS).map(|_| runtime.block_on(round())).collect();
    rates.sort_by(f64::total_cmp);
    let median = rates.get(ROUNDS / 2).copied().unwrap_or_default();
    println!(
        "{}",
        json!({ "benchmark": "pipeline", "events": EVENTS, "rounds": ROUNDS, "median_events_per_second": median.round() })
    );
}

async fn round() -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let options = SimulatorOptions {
        wechat_accounts: vec![WechatAccount {
            app_id: "wx00demo00000000".into(),
            secret: "wechat-secret".into(),
            followers: (0..EVENTS).map(|number| format!("openid-{number}")).collect(),
        }],
        ..SimulatorOptions::default()
    };
    let platforms = Simulators::start(options).await.unwrap();
    let secrets = directory.path().join("secrets.json");
    write_private(
        &secrets,
        &json!({ "demo-mcn": { "demo-mcn/ocean": "ocean-secret", "demo-mcn/wechat": "wechat-secret" } })
            .to_string(),
    );
    let config = directory.path().join("config");
    builtin::write(&config).unwrap();
    let place = Place { config: Some(config), data: directory.path().join("data"), secrets: None };
    let state = state::open(&place, Arc::clone(&clock)).await.unwrap();
    let secrets = Arc::new(FileSecrets::open(&secrets, clock).unwrap());
    let endpoints =
        Endpoints::new(&*platforms.feishu_url, &*platforms.wecom_url, &*platforms.wechat_url).unwrap();
    let censors = sluice_censor::Endpoints::new(&platforms.douyin_url, &platforms.toutiao_url).unwrap();
    let options = GateOptions {
        censors,
        listen: ([127, 0, 0, 1], 0).into(),
        endpoints,
        front_door_only: false,
        metrics: Metrics::default(),
    };
    let gate = Gate::start(state.clone(), secrets, options).await.unwrap();
    let began = Instant::now();
    let senders: Vec<_> = (0..CONNECTIONS)
        .map(|lane| tokio::spawn(send_lane(format!("http://{}", gate.address), lane)))
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    while unfinished(&state) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(platforms.seen().len(), EVENTS, "every message arrived once");
    gate.stop().await;
    f64::from(u32::try_from(EVENTS).unwrap()) / seconds
}

fn unfinished(state: &state::State) -> u64 {
    let depth = |queue| state.store.depth(queue).unwrap();
    Queue::ALL
        .into_iter()
        .map(|queue| depth(queue).visible + depth(queue).in_flight + depth(queue).delayed)
        .sum()
}

async fn send_lane(base: String, lane: usize) {
    let client = GateClient::new(base);
    let secret = secrecy::SecretString::from("ocean-secret");
    for number in (lane..EVENTS).step_by(CONNECTIONS) {
        let now = SystemClock.now();
        let lead = json!({ "content": {
            "clue_id": number.to_string(), "form_id": "ocean-lead-form", "open_id": format!("person-{number}"), "name": "赵六",
            "telephone": format!("137{number:08}"), "wechat_openid": format!("openid-{number}"),
        }});
        let body = json!({
            "message_id": format!("lead-{number}"), "account_relation": "{}", "service_label": "clue.form.submit", "advertiser_ids": [1],
            "publish_time": now.0, "timestamp": now.0, "nonce": "n", "data": lead.to_string(),
        });
        let body = body.to_string();
        let signed = sign(
            SchemeName::OceanEngine,
            ToSign::post(body.as_bytes(), now),
            &Credentials::of_secret(&secret),
        )
        .unwrap();
        let answer = client.send("ocean", "POST", signed).await.unwrap();
        assert!(answer.status.is_success(), "{}", answer.status);
    }
}

fn write_private(path: &Path, text: &str) {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}
