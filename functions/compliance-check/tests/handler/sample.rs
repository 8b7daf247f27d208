//! Events as webhook-verify queues them, made the same each time: fixed keys, nonces and times.
//!
//! The keys seal the samples of `events/compliance-check` and nothing else.

use secrecy::SecretString;
use sluice_domain::event::{Event, EventKind, PersonalField, Subject, Unsealed};
use sluice_domain::id::{FormId, MessageId, SourceId, TenantId, TraceId};
use sluice_domain::money::Fen;
use sluice_domain::order::OrderState;
use sluice_domain::sealed::DataKey;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;
use zeroize::Zeroizing;

/// When the sample callbacks arrived.
pub(crate) const RECEIVED: UnixMillis = UnixMillis(1_795_219_200_000);
/// The card that the shipped configuration knows.
pub(crate) const CARD: &str = "@72Mq-demo-card";

/// The keys that seal the samples, for any tenant.
pub(crate) fn keys(tenant: &TenantId) -> TenantKeys {
    TenantKeys::new(tenant.clone(), Zeroizing::new([7; 32]), vec![DataKey::new(1, &[9; 32])])
}

/// What an event is made of; the rest is fixed.
pub(crate) struct Made {
    pub(crate) message: &'static str,
    pub(crate) kind: EventKind,
    pub(crate) name: &'static str,
    pub(crate) open_id: Option<&'static str>,
    pub(crate) subject: Subject,
    pub(crate) personal: Vec<(PersonalField, &'static str)>,
    pub(crate) occurred_at: Option<UnixMillis>,
    /// Another trace of the same message is a replay.
    pub(crate) trace: u8,
}

impl Made {
    pub(crate) fn new(message: &'static str, kind: EventKind, name: &'static str) -> Self {
        Self {
            message,
            kind,
            name,
            open_id: Some("open-1"),
            subject: Subject::Nothing,
            personal: Vec::new(),
            occurred_at: Some(RECEIVED.plus_ms(-2_000)),
            trace: 1,
        }
    }

    pub(crate) fn event(self) -> Event {
        self.event_of("open-platform")
    }

    /// The same, come through another source.
    pub(crate) fn event_of(self, source: &str) -> Event {
        let tenant = TenantId::new("demo-brand").unwrap();
        let mut nonce = 0_u8;
        let nonces = || {
            nonce += 1;
            [nonce; 12]
        };
        let secret = |text: &str| SecretString::from(text.to_owned());
        let made = Unsealed {
            message: MessageId::new(self.message).unwrap(),
            kind: self.kind,
            name: self.name.to_owned(),
            occurred_at: self.occurred_at,
            payload_sha256: "0".repeat(64),
            person: self.open_id.map(secret),
            account: Some("m-1".to_owned()),
            subject: self.subject,
            personal: self.personal.into_iter().map(|(field, text)| (field, secret(text))).collect(),
            welcome_code: None,
        };
        let trace = TraceId::from_parts(RECEIVED, [self.trace; 10]);
        let source = SourceId::new(source).unwrap();
        made.seal(&source, &keys(&tenant), nonces, trace, RECEIVED).unwrap()
    }
}

/// A filled-in 留资 card.
pub(crate) fn lead(message: &'static str) -> Made {
    let form_id = FormId::new(CARD).unwrap();
    Made {
        subject: Subject::Form {
            form_id, labels: vec!["姓名".into(), "手机号".into(), "城市".into()]
        },
        personal: vec![
            (PersonalField::Name, "张三"),
            (PersonalField::Phone, "13800138000"),
            (PersonalField::Form("城市".into()), "杭州"),
        ],
        ..Made::new(message, EventKind::FormSubmit, "im_receive_msg")
    }
}

/// A private message.
pub(crate) fn message(message: &'static str, text: &'static str) -> Made {
    Made {
        subject: conversation(false, false),
        personal: vec![(PersonalField::Text, text)],
        ..Made::new(message, EventKind::DirectMessage, "im_receive_msg")
    }
}

pub(crate) fn conversation(outgoing: bool, by_application: bool) -> Subject {
    Subject::Conversation {
        conversation_id: "@c==".into(),
        message_id: "@m==".into(),
        message_type: "text".into(),
        scene: None,
        outgoing,
        by_application,
    }
}

/// An order, as a payment or another change tells of it.
pub(crate) fn order(message: &'static str, kind: EventKind, action: &'static str) -> Made {
    let state = OrderState {
        order_id: "6917123456789012345".into(),
        part_id: None,
        action: action.into(),
        status: Some(105),
        amount: Some(Fen(12_800)),
        changed_at: Some(RECEIVED),
    };
    Made { subject: Subject::Order(state), ..Made::new(message, kind, "life_trade_order_notify") }
}

/// A withdrawn authorisation.
pub(crate) fn unauthorize(message: &'static str) -> Made {
    let subject = Subject::Authorization { scopes: vec!["im".into()], expires_at: None };
    Made { subject, ..Made::new(message, EventKind::Unauthorize, "unauthorize") }
}
