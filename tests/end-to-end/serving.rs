//! A running server and the commands that work on it.

use std::path::Path;

use serde_json::{Value, json as value};
use sluice_simulators::{Running, Simulators};

use crate::program::{Server, json, workspace, write_private};

/// The shipped configuration with secrets that fit `SimulatorOptions::demo()`-like platforms of our own.
struct Place {
    directory: tempfile::TempDir,
    _platforms: Running,
    server: Server,
}

impl Place {
    async fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let secrets = value!({ "demo-brand": {
            "demo-brand/open-platform": { "current": "new-secret", "previous": "old-secret" },
            "demo-brand/feishu-bot-hook": "hook-1", "demo-brand/feishu-bot-signing": "signing-1",
        }});
        write_private(&data.join("secrets.json"), &secrets.to_string());
        let options = sluice_simulators::SimulatorOptions {
            feishu_bots: vec![sluice_simulators::FeishuBot {
                hook: "hook-1".into(),
                signing: Some("signing-1".into()),
                keywords: Vec::new(),
            }],
            ..Default::default()
        };
        let platforms = Simulators::start(options).await.unwrap();
        let server = Server::start(&workspace().join("config"), &data, &[("feishu", &platforms.feishu_url)]);
        Self { directory, _platforms: platforms, server }
    }

    fn data(&self) -> std::path::PathBuf {
        self.directory.path().join("data")
    }

    fn command(&self, args: &[&str]) -> (i32, Vec<Value>) {
        let (config, data) = (workspace().join("config"), self.data());
        json(&[args, &["--config", config.to_str().unwrap(), "--data", data.to_str().unwrap()]].concat())
    }

    fn send(&self, body: &Path, id: &str) -> (i32, Vec<Value>) {
        let args =
            ["send", "--source", "open-platform", "--to", &self.server.base, "--message-id", id, "--body"];
        self.command(&[&args[..], &[body.to_str().unwrap()]].concat())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_work_on_the_data_directory_of_a_running_server() {
    let place = Place::open().await;
    let body = place.directory.path().join("follow.json");
    let follow = value!({
        "event": "new_follow_action", "client_key": "awdemobrand000001", "from_user_id": "person-1", "to_user_id": "shop",
        "content": "{\"action_type\":1,\"action_time\":1686811643}",
    });
    std::fs::write(&body, follow.to_string()).unwrap();
    let (code, answers) = place.send(&body, "follow-1");
    assert_eq!((code, &answers[0]["status"]), (0, &value!(200)));
    let row = until(|| place.command(&["audit", "list", "--tenant", "demo-brand"]).1.into_iter().next());
    assert_eq!((&row["disposition"], &row["decision"]["verdict"]), (&value!("decided"), &value!("block")));
    let trace = row["trace_id"].as_str().unwrap();
    let (code, shown) = place.command(&["audit", "show", "--tenant", "demo-brand", trace]);
    assert_eq!((code, &shown[0]["audit"]["decision"]["reasons"][0]["code"]), (0, &value!("consent_missing")));
    assert!(!shown[0].to_string().contains("person-1"), "records hold pseudonyms only");
    assert_eq!(place.command(&["keys", "rotate", "--tenant", "demo-brand"]).0, 0);
    assert_eq!(place.command(&["dlq", "list"]), (0, Vec::new()));
    let data = place.data();
    assert_eq!(place.server.stop(), 0);
    let (code, listed) = json(&["audit", "list", "--tenant", "demo-brand", "--data", data.to_str().unwrap()]);
    assert_eq!((code, listed.len()), (0, 1), "the record outlives the server");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_person_is_readable_in_the_data_directory_or_the_log() {
    let place = Place::open().await;
    let body = place.directory.path().join("lead.json");
    let lead = value!({
        "event": "im_receive_msg", "client_key": "awdemobrand000001", "from_user_id": "open-id-of-the-person", "to_user_id": "shop",
        "content": { "conversation_short_id": "@c==", "server_message_id": "@m==", "conversation_type": 1, "create_time": 1_681_303_285_997_i64,
            "message_type": "retain_consult_card", "source": "", "scene_type": 100, "card_id": "@72Mq-demo-card", "card_status": 2,
            "card_data": [{ "label": "姓名", "value": "欧阳娜娜" }, { "label": "手机号", "value": "13800138000" }], "user_infos": [] },
    });
    std::fs::write(&body, lead.to_string()).unwrap();
    assert_eq!(place.send(&body, "lead-1").0, 0);
    let forged = place.directory.path().join("nobody.json");
    std::fs::write(&forged, lead.to_string().replace("13800138000", "13900139000")).unwrap();
    assert_eq!(place.send(&forged, "lead-2").0, 0);
    until(|| (place.command(&["audit", "list", "--tenant", "demo-brand"]).1.len() == 2).then_some(()));
    let data = place.data();
    assert_eq!(place.server.stop(), 0);
    let files = [data.join("sluice.redb"), data.with_extension("log")];
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        for personal in ["13800138000", "13900139000", "欧阳娜娜", "open-id-of-the-person", "new-secret"]
        {
            let found = bytes.windows(personal.len()).any(|window| window == personal.as_bytes());
            assert!(!found, "`{personal}` is readable in {}", file.display());
        }
    }
}

/// As a reviewer works: list, look, a wrong voice, approve, and the trail of it, all while the server runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reviewer_answers_what_waits_while_the_server_runs() {
    let place = Place::open().await;
    let text = place.directory.path().join("consent.txt");
    std::fs::write(&text, "我同意就我咨询的产品与我联系。").unwrap();
    let grant = "consent grant --tenant demo-brand --open-id person-1 --purpose sales_contact --recipient feishu_leads --text-version 1 --note test --text-file";
    let grant: Vec<&str> = grant.split(' ').chain([text.to_str().unwrap()]).collect();
    assert_eq!(place.command(&grant).0, 0);
    let body = place.directory.path().join("chat.json");
    let chat = value!({
        "event": "im_receive_msg", "client_key": "awdemobrand000001", "from_user_id": "person-1", "to_user_id": "shop",
        "content": { "conversation_short_id": "@c==", "server_message_id": "@m==", "conversation_type": 1, "create_time": 1_681_303_285_997_i64,
            "message_type": "text", "source": "", "scene_type": 100, "text": "我是车主,13912345678", "user_infos": [] },
    });
    std::fs::write(&body, chat.to_string()).unwrap();
    assert_eq!(place.send(&body, "chat-1").0, 0);
    let list = ["review", "list", "--tenant", "demo-brand"];
    let waiting = until(|| place.command(&list).1.into_iter().next());
    assert_eq!(waiting["texts"][0]["text"], "我是车主,⟦139****5678⟧");
    assert_eq!(
        (&waiting["state"], &waiting["reasons"][0]["code"]),
        (&value!("open"), &value!("phone_number"))
    );
    let trace = waiting["trace_id"].as_str().unwrap();
    let review =
        |words: &[&str]| place.command(&[&["review"], words, &["--tenant", "demo-brand", trace]].concat());
    let (code, shown) = review(&["show"]);
    assert!(code == 0 && !shown[0].to_string().contains("13912345678"), "{shown:?}");
    assert_eq!(review(&["show", "--unmasked"]).0, 2, "nobody looks without a name and a reason");
    let (code, shown) = review(&["show", "--unmasked", "--by", "李雷", "--why", "核对号码"]);
    assert_eq!((code, &shown[0]["texts"][0]["text"]), (0, &value!("我是车主,13912345678")));
    assert_eq!(review(&["approve", "--by", "王芳"]).0, 2, "nor answers without one");
    let (code, voted) = review(&["approve", "--by", "王芳", "--why", "客户本人留的号码"]);
    assert_eq!((code, &voted[0]["state"]), (0, &value!("approved")));
    let audit = ["audit", "show", "--tenant", "demo-brand", trace];
    let (_, told) = until(|| {
        let answer = place.command(&audit);
        (answer.1[0]["delivery"]["state"] == "delivered").then_some(answer)
    });
    let trail = &told[0]["reviews"][0];
    assert_eq!(
        (&told[0]["audit"]["decision"]["verdict"], &trail["state"]),
        (&value!("review"), &value!("cleared"))
    );
    let voices: Vec<_> =
        trail["voices"].as_array().unwrap().iter().map(|one| (&one["by"], &one["says"])).collect();
    assert_eq!(voices, [(&value!("李雷"), &value!("looked")), (&value!("王芳"), &value!("approve"))]);
    let (code, late) = review(&["reject", "--by", "韩梅梅", "--why", "不同意"]);
    assert_eq!((code, &late[0]["error"]), (1, &value!("not_open")));
    let unknown = "review show --tenant demo-brand 01a1fb67-1800-7101-8101-010101010101";
    assert_eq!(place.command(&unknown.split(' ').collect::<Vec<_>>()).0, 1);
    assert_eq!(place.command(&["review", "list", "--tenant", "nobody"]).0, 3);
    assert_eq!(place.command(&["review", "list", "--state", "lost"]).0, 2);
    assert_eq!(place.command(&list), (0, Vec::new()));
}

/// Asks again until there is an answer; a minute is enough on any machine.
fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let began = std::time::Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed().as_secs() < 60, "no answer in a minute");
    }
}
