use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use futures_util::FutureExt as _;

use super::*;

const LIMITS: Limits = Limits {
    fresh_ms: 100,
    usable_ms: 200,
    uses: 5,
    pause_ms: 10,
    patience: Duration::from_millis(20),
    entries: 2,
};

/// A clock that stands still until it is told to move.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

struct Bench {
    clock: Arc<Hand>,
    cache: Cache<u8, usize>,
    asked: AtomicUsize,
}

fn bench() -> Bench {
    let clock = Arc::new(Hand(AtomicI64::new(1_000)));
    let cache = Cache::new("test", LIMITS, clock.clone());
    Bench { clock, cache, asked: AtomicUsize::new(0) }
}

fn down() -> PortError {
    PortError::Unavailable { what: "test", cause: "down".into() }
}

fn gone() -> PortError {
    PortError::Missing { what: "test", cause: "gone".into() }
}

impl Bench {
    async fn get(&self, key: u8) -> Result<usize, PortError> {
        let load = || async { Ok(self.asked.fetch_add(1, Ordering::SeqCst)) };
        self.cache.get(&key, load).await.map(|value| *value)
    }

    async fn get_failing(&self, key: u8, error: PortError) -> Result<usize, PortError> {
        let load = || async {
            self.asked.fetch_add(1, Ordering::SeqCst);
            Err(error)
        };
        self.cache.get(&key, load).await.map(|value| *value)
    }

    fn later(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_fresh_entry_is_not_asked_for_again_and_an_ageing_one_is() {
    let bench = bench();
    assert_eq!(bench.get(1).await, Ok(0));
    bench.later(99);
    assert_eq!(bench.get(1).await, Ok(0));
    bench.later(1);
    assert_eq!(bench.get(1).await, Ok(1));
    assert_eq!(bench.asked(), 2);
}

#[tokio::test(flavor = "current_thread")]
async fn an_ageing_entry_outlives_a_passing_failure_and_not_its_end() {
    let bench = bench();
    assert_eq!(bench.get(1).await, Ok(0));
    bench.later(100);
    assert_eq!(bench.get_failing(1, down()).await, Ok(0));
    assert_eq!(bench.get_failing(1, down()).await, Ok(0), "within the pause nobody asks");
    assert_eq!(bench.asked(), 2);
    bench.later(100);
    assert_eq!(bench.get_failing(1, down()).await, Err(down()));
}

#[tokio::test(flavor = "current_thread")]
async fn a_definite_refusal_ends_an_entry_at_once() {
    let bench = bench();
    assert_eq!(bench.get(1).await, Ok(0));
    bench.later(100);
    assert_eq!(bench.get_failing(1, gone()).await, Err(gone()));
    assert_eq!(bench.get(1).await, Err(gone()), "within the pause its failure stands");
    bench.later(10);
    assert_eq!(bench.get(1).await, Ok(2));
}

#[tokio::test(flavor = "current_thread")]
async fn an_entry_is_handed_out_so_often_and_no_more() {
    let bench = bench();
    for _ in 0..5 {
        assert_eq!(bench.get(1).await, Ok(0));
    }
    assert_eq!(bench.get(1).await, Ok(1));
}

#[tokio::test(flavor = "current_thread")]
async fn a_clock_put_back_makes_no_entry_younger() {
    let bench = bench();
    assert_eq!(bench.get(1).await, Ok(0));
    bench.later(-1);
    assert_eq!(bench.get(1).await, Ok(1));
}

#[tokio::test(flavor = "current_thread")]
async fn the_longest_unasked_entry_makes_room() {
    let bench = bench();
    for key in [1, 2] {
        let _entry = bench.get(key).await.unwrap();
        bench.later(1);
    }
    assert_eq!(bench.get(1).await, Ok(0));
    bench.later(1);
    assert_eq!(bench.get(3).await, Ok(2));
    assert_eq!(bench.get(1).await, Ok(0), "1 was asked for after 2");
    assert_eq!(bench.get(2).await, Ok(3));
}

#[tokio::test(flavor = "current_thread")]
async fn of_many_callers_one_asks_and_all_take_its_answer() {
    let bench = bench();
    let slow = || async {
        tokio::task::yield_now().await;
        Ok(bench.asked.fetch_add(1, Ordering::SeqCst))
    };
    let answers = futures_util::future::join_all((0..50).map(|_| bench.cache.get(&1, slow))).await;
    // Five uses an entry: the fifty callers need ten of them.
    assert_eq!(bench.asked(), 10);
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
}

#[tokio::test(flavor = "current_thread")]
async fn of_many_callers_one_fails_and_all_take_its_failure() {
    let bench = bench();
    let slow = || async {
        tokio::task::yield_now().await;
        bench.asked.fetch_add(1, Ordering::SeqCst);
        Err::<usize, _>(down())
    };
    let answers = futures_util::future::join_all((0..50).map(|_| bench.cache.get(&1, slow))).await;
    assert_eq!(bench.asked(), 1);
    assert!(answers.into_iter().all(|answer| answer == Err(down())));
}

#[tokio::test(flavor = "current_thread")]
async fn a_caller_that_is_dropped_leaves_the_way_free() {
    let bench = bench();
    assert!(bench.cache.get(&1, std::future::pending).now_or_never().is_none());
    assert_eq!(bench.get(1).await, Ok(0));
}

#[tokio::test(flavor = "current_thread")]
async fn nobody_with_a_usable_entry_waits_for_an_answer_that_does_not_come() {
    let bench = bench();
    assert_eq!(bench.get(1).await, Ok(0));
    bench.later(100);
    assert_eq!(bench.cache.get(&1, std::future::pending).await.map(|value| *value), Ok(0));
}
