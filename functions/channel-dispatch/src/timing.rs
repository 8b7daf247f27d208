//! May a message leave at this moment, or is it too late in the day, or one too many?

use sluice_channels::Idempotency;
use sluice_domain::contact::{Slot, WhenFull};
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, Entropy, KeyRing, Place, PortError, Settlement};
use sluice_settings::CurrentSettings;
use sluice_steps::StageError;

use crate::handler::ChannelDispatch;
use crate::policy::{History, wait};
use crate::records::Records;
use crate::sender::Sender;
use crate::work::{Work, withheld};

/// Messages that waited for the same hour leave over so long a time: platforms ask not to send on the hour.
const SPREAD_MS: i64 = 10 * 60_000;

/// When a message may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timing {
    /// At once.
    Now,
    /// Then, for this reason.
    At(UnixMillis, &'static str),
    /// Never, for this reason.
    Never(&'static str),
}

impl<S, K, M, C, E, P> ChannelDispatch<S, K, M, C, E, P>
where
    S: Records,
    K: KeyRing,
    M: Sender,
    C: Clock,
    E: Entropy,
    P: CurrentSettings,
{
    /// Quiet hours first: a message that waits takes no place of the day on which it is not sent. Without caps nothing is written.
    pub(crate) async fn timing(&self, work: &Work<'_>) -> Result<Timing, PortError> {
        let event = work.cleared.event();
        let Some(route) = work.tenant.route_of(event) else { return Ok(Timing::Now) };
        let (policy, now) = (work.tenant.contact_policy(route), self.clock.now());
        let channel = work.destination.channel.as_str();
        if let Some(until) = policy.quiet_until(channel, now) {
            return Ok(Timing::At(until, "quiet_hours"));
        }
        let limits = policy.limits(channel);
        if limits.is_empty() {
            return Ok(Timing::Now);
        }
        let slot = Slot {
            tenant: work.tenant.id.clone(),
            person: work.cleared.person().clone(),
            day: policy.day(now),
            channel: channel.to_owned(),
            event: event.key.clone(),
            limits,
        };
        Ok(match (self.store.take_place(&slot).await?, policy.when_full) {
            (Place::Taken, _) => Timing::Now,
            (Place::Full, WhenFull::Refuse) => Timing::Never("frequency_cap"),
            (Place::Full, WhenFull::NextDay) => Timing::At(policy.next_day(channel, now), "frequency_cap"),
        })
    }

    /// Ends the claim of a message that does not leave now.
    pub(crate) async fn not_now(
        &self,
        work: &Work<'_>,
        timing: Timing,
        history: History,
        idempotency: Idempotency,
    ) -> Result<(), StageError> {
        let (code, settlement) = match timing {
            Timing::Now => ("waiting", Settlement::Waiting { until: self.clock.now() }),
            Timing::Never(code) => (code, history.refusal()),
            Timing::At(until, code) => {
                let mut jitter = [0];
                self.entropy.fill(&mut jitter);
                let [jitter] = jitter;
                let until = until.plus_ms(SPREAD_MS * i64::from(jitter) / 256);
                (code, wait(until, history, idempotency))
            }
        };
        self.settle(work, withheld(code), settlement).await
    }
}
