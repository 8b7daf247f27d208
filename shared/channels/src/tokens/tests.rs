use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use sluice_domain::sealed::DataKey;
use sluice_domain::tenant::TenantKeys;
use sluice_ports::{ChannelState, Entropy, KeyRing, StateDocument};

use super::*;

const NOW: UnixMillis = UnixMillis(1_795_255_200_000);
const LIFE_S: i64 = 7_200;

#[derive(Clone)]
struct Moved(Arc<AtomicI64>);

impl Moved {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW.0)))
    }

    fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Moved {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

struct Keys;

impl KeyRing for Keys {
    async fn keys(&self, tenant: &TenantId) -> Result<Arc<TenantKeys>, PortError> {
        let keys = TenantKeys::new(
            tenant.clone(),
            zeroize::Zeroizing::new([7; 32]),
            vec![DataKey::new(1, &[9; 32])],
        );
        Ok(Arc::new(keys))
    }
}

/// Different bytes each time.
struct Counted;

static NUMBER: AtomicU32 = AtomicU32::new(1);

impl Entropy for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        bytes
            .iter_mut()
            .zip(number.iter().rev().chain(number.iter()).cycle())
            .for_each(|(to, from)| *to = *from);
    }
}

/// What the processes share; it can be out of reach, and can be read by somebody who should not.
#[derive(Clone, Default)]
struct Store {
    documents: Arc<Mutex<HashMap<StateKey, (u64, String)>>>,
    down: Arc<std::sync::atomic::AtomicBool>,
}

impl Store {
    fn text(&self) -> String {
        self.documents.lock().unwrap().values().map(|(_, body)| body.as_str()).collect()
    }

    fn up(&self) -> Result<(), PortError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(PortError::Unavailable { what: "state", cause: "test".into() });
        }
        Ok(())
    }
}

impl ChannelState for Store {
    async fn document(&self, key: &StateKey) -> Result<Option<StateDocument>, PortError> {
        tokio::task::yield_now().await;
        self.up()?;
        let documents = self.documents.lock().unwrap();
        Ok(documents
            .get(key)
            .map(|(version, body)| StateDocument { body: body.clone(), version: version.to_string() }))
    }

    async fn replace(
        &self,
        key: &StateKey,
        seen: Option<&str>,
        body: String,
        _: UnixMillis,
    ) -> Result<Replaced, PortError> {
        tokio::task::yield_now().await;
        self.up()?;
        let mut documents = self.documents.lock().unwrap();
        let there = documents.get(key).map(|(version, _)| *version);
        if there.map(|version| version.to_string()).as_deref() != seen {
            return Ok(Replaced::Overtaken(
                documents.get(key).map(|(version, body)| StateDocument {
                    body: body.clone(),
                    version: version.to_string(),
                }),
            ));
        }
        let version = there.unwrap_or_default() + 1;
        documents.insert(key.clone(), (version, body));
        Ok(Replaced::Done { version: version.to_string() })
    }
}

/// The platform: every token is new, and it counts.
#[derive(Clone, Default)]
struct Platform(Arc<AtomicU32>);

impl Platform {
    fn issued(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }

    async fn fetch(&self, clock: &Moved) -> Result<Token, &'static str> {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        Ok(Token::issued(&format!("secret-token-{number}"), clock.now(), LIFE_S))
    }
}

fn key() -> TokenKey {
    TokenKey {
        kind: "token",
        tenant: TenantId::new("acme").unwrap(),
        platform: "wecom",
        account: "corp:1".to_owned(),
        of: "secret".to_owned(),
    }
}

struct Process {
    tokens: Tokens,
    shared: Shared,
    clock: Moved,
    platform: Platform,
}

impl Process {
    fn among(store: &Store, clock: &Moved, platform: &Platform) -> Self {
        let shared = Shared::new(store.clone(), Keys, Counted);
        Self { tokens: Tokens::default(), shared, clock: clock.clone(), platform: platform.clone() }
    }

    fn alone(clock: &Moved, platform: &Platform) -> Self {
        let shared = Shared::default();
        Self { tokens: Tokens::default(), shared, clock: clock.clone(), platform: platform.clone() }
    }

    async fn token(&self) -> Token {
        let got =
            self.tokens.get(&self.shared, &self.clock, &key(), || self.platform.fetch(&self.clock)).await;
        match got {
            Ok(token) => token,
            Err(NoToken::Fetch(error)) => panic!("{error}"),
            Err(NoToken::State(error)) => panic!("{error}"),
        }
    }

    async fn refused(&self, token: &Token) {
        self.tokens.forget(&self.shared, &self.clock, &key(), token).await;
    }
}

fn world() -> (Store, Moved, Platform) {
    (Store::default(), Moved::new(), Platform::default())
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_fetch() {
    let (_, clock, platform) = world();
    let process = Process::alone(&clock, &platform);
    let tokens = futures(20, || process.token()).await;
    assert!(tokens.iter().all(|token| token.expose() == "secret-token-0"));
    assert_eq!(platform.issued(), 1);
}

async fn futures<F: Future>(count: usize, make: impl Fn() -> F) -> Vec<F::Output> {
    let mut running: Vec<_> = (0..count).map(|_| Box::pin(make())).collect();
    let mut done: Vec<Option<F::Output>> = (0..count).map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (place, future) in running.iter_mut().enumerate() {
            if done[place].is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                done[place] = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn a_hundred_processes_that_start_together_fetch_once() {
    let (store, clock, platform) = world();
    let processes: Vec<_> = (0..100).map(|_| Process::among(&store, &clock, &platform)).collect();
    let next = AtomicU32::new(0);
    let tokens = futures(100, || processes[next.fetch_add(1, Ordering::SeqCst) as usize].token()).await;
    assert!(tokens.iter().all(|token| token.expose() == "secret-token-0"));
    assert_eq!(platform.issued(), 1);
}

#[tokio::test]
async fn a_token_is_replaced_early_by_one_process_and_taken_by_the_others() {
    let (store, clock, platform) = world();
    let processes: Vec<_> = (0..16).map(|_| Process::among(&store, &clock, &platform)).collect();
    for process in &processes {
        process.token().await;
    }
    // Ten minutes before the end, nobody waits any longer with it.
    clock.pass(LIFE_S * 1_000 - 2 * EARLY_MS - 1);
    for process in &processes {
        assert_eq!(process.token().await.expose(), "secret-token-0");
    }
    clock.pass(EARLY_MS + 2);
    for process in &processes {
        assert_eq!(process.token().await.expose(), "secret-token-1");
    }
    assert_eq!(platform.issued(), 2);
}

#[tokio::test]
async fn a_refused_token_is_fetched_anew_once_however_many_used_it() {
    let (store, clock, platform) = world();
    let processes: Vec<_> = (0..8).map(|_| Process::among(&store, &clock, &platform)).collect();
    let mut dead = Vec::new();
    for process in &processes {
        dead.push(process.token().await);
    }
    for (process, dead) in processes.iter().zip(&dead) {
        process.refused(dead).await;
        assert_eq!(process.token().await.expose(), "secret-token-1");
    }
    assert_eq!(platform.issued(), 2);
}

/// It fetched before the token died, and comes with it after the others know that it did.
#[tokio::test]
async fn a_slower_process_does_not_put_a_refused_token_back() {
    let (store, clock, platform) = world();
    let (fast, slow) = (Process::among(&store, &clock, &platform), Process::among(&store, &clock, &platform));
    let before = store.document(&key().state()).await.unwrap();
    assert!(before.is_none());
    let Ok(Next::Fetch { version, before }) =
        slow.tokens.next(&slow.shared, &clock, &key().state(), None).await
    else {
        panic!("it may fetch");
    };
    clock.pass(FETCH_MS);
    let dead = fast.token().await;
    fast.refused(&dead).await;
    let late = Ok::<_, &str>(Token::issued(dead.expose(), clock.now(), LIFE_S));
    let Ok(kept) = store_late(&slow, version, before, late).await else { panic!("it serves this process") };
    assert_eq!(kept.generation, 0, "nobody else gets it");
    assert_eq!(fast.token().await.expose(), "secret-token-1");
}

async fn store_late(
    process: &Process,
    version: String,
    before: Stored,
    fetched: Result<Token, &'static str>,
) -> Result<Token, NoToken<&'static str>> {
    store(&process.shared, &process.clock, &key().state(), (&version, before), fetched).await
}

#[tokio::test]
async fn forgetting_a_dead_token_spares_its_successor() {
    let (store, clock, platform) = world();
    for process in [Process::alone(&clock, &platform), Process::among(&store, &clock, &platform)] {
        let dead = process.token().await;
        process.refused(&dead).await;
        let next = process.token().await;
        assert_ne!(next.expose(), dead.expose());
        process.refused(&dead).await;
        assert_eq!(process.token().await.expose(), next.expose());
    }
}

/// A process that died while it fetched holds nobody up for long.
#[tokio::test(start_paused = true)]
async fn another_process_fetches_when_the_first_one_died() {
    let (store, clock, platform) = world();
    let (dead, alive) =
        (Process::among(&store, &clock, &platform), Process::among(&store, &clock, &platform));
    let next = dead.tokens.next(&dead.shared, &clock, &key().state(), None).await;
    assert!(matches!(next, Ok(Next::Fetch { .. })));
    let waiting = async { alive.token().await };
    let later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(platform.issued(), 0, "it is waited for");
        clock.pass(FETCH_MS + 1);
    };
    let (token, ()) = tokio::join!(waiting, later);
    assert_eq!(token.expose(), "secret-token-0");
}

#[tokio::test]
async fn without_the_shared_state_each_process_fetches_its_own() {
    let (store, clock, platform) = world();
    store.down.store(true, Ordering::SeqCst);
    let process = Process::among(&store, &clock, &platform);
    assert_eq!(process.token().await.expose(), "secret-token-0");
    assert_eq!(process.token().await.expose(), "secret-token-0");
}

/// A platform that gives out the same token until it dies is not asked all the time.
#[tokio::test]
async fn a_token_that_is_old_when_it_comes_is_used_as_long_as_it_serves() {
    let (store, clock, platform) = world();
    let process = Process::among(&store, &clock, &platform);
    let fetched = AtomicU32::new(0);
    for _ in 0..30 {
        let old = || async {
            fetched.fetch_add(1, Ordering::SeqCst);
            Ok::<_, &str>(Token::issued("old", clock.now(), 300))
        };
        assert!(process.tokens.get(&process.shared, &clock, &key(), old).await.is_ok());
        clock.pass(1_000);
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
}

/// Of such a platform everybody uses the token to its end, and the next one at once.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_end_of_a_token_that_was_given_out_once_more() {
    let (store, clock, platform) = world();
    let (first, second) =
        (Process::among(&store, &clock, &platform), Process::among(&store, &clock, &platform));
    let old = || async { Ok::<_, &str>(Token::issued("old", clock.now(), 40)) };
    assert!(first.tokens.get(&first.shared, &clock, &key(), old).await.is_ok());
    // Ten seconds before its end, a quarter of its life, it does not serve any more.
    clock.pass(32_000);
    let at_once = Duration::from_millis(1);
    for process in [&first, &second] {
        let token = tokio::time::timeout(at_once, process.token()).await.expect("nothing to wait for");
        assert_eq!(token.expose(), "old");
    }
    assert_eq!(platform.issued(), 0);
    clock.pass(8_000);
    for process in [&first, &second] {
        let token = tokio::time::timeout(at_once, process.token()).await.expect("nothing to wait for");
        assert_eq!(token.expose(), "secret-token-0");
    }
}

#[tokio::test]
async fn neither_store_nor_debug_shows_a_token() {
    let (store, clock, platform) = world();
    let process = Process::among(&store, &clock, &platform);
    let token = process.token().await;
    assert!(store.text().contains("sealed"), "{}", store.text());
    for text in [store.text(), format!("{token:?}"), format!("{:?} {:?}", process.tokens, process.shared)] {
        assert!(!text.contains("secret-token"), "{text}");
    }
}
