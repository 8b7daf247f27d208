use sluice_domain::delivery::{Attempt, Delivery, DeliveryState, FencingToken};
use sluice_domain::id::{EventKey, TenantId};
use sluice_domain::time::BusinessDay;

use crate::{Claim, ClaimRequest, Deliveries, Page, PortError, Settlement};

/// A mistake that an adapter could make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// Whoever asks ends the claim, as where completion is an unconditional update.
    IgnoresTheOwner,
    /// It says that the worker is fenced, and writes all the same.
    WritesThoughFenced,
    /// It hands out what is held.
    IgnoresTheDeadline,
    /// A claim whose process died is a lock.
    NeverTakesOver,
    /// It hands out what is settled.
    ReopensWhatIsSettled,
    /// The attempt that never ended is not shown to the one who takes over.
    HidesTheOpenAttempt,
    /// It accepts an end and does not write it.
    LosesTheEnd,
}

/// An adapter with a mistake built in: what the explorer must find.
#[derive(Debug, Clone)]
pub struct Broken<S> {
    /// The right one.
    pub inner: S,
    /// What it does wrong.
    pub mistake: Mistake,
}

impl<S: Deliveries> Broken<S> {
    async fn holder(&self, key: &EventKey) -> Result<Option<FencingToken>, PortError> {
        Ok(match self.inner.delivery(key).await?.map(|record| record.state) {
            Some(DeliveryState::Claimed { owner, .. }) => Some(owner),
            _ => None,
        })
    }
}

impl<S: Deliveries> Deliveries for Broken<S> {
    async fn claim(&self, request: ClaimRequest) -> Result<Claim, PortError> {
        if self.mistake == Mistake::NeverTakesOver
            && let Some(record) = self.inner.delivery(&request.key).await?
            && let DeliveryState::Claimed { deadline, .. } = record.state
        {
            return Ok(Claim::Held { until: deadline });
        }
        let claim = self.inner.claim(request.clone()).await?;
        Ok(match (claim, self.mistake) {
            (Claim::Held { until }, Mistake::IgnoresTheDeadline) => {
                return self.inner.claim(ClaimRequest { now: until, ..request }).await;
            }
            (Claim::Settled(record), Mistake::ReopensWhatIsSettled) => Claim::Won(record),
            (Claim::Won(mut record), Mistake::HidesTheOpenAttempt) => {
                let last = record.attempts.len().saturating_sub(1);
                record.attempts.drain(..last);
                Claim::Won(record)
            }
            (claim, _) => claim,
        })
    }

    async fn settle(
        &self,
        key: &EventKey,
        owner: FencingToken,
        attempt: Attempt,
        settlement: Settlement,
    ) -> Result<(), PortError> {
        if self.mistake == Mistake::LosesTheEnd {
            return Ok(());
        }
        let answer = self.inner.settle(key, owner, attempt.clone(), settlement.clone()).await;
        match (answer, self.mistake, self.holder(key).await?) {
            (Err(PortError::Fenced), Mistake::IgnoresTheOwner, Some(holder)) => {
                self.inner.settle(key, holder, attempt, settlement).await
            }
            (Err(PortError::Fenced), Mistake::WritesThoughFenced, Some(holder)) => {
                self.inner.settle(key, holder, attempt, settlement).await?;
                Err(PortError::Fenced)
            }
            (answer, _, _) => answer,
        }
    }

    async fn delivery(&self, key: &EventKey) -> Result<Option<Delivery>, PortError> {
        self.inner.delivery(key).await
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<Delivery>, PortError> {
        self.inner.deliveries(tenant, day, cursor).await
    }
}
