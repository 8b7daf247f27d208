use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use sluice_domain::id::TenantId;
use sluice_domain::reconciliation::{self, BreakClass, BreakState, DeadLetter, Report, Seal, Subject};
use sluice_domain::review::StateName;
use sluice_domain::settings::{Settings, Tenant};
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_erasure::Eraser;
use sluice_evidence::Evidence;
use sluice_ports::{Clock, ConsentStore, Digests, Entropy, Erasure, HeadSigner, Reports};
use sluice_settings::CurrentSettings;
use sluice_telemetry::{Metrics, Signal};

use crate::{ReconcileError, Records, ScheduledEvent, gather, redrive, request};

/// The handler.
#[derive(Debug)]
pub struct NightlyReconciliation<S, R, K, C, P = Arc<Settings>> {
    settings: P,
    store: S,
    reports: R,
    signer: K,
    clock: C,
    metrics: Metrics,
}

/// What one run found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The day.
    pub day: BusinessDay,
    /// Breaks that somebody must look at, over all tenants.
    pub open_breaks: usize,
    /// Dead letters put back, of all tenants.
    pub redriven: usize,
    /// People erased because their events of the day say so, of all tenants.
    pub erased: usize,
    /// By tenant.
    pub tenants: Vec<TenantOutcome>,
}

/// What one run found for one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenantOutcome {
    /// Whose day.
    pub tenant: TenantId,
    /// Events received.
    pub received: u64,
    /// They are all accounted for.
    pub balanced: bool,
    /// Breaks that somebody must look at.
    pub open_breaks: usize,
}

impl<S: Records, R: Reports + Digests, K: HeadSigner, C: Clock, P: CurrentSettings>
    NightlyReconciliation<S, R, K, C, P>
{
    /// A handler over its ports.
    pub fn new(settings: P, store: S, reports: R, signer: K, clock: C, metrics: Metrics) -> Self {
        Self { settings, store, reports, signer, clock, metrics }
    }

    /// Handles the schedule's event.
    ///
    /// # Errors
    /// [`ReconcileError`]; the schedule repeats the event, and reports that are stored already are stored again, the same.
    pub async fn handle(&self, event: ScheduledEvent) -> Result<Outcome, ReconcileError> {
        let now = self.clock.now();
        let day = request::day(&event, now);
        let tenants = match &event.detail.tenant {
            Some(tenant) => vec![self.tenant(tenant)?],
            None => self.settings.current().tenants.values().cloned().collect(),
        };
        let redriven = redrive::redrive(&self.store).await?;
        Box::pin(self.sweep(&tenants, now)).await?;
        let mut outcomes = Vec::new();
        let mut classes: BTreeMap<BreakClass, usize> =
            BreakClass::ALL.into_iter().map(|class| (class, 0)).collect();
        for tenant in tenants {
            let seal = self.evidence().seal(&tenant.id, day, now).await?;
            let report = self.report(&tenant, day, now, &redriven, seal.into()).await?;
            self.publish(&report).await?;
            self.tell_splits(&report);
            for found in report.breaks.iter().filter(|found| found.state == BreakState::Open) {
                *classes.entry(found.class).or_default() += 1;
            }
            outcomes.push(TenantOutcome {
                tenant: tenant.id.clone(),
                received: report.totals.received,
                balanced: report.identity.holds,
                open_breaks: report.open_breaks(),
            });
        }
        let open_breaks = outcomes.iter().map(|outcome| outcome.open_breaks).sum();
        self.metrics.count_of(Signal::OpenBreaks, open_breaks);
        // Classes without breaks too: a gauge must be able to fall to zero.
        for (class, count) in classes {
            self.metrics.count_of(Signal::BreaksByClass { class: class.code() }, count);
        }
        Ok(Outcome { day, open_breaks, redriven: redriven.len(), erased: 0, tenants: outcomes })
    }

    /// As [`NightlyReconciliation::handle`]; then erases whom the day's events say to erase. Of messages that still lie on queues nothing can be
    /// taken out here: they are refused when they come.
    ///
    /// # Errors
    /// [`ReconcileError`]; whom an earlier try erased is not found again.
    pub async fn handle_and_erase<E: Entropy>(
        &self,
        event: ScheduledEvent,
        entropy: &E,
    ) -> Result<Outcome, ReconcileError>
    where
        S: ConsentStore + Erasure,
    {
        let mut outcome = Box::pin(self.handle(event)).await?;
        let eraser = Eraser { store: &self.store, entropy, now: self.clock.now(), keys: None };
        for TenantOutcome { tenant, .. } in &outcome.tenants {
            let erased = Box::pin(eraser.due(tenant, outcome.day)).await;
            outcome.erased += erased.map_err(ReconcileError::port("erasing people"))?.len();
        }
        Ok(outcome)
    }

    /// Ends what nobody decided in time, before the day is counted.
    async fn sweep(&self, tenants: &[Arc<Tenant>], now: UnixMillis) -> Result<(), ReconcileError> {
        let (mut open, mut oldest) = (0, None::<UnixMillis>);
        for tenant in tenants {
            let swept = sluice_review::sweep(&self.store, &tenant.id, now).await;
            let swept = swept.map_err(ReconcileError::port("ending overdue reviews"))?;
            if swept.expired > 0 {
                let expired = swept.expired;
                tracing::warn!(tenant = %tenant.id, code = "review_expired", expired, "blocked: {expired} reviews that nobody decided in time");
                self.metrics.count_of(Signal::ReviewEnded { state: StateName::Expired.as_str() }, expired);
            }
            open += swept.open;
            oldest = [oldest, swept.oldest].into_iter().flatten().min();
        }
        self.metrics.count_of(Signal::OpenReviews, open);
        let age = oldest.map_or(0, |oldest| now.since(oldest).max(0));
        #[expect(clippy::cast_precision_loss, reason = "seconds of a month at most")]
        self.metrics.gauge(Signal::OldestReviewAge, (age / 1_000) as f64);
        Ok(())
    }

    /// Reconciles one tenant's day. It reads only: nothing is put back, nothing is stored.
    ///
    /// # Errors
    /// [`ReconcileError::UnknownTenant`], or a store's failure.
    pub async fn reconcile(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        now: UnixMillis,
    ) -> Result<Report, ReconcileError> {
        let tenant = self.tenant(tenant)?;
        let seal = self.evidence().verify(&tenant.id, day).await?;
        self.report(&tenant, day, now, &[], seal.into()).await
    }

    fn evidence(&self) -> Evidence<'_, S, R, K> {
        Evidence { log: &self.store, digests: &self.reports, signer: &self.signer }
    }

    fn tenant(&self, id: &TenantId) -> Result<Arc<Tenant>, ReconcileError> {
        self.settings
            .current()
            .tenants
            .get(id)
            .cloned()
            .ok_or_else(|| ReconcileError::UnknownTenant(id.clone()))
    }

    async fn report(
        &self,
        tenant: &Tenant,
        day: BusinessDay,
        now: UnixMillis,
        redriven: &[DeadLetter],
        seal: Seal,
    ) -> Result<Report, ReconcileError> {
        let mut evidence = Box::pin(gather::evidence(&self.store, &tenant.id, day, redriven)).await?;
        evidence.seal = seal;
        let experiments = tenant.experiments.values().collect();
        let subject = Subject { tenant: &tenant.id, name: &tenant.name, day, experiments, now };
        Ok(reconciliation::reconcile(&subject, &evidence))
    }

    fn tell_splits(&self, report: &Report) {
        for split in &report.experiments {
            let experiment = format!("{}/{}", report.tenant, split.experiment);
            let experiment = experiment.as_str();
            self.metrics.gauge(Signal::BucketDeviation { experiment }, split.largest_offset_points);
            self.metrics.gauge(Signal::BucketChance { experiment }, split.p_value);
        }
    }

    async fn publish(&self, report: &Report) -> Result<(), ReconcileError> {
        let open = report.open_breaks();
        if open > 0 {
            tracing::warn!(tenant = %report.tenant, day = %report.day, open_breaks = open, "reconciled: {open} breaks are open");
        } else {
            tracing::info!(tenant = %report.tenant, day = %report.day, "reconciled: no break is open");
        }
        let json =
            serde_json::to_vec_pretty(report).map_err(|error| ReconcileError::Report(error.to_string()))?;
        let html = reconciliation::page(report).into_bytes();
        let stored = ReconcileError::port("storing a report");
        let put = |name, content_type, bytes| {
            self.reports.put(&report.tenant, report.day, name, content_type, bytes)
        };
        put("report.json", "application/json", json).await.map_err(&stored)?;
        put("report.html", "text/html; charset=utf-8", html).await.map_err(&stored)
    }
}
