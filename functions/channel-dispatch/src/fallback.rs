//! An endpoint that nothing may leave through: the message waits for a person, or goes where its route allows instead
//! (`docs/adr/0077-fall-backs.md`).

use sluice_channels::EndpointHealth;
use sluice_domain::delivery::Fallback;
use sluice_domain::destination::Destination;
use sluice_ports::{Clock, Entropy, KeyRing, PortError, Settlement};
use sluice_settings::CurrentSettings;
use sluice_steps::StageError;
use sluice_telemetry::Signal;

use crate::handler::{ChannelDispatch, configuration};
use crate::policy::History;
use crate::records::Records;
use crate::sender::Sender;
use crate::work::{Work, withheld};

/// What is said of an attempt whose endpoint is disabled.
const DISABLED: &str = "endpoint_disabled";

impl Work<'_> {
    /// The destination that the route allows in place of this one: once, and only if nothing of the message can have arrived.
    pub(crate) fn instead(&self, history: History) -> Option<&Destination> {
        // A text that people approved was approved for this destination (`docs/adr/0077-fall-backs.md`).
        if self.delivery.fallback.is_some() || self.held.is_some() || !history.nothing_arrived() {
            return None;
        }
        let id = self.tenant.route_of(self.cleared.event())?.fallback.as_ref()?;
        self.tenant.destinations.get(id).filter(|instead| instead.id != self.destination.id)
    }

    /// Has the route taken back what it allowed when the message fell back?
    pub(crate) fn is_disowned(&self) -> bool {
        let allowed = self.tenant.route_of(self.cleared.event()).and_then(|route| route.fallback.as_ref());
        self.delivery.fallback.as_ref().is_some_and(|fallback| allowed != Some(&fallback.destination))
    }
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
    /// Why an endpoint is disabled, if it is.
    pub(crate) async fn disabled(
        &self,
        work: &Work<'_>,
        destination: &Destination,
    ) -> Result<Option<Disabled>, PortError> {
        Ok(match self.sender.health(&work.tenant.id, destination).await? {
            EndpointHealth::Healthy | EndpointHealth::Open { .. } => None,
            EndpointHealth::Disabled { code, why, .. } => Some(Disabled { code, why }),
        })
    }

    /// Ends the claim of a message whose endpoint is disabled: it waits until a person enables it, or goes elsewhere.
    pub(crate) async fn held_up(
        &self,
        work: &Work<'_>,
        history: History,
        disabled: Disabled,
    ) -> Result<(), StageError> {
        let (trace, id) = (work.delivery.trace_id, &work.destination.id);
        let Disabled { code, why } = disabled;
        self.metrics.count(Signal::EndpointDisabled { code: &code });
        if let Some(instead) = work.instead(history) {
            match self.disabled(work, instead).await {
                Ok(None) => {
                    let settlement = self.fall_back(work, instead, DISABLED);
                    return self.settle(work, withheld(DISABLED), settlement).await;
                }
                // There nothing leaves either: whichever is enabled first gets it.
                Ok(Some(_)) => {}
                Err(error) => {
                    return self.give_back(&work.delivery, work.owner, StageError::port(&error, trace)).await;
                }
            }
        }
        let detail = format!(
            "destination `{id}` is disabled: {code} ({why}); mend it, then `sluice endpoints enable`"
        );
        self.give_back(&work.delivery, work.owner, configuration(DISABLED, detail, trace)).await
    }

    /// The end of an attempt after which the message goes elsewhere.
    pub(crate) fn fall_back(&self, work: &Work<'_>, instead: &Destination, code: &str) -> Settlement {
        let (trace, from, to) = (work.delivery.trace_id, &work.destination.id, &instead.id);
        tracing::warn!(trace_id = %trace, destination = %from, code, "falls back to destination `{to}`: {code}");
        let (destination, code) = (instead.id.clone(), code.to_owned());
        Settlement::FallBack(Fallback { destination, code, at: self.clock.now() })
    }
}

/// Why nothing may leave through an endpoint until a person says so.
#[derive(Debug)]
pub(crate) struct Disabled {
    /// The platform's code, or `disabled` by a person.
    code: String,
    /// In words.
    why: String,
}
