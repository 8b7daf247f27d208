//! Access tokens: one cached per application and secret, fetched by one caller at a time, dropped when a platform says they died.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use sluice_domain::id::TenantId;
use sluice_domain::time::UnixMillis;

/// A token is not used in its last three minutes: it could die on the way.
const MARGIN_MS: i64 = 180_000;

/// Whose token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TokenKey {
    pub(crate) tenant: TenantId,
    pub(crate) platform: &'static str,
    /// The application, as the platform names it.
    pub(crate) account: String,
    /// The name of its secret.
    pub(crate) secret: String,
}

/// A token as the platform issued it.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    value: SecretString,
    usable_until: UnixMillis,
}

impl Token {
    /// Issued at `now` for so many seconds.
    pub(crate) fn issued(value: &str, now: UnixMillis, seconds: i64) -> Self {
        let lasts = seconds.clamp(0, 86_400).saturating_mul(1_000).saturating_sub(MARGIN_MS);
        Self { value: SecretString::from(value), usable_until: now.plus_ms(lasts) }
    }

    /// To put into a request.
    pub(crate) fn expose(&self) -> &str {
        self.value.expose_secret()
    }
}

type Slot = Arc<tokio::sync::Mutex<Option<Token>>>;

/// The tokens of this process.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    slots: Mutex<HashMap<TokenKey, Slot>>,
}

impl Tokens {
    /// The cached token, or the one `fetch` brings. Callers of one key wait for each other, so that one fetch serves all.
    pub(crate) async fn get<E>(
        &self,
        key: &TokenKey,
        now: UnixMillis,
        fetch: impl Future<Output = Result<Token, E>>,
    ) -> Result<Token, E> {
        let slot = self.slot(key);
        let mut held = slot.lock().await;
        if let Some(token) = held.as_ref().filter(|token| token.usable_until > now) {
            return Ok(token.clone());
        }
        *held = None;
        let token = fetch.await?;
        *held = Some(token.clone());
        Ok(token)
    }

    /// Forgets this token, unless somebody has already fetched another one.
    pub(crate) async fn forget(&self, key: &TokenKey, dead: &Token) {
        let slot = self.slot(key);
        let mut held = slot.lock().await;
        if held.as_ref().is_some_and(|token| token.expose() == dead.expose()) {
            *held = None;
        }
    }

    fn slot(&self, key: &TokenKey) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_255_200_000);

    fn key() -> TokenKey {
        TokenKey {
            tenant: TenantId::new("acme").unwrap(),
            platform: "wecom",
            account: "corp:1".to_owned(),
            secret: "secret".to_owned(),
        }
    }

    async fn fetched(tokens: &Tokens, calls: &AtomicU32, now: UnixMillis) -> Token {
        let fetch = async {
            let call = calls.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Token::issued(&format!("t{call}"), now, 7_200))
        };
        let Ok(token) = tokens.get(&key(), now, fetch).await;
        token
    }

    #[tokio::test]
    async fn callers_at_the_same_time_share_one_fetch() {
        let (tokens, calls) = (Arc::new(Tokens::default()), Arc::new(AtomicU32::new(0)));
        let callers: Vec<_> = (0..20)
            .map(|_| {
                let (tokens, calls) = (Arc::clone(&tokens), Arc::clone(&calls));
                tokio::spawn(async move { fetched(&tokens, &calls, NOW).await.expose().to_owned() })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), "t0");
        }
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_token_is_replaced_before_it_dies() {
        let (tokens, calls) = (Tokens::default(), AtomicU32::new(0));
        fetched(&tokens, &calls, NOW).await;
        assert_eq!(fetched(&tokens, &calls, NOW.plus_ms(7_200_000 - MARGIN_MS - 1)).await.expose(), "t0");
        assert_eq!(fetched(&tokens, &calls, NOW.plus_ms(7_200_000 - MARGIN_MS)).await.expose(), "t1");
    }

    #[tokio::test]
    async fn forgetting_a_dead_token_spares_its_successor() {
        let (tokens, calls) = (Tokens::default(), AtomicU32::new(0));
        let dead = fetched(&tokens, &calls, NOW).await;
        tokens.forget(&key(), &dead).await;
        assert_eq!(fetched(&tokens, &calls, NOW).await.expose(), "t1");
        tokens.forget(&key(), &dead).await;
        assert_eq!(fetched(&tokens, &calls, NOW).await.expose(), "t1");
    }

    #[test]
    fn a_token_does_not_show_itself() {
        assert!(!format!("{:?}", Token::issued("t-hidden", NOW, 1)).contains("hidden"));
    }
}
