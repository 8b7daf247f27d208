//! From an assigned event to the message that leaves: script, masked values, links, and the last scan.
//!
//! The same event gives the same message at every attempt: platforms that suppress duplicates compare contents.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use sluice_channels::{Message, Reply};
use sluice_domain::decision::{Decision, Verdict};
use sluice_domain::destination::Destination;
use sluice_domain::event::{Event, EventKind, PersonalField, Subject};
use sluice_domain::failure::FailureKind;
use sluice_domain::id::{EventKey, MessageId, ScriptId, TraceId};
use sluice_domain::link::{
    Campaign, SignedLinkError, ToSign, append_customer_channel, customer_channel, find_links, link_to,
    sign_link,
};
use sluice_domain::rules::Facts;
use sluice_domain::script::{Rendered, Variables, mask, mask_name, mask_phone};
use sluice_domain::sealed::{SealError, Sealed, exposed};
use sluice_domain::settings::Tenant;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;

use crate::work::Work;

const HOUR_MS: i64 = 3_600_000;
/// A private message on Douyin can be answered for so long.
const REPLY_MS: i64 = 24 * HOUR_MS;

/// Why no message leaves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// A sealed field does not open.
    #[error("a sealed field does not open: {0}")]
    Sealed(#[from] SealError),
    /// The script can not be rendered.
    #[error(transparent)]
    Script(#[from] sluice_domain::script::ScriptError),
    /// The script is not configured (any more).
    #[error("script `{0}` is not configured")]
    NoScript(sluice_domain::id::ScriptId),
    /// The lead link can not be signed.
    #[error("the lead link can not be signed: {0}")]
    Link(#[from] SignedLinkError),
    /// The rendered text may not leave.
    #[error("the rendered text may not leave: {0}")]
    NotAllowed(String),
}

impl ComposeError {
    /// What the pipeline does.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Sealed(error) => error.kind(),
            Self::Script(error) => error.kind(),
            Self::NoScript(_) | Self::Link(_) => FailureKind::Configuration,
            Self::NotAllowed(_) => FailureKind::Permanent,
        }
    }

    /// Stable code.
    pub fn code(&self) -> String {
        match self {
            Self::Sealed(_) => "unsealable".to_owned(),
            Self::Script(_) | Self::NoScript(_) => "script_unusable".to_owned(),
            Self::Link(_) => "link_unsignable".to_owned(),
            Self::NotAllowed(code) => code.clone(),
        }
    }
}

/// The script of a delivery with its values.
pub(crate) fn rendered(work: &Work<'_>, keys: &TenantKeys) -> Result<Rendered, ComposeError> {
    let script = work.configured_script()?;
    Ok(script.render(&variables(work, keys)?)?)
}

/// The message that carries rendered texts. Its link holds from `at` on.
pub(crate) fn message(
    work: &Work<'_>,
    rendered: Rendered,
    at: UnixMillis,
    keys: &TenantKeys,
) -> Result<Message, ComposeError> {
    let (cleared, destination, tenant) = (&work.cleared, work.destination, work.tenant);
    let event = cleared.event();
    // To the person: there is nothing about them to look up, and the address came with what they did.
    let address = match destination.channel.recipient_field() {
        Some(label) => Some(PersonalField::Form(label.to_owned())),
        None => destination.channel.is_reply().then_some(PersonalField::OpenId),
    };
    let recipient = match address {
        Some(field) => event.open(keys, &field)?.map(|address| exposed(&address).to_owned()),
        None => None,
    };
    let key = event.personal.values().find_map(Sealed::key_number);
    // An image goes alone.
    let link = match &rendered.image {
        Some(_) => None,
        None => link(&Origin { trace: event.trace_id, key, at }, destination, tenant, keys)?,
    };
    Ok(Message {
        dispatch_id: dispatch_id(&event.key, destination),
        title: rendered.title,
        text: rendered.text,
        image: rendered.image.map(|picture| picture.image),
        link,
        recipient,
        fields: rendered.fields,
        reply: reply_to(event),
        at: cleared.cleared_at(),
    })
}

/// The last look: what the rules say of rendered texts that are about to leave.
///
/// # Errors
/// [`ComposeError::NotAllowed`]: what no rule of the tenant's can let out.
pub(crate) fn look(
    rendered: &Rendered,
    script: &ScriptId,
    kind: Option<EventKind>,
    destination: &Destination,
    tenant: &Tenant,
    now: UnixMillis,
) -> Result<Decision, ComposeError> {
    let texts = rendered.texts();
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    if destination.channel.is_reply() && texts.iter().any(|(_, text)| leads_away(text, tenant)) {
        return Err(ComposeError::NotAllowed("contact_diversion".to_owned()));
    }
    Ok(tenant.rules.evaluate(&Facts {
        kind,
        sender: Some(&tenant.name),
        script: Some(script),
        destination: Some(&destination.id),
        channel: Some(destination.channel.as_str()),
        censor: tenant.safety.as_ref().map(|safety| safety.longer_than),
        ..Facts::outbound(&texts, &tenant.links, now)
    }))
}

/// What leads away from Douyin: its rules let nothing of it pass, whatever the tenant's own pack says.
fn leads_away(text: &str, tenant: &Tenant) -> bool {
    const CATEGORIES: [&str; 5] =
        ["contact_diversion", "off_platform_trade", "phone_number", "wechat_id", "account"];
    let lexicon = tenant.rules.lexicon();
    // A pack that does not know such words can not say that there are none.
    let is_blind = !lexicon.categories().any(|category| category == "contact_diversion");
    let hits = lexicon.scan(text).hits;
    is_blind
        || hits.iter().any(|hit| CATEGORIES.contains(&hit.category.as_str()))
        || !find_links(text).is_empty()
}

/// The person's own words that a reply names.
fn reply_to(event: &Event) -> Option<Reply> {
    let account = event.account.clone()?;
    match &event.subject {
        Subject::Conversation { conversation_id, message_id, outgoing: false, .. } => Some(Reply::Message {
            account,
            conversation_id: conversation_id.clone(),
            message_id: message_id.clone(),
            until: event.received_at.plus_ms(REPLY_MS),
        }),
        Subject::Comment { item_id, comment_id } => {
            Some(Reply::Comment { account, item_id: item_id.clone(), comment_id: comment_id.clone() })
        }
        _ => None,
    }
}

fn variables(work: &Work<'_>, keys: &TenantKeys) -> Result<Variables, SealError> {
    let Work { cleared, destination, tenant, .. } = work;
    let (event, assignment) = (cleared.event(), &work.delivery.assignment);
    let plain = cleared.verdict() == Verdict::Allow;
    let value = |field: &PersonalField, masked: fn(&str) -> String| -> Result<String, SealError> {
        let Some(value) = event.open(keys, field)? else { return Ok(Variables::NOT_GIVEN.to_owned()) };
        Ok(if plain { exposed(&value).to_owned() } else { masked(exposed(&value)) })
    };
    let mut form = BTreeMap::new();
    for field in event.personal.keys() {
        if let PersonalField::Form(label) = field {
            form.insert(label.clone(), value(field, mask)?);
        }
    }
    let acquisition_link = destination
        .acquisition_link
        .as_ref()
        .map(|link| append_customer_channel(link, &customer_channel(keys, event.trace_id)));
    Ok(Variables {
        tenant: tenant.name.clone(),
        event: event.kind.title().to_owned(),
        name: value(&PersonalField::Name, mask_name)?,
        phone: value(&PersonalField::Phone, mask_phone)?,
        form,
        received_at: event.received_at.to_china_minutes(),
        variant: assignment.variant.as_ref().map(ToString::to_string).unwrap_or_default(),
        acquisition_link: acquisition_link.unwrap_or_default(),
    })
}

/// Which event a link is made for.
pub(crate) struct Origin {
    pub(crate) trace: TraceId,
    /// The event's data key.
    pub(crate) key: Option<u32>,
    /// When it was cleared, or its review was approved.
    pub(crate) at: UnixMillis,
}

/// The link that goes with a message: to the lead for staff, none for the person.
pub(crate) fn link(
    origin: &Origin,
    destination: &Destination,
    tenant: &Tenant,
    keys: &TenantKeys,
) -> Result<Option<(String, String)>, ComposeError> {
    match &tenant.links.lead_base {
        Some(base) if !destination.channel.is_to_person() => {
            let link = signed(base, origin, destination, tenant, keys)?;
            Ok(Some(("查看线索".to_owned(), link)))
        }
        Some(_) | None => Ok(None),
    }
}

/// A signed link, which holds for the configured hours from its origin's moment. Its campaign is the destination's id, its reference the event's
/// trace. Key and nonce are the event's: the same at every attempt, also when a key was added meanwhile.
fn signed(
    base: &str,
    origin: &Origin,
    destination: &Destination,
    tenant: &Tenant,
    keys: &TenantKeys,
) -> Result<String, ComposeError> {
    let [_, _, _, _, nonce @ ..] = *origin.trace.as_bytes();
    let what = ToSign {
        campaign: &campaign(destination),
        destination: base,
        reference: MessageId::new(origin.trace.to_string()).ok(),
        expires_at: origin.at.plus_ms(i64::from(tenant.links.lead_hours).saturating_mul(HOUR_MS)),
        nonce,
        key: origin.key,
    };
    let token = sign_link(keys, &what)?;
    Ok(link_to(base, &token))
}

/// Ids may hold characters that names of campaigns may not.
fn campaign(destination: &Destination) -> Campaign {
    let id = destination.id.as_str();
    let plain: String = id
        .chars()
        .map(|char| if "._-".contains(char) || char.is_alphanumeric() { char } else { '-' })
        .collect();
    #[expect(clippy::expect_used, reason = "1 to 64 characters of [A-Za-z0-9._-] are always a campaign")]
    Campaign::new(plain).expect("a plain id")
}

/// A UUID of the event and destination: the same at every attempt, so that a platform's memory recognises it.
pub(crate) fn dispatch_id(key: &EventKey, destination: &Destination) -> String {
    let digest = Sha256::digest(format!("sluice/dispatch/v1\0{key}\0{}", destination.id));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(digest.split_at(16).0);
    // Version 8: a hash of our own kind (RFC 9562 §5.8).
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_domain::consent::Recipient;
    use sluice_domain::destination::Channel;
    use sluice_domain::id::{DestinationId, MessageId, SourceId, TenantId};

    #[test]
    fn a_dispatch_id_is_a_uuid_of_event_and_destination_alone() {
        let key = |message: &str| EventKey {
            tenant: TenantId::new("t").unwrap(),
            source: SourceId::new("s").unwrap(),
            message: MessageId::new(message).unwrap(),
        };
        let destination = |id: &str| Destination {
            id: DestinationId::new(id).unwrap(),
            weight: 1,
            recipient: Recipient::new("sales").unwrap(),
            channel: Channel::WecomBot { key: "k".into() },
            acquisition_link: None,
            limits: std::sync::Arc::default(),
        };
        let id = dispatch_id(&key("m1"), &destination("a"));
        assert_eq!(id.len(), 36);
        assert_eq!(id, dispatch_id(&key("m1"), &destination("a")));
        assert_ne!(id, dispatch_id(&key("m2"), &destination("a")));
        assert_ne!(id, dispatch_id(&key("m1"), &destination("b")));
    }
}
