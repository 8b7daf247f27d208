//! How many events a second are accepted durably by so many concurrent callers, and what one costs the processor.
//!
//! `cargo bench -p sluice-embedded`. Each caller waits for its own event's fsync before it hands in the next. Processor time
//! is the whole process's, user and system, as the kernel counts it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that can not go on has failed, and prints"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sluice_domain::event::Event;
use sluice_embedded::{Options, Store};
use sluice_ports::Intake as _;
use sluice_ports::conformance::samples::{brand, event};
use tokio::runtime::Runtime;

/// An event of about 4 KiB.
fn large(number: u32) -> Event {
    let mut event = event(brand(), number);
    event.account = Some("x".repeat(3_600));
    event
}

/// The process's processor time, at the kernel's resolution of 10 ms.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<u64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    // utime and stime are the 12th and 13th fields after the name; the state, a letter, is filtered out.
    Duration::from_millis(fields.iter().skip(10).take(2).sum::<u64>() * 10)
}

/// Accepts `total` events by `callers` at a time.
async fn accept(store: &Store, numbers: &Arc<AtomicU32>, callers: u64, total: u64) {
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let (store, numbers) = (store.clone(), Arc::clone(numbers));
        let share = total / callers + u64::from(caller < total % callers);
        tasks.spawn(async move {
            for _ in 0..share {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                store.accept(vec![large(number)]).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
}

fn accepts(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("durable_accept");
    group.sample_size(10).measurement_time(Duration::from_secs(6)).throughput(Throughput::Elements(1));
    for callers in [1, 16, 64, 256] {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Options::default()).unwrap();
        let numbers = Arc::new(AtomicU32::new(0));
        let before = processor_time();
        group.bench_function(BenchmarkId::new("callers", callers), |bencher| {
            bencher.iter_custom(|total| {
                let start = Instant::now();
                runtime.block_on(accept(&store, &numbers, callers, total));
                start.elapsed()
            });
        });
        let (spent, accepted) = (processor_time().saturating_sub(before), numbers.load(Ordering::Relaxed));
        println!(
            "{callers} callers: {accepted} events, {:.1} µs of processor time each",
            spent.as_secs_f64() * 1e6 / f64::from(accepted.max(1))
        );
    }
    group.finish();
}

criterion_group!(benches, accepts);
criterion_main!(benches);
