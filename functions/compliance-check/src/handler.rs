use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_domain::audit::{AuditRecord, Disposition};
use sluice_domain::consent::{Age, ConsentKey, ConsentRecord, ConsentTerms, Mark};
use sluice_domain::decision::{Decision, Verdict};
use sluice_domain::event::{Event, EventKind};
use sluice_domain::id::TenantId;
use sluice_domain::rules::{FormStanding, RULE_FAILED};
use sluice_domain::settings::{Settings, Tenant};
use sluice_domain::source::Form;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;
use sluice_ports::{
    Acquaintances, AuditLog, Clock, ConsentStore, Intake, KeyRing, OrderBook, Outbox, PortError, Queue,
    Reviews, Written,
};
use sluice_settings::CurrentSettings;
use sluice_steps::{Stage, StageError};
use sluice_telemetry::{Metrics, Signal};

use crate::effect;
use crate::plan::{Answers, Plan, Texts, asks_to_stop, consent_key, form_standing, plan, unknown_tenant};
use crate::review::{Decided, record};
use crate::verdict::{audit_record, check_consent, cleared_message, decide, review_of};

/// The handler, over its ports.
pub struct ComplianceCheck<S, K, C, P = Arc<Settings>> {
    /// The configuration: tenants, routes, forms, rules. A batch keeps the one it began with.
    pub settings: P,
    /// Receipts, consents, the order book, the audit log and the outbox.
    pub store: S,
    /// The tenants' keys.
    pub keys: K,
    /// The time.
    pub clock: C,
    /// What is counted.
    pub metrics: Metrics,
}

type Keys = BTreeMap<TenantId, Result<Arc<TenantKeys>, PortError>>;

/// An event with all that its decision needs but the consent.
struct Prepared<'a> {
    event: Event,
    keys: Arc<TenantKeys>,
    tenant: &'a Tenant,
    ask: Ask,
}

#[expect(clippy::large_enum_variant, reason = "one for each event of a batch, for a moment")]
enum Ask {
    /// The rules.
    Rules { texts: Texts, form: FormStanding, consent: Option<ConsentKey>, terms: ConsentTerms },
    /// Nobody: it is clear already.
    Nobody(Disposition),
}

impl<S, K, C, P> Stage for ComplianceCheck<S, K, C, P>
where
    S: Intake + ConsentStore + OrderBook + AuditLog + Outbox + Reviews + Acquaintances,
    K: KeyRing,
    C: Clock,
    P: CurrentSettings,
{
    const NAME: &'static str = "compliance-check";
    const INBOX: Queue = Queue::Events;
    type Input = Event;

    async fn handle(&self, batch: Vec<Event>) -> Vec<Result<(), StageError>> {
        // What was acknowledged is known to reconciliation before anything is decided on it.
        if let Err(error) = self.store.arrived(&batch).await {
            return batch.iter().map(|event| Err(StageError::port(&error, event.trace_id))).collect();
        }
        let now = self.clock.now();
        let settings = self.settings.current();
        let keys = self.keys_of(&batch, &settings).await;
        let mut slots = Vec::with_capacity(batch.len());
        for event in batch {
            slots.push(self.prepare(event, &settings, &keys, now).await);
        }
        let consents = self.look_up(&slots).await;
        let (mut results, mut decided) = (Vec::new(), Vec::new());
        for slot in slots {
            let one = slot.and_then(|prepared| decided_of(prepared, &consents, now));
            results.push(one.map(|one| decided.push(one)));
        }
        let outcomes = self.record(decided).await;
        // The recorded ones take their outcome, in order; the others keep their error.
        let mut outcomes = outcomes.into_iter();
        let settled = results.into_iter().map(|result| match result {
            Ok(()) => outcomes.next(),
            Err(error) => Some(Err(error)),
        });
        // An outcome that a store failed to give is a message that nothing finished: `steps::run` keeps it on its queue.
        settled.map_while(|result| result).collect()
    }
}

impl<S, K, C, P> ComplianceCheck<S, K, C, P>
where
    S: Intake + ConsentStore + OrderBook + AuditLog + Outbox + Reviews + Acquaintances,
    K: KeyRing,
    C: Clock,
    P: CurrentSettings,
{
    /// The keys of every tenant of the batch, each asked for once.
    async fn keys_of(&self, batch: &[Event], settings: &Settings) -> Keys {
        let mut keys = Keys::new();
        for event in batch {
            let tenant = &event.key.tenant;
            // Only of configured tenants: a key ring makes keys on first use.
            if !keys.contains_key(tenant) && settings.tenants.contains_key(tenant) {
                let found = self.keys.keys(tenant).await;
                keys.insert(tenant.clone(), found);
            }
        }
        keys
    }

    /// Does what the event changes and opens what the rules will read. Effects come before the record: a process that dies between
    /// the two repeats them, and repeating them changes nothing.
    async fn prepare<'a>(
        &self,
        event: Event,
        settings: &'a Settings,
        keys: &Keys,
        now: UnixMillis,
    ) -> Result<Prepared<'a>, StageError> {
        let trace = event.trace_id;
        let tenant = settings.tenants.get(&event.key.tenant).ok_or_else(|| unknown_tenant(&event))?;
        let keys = match keys.get(&tenant.id) {
            Some(Ok(keys)) => Arc::clone(keys),
            Some(Err(error)) => return Err(StageError::port(error, trace)),
            None => return Err(unknown_tenant(&event)),
        };
        let store = |error: PortError| StageError::port(&error, trace);
        let recorded = |effect: &str| Ask::Nobody(Disposition::recorded(effect));
        let plan = if asks_to_stop(&event, tenant, &keys)? {
            Plan::Withdraw("opted_out")
        } else {
            plan(&event, tenant)
        };
        let ask = match plan {
            Plan::Leave => Ask::Nobody(Disposition::Unhandled),
            Plan::Note(effect) => recorded(effect),
            Plan::Enter => {
                self.enter(&event, now).await.map_err(store)?;
                recorded("order_book")
            }
            // On the heap, both: they are rare, and the ordinary path's future stays small.
            Plan::Channel => Ask::Nobody(Box::pin(self.channel(&event, tenant, &keys)).await.map_err(store)?),
            Plan::Withdraw(effect) => {
                let acquainted = Box::pin(self.withdraw_acquainted(&event, tenant)).await.map_err(store)?;
                let withdrawn = self.withdraw(&event, None).await.map_err(store)? || acquainted;
                recorded(if withdrawn { effect } else { "unauthorized" })
            }
            Plan::WithdrawScopes(forms) => {
                let mut withdrawn = false;
                for form in forms {
                    withdrawn |= self.withdraw(&event, Some(form)).await.map_err(store)?;
                }
                recorded(if withdrawn { "consent_withdrawn" } else { "unauthorized" })
            }
            Plan::Agree(forms) => {
                let mut agreed = false;
                for grant in forms.into_iter().filter_map(|form| effect::authorisation(&event, form)) {
                    agreed |= self.grant(&event, grant).await.map_err(store)?;
                }
                recorded(if agreed { "consent_granted" } else { "authorized" })
            }
            Plan::Decide { route, form } => {
                // First of all: a field that does not open must not leave a consent behind.
                let texts = Texts::open(&event, &keys)?;
                if event.kind == EventKind::OrderPaid {
                    self.enter(&event, now).await.map_err(store)?;
                }
                let grant = match form {
                    Some(form) => effect::grant(&event, form, &Answers::of(&event, &keys))?,
                    None => None,
                };
                if let Some(grant) = grant {
                    self.grant(&event, grant).await.map_err(store)?;
                }
                let (form, consent) = (form_standing(&event, form), consent_key(&event, route));
                Ask::Rules { texts, form, consent, terms: tenant.terms(route) }
            }
        };
        Ok(Prepared { event, keys, tenant, ask })
    }

    async fn enter(&self, event: &Event, now: UnixMillis) -> Result<(), PortError> {
        if let Some(entry) = effect::order_entry(event, now) {
            match self.store.enter(entry).await? {
                Written::New | Written::Existing(_) => {}
            }
        }
        Ok(())
    }

    pub(crate) async fn grant(&self, event: &Event, grant: ConsentRecord) -> Result<bool, PortError> {
        if self.is_undated_replay(event).await? {
            return Ok(false);
        }
        let minor = (grant.age == Age::Under14).then(|| grant.clone());
        self.store.grant(grant).await.inspect_err(|_| self.consents_failed())?;
        // What a child said of their age in one form holds for everything they agreed to elsewhere.
        if let Some(ConsentRecord { key, granted_at, evidence, .. }) = minor {
            let marked = self.store.mark(&key.tenant, &key.person, Mark::Under14, granted_at, evidence).await;
            marked.inspect_err(|_| self.consents_failed())?;
        }
        Ok(true)
    }

    /// Takes back what a form gave, or everything.
    pub(crate) async fn withdraw(&self, event: &Event, form: Option<&Form>) -> Result<bool, PortError> {
        let Some(person) = &event.person else { return Ok(false) };
        if self.is_undated_replay(event).await? {
            return Ok(false);
        }
        let key = form.and_then(|form| effect::key_of(event, form));
        let withdrawal = effect::withdrawal(event);
        let withdrawn = self.store.withdraw(&event.key.tenant, person, key.as_ref(), withdrawal).await;
        withdrawn.inspect_err(|_| self.consents_failed())?;
        Ok(true)
    }

    pub(crate) fn consents_failed(&self) {
        self.metrics.count(Signal::ConsentStoreFailure);
    }

    /// Was this event, which carries no time of its own, decided before under another trace?
    ///
    /// Such an event counts from its arrival, so a replay would look newer than what came between: it would revive a consent that
    /// was withdrawn. Dated events need no look: the platform's time is the same each time.
    async fn is_undated_replay(&self, event: &Event) -> Result<bool, PortError> {
        if event.occurred_at.is_some() {
            return Ok(false);
        }
        let earlier = self.store.audit(&event.key).await?;
        Ok(earlier.is_some_and(|record| record.trace_id != event.trace_id))
    }

    /// One look-up for the whole batch.
    async fn look_up(&self, slots: &[Result<Prepared<'_>, StageError>]) -> Result<Consents, PortError> {
        let mut keys: Vec<ConsentKey> = slots
            .iter()
            .filter_map(|slot| match slot.as_ref().ok().map(|prepared| &prepared.ask) {
                Some(Ask::Rules { consent, .. }) => consent.clone(),
                Some(Ask::Nobody(_)) | None => None,
            })
            .collect();
        keys.sort();
        keys.dedup();
        if keys.is_empty() {
            return Ok(Consents::new());
        }
        let found = self.store.consents(&keys).await.inspect_err(|_| self.consents_failed())?;
        Ok(keys.into_iter().zip(found).collect())
    }

    /// Writes the records with what follows from them, and settles those that were there already.
    async fn record(&self, decided: Vec<Decided<'_>>) -> Vec<Result<(), StageError>> {
        let outcomes = record(&self.store, &decided).await;
        let (mut results, mut again, mut places) =
            (Vec::with_capacity(decided.len()), Vec::new(), Vec::new());
        for (outcome, one) in outcomes.into_iter().zip(&decided) {
            let event = &one.event;
            let result = match outcome {
                Ok(Written::New) => {
                    self.tell(&one.record);
                    Ok(())
                }
                Ok(Written::Existing(stored)) if stored.trace_id == event.trace_id => {
                    // The process died between the record and what follows, the queue delivered twice, or its review was decided.
                    self.follow(&stored, one).await.map(|message| {
                        places.extend(message.is_some().then_some(results.len()));
                        again.extend(message);
                    })
                }
                Ok(Written::Existing(stored)) => {
                    tell_replay(event, &stored);
                    self.metrics.count(Signal::Duplicate { step: Self::NAME });
                    Ok(())
                }
                Err(error) => Err(StageError::port(&error, event.trace_id)),
            };
            results.push(result);
        }
        self.send_again(again, &places, &mut results).await;
        results
    }

    /// What follows from a stored record, for the same event again.
    async fn follow(
        &self,
        stored: &AuditRecord,
        one: &Decided<'_>,
    ) -> Result<Option<sluice_ports::OutboundMessage>, StageError> {
        match &stored.disposition {
            Disposition::Decided { decision } if decision.verdict == Verdict::Review => {
                // On the heap: it is rare, and the ordinary path's future stays small.
                Box::pin(self.resume(stored, decision, one)).await
            }
            Disposition::Decided { .. } | Disposition::Recorded { .. } | Disposition::Unhandled => {
                cleared_message(stored, &one.event, &one.keys)
            }
        }
    }

    async fn send_again(
        &self,
        messages: Vec<sluice_ports::OutboundMessage>,
        places: &[usize],
        results: &mut [Result<(), StageError>],
    ) {
        if messages.is_empty() {
            return;
        }
        let traces: Vec<_> = messages.iter().map(|message| message.trace_id).collect();
        for failure in self.store.send(Queue::Cleared, messages).await {
            let place = places.get(failure.index).and_then(|place| results.get_mut(*place));
            if let (Some(slot), Some(trace)) = (place, traces.get(failure.index)) {
                *slot = Err(StageError::port(&failure.error, *trace));
            }
        }
    }

    fn tell(&self, record: &AuditRecord) {
        let (trace_id, tenant, kind) = (record.trace_id, &record.key.tenant, record.kind);
        match &record.disposition {
            Disposition::Decided { decision } => {
                let (code, verdict) = (decision.main_code(), decision.verdict);
                let rule = first_rule(decision);
                tracing::info!(step = Self::NAME, %trace_id, %tenant, event = %kind, %verdict, code, rule, "{verdict}: rule {rule}");
                self.metrics.count(Signal::Decided { verdict: verdict.as_str() });
                self.metrics.count(Signal::DecisionReason { code });
                if verdict.allows() {
                    self.metrics.count(Signal::Cleared);
                }
                self.tell_rules(record, decision);
                if verdict == Verdict::Review {
                    self.metrics.count(Signal::ReviewOpened { point: "event" });
                }
            }
            Disposition::Recorded { effect, .. } => {
                tracing::info!(step = Self::NAME, %trace_id, %tenant, event = %kind, code = effect, "recorded: {effect}");
            }
            Disposition::Unhandled => {
                tracing::info!(step = Self::NAME, %trace_id, %tenant, event = %kind, code = "unhandled", "recorded: nothing acts on it");
                self.metrics.count(Signal::Unhandled);
            }
        }
    }

    /// What the writers of rules must see: a rule that could not be asked, a candidate pack that decides otherwise.
    fn tell_rules(&self, record: &AuditRecord, decision: &Decision) {
        let (trace_id, tenant) = (record.trace_id, &record.key.tenant);
        for reason in decision.reasons.iter().filter(|reason| reason.code == RULE_FAILED) {
            let rule = &reason.rule;
            tracing::error!(step = Self::NAME, %trace_id, %tenant, %rule, code = RULE_FAILED, "blocked: rule {rule} has no value for this event; `sluice rules explain` tells why");
            self.metrics.count(Signal::RuleFailed { rule: rule.as_str() });
        }
        if let Some(shadow) = &decision.shadow {
            let (pack, rule, verdict) = (&shadow.pack.id, &shadow.rule, shadow.verdict);
            tracing::info!(step = Self::NAME, %trace_id, %tenant, %pack, %rule, %verdict, code = shadow.code, "the candidate pack would have said {verdict}");
            self.metrics.count(Signal::ShadowDiffers { verdict: verdict.as_str() });
        }
    }
}

/// A replay is ordinary, unless its bytes are others: then the platform used an id twice, or somebody replays with changes.
fn tell_replay(event: &Event, stored: &AuditRecord) {
    let step = "compliance-check";
    let (trace_id, first_trace_id) = (event.trace_id, stored.trace_id);
    let (tenant, source) = (&event.key.tenant, &event.key.source);
    if stored.payload_sha256 == event.payload_sha256 {
        tracing::info!(
            step, %trace_id, %first_trace_id, %tenant, %source, code = "duplicate",
            "dropped: the platform sent this event before"
        );
    } else {
        tracing::warn!(
            step, %trace_id, %first_trace_id, %tenant, %source, code = "duplicate_altered",
            first_payload_sha256 = stored.payload_sha256, payload_sha256 = event.payload_sha256,
            "dropped: an event of this id was decided before, with another payload"
        );
    }
}

type Consents = BTreeMap<ConsentKey, Option<ConsentRecord>>;

fn first_rule(decision: &Decision) -> &str {
    decision.reasons.first().map_or("none", |reason| reason.rule.as_str())
}

/// Decides and makes the record with what follows from it. A consent store that did not answer is no missing consent: the event waits.
fn decided_of<'a>(
    prepared: Prepared<'a>,
    consents: &Result<Consents, PortError>,
    now: UnixMillis,
) -> Result<Decided<'a>, StageError> {
    let Prepared { event, keys, tenant, ask } = prepared;
    let disposition = match ask {
        Ask::Nobody(disposition) => disposition,
        Ask::Rules { texts, form, consent, terms } => {
            let check = match consent {
                None => None,
                Some(key) => {
                    let consents =
                        consents.as_ref().map_err(|error| StageError::port(error, event.trace_id))?;
                    let found = consents.get(&key).ok_or_else(|| unanswered(&event))?;
                    Some(check_consent(key, found.as_ref(), &terms, now))
                }
            };
            Disposition::Decided { decision: decide(&event, tenant, &texts, form, check.as_ref(), now) }
        }
    };
    let record = audit_record(&event, disposition, now);
    let next = cleared_message(&record, &event, &keys)?;
    let review = review_of(&record, &event, tenant, &keys);
    Ok(Decided { event, keys, tenant, record, next, review })
}

/// The store answered fewer keys than it was asked.
fn unanswered(event: &Event) -> StageError {
    let error = PortError::Unavailable { what: "consents", cause: "fewer answers than questions".into() };
    StageError::port(&error, event.trace_id)
}
