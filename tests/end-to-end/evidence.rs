//! A compliance officer shows what was decided, somebody else checks it without Sluice, and somebody with the disk in their hands is found out.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use nightly_reconciliation::{NightlyReconciliation, ScheduledEvent};
use serde_json::{Value, json as value};
use sluice::cli::Place;
use sluice::state;
use sluice_domain::audit::{AuditRecord, Disposition};
use sluice_domain::event::EventKind;
use sluice_domain::id::{EventKey, MessageId, SourceId, TenantId, TraceId};
use sluice_domain::time::BusinessDay;
use sluice_embedded::ManualClock;
use sluice_ports::{AuditLog as _, Clock, Step};
use sluice_telemetry::Metrics;

use crate::program::{json, sluice, workspace};

const DAYS: [&str; 3] = ["2026-11-18", "2026-11-19", "2026-11-20"];
const RECORDS: u8 = 5;

/// A data directory with three sealed days of five records each.
struct Sealed {
    directory: tempfile::TempDir,
}

fn record(day: BusinessDay, number: u8) -> AuditRecord {
    let at = day.start().plus_ms(i64::from(number) * 60_000);
    AuditRecord {
        key: EventKey {
            tenant: TenantId::new("demo-brand").unwrap(),
            source: SourceId::new("open-platform").unwrap(),
            message: MessageId::new(format!("m-{day}-{number}")).unwrap(),
        },
        trace_id: TraceId::from_parts(at, [number + 1; 10]),
        kind: EventKind::OrderPaid,
        name: "order".into(),
        person: None,
        occurred_at: None,
        received_at: at,
        decided_at: at.plus_ms(20),
        payload_sha256: "00".repeat(32),
        disposition: Disposition::recorded(format!("order_{day}_{number}")),
    }
}

fn day(number: usize) -> BusinessDay {
    DAYS[number].parse().unwrap()
}

impl Sealed {
    async fn make() -> Self {
        let sealed = Self { directory: tempfile::tempdir().unwrap() };
        let clock = Arc::new(ManualClock::at(day(0).start()));
        let place = Place { config: None, data: sealed.data(), secrets: None };
        let state = state::open(&place, Arc::clone(&clock) as Arc<dyn Clock>).await.unwrap();
        let handler = NightlyReconciliation::new(
            state.settings.clone(),
            state.store.clone(),
            state.reports.clone(),
            state.signer.clone(),
            state.clock.clone(),
            Metrics::default(),
        );
        for at in 0..DAYS.len() {
            let steps = (0..RECORDS).map(|number| Step { record: record(day(at), number), next: None });
            assert!(state.store.record(steps.collect()).await.iter().all(Result::is_ok));
            clock.set(day(at).end().plus_ms(2 * 3_600_000));
            let _outcome = handler.handle(ScheduledEvent::default()).await.unwrap();
        }
        sealed
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn file(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// `sluice audit … --tenant demo-brand --data …`.
    fn audit(&self, args: &[&str]) -> (i32, Vec<Value>) {
        let data = self.data();
        json(&[&["audit"], args, &["--tenant", "demo-brand", "--data", data.to_str().unwrap()]].concat())
    }

    /// The public key, as the officer gives it to others.
    fn public_key(&self, name: &str) -> String {
        let output = sluice(&["audit", "public-key", "--data", self.data().to_str().unwrap()]);
        std::fs::write(self.file(name), output.stdout).unwrap();
        self.file(name)
    }

    fn findings(&self, day: &str) -> Vec<String> {
        let (code, rows) = self.audit(&["verify", "--day", day]);
        assert_eq!(code, 1, "{rows:?}");
        let findings = rows[0]["findings"].as_array().unwrap();
        findings.iter().map(|finding| finding["text"].as_str().unwrap().to_owned()).collect()
    }
}

/// What anybody can run who has Python.
fn outside(proof: &str, key: &str) -> i32 {
    let program = workspace().join("tests/vectors/audit_verify.py");
    Command::new("python3").arg(program).args([proof, key]).output().unwrap().status.code().unwrap()
}

#[tokio::test]
async fn what_is_proved_holds_here_and_for_a_program_that_is_not_ours() {
    let sealed = Sealed::make().await;
    let key = sealed.public_key("key.pem");
    let (code, rows) = sealed.audit(&["verify", "--from", DAYS[0], "--to", DAYS[2]]);
    assert_eq!((code, rows.len()), (0, 3), "{rows:?}");

    let (trace, out) = (record(day(1), 3).trace_id.to_string(), sealed.file("proof.json"));
    assert_eq!(sealed.audit(&["prove", "--trace", &trace, "--out", &out]).0, 0);
    let (code, rows) = json(&["audit", "verify", &out, "--public-key", &key]);
    assert_eq!((code, &rows[0]["holds"], &rows[0]["record"]["trace_id"]), (0, &value!(true), &value!(trace)));
    assert_eq!(outside(&out, &key), 0);
    assert!(std::fs::metadata(&out).unwrap().len() < 4_096);

    let event = record(day(1), 3).key.message.to_string();
    let redacted = sealed.file("redacted.json");
    let by_event =
        ["prove", "--source", "open-platform", "--event", &event, "--redacted", "--out", &redacted];
    assert_eq!(sealed.audit(&by_event).0, 0);
    assert!(!std::fs::read_to_string(&redacted).unwrap().contains(&event));
    assert_eq!(
        (json(&["audit", "verify", &redacted, "--public-key", &key]).0, outside(&redacted, &key)),
        (0, 0)
    );

    let days = sealed.file("days.json");
    let consistency = ["prove", "--consistency", "--from", DAYS[0], "--to", DAYS[2], "--out", &days];
    assert_eq!(sealed.audit(&consistency).0, 0);
    assert_eq!((json(&["audit", "verify", &days, "--public-key", &key]).0, outside(&days, &key)), (0, 0));

    // Changed on the way, or checked with another key.
    let forged = std::fs::read_to_string(&out).unwrap().replace("2026-11-19_3", "2026-11-19_4");
    std::fs::write(sealed.file("forged.json"), forged).unwrap();
    let forged = sealed.file("forged.json");
    let (code, rows) = json(&["audit", "verify", &forged, "--public-key", &key]);
    assert_eq!(
        (code, &rows[0]["because"]),
        (1, &value!("the record does not hash to its leaf: it was changed"))
    );
    assert_eq!(outside(&forged, &key), 1);
    let stranger = Sealed { directory: tempfile::tempdir().unwrap() };
    let other = stranger.public_key("key.pem");
    assert_eq!((json(&["audit", "verify", &out, "--public-key", &other]).0, outside(&out, &other)), (1, 1));
    assert_eq!(json(&["audit", "verify", &out, "--public-key", &other, "--public-key", &key]).0, 0);
    assert_eq!(json(&["audit", "verify", &key, "--public-key", &key]).0, 2, "a key is no proof");
    assert_eq!(sluice(&["audit", "verify", &out]).status.code(), Some(2), "a key is needed");
    assert_eq!(sluice(&["audit", "verify", &out, "--public-key", &out]).status.code(), Some(3));
}

#[tokio::test]
async fn a_rotated_key_signs_and_the_one_before_it_still_counts() {
    let sealed = Sealed::make().await;
    let (old, trace, out) =
        (sealed.public_key("old.pem"), record(day(0), 0).trace_id.to_string(), sealed.file("p.json"));
    let data = sealed.data();
    assert_eq!(json(&["audit", "rotate-key", "--data", data.to_str().unwrap()]).0, 0);
    let keys = json(&["audit", "public-key", "--data", data.to_str().unwrap()]).1;
    assert_eq!(keys.len(), 2);
    assert_eq!(sealed.audit(&["verify", "--day", DAYS[0]]).0, 0);
    assert_eq!(sealed.audit(&["prove", "--trace", &trace, "--out", &out]).0, 0);
    assert_eq!(json(&["audit", "verify", &out, "--public-key", &old]).0, 0);
    std::fs::write(sealed.file("new.pem"), keys[0]["pem"].as_str().unwrap()).unwrap();
    let (code, rows) = json(&["audit", "verify", &out, "--public-key", &sealed.file("new.pem")]);
    assert_eq!(code, 1);
    assert!(rows[0]["because"].as_str().unwrap().contains("none of the keys that count"), "{rows:?}");
}

/// Changes a text to another of the same length, wherever it is in a file.
fn edit(path: &Path, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let mut bytes = std::fs::read(path).unwrap();
    let places: Vec<_> =
        (0..=bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
    assert!(!places.is_empty(), "`{from}` is nowhere in `{}`", path.display());
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_byte_that_was_changed_on_the_disk_is_found_and_named() {
    let sealed = Sealed::make().await;
    let store = sealed.data().join("sluice.redb");
    let trace = record(day(1), 2).trace_id;
    edit(&store, "order_2026-11-19_2", "order_2026-11-19_9");
    let found = sealed.findings(DAYS[1]);
    assert_eq!(found, [format!("record_changed 2026-11-19: record 2, trace {trace}, was changed")]);
    assert_eq!(sealed.audit(&["verify", "--day", DAYS[0]]).0, 0);
    let (code, rows) = sealed.audit(&["prove", "--trace", &trace.to_string()]);
    assert_eq!((code, &rows[0]["proof"]), (1, &Value::Null));
    edit(&store, "order_2026-11-19_9", "order_2026-11-19_2");
    assert_eq!(sealed.audit(&["verify", "--day", DAYS[1]]).0, 0);

    let head = sealed.data().join(format!("digests/demo-brand/{}.json", DAYS[1]));
    edit(&head, "\"records\":5", "\"records\":4");
    let found = sealed.findings(DAYS[1]);
    assert!(found[0].starts_with("head_replaced 2026-11-19: "), "{found:?}");
    assert!(found[1].starts_with("head_signature 2026-11-19: its signature is not one of key "), "{found:?}");
    let found = sealed.findings(DAYS[2]);
    assert!(found[0].starts_with("head_replaced 2026-11-19: "), "{found:?}");
    let days = ["prove", "--consistency", "--from", DAYS[0], "--to", DAYS[2]];
    let (code, rows) = sealed.audit(&days);
    assert_eq!(code, 1);
    assert!(
        rows[0]["because"].as_str().unwrap().contains("the chain of days is broken at 2026-11-19"),
        "{rows:?}"
    );
    std::fs::remove_file(&head).unwrap();
    let found = sealed.findings(DAYS[1]);
    assert_eq!(found, ["head_missing 2026-11-19: its sealed document is gone"]);
}
