//! Images, as an engineer sees them: a configuration with a picture, a running gate, and what the group sees.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json as value;
use sluice_simulators::{Running, SimulatorOptions, Simulators, WecomApp, WecomBot};

use crate::program::{Server, json, sluice, workspace, write_private};

const WORDS: &str = "【示例品牌】到店有礼，客户表示拒绝的，请停止联系";

/// Where people see the image: a group bot takes its bytes, an application uploads it.
const BOT: &str = "channel: wecom_bot, key: demo-brand/bot";
const APPLICATION: &str =
    "channel: wecom_app, corp_id: ww1, agent_id: 7, secret: demo-brand/app, members: [li]";

/// Another picture than the vectors'.
const OTHER: &str = "docs/img/simulators.png";

fn picture(name: &str) -> Vec<u8> {
    std::fs::read(workspace().join(name)).unwrap()
}

/// The built-in configuration, whose notes on behaviour are an image.
fn configured(directory: &Path, channel: &str) -> PathBuf {
    let config = directory.join("config");
    assert!(sluice(&["config", "init", config.to_str().unwrap()]).status.success());
    let main = config.join("sluice.yaml");
    let text = std::fs::read_to_string(&main).unwrap();
    let changed = text
        .replacen(
            "destinations: [feishu-leads-group]\n        script: behaviour-note",
            "destinations: [pictures]\n        script: promo",
            1,
        )
        .replacen(
            "    destinations:\n",
            &format!("    destinations:\n      - {{ id: pictures, recipient: feishu_leads, {channel} }}\n"),
            1,
        )
        .replacen(
            "    scripts:\n",
            &format!(
                "    scripts:\n      - {{ id: promo, version: 1, image: card.png, image_text: {WORDS} }}\n"
            ),
            1,
        );
    std::fs::write(main, changed).unwrap();
    std::fs::create_dir(config.join("images")).unwrap();
    std::fs::write(config.join("images/card.png"), picture("tests/vectors/images/card.png")).unwrap();
    config
}

async fn platforms() -> Running {
    let options = SimulatorOptions {
        wecom_bots: vec![WecomBot { key: "key-1".into() }],
        wecom_apps: vec![WecomApp {
            corp_id: "ww1".into(),
            agent_id: 7,
            secret: "app-1".into(),
            members: vec!["li".into()],
        }],
        ..SimulatorOptions::default()
    };
    Simulators::start(options).await.unwrap()
}

struct Place {
    directory: tempfile::TempDir,
    config: PathBuf,
    platforms: Running,
    server: Server,
}

impl Place {
    async fn open(channel: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = configured(directory.path(), channel);
        let data = directory.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let secrets = value!({ "demo-brand": {
            "demo-brand/open-platform": "door", "demo-brand/bot": "key-1", "demo-brand/app": "app-1",
        }});
        write_private(&data.join("secrets.json"), &secrets.to_string());
        let platforms = platforms().await;
        let server = Server::start(&config, &data, &[("wecom", platforms.wecom_url.as_str())]);
        let place = Self { directory, config, platforms, server };
        let text = place.directory.path().join("text");
        std::fs::write(&text, "我同意与我联系").unwrap();
        let given = "--tenant demo-brand --open-id person-1 --purpose sales_contact --recipient feishu_leads --text-version 1 --note test";
        let given: Vec<&str> = given.split(' ').chain(["--text-file", text.to_str().unwrap()]).collect();
        place.command(&[&["consent", "grant"][..], &given].concat());
        place
    }

    fn command(&self, args: &[&str]) {
        let data = self.directory.path().join("data");
        let place = ["--config", self.config.to_str().unwrap(), "--data", data.to_str().unwrap()];
        let (code, answer) = json(&[args, &place].concat());
        assert_eq!(code, 0, "{answer:?}");
    }

    /// A person writes to the shop, which staff are told by a picture.
    fn says(&self, id: &str) {
        let body = self.directory.path().join("chat.json");
        let chat = value!({
            "event": "im_receive_msg", "client_key": "awdemobrand000001", "from_user_id": "person-1", "to_user_id": "shop",
            "content": { "conversation_short_id": "@c==", "server_message_id": format!("@{id}=="), "conversation_type": 1,
                "create_time": 1_681_303_285_997_i64, "message_type": "text", "source": "", "scene_type": 100, "text": "在吗",
                "user_infos": [] },
        });
        std::fs::write(&body, chat.to_string()).unwrap();
        let (body, to) = (body.to_str().unwrap(), self.server.base.as_str());
        self.command(&["send", "--source", "open-platform", "--to", to, "--message-id", id, "--body", body]);
    }

    /// What has been seen, once it is so many.
    fn seen(&self, count: usize) -> Vec<String> {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let seen = self.platforms.seen();
            if seen.len() >= count {
                return seen.into_iter().map(|seen| seen.text).collect();
            }
            assert!(Instant::now() < deadline, "the picture does not come: {seen:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn shown(name: &str) -> String {
    let image = sluice_domain::image::Image::inspect(
        sluice_domain::image::ImageName::new("card.png").unwrap(),
        &picture(name),
    );
    format!("[image sha256:{}]", image.unwrap().sha256)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_sees_the_picture_of_a_script_and_its_next_one_once_it_is_changed() {
    let place = Place::open(BOT).await;
    place.says("one");
    assert_eq!(place.seen(1), [shown("tests/vectors/images/card.png")]);
    // Another picture under the same name is taken up while the gate runs; until then the first one can not be sent, and waits.
    std::fs::write(place.config.join("images/card.png"), picture(OTHER)).unwrap();
    place.says("two");
    assert_eq!(place.seen(2).last(), Some(&shown(OTHER)));
    assert_eq!(place.server.stop(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_see_a_picture_that_was_uploaded_once_also_after_a_restart() {
    let place = Place::open(APPLICATION).await;
    place.says("one");
    place.seen(1);
    let Place { directory, config, platforms, server } = place;
    assert_eq!(server.stop(), 0);
    let server =
        Server::start(&config, &directory.path().join("data"), &[("wecom", platforms.wecom_url.as_str())]);
    let place = Place { directory, config, platforms, server };
    place.says("two");
    let picture = shown("tests/vectors/images/card.png");
    assert_eq!(place.seen(2), [picture.clone(), picture]);
    assert_eq!(place.platforms.counters(sluice_simulators::Platform::Wecom).uploads, 1);
    assert_eq!(place.server.stop(), 0);
}

#[test]
fn a_picture_is_shown_by_its_hash_and_compiled_beside_the_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let config = configured(directory.path(), APPLICATION);
    let config = config.to_str().unwrap();
    let args = ["script", "render", "--script", "promo", "--destination", "pictures", "--config", config];
    let (code, documents) = json(&args);
    assert_eq!(code, 0, "{documents:?}");
    let facts = "69060f4055767890bc4eae9e6323193e07f41c4156480a722d75b254165a032f";
    let requests = documents[0]["requests"].as_array().unwrap();
    let [upload, send] = requests.as_slice() else { panic!("{requests:?}") };
    let form = upload["body"].as_str().unwrap();
    assert!(form.contains(&format!("\r\n\r\n<124 bytes, sha256 {facts}>\r\n--sluice-")), "{form}");
    assert!(send["body"].as_str().unwrap().contains(r#""image":{"media_id":"MEDIA_ID"}"#), "{send}");
    let text = String::from_utf8(sluice(&args).stdout).unwrap();
    assert!(
        text.contains(&format!("an image alone, card.png: image/png, 64 × 40, 124 bytes, sha256 {facts}")),
        "{text}"
    );

    let out = directory.path().join("out");
    let compiled = sluice(&["config", "compile", out.to_str().unwrap(), "--config", config]);
    assert!(compiled.status.success(), "{compiled:?}");
    assert_eq!(std::fs::read(out.join("images/card.png")).unwrap(), picture("tests/vectors/images/card.png"));

    std::fs::remove_file(Path::new(config).join("images/card.png")).unwrap();
    let refused = sluice(&["config", "check", "--config", config]);
    let told = String::from_utf8(refused.stdout).unwrap();
    assert!(
        told.contains("image_missing: script `promo`: `images/card.png`: no such file; there: none"),
        "{told}"
    );
    assert_eq!(refused.status.code(), Some(3));
}
