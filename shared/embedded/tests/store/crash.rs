//! `kill -9` in the middle of writing: what was acknowledged is there, and nothing is there by half.
//!
//! The test starts itself again as a child, which writes as fast as it can and prints each number it was told is durable.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use sluice_embedded::{Options, Store};
use sluice_ports::conformance::samples::{audit, body, brand, day, every_page, message};
use sluice_ports::{AuditLog as _, Queue, Step, Written};

const DIRECTORY: &str = "SLUICE_CRASH_TEST_DIRECTORY";
const FROM: &str = "SLUICE_CRASH_TEST_FROM";

/// The child: does nothing unless the parent asked for it.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let from: u32 = std::env::var(FROM).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let store = Store::open(Path::new(&dir), Options::default()).unwrap();
    runtime.block_on(async {
        for lane in 0..8_u32 {
            let store = store.clone();
            tokio::spawn(async move {
                for round in 0.. {
                    let number = from + round * 8 + lane;
                    let step = Step { record: audit(brand(), number), next: Some(message(number)) };
                    assert_eq!(store.record(vec![step]).await, [Ok(Written::New)]);
                    writeln!(std::io::stdout(), "durable {number}").unwrap();
                }
            });
        }
        std::future::pending::<()>().await;
    });
}

/// Lets a child write until it has said `durable` so many times; gives what it said.
fn killed_after(dir: &Path, from: u32, enough: usize) -> Vec<u32> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_that_writes_until_it_is_killed", "--nocapture"])
        .env(DIRECTORY, dir)
        .env(FROM, from.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let number = |line: std::io::Result<String>| line.ok()?.strip_prefix("durable ")?.parse::<u32>().ok();
    let mut durable: Vec<u32> = lines.by_ref().filter_map(number).take(enough).collect();
    child.kill().unwrap();
    // What it had printed before it died counts as acknowledged too.
    durable.extend(lines.filter_map(number));
    child.wait().unwrap();
    durable
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_and_records_have_their_messages() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..4 {
        let durable = killed_after(dir.path(), round * 1_000_000, 40 + usize::try_from(round).unwrap() * 17);
        assert!(durable.len() >= 40);
        acknowledged.extend(durable);
    }
    let store = Store::open(dir.path(), Options::default()).unwrap();
    let tenant = brand();
    let records = every_page(|cursor| store.audits(&tenant, day(), cursor)).await;
    for number in &acknowledged {
        let record = audit(brand(), *number);
        assert_eq!(store.audit(&record.key).await, Ok(Some(record)), "{number}");
    }
    let mut bodies = Vec::new();
    loop {
        let batch = store.receive(Queue::Cleared, 1_000, 3_600_000).await.unwrap();
        if batch.is_empty() {
            break;
        }
        bodies.extend(batch.into_iter().map(|message| message.body));
    }
    // One transaction wrote both: as many messages as records, and the acknowledged ones among them.
    assert_eq!(bodies.len(), records.len());
    assert!(acknowledged.iter().all(|number| bodies.contains(&body(*number))));
}
