//! What is known of an account and its endpoints: block windows and health, in one document that every sender reads.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::{Channel, Destination};
use sluice_domain::id::{DestinationId, TenantId};
use sluice_domain::time::{DAY_MS, UnixMillis};
use sluice_ports::{PortError, StateKey};

use crate::blocks::Block;
use crate::health::{FAILURES, Health, Leave, Sign, UNKNOWNS};
use crate::refusal::Refusal;
use crate::shared::{Shared, parse, state_key};
use crate::verdict::{Refill, Wait};

/// A process looks at the document again after this: so long it may not know what another has just learned.
const FRESH_MS: i64 = 200;
/// What is broken or blocked is remembered for so long after it was last written: blocks of a month, and what a person disabled.
const KEPT_MS: i64 = 400 * DAY_MS;
/// More accounts than these are not kept in mind.
const MOST_ACCOUNTS: usize = 4_096;

/// Of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    /// By endpoint; of the account itself under an empty name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    blocks: BTreeMap<String, Block>,
    /// Those that are not healthy.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    endpoints: BTreeMap<String, Health>,
}

impl Account {
    pub(crate) fn blocked_until(&self, endpoint: &str, now: UnixMillis) -> Option<UnixMillis> {
        [endpoint, ""].iter().filter_map(|name| self.blocks.get(*name)?.holds(now)).max()
    }

    pub(crate) fn health(&self, endpoint: &str) -> Health {
        self.endpoints.get(endpoint).cloned().unwrap_or_default()
    }

    /// Says whether it is another one.
    pub(crate) fn set(&mut self, endpoint: &str, health: &Health) -> bool {
        let before = match health {
            Health::Closed => self.endpoints.remove(endpoint),
            other => self.endpoints.insert(endpoint.to_owned(), other.clone()),
        };
        before.unwrap_or_default() != *health
    }
}

/// How an endpoint is, for people and for the dispatcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum EndpointHealth {
    /// Messages go.
    Healthy,
    /// Messages wait; one at a time tries it out.
    Open {
        /// Since when.
        since: UnixMillis,
        /// The next try.
        until: UnixMillis,
        /// The platform's code, or Sluice's word.
        code: String,
    },
    /// Nothing is sent until a person enables it.
    Disabled {
        /// Since when.
        since: UnixMillis,
        /// The platform's code, or `disabled`.
        code: String,
        /// Who: `automatic`, or a name.
        by: String,
        /// Why.
        why: String,
    },
}

impl From<Health> for EndpointHealth {
    fn from(health: Health) -> Self {
        match health {
            Health::Closed => Self::Healthy,
            Health::Open { since, code, probe_at, trips: _ } => Self::Open { since, until: probe_at, code },
            Health::Disabled { since, code, by, why } => Self::Disabled { since, code, by, why },
        }
    }
}

/// Where a send belongs: the account's document, and the endpoint's name in it.
#[derive(Debug, Clone)]
pub(crate) struct At {
    key: StateKey,
    pub(crate) endpoint: String,
    /// It is tried out for ever, and never disabled by itself: no person could enable it.
    mends_itself: bool,
}

impl At {
    pub(crate) fn of(tenant: &TenantId, destination: &Destination) -> Self {
        let (kind, account) = account_of(&destination.channel);
        Self { mends_itself: false, ..Self::named(tenant, (kind, &account), &destination.id) }
    }

    /// Of an account that no destination names.
    pub(crate) fn named(tenant: &TenantId, (kind, account): (&str, &str), endpoint: &DestinationId) -> Self {
        let key = state_key(Some(tenant), "account", &[kind, account]);
        Self { key, endpoint: endpoint.to_string(), mends_itself: true }
    }
}

/// Which bot, application or account it is: they share what the platform takes amiss.
fn account_of(channel: &Channel) -> (&'static str, String) {
    match channel {
        Channel::FeishuBot { hook, .. } => ("feishu_bot", hook.clone()),
        Channel::FeishuApp { app_id, .. } => ("feishu_app", app_id.clone()),
        Channel::WecomBot { key } => ("wecom_bot", key.clone()),
        Channel::WecomApp { corp_id, agent_id, .. } => ("wecom_app", format!("{corp_id}:{agent_id}")),
        Channel::WechatCustom { app_id, .. }
        | Channel::WechatTemplate { app_id, .. }
        | Channel::WechatSubscribe { app_id, .. } => ("wechat", app_id.clone()),
        Channel::DouyinMessage { client_key, .. } | Channel::DouyinComment { client_key, .. } => {
            ("douyin", client_key.clone())
        }
        Channel::Webhook { url, .. } => ("webhook", url.clone()),
    }
}

/// The accounts that this process sends through.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    seen: Mutex<HashMap<StateKey, (UnixMillis, Account)>>,
    /// Held by whoever looks: a batch looks once.
    flights: Mutex<HashMap<StateKey, Arc<tokio::sync::Mutex<()>>>>,
    /// Calls in a row that failed, or were answered with what nobody knows.
    runs: Mutex<HashMap<(StateKey, String), (Sign, u32)>>,
}

impl Accounts {
    /// Refuses while the account or endpoint is known to be blocked or broken.
    pub(crate) async fn may_leave(&self, shared: &Shared, at: &At, now: UnixMillis) -> Result<(), Refusal> {
        let account = self.look(shared, at, now).await.map_err(|error| unknown(&error))?;
        if let Some(until) = account.blocked_until(&at.endpoint, now) {
            return Err(Refusal::new(Outcome::Throttled { until }, "blocked"));
        }
        let leave = match account.health(&at.endpoint).leave(now) {
            // Everybody sees that it is due; one of them is the probe.
            Leave::AsProbe => self.probe(shared, at, now).await.map_err(|error| unknown(&error))?,
            other => other,
        };
        match leave {
            Leave::Yes | Leave::AsProbe => Ok(()),
            Leave::NotBefore(until) => Err(Refusal::new(Outcome::Throttled { until }, "endpoint_open")),
            Leave::Never => {
                let until = now.plus_ms(60_000);
                Err(Refusal::new(Outcome::Throttled { until }, "endpoint_disabled"))
            }
        }
    }

    /// Until when the account or endpoint is known to be blocked.
    pub(crate) async fn blocked(&self, shared: &Shared, at: &At, now: UnixMillis) -> Result<(), Refusal> {
        let account = self.look(shared, at, now).await.map_err(|error| unknown(&error))?;
        match account.blocked_until(&at.endpoint, now) {
            Some(until) => Err(Refusal::new(Outcome::Throttled { until }, "blocked")),
            None => Ok(()),
        }
    }

    /// How the endpoint is, as of a moment ago.
    pub(crate) async fn health(
        &self,
        shared: &Shared,
        at: &At,
        now: UnixMillis,
    ) -> Result<EndpointHealth, PortError> {
        Ok(self.look(shared, at, now).await?.health(&at.endpoint).into())
    }

    async fn probe(&self, shared: &Shared, at: &At, now: UnixMillis) -> Result<Leave, PortError> {
        self.change(shared, at, now, |account| {
            let mut health = account.health(&at.endpoint);
            let leave = health.leave(now);
            (leave, account.set(&at.endpoint, &health))
        })
        .await
    }

    /// Notes a throttle; says until when. What a platform's gateway or quota says holds for the whole account, and so does WeCom's
    /// frequency code; the rest for the endpoint.
    pub(crate) async fn throttled(
        &self,
        shared: &Shared,
        at: &At,
        now: UnixMillis,
        wait: Wait,
        reset_seconds: Option<i64>,
    ) -> UnixMillis {
        let name = match wait {
            Wait::ResetHeader | Wait::MinuteHourDay => "",
            Wait::Seconds(_) | Wait::Rising { .. } => at.endpoint.as_str(),
        };
        let next = |before| Block::throttled(before, now, wait, reset_seconds);
        self.block(shared, at, name, now, next).await
    }

    /// Notes a used-up quota; says until when.
    pub(crate) async fn exhausted(
        &self,
        shared: &Shared,
        at: &At,
        now: UnixMillis,
        refill: Refill,
    ) -> UnixMillis {
        self.block(shared, at, "", now, |before| Block::exhausted(before, now, refill)).await
    }

    async fn block(
        &self,
        shared: &Shared,
        at: &At,
        name: &str,
        now: UnixMillis,
        next: impl Fn(Option<Block>) -> Block,
    ) -> UnixMillis {
        let noted = self.change(shared, at, now, |account| {
            account.blocks.retain(|_, block| !block.is_over(now));
            let before = account.blocks.get(name).copied();
            let block = next(before);
            account.blocks.insert(name.to_owned(), block);
            (block.until, before != Some(block))
        });
        match noted.await {
            Ok(until) => until,
            Err(error) => {
                // This message waits all the same; the others find out by themselves.
                tracing::warn!("a block window could not be shared: {error}");
                next(None).until
            }
        }
    }

    /// Notes what a call said about its endpoint; says how it is, if that changed it. Healthy endpoints cost no write.
    pub(crate) async fn heard(
        &self,
        shared: &Shared,
        at: &At,
        outcome: &Outcome,
        code: &str,
        now: UnixMillis,
    ) -> Option<EndpointHealth> {
        let sign = Sign::of(outcome);
        let known = self.known(at).map(|account| account.health(&at.endpoint)).unwrap_or_default();
        let in_a_row = self.in_a_row(at, sign);
        let tells = match sign {
            Sign::Nothing => false,
            Sign::Works => known != Health::Closed,
            Sign::Refused => true,
            Sign::Failed => known != Health::Closed || in_a_row >= FAILURES,
            Sign::Unknown => known != Health::Closed || in_a_row >= UNKNOWNS,
        };
        if !tells {
            return None;
        }
        let noted = self.change(shared, at, now, |account| {
            let before = account.health(&at.endpoint);
            let sign = match (&before, sign) {
                (Health::Open { .. }, Sign::Refused | Sign::Unknown) if at.mends_itself => Sign::Failed,
                (_, sign) => sign,
            };
            let health = before.after(sign, code, now);
            let changed = account.set(&at.endpoint, &health);
            ((health, changed), changed)
        });
        match noted.await {
            Ok((health, changed)) => {
                if health == Health::Closed {
                    tracing::info!(endpoint = %at.endpoint, "the endpoint works again");
                } else {
                    tracing::error!(endpoint = %at.endpoint, code, ?health, "the endpoint is broken: {code}");
                }
                changed.then(|| health.into())
            }
            Err(error) => {
                tracing::warn!(endpoint = %at.endpoint, "its state could not be shared: {error}");
                None
            }
        }
    }

    /// The how manyth call in a row of such a sign it is, of those that mean something by their number.
    fn in_a_row(&self, at: &At, sign: Sign) -> u32 {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (at.key.clone(), at.endpoint.clone());
        if !matches!(sign, Sign::Failed | Sign::Unknown) {
            runs.remove(&place);
            return 0;
        }
        let (before, count) = runs.entry(place).or_insert((sign, 0));
        if *before != sign {
            (*before, *count) = (sign, 0);
        }
        *count = count.saturating_add(1);
        *count
    }

    fn known(&self, at: &At) -> Option<Account> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&at.key).map(|(_, account)| account.clone())
    }

    pub(crate) async fn look(&self, shared: &Shared, at: &At, now: UnixMillis) -> Result<Account, PortError> {
        if let Some(account) = self.fresh(at, now) {
            return Ok(account);
        }
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            if flights.len() >= MOST_ACCOUNTS {
                flights.retain(|_, flight| Arc::strong_count(flight) > 1);
            }
            Arc::clone(flights.entry(at.key.clone()).or_default())
        };
        let _flight = flight.lock().await;
        if let Some(account) = self.fresh(at, now) {
            return Ok(account);
        }
        let account = match shared.document(&at.key).await? {
            Some(found) => parse(&at.key, &found.body)?,
            None => Account::default(),
        };
        self.note(at, now, &account);
        Ok(account)
    }

    fn fresh(&self, at: &At, now: UnixMillis) -> Option<Account> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |(read, _): &&(UnixMillis, Account)| (0..FRESH_MS).contains(&now.since(*read));
        seen.get(&at.key).filter(fresh).map(|(_, account)| account.clone())
    }

    fn note(&self, at: &At, now: UnixMillis, account: &Account) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST_ACCOUNTS {
            seen.clear();
        }
        seen.insert(at.key.clone(), (now, account.clone()));
    }

    pub(crate) async fn change<T>(
        &self,
        shared: &Shared,
        at: &At,
        now: UnixMillis,
        mut change: impl FnMut(&mut Account) -> (T, bool),
    ) -> Result<T, PortError> {
        let mut newest = Account::default();
        let answer = shared
            .change(&at.key, now.plus_ms(KEPT_MS), |account: &mut Account| {
                let answer = change(account);
                newest = account.clone();
                answer
            })
            .await?;
        self.note(at, now, &newest);
        Ok(answer)
    }
}

fn unknown(error: &PortError) -> Refusal {
    Refusal::state(error)
}
