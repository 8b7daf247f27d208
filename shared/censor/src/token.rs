//! Tokens: one cached per tenant and application, fetched by one caller at a time, dropped when the platform says that it died.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};
use sluice_domain::id::TenantId;
use sluice_domain::safety::CensorApi;
use sluice_domain::time::UnixMillis;

use crate::reading::Issued;

/// A token is not used in its last three minutes: it could die on the way.
const MARGIN_MS: i64 = 180_000;

/// Whose token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TokenKey {
    pub(crate) tenant: TenantId,
    pub(crate) api: CensorApi,
    pub(crate) app_id: String,
    /// The name of the secret.
    pub(crate) secret: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Token {
    value: SecretString,
    usable_until: UnixMillis,
}

impl Token {
    pub(crate) fn issued(issued: Issued, now: UnixMillis) -> Self {
        let lasts = issued.seconds.clamp(0, 86_400).saturating_mul(1_000).saturating_sub(MARGIN_MS);
        Self { value: SecretString::from(issued.value), usable_until: now.plus_ms(lasts) }
    }

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

    /// Forgets this token, unless somebody has fetched another one.
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
