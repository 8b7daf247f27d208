//! The forms that scripts rely on.

use serde_json::{Value, json as value};

use crate::program::{json, sluice, workspace};

fn vectors() -> Vec<Value> {
    let path = workspace().join("tests/vectors/douyin_signatures.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn verify_answers_the_published_rows_by_its_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let body = directory.path().join("body");
    let mut rows = 0;
    for row in vectors() {
        let scheme = row["scheme"].as_str().unwrap();
        let signature = row.get("expected").or_else(|| row.get("must_reject")).and_then(Value::as_str);
        if !scheme.starts_with("open_platform_webhook") || signature.is_none() {
            continue;
        }
        std::fs::write(&body, row["body"].as_str().unwrap()).unwrap();
        let header = format!("X-Douyin-Signature: {}", signature.unwrap());
        let args = [
            "verify",
            "--scheme",
            "open-platform",
            "--secret",
            row["secret"].as_str().unwrap(),
            "--header",
            &header,
            "--body",
            body.to_str().unwrap(),
        ];
        let (code, documents) = json(&args);
        let genuine = row.get("expected").is_some();
        assert_eq!(code, i32::from(!genuine), "{row}");
        assert_eq!(documents[0]["valid"], genuine);
        assert!(
            !documents[0].to_string().contains(row["secret"].as_str().unwrap()),
            "the secret is never printed"
        );
        rows += 1;
    }
    assert_eq!(rows, 5);
}

#[test]
fn verify_says_which_wrong_formula_was_used() {
    let directory = tempfile::tempdir().unwrap();
    let body = directory.path().join("body");
    let row = vectors().into_iter().find(|row| row.get("must_reject").is_some()).unwrap();
    std::fs::write(&body, row["body"].as_str().unwrap()).unwrap();
    let header = format!("X-Douyin-Signature: {}", row["must_reject"].as_str().unwrap());
    let args = [
        "verify",
        "--scheme",
        "open-platform",
        "--secret",
        "test_secret",
        "--header",
        &header,
        "--body",
        body.to_str().unwrap(),
    ];
    let (_, documents) = json(&args);
    let hints = documents[0]["hints"].to_string();
    assert!(hints.contains("HMAC-SHA256"), "{hints}");
}

#[test]
fn usage_errors_exit_with_two() {
    assert_eq!(sluice(&["verify", "--scheme", "no-such-scheme", "--secret", "s"]).status.code(), Some(2));
    assert_eq!(sluice(&["verify", "--scheme", "open-platform"]).status.code(), Some(2));
    assert_eq!(sluice(&["bucket", "hash"]).status.code(), Some(2));
    assert_eq!(sluice(&["scan", "--lines", "no such file"]).status.code(), Some(2));
    assert_eq!(sluice(&["config", "check", "--config", "no such directory"]).status.code(), Some(3));
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in [
        vec!["serve"],
        vec!["demo"],
        vec!["send"],
        vec!["verify"],
        vec!["scan"],
        vec!["link", "check"],
        vec!["link", "sign"],
        vec!["link", "verify"],
        vec!["link", "qr"],
        vec!["bucket", "hash"],
        vec!["bucket", "assign"],
        vec!["audit", "show"],
        vec!["audit", "list"],
        vec!["audit", "verify"],
        vec!["audit", "prove"],
        vec!["audit", "public-key"],
        vec!["audit", "payload"],
        vec!["audit", "rotate-key"],
        vec!["dlq", "list"],
        vec!["dlq", "redrive"],
        vec!["reconcile"],
        vec!["consent", "grant"],
        vec!["consent", "withdraw"],
        vec!["consent", "show"],
        vec!["keys", "rotate"],
        vec!["config", "check"],
        vec!["config", "init"],
    ] {
        let output = sluice(&[&command[..], &["--help"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.contains("Example: sluice"), "{command:?}");
    }
}

#[test]
fn bucket_hash_gives_the_published_hashes_one_by_one_and_from_a_file() {
    let args = [
        "bucket",
        "hash",
        "--algorithm",
        "murmur3-x86-32",
        "--seed",
        "1234",
        "--key",
        "Hello, world!",
        "--buckets",
        "10000",
    ];
    let (code, documents) = json(&args);
    assert_eq!(
        (code, &documents[0]["hash"], &documents[0]["hex"]),
        (0, &value!(0xfaf6_cdb3_u32), &value!("0xfaf6cdb3"))
    );
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys");
    std::fs::write(&keys, "gr1:123\ngroupX:999\n").unwrap();
    let (_, documents) = json(&["bucket", "hash", "--keys", keys.to_str().unwrap()]);
    let normalized: Vec<_> = documents.iter().map(|row| row["hash"].as_u64().unwrap() % 100 + 1).collect();
    assert_eq!(normalized, [73, 25], "Unleash's published values");
}

#[test]
fn scan_shows_hits_with_spans_in_characters_of_the_original() {
    let (code, documents) = json(&["scan", "--text", "你好,加我薇信 vx_12345 吧"]);
    let row = &documents[0];
    assert_eq!((code, &row["decision"]), (0, &value!("block")), "{row}");
    let text: Vec<char> = row["text"].as_str().unwrap().chars().collect();
    let hits = row["hits"].as_array().unwrap();
    assert!(hits.iter().any(|hit| hit["category"] == "contact_diversion"), "{row}");
    for hit in hits {
        let span = |index: usize| usize::try_from(hit["span"][index].as_u64().unwrap()).unwrap();
        assert_eq!(hit["matched"].as_str().unwrap(), text[span(0)..span(1)].iter().collect::<String>());
    }
}

#[test]
fn scan_reads_one_text_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let lines = directory.path().join("lines");
    std::fs::write(&lines, "微信支付很方便\n+v:abc_123\n我国发射卫星\n主页有微\n").unwrap();
    let (_, documents) = json(&["scan", "--lines", lines.to_str().unwrap()]);
    let decisions: Vec<_> = documents.iter().map(|row| row["decision"].as_str().unwrap()).collect();
    assert_eq!(decisions, ["allow", "block", "allow", "block"]);
}

#[test]
fn the_built_in_configuration_can_be_written_out_and_is_good() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("config");
    assert!(sluice(&["config", "init", config.to_str().unwrap()]).status.success());
    assert_eq!(json(&["config", "check", "--config", config.to_str().unwrap()]).0, 0);
    std::fs::write(config.join("rules/baseline.yaml"), "id: baseline\nversion: 1\nrules: [").unwrap();
    let (code, documents) = json(&["config", "check", "--config", config.to_str().unwrap()]);
    assert_eq!(code, 3);
    let problems = documents[0]["problems"].as_array().unwrap();
    assert!(problems.iter().any(|problem| problem["file"] == "rules/baseline.yaml"), "{problems:?}");
}

#[test]
fn consent_can_be_given_shown_and_taken_back_by_hand() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let text = directory.path().join("text");
    std::fs::write(&text, "我同意……").unwrap();
    let place = ["--data", data.to_str().unwrap(), "--tenant", "demo-brand", "--open-id", "aaa-1"];
    let grant = [
        "consent",
        "grant",
        "--purpose",
        "sales_contact",
        "--recipient",
        "wecom_sales",
        "--text-version",
        "1",
        "--note",
        "paper",
        "--text-file",
        text.to_str().unwrap(),
    ];
    assert_eq!(json(&["consent", "show", place[0], place[1], place[2], place[3], place[4], place[5]]).0, 1);
    assert_eq!(json(&[&grant[..], &place[..]].concat()).0, 0);
    let (code, documents) = json(&[&["consent", "show"][..], &place[..]].concat());
    assert_eq!((code, &documents[0]["consents"][0]["standing"]), (0, &value!("granted")));
    assert!(!documents[0].to_string().contains("aaa-1"), "the open id is not kept");
    assert_eq!(json(&[&["consent", "withdraw", "--note", "asked"][..], &place[..]].concat()).0, 0);
    let (_, documents) = json(&[&["consent", "show"][..], &place[..]].concat());
    assert_eq!(documents[0]["consents"][0]["standing"], "withdrawn");
}

/// A configuration like the built-in one with a pack of its own.
fn with_candidate(text: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("config");
    sluice::builtin::write(&config).unwrap();
    std::fs::write(config.join("rules/candidate.yaml"), text).unwrap();
    directory
}

const CANDIDATE: &str = "id: candidate
version: '2'
extends: [baseline.yaml]
overrides:
  - { id: consented-lead, then: review, reason: 试行人工复核 }
tests:
  - name: 复核
    kind: form_submit
    consent: granted
    expect: { verdict: review, code: consented_lead }
";

#[test]
fn rules_are_checked_tested_compared_and_explained_by_exit_codes() {
    let directory = with_candidate(CANDIDATE);
    let config = directory.path().join("config");
    let config = config.to_str().unwrap();
    assert!(sluice(&["rules", "check", "--config", config]).status.success());
    let (code, rows) = json(&["rules", "test", "--config", config, "--pack", "candidate"]);
    assert_eq!((code, &rows[0]["passed"]), (0, &value!(true)));
    let (code, rows) = json(&["rules", "diff", "--config", config, "baseline", "candidate"]);
    assert_eq!((code, rows.len()), (1, 1));
    assert_eq!(
        rows[0],
        value!({"change":"changed","rule":"consented-lead","part":"then","from":"allow_masked","to":"review"})
    );
    assert_eq!(json(&["rules", "diff", "--config", config, "baseline", "baseline"]).0, 0);

    let facts = directory.path().join("facts.yaml");
    std::fs::write(&facts, "kind: form_submit\nconsent: granted\n").unwrap();
    let explain =
        ["rules", "explain", "--config", config, "--pack", "candidate", "--facts", facts.to_str().unwrap()];
    let (code, rows) = json(&explain);
    assert_eq!((code, &rows[0]["decision"]["verdict"]), (0, &value!("review")));
    std::fs::write(&facts, "kind: form_submit\nconsnt: granted\n").unwrap();
    assert_eq!(sluice(&explain).status.code(), Some(2));
}

#[test]
fn a_bad_pack_is_told_with_file_line_and_advice_and_exits_with_3() {
    let table = [
        (CANDIDATE.replace("review, reason", "revue, reason"), 5, "syntax", "revue"),
        (CANDIDATE.replace("verdict: review", "verdict: block"), 7, "rule_test", "expected block"),
        (CANDIDATE.replace("consented-lead", "consented-led"), 5, "unknown_rule", "consented-lead"),
        (CANDIDATE.replace("试行人工复核", "''"), 5, "rule_change_without_reason", "auditor"),
        (CANDIDATE.replace("baseline.yaml", "candidate.yaml"), 3, "rule_pack_circle", "circle"),
        (CANDIDATE.replace("then: review,", "when: event.knd,"), 5, "rule_condition", "event.kind"),
        (CANDIDATE.replace("then: review,", "when: event.kind == 'x',"), 5, "rule_constant", "never holds"),
    ];
    for (text, line, code, advice) in table {
        let directory = with_candidate(&text);
        let config = directory.path().join("config");
        let (exit, rows) = json(&["rules", "check", "--config", config.to_str().unwrap()]);
        let problem = &rows[0]["problems"][0];
        assert_eq!((exit, &problem["file"]), (3, &value!("rules/candidate.yaml")), "{rows:?}");
        assert_eq!((&problem["line"], &problem["code"]), (&value!(line), &value!(code)), "{problem}");
        assert!(problem["message"].as_str().unwrap().contains(advice), "{problem}");
    }
}

#[test]
fn the_meaning_of_every_code_can_be_printed() {
    let (code, rows) = json(&["channels", "codes"]);
    assert!(code == 0 && rows.len() > 170, "{} rows", rows.len());
    let (code, rows) = json(&["channels", "codes", "wecom", "--code", "-1"]);
    assert_eq!((code, rows.len()), (0, 1));
    let row = &rows[0];
    assert_eq!(
        (&row["class"], &row["most_attempts"], &row["source"]),
        (&"transient".into(), &4.into(), &"WW90455".into())
    );
    // The same number means something else at another platform.
    let class = |platform| json(&["channels", "codes", platform, "--code", "48002"]).1[0]["class"].clone();
    assert_eq!((class("wecom"), class("wechat")), ("endpoint".into(), "opt_out".into()));
    assert_eq!(json(&["channels", "codes", "feishu", "--code", "55321"]).1[0]["last"], 55_999);
    let unknown = sluice(&["channels", "codes", "--code", "7654321"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stdout).contains("in no table"));
    assert_eq!(sluice(&["channels", "codes", "dingtalk"]).status.code(), Some(2));
}

#[test]
fn a_script_is_shown_as_its_platform_would_get_it() {
    let render = |script: &str, destination: &str, more: &[&str]| {
        let base = ["script", "render", "--script", script, "--destination", destination];
        json(&[&base[..], more].concat())
    };
    for (script, destination, api) in [
        ("lead-card-plain", "wecom-sales-east", "/cgi-bin/message/send?access_token=TOKEN"),
        ("lead-card-plain", "wecom-sales-group", "/cgi-bin/webhook/send?key="),
        ("member-note", "feishu-leads-group", "/open-apis/bot/v2/hook/"),
        ("live-note", "feishu-mcn-chat", "/open-apis/im/v1/messages"),
        ("appointment", "wechat-service", "/cgi-bin/message/custom/send"),
    ] {
        let (code, shown) = render(script, destination, &[]);
        assert_eq!(code, 0, "{shown:?}");
        let request = &shown[0]["requests"][0];
        assert!(request["url"].as_str().unwrap().contains(api), "{request}");
        let body = request["body"].as_str().unwrap();
        assert_eq!(request["bytes"].as_u64().unwrap(), body.len() as u64);
        assert!(serde_json::from_str::<Value>(body).is_ok(), "{body}");
        assert_eq!(shown[0]["sha256"].as_str().unwrap().len(), 64);
        let waits = (script == "member-note").then_some("absolute_word_exempt");
        assert_eq!(shown[0]["waits_for_review"].as_str(), waits, "{script}");
    }
    // The person's own values: masked, or withheld by the last look when they would be plain.
    let directory = tempfile::tempdir().unwrap();
    let event = directory.path().join("event.json");
    std::fs::write(&event, r#"{"name":"欧阳娜娜","phone":"13800138000"}"#).unwrap();
    let given = ["--event", event.to_str().unwrap()];
    let (_, shown) = render("lead-card-plain", "wecom-sales-east", &given);
    let body = shown[0]["requests"][0]["body"].as_str().unwrap();
    assert!(
        body.contains("欧**娜") && body.contains("138****8000") && !body.contains("13800138000"),
        "{body}"
    );
    let (code, shown) = render("lead-card-plain", "wecom-sales-east", &[&given[..], &["--plain"]].concat());
    assert_eq!((code, &shown[0]["withheld"]["code"]), (1, &"phone_unmasked".into()));
    // Broken input.
    std::fs::write(&event, r#"{"nickname":"x"}"#).unwrap();
    let args = ["script", "render", "--script", "order-note", "--destination", "wecom-sales-group"];
    assert_eq!(sluice(&[&args[..], &given].concat()).status.code(), Some(2));
    assert_eq!(
        sluice(&["script", "render", "--script", "gone", "--destination", "gone"]).status.code(),
        Some(2)
    );
}
