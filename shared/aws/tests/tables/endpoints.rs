//! `sluice-aws endpoints`: the operator's program against the tables, and what the senders see of it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what is missing fails the test")]

use std::path::Path;

use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use serde_json::{Value, json};
use sluice_channels::{EndpointDesk, EndpointHealth};
use sluice_domain::destination::Destination;
use sluice_domain::id::{DestinationId, TenantId};
use sluice_domain::settings::Settings;
use sluice_ports::conformance::samples::NOON;
use sluice_simulators::{Running, SimulatorOptions, Simulators, WecomBot};

use crate::support::{World, fresh_on_dynoxide, fresh_on_ministack};

const GROUP: &str = "wecom-sales-group";

fn config() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config")
}

fn tenant() -> TenantId {
    TenantId::new("demo-brand").unwrap()
}

fn group(settings: &Settings) -> &Destination {
    &settings.tenants[&tenant()].destinations[&DestinationId::new(GROUP).unwrap()]
}

/// What the program wrote, line by line, and its exit code.
async fn run(world: &World, platforms: Option<&Running>, arguments: &[&str]) -> (i32, Vec<Value>, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_sluice-aws"));
    let endpoint = &world.endpoint;
    command.arg("endpoints").args(arguments).env_clear().envs([
        ("AWS_REGION", endpoint.region.as_str()),
        ("AWS_ACCESS_KEY_ID", endpoint.access_key.as_str()),
        ("AWS_SECRET_ACCESS_KEY", endpoint.secret_key.as_str()),
        ("AWS_ENDPOINT_URL", endpoint.url.as_str()),
        ("SLUICE_TABLE_RECEIPTS", "test-receipts"),
        ("SLUICE_SECRETS_PREFIX", "sluice"),
    ]);
    command.env("SLUICE_CONFIG", config());
    if let Some(at) = platforms {
        let named = format!("feishu={},wecom={},wechat={}", at.feishu_url, at.wecom_url, at.wechat_url);
        command.env("SLUICE_CHANNEL_ENDPOINTS", named);
    }
    let done = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let lines = text(done.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (done.status.code().unwrap(), lines, text(done.stderr))
}

/// The key of the group's bot, under the name that the functions ask for.
async fn make_secret(world: &World, key: &str) {
    let endpoint = &world.endpoint;
    let (access, secret) = (endpoint.access_key.as_str(), endpoint.secret_key.as_str());
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(endpoint.region.clone()))
        .credentials_provider(Credentials::new(access, secret, None, None, "test"))
        .endpoint_url(&endpoint.url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let client = aws_sdk_secretsmanager::Client::from_conf(config);
    let name = "sluice/demo-brand/demo-brand/wecom-bot";
    let _made = client.create_secret().name(name).secret_string(key).send().await.unwrap();
}

/// As the senders of another process see it.
async fn health(world: &World, settings: &Settings) -> EndpointHealth {
    let desk = EndpointDesk::new(world.another_store(), NOON);
    desk.look(&tenant(), group(settings)).await.unwrap().health
}

#[tokio::test]
async fn an_endpoint_is_disabled_seen_and_enabled_again() {
    let world = fresh_on_dynoxide().await;
    let settings = sluice_settings::load(&config()).unwrap();
    let which = ["--tenant", "demo-brand", GROUP];
    let (code, lines, errors) = run(&world, None, &["list", "--tenant", "demo-brand"]).await;
    assert_eq!((code, lines.len()), (0, 3), "{errors}");
    assert!(lines.iter().all(|line| line["health"] == json!({ "state": "healthy" })));

    let why = ["--by", "王芳", "--why", "the bot is being replaced"];
    let (code, lines, _) = run(&world, None, &[&["disable"], which.as_slice(), &why].concat()).await;
    assert_eq!((code, lines), (0, vec![json!({ "enabled": false })]));
    let EndpointHealth::Disabled { code, by, why, .. } = health(&world, &settings).await else {
        panic!("disabled")
    };
    assert_eq!((code.as_str(), by.as_str(), why.as_str()), ("disabled", "王芳", "the bot is being replaced"));

    let (code, lines, _) = run(&world, None, &["list"]).await;
    let told = lines.iter().find(|line| line["destination"] == GROUP).unwrap();
    assert_eq!(
        (code, &told["health"]["state"], &told["channel"]),
        (1, &json!("disabled"), &json!("wecom_bot"))
    );

    for (changed, expected) in [(true, 0), (false, 1)] {
        let (code, lines, _) = run(&world, None, &[&["enable"], which.as_slice()].concat()).await;
        assert_eq!((code, lines), (expected, vec![json!({ "enabled": true, "changed": changed })]));
    }
    assert_eq!(health(&world, &settings).await, EndpointHealth::Healthy);
}

#[tokio::test]
async fn what_is_not_configured_is_told_and_nothing_is_written() {
    let world = fresh_on_dynoxide().await;
    for arguments in [
        ["list", "--tenant", "nobody"].as_slice(),
        &["enable", "--tenant", "demo-brand", "gone"],
        &["disable", "--tenant", "demo-brand", "gone", "--by", "a", "--why", "b"],
    ] {
        let (code, lines, errors) = run(&world, None, arguments).await;
        assert_eq!((code, lines.len()), (3, 0));
        assert!(errors.contains("is not configured"), "{errors}");
    }
    let scanned = world.client.scan().table_name("test-receipts").send().await.unwrap();
    assert_eq!(scanned.count(), 0);
}

#[tokio::test]
async fn a_message_tries_an_endpoint_out_but_not_on_customers() {
    let world = fresh_on_ministack().await;
    let platforms = Simulators::start(SimulatorOptions {
        wecom_bots: vec![WecomBot { key: "693a91f6".into() }],
        ..SimulatorOptions::default()
    });
    let platforms = platforms.await.unwrap();
    make_secret(&world, "693a91f6").await;
    let (code, lines, errors) =
        run(&world, Some(&platforms), &["test", "--tenant", "demo-brand", GROUP, "--text", "你好"]).await;
    assert_eq!((code, &lines[0]["taken"]), (0, &json!(true)), "{lines:?} {errors}");
    let seen = platforms.seen();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].text.starts_with("你好 "), "{}", seen[0].text);

    let to_customers = ["test", "--tenant", "demo-mcn", "wechat-service"];
    let (code, lines, errors) = run(&world, Some(&platforms), &to_customers).await;
    assert_eq!((code, lines.len()), (2, 0));
    assert!(errors.contains("writes to customers"), "{errors}");
    assert_eq!(platforms.seen().len(), 1);
}
