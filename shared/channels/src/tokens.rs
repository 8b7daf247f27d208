//! Access tokens: one for all processes, fetched by one of them at a time, replaced before it dies, dropped when a platform says that it did.
//!
//! What the processes share is sealed with the tenant's keys. A token has a generation: what a platform refused is never put back by a
//! process that was slower, for it would replace a version that is not there any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sluice_domain::id::TenantId;
use sluice_domain::image::Image;
use sluice_domain::sealed::Sealed;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, PortError, Replaced, StateKey};

use crate::application::Application;
use crate::shared::{Shared, json, parse, state_key};

/// A token is not used in its last three minutes, or its last quarter if it lives shorter: it could die on the way.
const MARGIN_MS: i64 = 180_000;
/// Nor in its last seconds, even if the platform has just given it out once more.
const LAST_MS: i64 = 5_000;
/// From five to ten minutes before its end, each process at a moment of its own, it is replaced while it still serves.
const EARLY_MS: i64 = 300_000;
/// A process that could not replace it early tries again after this.
const AGAIN_MS: i64 = 60_000;
/// Whoever fetches is waited for so long.
const FETCH_MS: i64 = 8_000;
/// After a fetch that failed, nobody else fetches for a moment.
const PAUSE_MS: i64 = 1_000;
/// Between two looks for the token that another process fetches.
const LOOK: Duration = Duration::from_millis(150);
/// A state is remembered for so long after its token's end.
const KEPT_MS: i64 = 86_400_000;

/// Whose token; or what was uploaded to whom, which is kept in the same way (`media`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TokenKey {
    /// `token` or `media`: the kind of its state.
    pub(crate) kind: &'static str,
    pub(crate) tenant: TenantId,
    pub(crate) platform: &'static str,
    /// The application, as the platform names it.
    pub(crate) account: String,
    /// The name of its secret; of an image, its hash.
    pub(crate) of: String,
}

impl TokenKey {
    /// The token of an application.
    pub(crate) fn of_token(tenant: &TenantId, application: Application<'_>, secret: &str) -> Self {
        Self {
            kind: "token",
            tenant: tenant.clone(),
            platform: application.dialect().name,
            account: application.account(),
            of: secret.to_owned(),
        }
    }

    /// An image that an application has uploaded.
    pub(crate) fn of_image(tenant: &TenantId, application: Application<'_>, image: &Image) -> Self {
        Self { kind: "media", of: image.sha256.clone(), ..Self::of_token(tenant, application, "") }
    }

    fn state(&self) -> StateKey {
        state_key(Some(&self.tenant), self.kind, &[self.platform, &self.account, &self.of])
    }
}

/// A token as the platform issued it.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    value: SecretString,
    issued_at: UnixMillis,
    dies_at: UnixMillis,
    /// Which of the tokens of its application; 0 for one that is not shared.
    generation: u64,
}

impl Token {
    /// Issued at `now` for so many seconds.
    pub(crate) fn issued(value: &str, now: UnixMillis, seconds: i64) -> Self {
        let lasts = seconds.clamp(0, 86_400).saturating_mul(1_000);
        Self { value: SecretString::from(value), issued_at: now, dies_at: now.plus_ms(lasts), generation: 0 }
    }

    /// Something else that serves for so many seconds: an upload's name. It may live longer than any token.
    pub(crate) fn kept(value: &str, now: UnixMillis, seconds: i64) -> Self {
        let dies_at = now.plus_ms(seconds.max(0).saturating_mul(1_000));
        Self { dies_at, ..Self::issued(value, now, 0) }
    }

    /// To put into a request.
    pub(crate) fn expose(&self) -> &str {
        self.value.expose_secret()
    }

    fn serves(&self, now: UnixMillis) -> bool {
        let margin = MARGIN_MS.min(self.dies_at.since(self.issued_at) / 4);
        self.dies_at.since(now) > margin
    }

    /// It does not serve any more, perhaps; but it is not dead, and the platform may have no other one yet.
    fn lives(&self, now: UnixMillis) -> bool {
        self.dies_at.since(now) > LAST_MS
    }

    /// Should it be replaced while it still serves? `offset` spreads processes over the minutes.
    fn ages(&self, now: UnixMillis, offset: u16) -> bool {
        self.dies_at.since(now) <= EARLY_MS + EARLY_MS * i64::from(offset) / 65_536
    }
}

/// What the processes share of a token.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Stored {
    /// Rises with every token, and with every one that was refused.
    generation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<StoredToken>,
    /// Who fetches the next one, and until when nobody else does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fetcher: Option<(String, UnixMillis)>,
}

impl Stored {
    /// As late as its token may be asked for, and a while after.
    fn forget_at(&self, now: UnixMillis) -> UnixMillis {
        let dies_at = self.token.as_ref().map_or(now, |token| token.dies_at);
        dies_at.max(now).plus_ms(KEPT_MS)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredToken {
    sealed: Sealed,
    issued_at: UnixMillis,
    dies_at: UnixMillis,
}

#[derive(Debug, Default)]
struct Held {
    token: Option<Token>,
    /// Not replaced early before this.
    again_at: Option<UnixMillis>,
}

type Slot = Arc<tokio::sync::Mutex<Held>>;

/// What to do next.
enum Next {
    Use(Token),
    /// This process fetches: what was there, and the version that says that it does.
    Fetch {
        version: String,
        before: Stored,
    },
    /// Another one does.
    Wait,
}

/// Why there is no token: the platform's no, or nobody knows what the others do.
pub(crate) enum NoToken<E> {
    Fetch(E),
    State(PortError),
}

/// The tokens of this process.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    slots: Mutex<HashMap<TokenKey, Slot>>,
}

impl Tokens {
    /// A token that serves: this process's, the others', or the one that `fetch` brings. Callers of one key in this process wait for
    /// each other, and processes for the one that fetches, so that one fetch serves all.
    pub(crate) async fn get<E, F>(
        &self,
        shared: &Shared,
        clock: &impl Clock,
        key: &TokenKey,
        fetch: impl Fn() -> F,
    ) -> Result<Token, NoToken<E>>
    where
        F: Future<Output = Result<Token, E>>,
    {
        let slot = self.slot(key);
        let mut held = slot.lock().await;
        let now = clock.now();
        let asked = held.again_at.is_some_and(|again| again > now);
        let serving = held.token.clone().filter(|token| token.serves(now) || asked && token.lives(now));
        let due = |token: &Token| token.ages(now, shared.offset()) && !asked;
        if let Some(token) = serving.as_ref().filter(|token| !due(token)) {
            return Ok(token.clone());
        }
        if !shared.seals() {
            return self.alone(&mut held, serving, now, fetch).await;
        }
        held.again_at = Some(now.plus_ms(AGAIN_MS));
        let token = match self.together(shared, clock, &key.state(), serving.as_ref(), &fetch).await {
            Ok(token) => token,
            // It still serves: the next one is tried for later.
            Err(_) if serving.is_some() => serving.clone().ok_or_else(none)?,
            Err(NoToken::State(error)) => {
                // Tokens may be fetched side by side on every platform that is spoken to here; none ends another's.
                tracing::warn!("tokens could not be shared: {error}");
                fetch().await.map_err(NoToken::Fetch)?
            }
            Err(error) => return Err(error),
        };
        held.token = Some(token.clone());
        Ok(token)
    }

    /// One process alone.
    async fn alone<E, F: Future<Output = Result<Token, E>>>(
        &self,
        held: &mut Held,
        serving: Option<Token>,
        now: UnixMillis,
        fetch: impl Fn() -> F,
    ) -> Result<Token, NoToken<E>> {
        held.again_at = Some(now.plus_ms(AGAIN_MS));
        match (fetch().await, serving) {
            (Ok(token), _) => {
                held.token = Some(token.clone());
                Ok(token)
            }
            (Err(_), Some(serving)) => Ok(serving),
            (Err(error), None) => {
                held.token = None;
                Err(NoToken::Fetch(error))
            }
        }
    }

    async fn together<E, F: Future<Output = Result<Token, E>>>(
        &self,
        shared: &Shared,
        clock: &impl Clock,
        key: &StateKey,
        serving: Option<&Token>,
        fetch: &impl Fn() -> F,
    ) -> Result<Token, NoToken<E>> {
        let gives_up = clock.now().plus_ms(FETCH_MS + 2_000);
        loop {
            match self.next(shared, clock, key, serving).await.map_err(NoToken::State)? {
                Next::Use(token) => return Ok(token),
                Next::Fetch { version, before } => {
                    let fetched = fetch().await;
                    return store(shared, clock, key, (&version, before), fetched).await;
                }
                Next::Wait if clock.now() > gives_up => return Err(none()),
                Next::Wait => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Looks at what the processes share, and takes the fetching upon itself where it is due and nobody has.
    async fn next(
        &self,
        shared: &Shared,
        clock: &impl Clock,
        key: &StateKey,
        serving: Option<&Token>,
    ) -> Result<Next, PortError> {
        let now = clock.now();
        let found = shared.document(key).await?;
        let mut stored: Stored = match &found {
            Some(found) => parse(key, &found.body)?,
            None => Stored::default(),
        };
        let fetching = stored.fetcher.as_ref().is_some_and(|(_, until)| *until > now);
        match opened(shared, key, &stored).await? {
            Some(token) if token.serves(now) && !token.ages(now, shared.offset()) => {
                return Ok(Next::Use(token));
            }
            // Somebody else replaces it, or the platform has just given it out once more: then it is used to its end.
            Some(token) if fetching && token.lives(now) => return Ok(Next::Use(token)),
            _ if fetching => return Ok(serving.cloned().map_or(Next::Wait, Next::Use)),
            _ => {}
        }
        stored.fetcher = Some((shared.instance().to_owned(), now.plus_ms(FETCH_MS)));
        let seen = found.as_ref().map(|found| found.version.as_str());
        let body = json(key, &stored)?;
        Ok(match shared.replace(key, seen, body, stored.forget_at(now)).await? {
            Replaced::Done { version } => Next::Fetch { version, before: stored },
            Replaced::Overtaken(_) => Next::Wait,
        })
    }

    /// A platform refused this token: nobody uses it any more, unless somebody has fetched another one already.
    pub(crate) async fn forget(&self, shared: &Shared, clock: &impl Clock, key: &TokenKey, dead: &Token) {
        let slot = self.slot(key);
        let mut held = slot.lock().await;
        if held.token.as_ref().is_some_and(|token| token.expose() == dead.expose()) {
            *held = Held::default();
        }
        if !shared.seals() || dead.generation == 0 {
            return;
        }
        let forget_at = clock.now().plus_ms(KEPT_MS);
        let state = key.state();
        let dropped = shared.change(&state, forget_at, |stored: &mut Stored| {
            let same = stored.generation == dead.generation && stored.token.is_some();
            if same {
                // The next one is another generation, also when the platform gives out the same token once more.
                *stored =
                    Stored { generation: stored.generation.saturating_add(1), token: None, fetcher: None };
            }
            ((), same)
        });
        if let Err(error) = dropped.await {
            tracing::warn!("a dead token could not be dropped for all: {error}");
        }
    }

    fn slot(&self, key: &TokenKey) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key.clone()).or_default())
    }
}

fn none<E>() -> NoToken<E> {
    let cause = "another process fetches a token and is not heard of".to_owned();
    NoToken::State(PortError::Unavailable { what: "token", cause })
}

async fn opened(shared: &Shared, key: &StateKey, stored: &Stored) -> Result<Option<Token>, PortError> {
    let Some(token) = &stored.token else { return Ok(None) };
    let value = match shared.open(key, &token.sealed).await {
        Ok(value) => value,
        // Sealed with a key that is gone, or altered: as if it were not there.
        Err(PortError::Corrupt { cause, .. }) => {
            tracing::warn!("a shared token does not open: {cause}");
            None
        }
        Err(error) => return Err(error),
    };
    let (issued_at, dies_at, generation) = (token.issued_at, token.dies_at, stored.generation);
    Ok(value.map(|value| Token { value, issued_at, dies_at, generation }))
}

/// Hands what was fetched to the others. A token that comes too late, after somebody else's, serves this process alone.
async fn store<E>(
    shared: &Shared,
    clock: &impl Clock,
    key: &StateKey,
    (version, before): (&str, Stored),
    fetched: Result<Token, E>,
) -> Result<Token, NoToken<E>> {
    let (now, me) = (clock.now(), shared.instance().to_owned());
    let (stored, token) = match fetched {
        Ok(token) => match shared.seal(key, token.expose()).await {
            Ok(Some(sealed)) => {
                let generation = before.generation.saturating_add(1);
                let kept = StoredToken { sealed, issued_at: token.issued_at, dies_at: token.dies_at };
                // A platform may give out the same token until it dies: then it is of no use to ask again at once, but after its death.
                let asks_again = now.plus_ms(AGAIN_MS).min(token.dies_at);
                let fetcher = token.ages(now, 0).then_some((me, asks_again));
                (Stored { generation, token: Some(kept), fetcher }, Ok(Token { generation, ..token }))
            }
            Ok(None) => return Ok(token),
            Err(error) => {
                tracing::warn!("a token could not be shared: {error}");
                return Ok(token);
            }
        },
        // Nobody fetches for a moment: what failed for one fails for all. What was there may still serve.
        Err(error) => {
            (Stored { fetcher: Some((me, now.plus_ms(PAUSE_MS))), ..before }, Err(NoToken::Fetch(error)))
        }
    };
    let written = match json(key, &stored) {
        Ok(body) => shared.replace(key, Some(version), body, stored.forget_at(now)).await,
        Err(error) => Err(error),
    };
    match written {
        Ok(Replaced::Done { .. }) => token,
        Ok(Replaced::Overtaken(_)) => token.map(|token| Token { generation: 0, ..token }),
        Err(error) => {
            tracing::warn!("a token could not be shared: {error}");
            token.map(|token| Token { generation: 0, ..token })
        }
    }
}

#[cfg(test)]
mod tests;
