//! Whom a delivery makes known: the channel's own callbacks name contacts and messages, and must lead back to the person and event.

use sluice_channels::Message;
use sluice_domain::contact::{Acquaintance, contact_id, message_contact};
use sluice_domain::destination::Channel;
use sluice_domain::id::PersonId;
use sluice_domain::settings::Tenant;
use sluice_domain::tenant::TenantKeys;
use sluice_ports::{Clock, Entropy, KeyRing};
use sluice_settings::CurrentSettings;

use crate::handler::ChannelDispatch;
use crate::records::Records;
use crate::sender::Sender;
use crate::work::Work;

impl<S, K, M, C, E, P> ChannelDispatch<S, K, M, C, E, P>
where
    S: Records,
    K: KeyRing,
    M: Sender,
    C: Clock,
    E: Entropy,
    P: CurrentSettings,
{
    /// Notes what the channel will call the person, or the message, in its callbacks. Costs nothing where no such callbacks are configured.
    ///
    /// The message has been taken: a store that fails now changes nothing about that, and the callback will be recorded as nobody's.
    pub(crate) async fn acquaint(
        &self,
        work: &Work<'_>,
        message: &Message,
        provider_id: Option<&str>,
        keys: &TenantKeys,
    ) {
        for contact in contacts_of(work.tenant, &work.destination.channel, message, provider_id, keys) {
            let acquaintance = Acquaintance {
                tenant: work.tenant.id.clone(),
                contact,
                person: work.cleared.person().clone(),
                event: work.delivery.key.clone(),
                trace_id: work.delivery.trace_id,
                since: self.clock.now(),
            };
            if let Err(error) = self.store.acquaint(acquaintance).await {
                tracing::warn!(trace_id = %work.delivery.trace_id, "could not note who the channel's contact is: {error}");
            }
        }
    }
}

/// What the channel's callbacks will name: the person where they were written to, the message where staff were. Of a subscribe message both:
/// the person when they subscribe to the next or take it back, the message when it could not be given to them.
fn contacts_of(
    tenant: &Tenant,
    channel: &Channel,
    message: &Message,
    provider_id: Option<&str>,
    keys: &TenantKeys,
) -> Vec<PersonId> {
    let called_back = |app_id: &str| {
        let mut sources = tenant.sources.values();
        sources.any(|source| source.scheme.is_of_channel() && source.app_id.as_deref() == Some(app_id))
    };
    let person = |app_id: &str| Some(contact_id(keys, "wechat", app_id, message.recipient.as_deref()?));
    let named = |platform: &str| provider_id.map(|id| message_contact(keys, platform, id));
    match channel {
        Channel::WechatSubscribe { app_id, .. } if called_back(app_id) => {
            person(app_id).into_iter().chain(named("wechat")).collect()
        }
        Channel::WechatCustom { app_id, .. } | Channel::WechatTemplate { app_id, .. }
            if called_back(app_id) =>
        {
            person(app_id).into_iter().collect()
        }
        Channel::FeishuApp { app_id, .. } if called_back(app_id) => named("feishu").into_iter().collect(),
        _ => Vec::new(),
    }
}
