//! What this process shares with others that send: the port, erased, for it is asked from everywhere here.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use sluice_domain::id::TenantId;
use sluice_domain::sealed::Sealed;
use sluice_domain::time::UnixMillis;
use sluice_ports::{
    ChannelState, Entropy, KeyRing, Nonces as _, PortError, Replaced, StateDocument, StateKey,
};

/// Where sealed values of channels belong.
const SEAL_TABLE: &str = "channels";

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, PortError>> + Send + 'a>>;

/// [`ChannelState`] as an object: two more type parameters on everything here would say nothing.
trait State: Send + Sync {
    fn document<'a>(&'a self, key: &'a StateKey) -> Answer<'a, Option<StateDocument>>;
    fn replace<'a>(
        &'a self,
        key: &'a StateKey,
        seen: Option<&'a str>,
        body: String,
        forget_at: UnixMillis,
    ) -> Answer<'a, Replaced>;
}

impl<T: ChannelState> State for T {
    fn document<'a>(&'a self, key: &'a StateKey) -> Answer<'a, Option<StateDocument>> {
        Box::pin(ChannelState::document(self, key))
    }

    fn replace<'a>(
        &'a self,
        key: &'a StateKey,
        seen: Option<&'a str>,
        body: String,
        forget_at: UnixMillis,
    ) -> Answer<'a, Replaced> {
        Box::pin(ChannelState::replace(self, key, seen, body, forget_at))
    }
}

/// Seals and opens with a tenant's keys.
trait Seals: Send + Sync {
    fn seal<'a>(&'a self, key: &'a StateKey, text: &'a str) -> Answer<'a, Option<Sealed>>;
    fn open<'a>(&'a self, key: &'a StateKey, sealed: &'a Sealed)
    -> Answer<'a, Option<secrecy::SecretString>>;
}

struct Keys<K, E>(K, E);

impl<K: KeyRing, E: Entropy> Seals for Keys<K, E> {
    fn seal<'a>(&'a self, key: &'a StateKey, text: &'a str) -> Answer<'a, Option<Sealed>> {
        Box::pin(async move {
            let Some(tenant) = &key.tenant else { return Ok(None) };
            let keys = self.0.keys(tenant).await?;
            let sealed = keys.seal(SEAL_TABLE, key.kind, &key.name, text, self.1.nonce());
            sealed.map(Some).map_err(|error| corrupt(&error))
        })
    }

    fn open<'a>(
        &'a self,
        key: &'a StateKey,
        sealed: &'a Sealed,
    ) -> Answer<'a, Option<secrecy::SecretString>> {
        Box::pin(async move {
            let Some(tenant) = &key.tenant else { return Ok(None) };
            let keys = self.0.keys(tenant).await?;
            keys.open(SEAL_TABLE, key.kind, &key.name, sealed).map(Some).map_err(|error| corrupt(&error))
        })
    }
}

fn corrupt(error: &sluice_domain::sealed::SealError) -> PortError {
    PortError::Corrupt { what: SEAL_TABLE, cause: error.to_string() }
}

/// This process among those that send.
#[derive(Clone)]
pub(crate) struct Shared {
    state: Arc<dyn State>,
    seals: Option<Arc<dyn Seals>>,
    instance: Arc<str>,
    offset: u16,
}

impl fmt::Debug for Shared {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Shared(as {})", self.instance)
    }
}

/// One process alone: what it knows is in its memory, and gone with it.
impl Default for Shared {
    fn default() -> Self {
        Self { state: Arc::new(Memory::default()), seals: None, instance: "alone".into(), offset: 0 }
    }
}

impl Shared {
    pub(crate) fn new<S, K, E>(state: S, keys: K, entropy: E) -> Self
    where
        S: ChannelState + 'static,
        K: KeyRing + 'static,
        E: Entropy + 'static,
    {
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes);
        let [one, two, ..] = bytes;
        Self {
            state: Arc::new(state),
            seals: Some(Arc::new(Keys(keys, entropy))),
            instance: hex::encode(bytes).into(),
            offset: u16::from_be_bytes([one, two]),
        }
    }

    /// Over a state, without keys: for people's tools.
    pub(crate) fn over<S: ChannelState + 'static>(state: S) -> Self {
        Self { state: Arc::new(state), ..Self::default() }
    }

    /// This process's name.
    pub(crate) fn instance(&self) -> &str {
        &self.instance
    }

    /// A number of this process's own, evenly spread over processes.
    pub(crate) fn offset(&self) -> u16 {
        self.offset
    }

    pub(crate) async fn document(&self, key: &StateKey) -> Result<Option<StateDocument>, PortError> {
        self.state.document(key).await
    }

    pub(crate) async fn replace(
        &self,
        key: &StateKey,
        seen: Option<&str>,
        body: String,
        forget_at: UnixMillis,
    ) -> Result<Replaced, PortError> {
        self.state.replace(key, seen, body, forget_at).await
    }

    /// Are secrets shared? A process alone keeps them to itself.
    pub(crate) fn seals(&self) -> bool {
        self.seals.is_some()
    }

    pub(crate) async fn seal(&self, key: &StateKey, text: &str) -> Result<Option<Sealed>, PortError> {
        match &self.seals {
            Some(seals) => seals.seal(key, text).await,
            None => Ok(None),
        }
    }

    pub(crate) async fn open(
        &self,
        key: &StateKey,
        sealed: &Sealed,
    ) -> Result<Option<secrecy::SecretString>, PortError> {
        match &self.seals {
            Some(seals) => seals.open(key, sealed).await,
            None => Ok(None),
        }
    }

    /// Changes a document by what is in it, as often as others are faster. `change` gives what to answer and whether to write.
    pub(crate) async fn change<D, T>(
        &self,
        key: &StateKey,
        forget_at: UnixMillis,
        mut change: impl FnMut(&mut D) -> (T, bool),
    ) -> Result<T, PortError>
    where
        D: Default + Serialize + DeserializeOwned,
    {
        const LOOKS: usize = 16;
        let mut stored = self.document(key).await?;
        for _ in 0..LOOKS {
            let mut document: D = match &stored {
                Some(stored) => parse(key, &stored.body)?,
                None => D::default(),
            };
            let (answer, changed) = change(&mut document);
            if !changed {
                return Ok(answer);
            }
            let seen = stored.as_ref().map(|stored| stored.version.as_str());
            match self.replace(key, seen, json(key, &document)?, forget_at).await? {
                Replaced::Done { .. } => return Ok(answer),
                Replaced::Overtaken(newer) => stored = newer,
            }
        }
        Err(PortError::Unavailable { what: key.kind, cause: "others change it all the time".to_owned() })
    }
}

/// The key of a piece of state. Its name is a hash: some parts are people.
pub(crate) fn state_key(tenant: Option<&TenantId>, kind: &'static str, parts: &[&str]) -> StateKey {
    let mut hash = Sha256::new_with_prefix(b"sluice/channel-state/v1");
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut name = hex::encode(hash.finalize());
    name.truncate(32);
    StateKey { tenant: tenant.cloned(), kind, name }
}

/// A document as it is stored.
pub(crate) fn json<D: Serialize>(key: &StateKey, document: &D) -> Result<String, PortError> {
    serde_json::to_string(document).map_err(|error| unreadable(key, &error))
}

/// A stored document.
pub(crate) fn parse<D: DeserializeOwned>(key: &StateKey, body: &str) -> Result<D, PortError> {
    serde_json::from_str(body).map_err(|error| unreadable(key, &error))
}

fn unreadable(key: &StateKey, error: &serde_json::Error) -> PortError {
    let cause = format!("unexpected JSON at line {} column {}", error.line(), error.column());
    PortError::Corrupt { what: key.kind, cause }
}

/// State in memory.
#[derive(Default)]
struct Memory {
    documents: Mutex<HashMap<StateKey, (u64, String)>>,
}

impl ChannelState for Memory {
    async fn document(&self, key: &StateKey) -> Result<Option<StateDocument>, PortError> {
        let documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(documents.get(key).map(stored))
    }

    async fn replace(
        &self,
        key: &StateKey,
        seen: Option<&str>,
        body: String,
        _: UnixMillis,
    ) -> Result<Replaced, PortError> {
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        let there = documents.get(key);
        if there.map(|(version, _)| version.to_string()).as_deref() != seen {
            return Ok(Replaced::Overtaken(there.map(stored)));
        }
        let version = there.map_or(0, |(version, _)| version + 1);
        documents.insert(key.clone(), (version, body));
        Ok(Replaced::Done { version: version.to_string() })
    }
}

fn stored((version, body): &(u64, String)) -> StateDocument {
    StateDocument { body: body.clone(), version: version.to_string() }
}
