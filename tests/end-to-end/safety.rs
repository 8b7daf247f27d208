//! Content safety, as an engineer and a reviewer see it: a running gate, the simulated censor, the commands.

use serde_json::{Value, json as value};
use sluice::demo::callbacks::LONG;
use sluice_simulators::{
    CensorApp, Fault, FaultEffect, FaultTimes, Place as At, Platform, Running, SimulatorOptions, Simulators,
};

use crate::program::{Server, json, workspace, write_private};

struct Place {
    directory: tempfile::TempDir,
    platform: Running,
    server: Server,
}

impl Place {
    async fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let secrets = value!({ "demo-brand": {
            "demo-brand/open-platform": "door", "demo-brand/mini-app": "app-secret",
            "demo-brand/feishu-bot-hook": "hook-1", "demo-brand/feishu-bot-signing": "signing-1",
        }});
        write_private(&data.join("secrets.json"), &secrets.to_string());
        let options = SimulatorOptions {
            feishu_bots: vec![sluice_simulators::FeishuBot {
                hook: "hook-1".into(),
                signing: Some("signing-1".into()),
                keywords: Vec::new(),
            }],
            censor_apps: vec![CensorApp {
                app_id: "tt00demo0000000001".into(),
                secret: "app-secret".into(),
                hit_words: vec!["代开发票".into()],
                per_day: None,
            }],
            ..SimulatorOptions::default()
        };
        let platform = Simulators::start(options).await.unwrap();
        let platforms = [
            ("feishu", platform.feishu_url.as_str()),
            ("douyin", &platform.douyin_url),
            ("toutiao", &platform.toutiao_url),
        ];
        let server = Server::start(&workspace().join("config"), &data, &platforms);
        Self { directory, platform, server }
    }

    fn command(&self, args: &[&str]) -> (i32, Vec<Value>) {
        let config = workspace().join("config");
        let data = self.directory.path().join("data");
        json(&[args, &["--config", config.to_str().unwrap(), "--data", data.to_str().unwrap()]].concat())
    }

    fn consent(&self) {
        let text = self.directory.path().join("text");
        std::fs::write(&text, "我同意与我联系").unwrap();
        let (code, answer) = self.command(&[
            "consent",
            "grant",
            "--tenant",
            "demo-brand",
            "--open-id",
            "person-1",
            "--purpose",
            "sales_contact",
            "--recipient",
            "feishu_leads",
            "--text-version",
            "1",
            "--text-file",
            text.to_str().unwrap(),
            "--note",
            "test",
        ]);
        assert_eq!(code, 0, "{answer:?}");
    }

    fn says(&self, id: &str, text: &str) {
        let body = self.directory.path().join("chat.json");
        let chat = value!({
            "event": "im_receive_msg", "client_key": "awdemobrand000001", "from_user_id": "person-1", "to_user_id": "shop",
            "content": { "conversation_short_id": "@c==", "server_message_id": format!("@{id}=="), "conversation_type": 1,
                "create_time": 1_681_303_285_997_i64, "message_type": "text", "source": "", "scene_type": 100, "text": text,
                "user_infos": [] },
        });
        std::fs::write(&body, chat.to_string()).unwrap();
        let body = body.to_str().unwrap();
        let to = &self.server.base;
        let args = ["send", "--source", "open-platform", "--to", to, "--message-id", id, "--body", body];
        assert_eq!(self.command(&args).0, 0);
    }

    /// The review of an event once it stands like this.
    fn review(&self, state: &str, count: usize) -> Value {
        until(|| {
            let (_, listed) = self.command(&["review", "list", "--tenant", "demo-brand", "--state", state]);
            (listed.len() == count).then(|| listed.last().cloned()).flatten()
        })
    }
}

fn until<T>(look: impl Fn() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(std::time::Instant::now() < deadline, "it does not come");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_platforms_word_decides_and_people_do_where_it_has_none() {
    let place = Place::open().await;
    place.consent();
    place.says("long", LONG);
    let cleared = place.review("cleared", 1);
    assert_eq!(cleared["finding"]["outcome"], "clean");
    assert_eq!(cleared["finding"]["decided_by"], "remote");
    assert!(cleared["finding"]["log_id"].as_str().unwrap().starts_with("2026"), "{cleared}");
    let until_delivered = || (!place.platform.seen().is_empty()).then_some(());
    until(until_delivered);

    place.says("again", LONG);
    assert_eq!(place.review("cleared", 2)["finding"]["decided_by"], "cached");
    assert_eq!(place.platform.checked_texts().len(), 1, "the same text is shown once");

    place.says("grey", "请问能代开发票吗");
    let blocked = place.review("blocked", 1);
    assert_eq!(blocked["blocked_by"], "content_unsafe");
    assert_eq!(blocked["finding"]["hits"], value!(["short_content_antidirt"]));

    let effect = FaultEffect::Status { status: 503 };
    let times = FaultTimes::Next(3);
    place.platform.inject(Fault { platform: Platform::DouyinCensor, place: At::Send, effect, times });
    place.says("down", "有翻墙软件吗");
    let waiting = until(|| {
        let (_, listed) = place.command(&["review", "list", "--tenant", "demo-brand"]);
        listed.into_iter().find(|review| review["finding"]["cause"] == "busy")
    });
    assert_eq!(
        (&waiting["finding"]["outcome"], &waiting["finding"]["requests"]),
        (&value!("unanswered"), &value!(3))
    );
    let trace = waiting["trace_id"].as_str().unwrap();
    let approve = ["review", "approve", "--tenant", "demo-brand", trace, "--by", "王芳", "--why", "只是咨询"];
    assert_eq!(place.command(&approve).0, 0);
    place.review("cleared", 3);
    let (code, shown) = place.command(&["audit", "show", "--tenant", "demo-brand", trace]);
    assert_eq!(
        (code, shown[0]["audit"]["decision"]["reasons"][0]["code"].as_str()),
        (0, Some("text_to_check"))
    );
    let data = place.directory.path().join("data");
    assert_eq!(place.server.stop(), 0);
    for file in [data.join("sluice.redb"), data.with_extension("log")] {
        let bytes = std::fs::read(&file).unwrap();
        for text in ["代开发票", "翻墙软件", "空气净化器"] {
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "`{text}` is readable in {}", file.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_or_a_script_can_be_tried() {
    let place = Place::open().await;
    let check = |args: &[&str]| {
        let (douyin, toutiao) = (place.platform.douyin_url.as_str(), place.platform.toutiao_url.as_str());
        let at = ["--douyin", douyin, "--toutiao", toutiao];
        place.command(&[&["safety", "check", "--tenant", "demo-brand"], args, &at].concat())
    };
    let (code, answers) = check(&["--text", "请问保修期多长"]);
    assert_eq!((code, &answers[0]["outcome"]), (0, &value!("clean")));
    let (code, answers) = check(&["--text", "能代开发票吗"]);
    assert_eq!(
        (code, &answers[0]["outcome"], &answers[0]["api"]),
        (1, &value!("hit"), &value!("open_platform"))
    );
    assert!(answers[0]["local_rules"].as_array().unwrap().contains(&value!("grey-words-checked")));
    assert_eq!(check(&["--script", "lead-card-plain"]).0, 0);
    assert_eq!(check(&["--script", "nothing"]).0, 2);
    assert_eq!(check(&["--text", " "]).0, 2);
    let refused = FaultEffect::Code { code: 28_001_018, status: 200 };
    for (effect, expected) in [(refused, 3), (FaultEffect::Html, 4)] {
        place.platform.inject(Fault {
            platform: Platform::DouyinCensor,
            place: At::Send,
            effect,
            times: FaultTimes::Next(1),
        });
        assert_eq!(check(&["--text", "你好"]).0, expected);
    }
    let (code, _) = place.command(&["safety", "check", "--text", "x", "--douyin", "http://open.douyin.com"]);
    assert_eq!(code, 3, "no text in the clear");
    assert_eq!(place.server.stop(), 0);
}
