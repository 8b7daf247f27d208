//! What a script would look like on its way out: the same rendering, the same last look of the rules, and made-up values.

use sluice_channels::{Message, Reply};
use sluice_domain::decision::Verdict;
use sluice_domain::destination::{Channel, Destination};
use sluice_domain::event::EventKind;
use sluice_domain::id::TraceId;
use sluice_domain::link::{append_customer_channel, customer_channel};
use sluice_domain::script::{Script, Variables};
use sluice_domain::sealed::DataKey;
use sluice_domain::settings::Tenant;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;
use zeroize::Zeroizing;

use crate::compose::{self, ComposeError, Origin};

/// What a script becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The message.
    pub message: Message,
    /// It would wait for a review first, for this code.
    pub waits_for: Option<String>,
}

/// The message that a script becomes with these values. Links are signed with a key of zeros: as long as real ones, and good for nothing.
///
/// # Errors
/// [`ComposeError`]: what the dispatcher would withhold the message for.
pub fn preview(
    tenant: &Tenant,
    script: &Script,
    destination: &Destination,
    kind: EventKind,
    variables: Variables,
    now: UnixMillis,
) -> Result<Preview, ComposeError> {
    let keys = TenantKeys::new(tenant.id.clone(), Zeroizing::new([0; 32]), vec![DataKey::new(1, &[0; 32])]);
    let trace = TraceId::from_parts(now, [0; 10]);
    let link = destination.acquisition_link.as_ref();
    let acquisition_link =
        link.map(|link| append_customer_channel(link, &customer_channel(&keys, trace))).unwrap_or_default();
    let variables = Variables {
        tenant: tenant.name.clone(),
        event: kind.title().to_owned(),
        received_at: now.to_china_minutes(),
        acquisition_link,
        ..variables
    };
    let rendered = script.render(&variables)?;
    let decision = compose::look(&rendered, &script.id, Some(kind), destination, tenant, now)?;
    let code = || decision.main_code().to_owned();
    let waits_for = match decision.verdict {
        Verdict::Allow | Verdict::AllowMasked => None,
        Verdict::Review => Some(code()),
        Verdict::Block => return Err(ComposeError::NotAllowed(code())),
    };
    let origin = Origin { trace, key: None, at: now };
    let link = match &rendered.image {
        Some(_) => None,
        None => compose::link(&origin, destination, tenant, &keys)?,
    };
    let account = "merchant-open-id".to_owned();
    let message = Message {
        dispatch_id: "00000000-0000-8000-8000-000000000000".to_owned(),
        title: rendered.title,
        text: rendered.text,
        image: rendered.image.map(|picture| picture.image),
        link,
        recipient: destination.channel.is_to_person().then(|| "person-address".to_owned()),
        fields: rendered.fields,
        reply: Some(match destination.channel {
            Channel::DouyinComment { .. } => {
                Reply::Comment { account, item_id: "@item==".to_owned(), comment_id: "@comment==".to_owned() }
            }
            _ => Reply::Message {
                account,
                conversation_id: "@conversation==".to_owned(),
                message_id: "@message==".to_owned(),
                until: now.plus_ms(1),
            },
        }),
        at: now,
    };
    Ok(Preview { message, waits_for })
}
