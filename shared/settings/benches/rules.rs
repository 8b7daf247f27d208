//! What a decision costs: one JSON line per figure, of which `cargo xtask bench compliance` makes a table.
//!
//! The shipped pack with so many further rules that 60 are asked about a comment; 1000 comments of 50 characters, of which a fifth divert to another contact, a tenth
//! have a link that is not the tenant's, a tenth a phone number; the person's consent is granted. Medians of 51 rounds over all of them,
//! CPU time of one thread.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement that can not go on has failed"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;

use rustix::time::{ClockId, clock_gettime};
use sluice_domain::audit::AuditRecord;
use sluice_domain::consent::{ConsentKey, Purpose, Recipient, Standing};
use sluice_domain::decision::ConsentCheck;
use sluice_domain::event::EventKind;
use sluice_domain::id::{PersonId, TenantId};
use sluice_domain::link::LinkPolicy;
use sluice_domain::rules::{Facts, Replay, RulePack, Stage};
use sluice_domain::source::SchemeName;
use sluice_domain::time::UnixMillis;
use sluice_settings::{Bundle, Care};

const ROUNDS: usize = 51;
const NOW: UnixMillis = UnixMillis(1_795_401_000_000);

fn main() {
    let shipped = Bundle::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config"));
    let bundle = with_sixty(&shipped);
    let (packs, problems) = sluice_settings::rule_packs(&bundle, Care::Full);
    assert!(problems.is_empty(), "{problems:?}");
    let pack = packs.get("sixty.yaml").unwrap();
    let asked = pack.rules().filter(|rule| rule.stages.contains(&Stage::Inbound));
    let asked =
        asked.filter(|rule| rule.kinds.is_empty() || rule.kinds.contains(&EventKind::Comment)).count();
    let comments = comments(1_000);
    let check = check();
    let links = LinkPolicy { allowed_domains: vec!["example.com".into()], ..LinkPolicy::default() };
    let each = |ask: &mut dyn FnMut(&Facts<'_>)| {
        for comment in &comments {
            let texts = [("text", comment.as_str())];
            let facts = Facts::inbound(EventKind::Comment, &texts, &links, NOW);
            ask(&Facts { consent: Some(&check), scheme: Some(SchemeName::OpenPlatform), ..facts });
        }
    };
    // The rounds are over a thousand comments.
    let microseconds = |nanoseconds: f64| nanoseconds / 1e3 / 1e3;
    let events_a_second = |nanoseconds: f64| 1e3 / (nanoseconds / 1e9);
    figure("rules asked about a comment", asked as f64);
    let whole = median(|| each(&mut |facts| drop(black_box(pack.evaluate(facts)))));
    figure("whole engine (scan, links, rules, explanation), µs an event", microseconds(whole));
    let scan = median(|| each(&mut |facts| drop(black_box(pack.observe(facts)))));
    figure("of this, scan and links, µs an event", microseconds(scan));

    let lines = records(pack, &comments, &links, &check);
    let bytes: usize = lines.iter().map(String::len).sum();
    figure("bytes of a stored record, as JSON", bytes as f64 / lines.len() as f64);
    let parsed: Vec<AuditRecord> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let other = packs.get("baseline.yaml").unwrap();
    let replay = median(|| {
        let mut replay = Replay::with(other);
        for line in &lines {
            drop(black_box(replay.take(&serde_json::from_str(line).unwrap())));
        }
    });
    figure("replay from JSON lines, events/s", events_a_second(replay));
    let replay = median(|| {
        let mut replay = Replay::with(pack);
        for record in &parsed {
            drop(black_box(replay.take(record)));
        }
    });
    figure("replay of records in memory, events/s", events_a_second(replay));

    let fresh: Vec<_> =
        (0..ROUNDS).map(|_| sluice_settings::rule_packs(&bundle, Care::Published).0).collect();
    let mut first: Vec<f64> = Vec::new();
    for packs in &fresh {
        let pack = packs.get("sixty.yaml").unwrap();
        let texts = [("text", comments.first().unwrap().as_str())];
        let facts = Facts::inbound(EventKind::Comment, &texts, &links, NOW);
        let begin = cpu();
        drop(black_box(pack.evaluate(&Facts { consent: Some(&check), ..facts })));
        first.push((cpu() - begin) / 1e3);
    }
    first.sort_by(f64::total_cmp);
    figure("first event of a fresh pack, µs", *first.get(ROUNDS / 2).unwrap());
    for care in [Care::Full, Care::Published] {
        let load = median(|| drop(black_box(sluice_settings::load_with(&shipped, care).unwrap())));
        figure(&format!("load of the shipped configuration ({care:?}), ms"), load / 1e6);
    }
}

/// Nanoseconds of this thread's CPU time.
fn cpu() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

fn figure(what: &str, value: f64) {
    println!(r#"{{"list":"shipped","figure":"{what}","engine":"sluice","value":{value:.3}}}"#);
}

fn median(mut round: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begin = cpu();
            round();
            cpu() - begin
        })
        .collect();
    times.sort_by(f64::total_cmp);
    *times.get(ROUNDS / 2).unwrap()
}

/// The shipped files and a pack over `baseline.yaml` with so many rules more that 60 are asked about a comment.
fn with_sixty(shipped: &Bundle) -> Bundle {
    let mut text = String::from("id: sixty\nversion: '1'\nextends: [baseline.yaml]\nrules:\n");
    for number in 0..47 {
        let when = match number % 6 {
            0 => "text.medical_claim >= medium and consent.standing == 'granted'".to_owned(),
            1 => "form.phone_number or text.absolute_word and event.scheme == 'doudian'".to_owned(),
            2 => format!("text.guarantee and time.hour >= 8 and time.hour < {}", 9 + number % 12),
            3 => "consent.standing in ['withdrawn', 'expired'] and text.food_claim".to_owned(),
            4 => "any.finance_solicitation and not event.outgoing and event.kind != 'follow'".to_owned(),
            _ => "text.off_platform_trade >= high and (text.phone_number or text.foreign_link)".to_owned(),
        };
        let _infallible = writeln!(
            text,
            "  - {{ id: more-{number}, title: 更多, code: more_{number}, kinds: [comment], when: \"{when}\", then: review, basis: [{{ document: 公司制度 }}] }}"
        );
    }
    let files = shipped.files().map(|(name, bytes)| (name.to_owned(), bytes.to_vec()));
    files.chain([("rules/sixty.yaml".to_owned(), text.into_bytes())]).collect()
}

fn comments(count: usize) -> Vec<String> {
    let common: Vec<char> = "这个视频真的很好看我想问一下价格多少可以发货吗谢谢老师今天晚上有直播课吧大家都在说质量不错颜色也喜欢下次还会再来看看".chars().collect();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    (0..count)
        .map(|number| {
            let mut text: String = (0..50).map(|_| *common.get(next() % common.len()).unwrap()).collect();
            let extra = match number % 10 {
                0 | 5 => "加我薇信 abc12345",
                3 => "看 https://evil.example.net/x",
                7 => "号码 13800138000",
                _ => "",
            };
            let keep = 50 - extra.chars().count();
            text = text.chars().take(keep).collect();
            text.push_str(extra);
            text
        })
        .collect()
}

fn check() -> ConsentCheck {
    ConsentCheck {
        key: ConsentKey {
            tenant: TenantId::new("demo-brand").unwrap(),
            person: PersonId::new("p-3298121c65e50dfee2ea0b75f39043b1").unwrap(),
            purpose: Purpose::new("sales_contact").unwrap(),
            recipient: Recipient::new("feishu_leads").unwrap(),
        },
        standing: Standing::Granted,
        text: None,
    }
}

/// Audit records of the decisions, as they are exported.
fn records(pack: &RulePack, comments: &[String], links: &LinkPolicy, check: &ConsentCheck) -> Vec<String> {
    let record = |comment: &String| {
        let texts = [("text", comment.as_str())];
        let facts = Facts::inbound(EventKind::Comment, &texts, links, NOW);
        let decision =
            pack.evaluate(&Facts { consent: Some(check), scheme: Some(SchemeName::OpenPlatform), ..facts });
        serde_json::json!({
            "tenant": "demo-brand", "source": "open-platform", "message": "7400000000000000001",
            "trace_id": "01a21dd6-8d77-7886-8676-31ca8182a008", "kind": "comment", "name": "item_comment_reply",
            "person": check.key.person, "occurred_at": NOW, "received_at": NOW, "decided_at": NOW,
            "payload_sha256": "3011858ab815ff26b43045dbd099e762cb52f9e2d4f674f8382fc1c03690f5b4",
            "disposition": "decided", "decision": decision,
        })
    };
    comments.iter().map(|comment| record(comment).to_string()).collect()
}
