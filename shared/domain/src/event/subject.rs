use serde::{Deserialize, Serialize};

use crate::id::FormId;
use crate::order::OrderState;

/// What happened when WeChat has given a subscribe message to its reader.
pub const SUBSCRIPTION_SENT: &str = "subscription_sent";
/// What happened when WeChat had taken a subscribe message and could not give it to its reader.
pub const SUBSCRIPTION_FAILED: &str = "subscription_failed";

/// The facts of an event that are not personal, by what it is about.
///
/// Ids are opaque text: open ids carry `@ / + =`, 抖店 ids exceed 2^53.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Subject {
    /// The kind says it all.
    Nothing,
    /// A private conversation.
    Conversation {
        /// `conversation_short_id`.
        conversation_id: String,
        /// `server_message_id`, which a reply must name.
        message_id: String,
        /// `text`, `image`, `retain_consult_card`, …
        message_type: String,
        /// `scene_type`: 1 keyword auto-reply, 2 welcome, 100 other.
        scene: Option<i64>,
        /// Sent by the account, not to it.
        outgoing: bool,
        /// Sent through the API by an application: the loop guard.
        by_application: bool,
    },
    /// A form, 留资 card or live component that a person filled in.
    Form {
        /// The card, form or component, as the source's configuration knows it.
        form_id: FormId,
        /// Which labels were filled in, in order; the values are sealed.
        labels: Vec<String>,
    },
    /// A comment under a video or in a live room.
    Comment {
        /// The video or room.
        item_id: String,
        /// The comment.
        comment_id: String,
    },
    /// Something in a live room.
    Live {
        /// The room.
        room_id: String,
        /// The component, gift or card, if one is named.
        component: Option<String>,
    },
    /// A group or membership.
    Group {
        /// The group, or the account whose membership it is.
        group_id: String,
    },
    /// An order, refund or voucher.
    Order(OrderState),
    /// What was authorised or taken back.
    Authorization {
        /// The scopes named; empty = all.
        scopes: Vec<String>,
        /// Until when, if stated.
        expires_at: Option<crate::time::UnixMillis>,
    },
    /// A contact on a channel.
    Contact {
        /// What came back of the link or code they came by: [`crate::link::customer_channel`], or another's.
        state: Option<String>,
        /// The member of staff, as the platform names them.
        member: Option<String>,
        /// They did it themselves, not a member of staff.
        by_person: bool,
    },
    /// Something a contact did.
    Activity {
        /// `message_read`, `open_profile`, …
        what: String,
        /// As for [`Subject::Contact`].
        state: Option<String>,
        /// The messages that were read, by the platform's ids.
        messages: Vec<String>,
    },
    /// A warning of a platform.
    Notice {
        /// `balance_low`, …
        what: String,
    },
}
