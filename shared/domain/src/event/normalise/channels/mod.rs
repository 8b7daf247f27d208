//! The channels' own callbacks: who added or left an account there, what they wrote, what the platform warns of.
//!
//! | scheme | platform name | kind |
//! |---|---|---|
//! | `wecom-callback` | `add_external_contact`, `add_half_external_contact` | `contact_added`, with its `State` |
//! | | `del_follow_user` (by the person), `del_external_contact` (by the member) | `contact_lost` |
//! | | `customer_acquisition`: `open_profile`, `friend_request`, … | `channel_activity`, with its `State` |
//! | | `customer_acquisition`: `balance_low`, `balance_exhausted`, `link_unavailable`, … | `channel_notice` |
//! | `wechat-push` | `subscribe` / `SCAN` | `contact_added` / `channel_activity`, with the scene of the QR code |
//! | | `unsubscribe`; `TEMPLATESENDJOBFINISH` with `failed:user block` | `contact_lost` |
//! | | `subscribe_msg_popup_event`, `subscribe_msg_change_event`: each template of the list | `authorize` (accept) or `unauthorize` (reject), the template as scope |
//! | | `subscribe_msg_sent_event`: each message of the list | `channel_activity`, with the message |
//! | | `MsgType` text, image, … | `direct_message` |
//! | `feishu-events` | `im.message.receive_v1` of a private chat | `direct_message` |
//! | | `im.message.message_read_v1` | `channel_activity`, with the messages |
//! | | `im.chat.access_event.bot_p2p_chat_entered_v1` | `channel_activity` |
//! | | `contact.user.deleted_v3` | `contact_lost` |
//! | | `im.chat.member.bot.deleted_v1`, `im.chat.disbanded_v1` | `channel_notice` |

mod feishu;
mod subscriptions;
mod wechat;
mod wecom;

pub(super) use feishu::read as feishu;
pub(super) use wechat::read as wechat;
pub(super) use wecom::read as wecom;

use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use super::Facts;
use crate::event::unsealed::DIGEST_ID;
use crate::event::{PersonalField, Subject};

/// The longest `State` a platform gives back (WW101359).
const LONGEST_STATE: usize = 64;

impl Facts {
    /// Takes the contact: known by channel, account and id, so that no id of one platform meets one of another.
    fn contact(&mut self, channel: &str, account: Option<&str>, id: Option<&str>) {
        if let Some(id) = id {
            self.person = Some(SecretString::from(contact_name(channel, account.unwrap_or_default(), id)));
            self.personal(PersonalField::OpenId, Some(id));
        }
    }
}

/// What a contact's pseudonym is made of.
pub(crate) fn contact_name(channel: &str, account: &str, id: &str) -> String {
    format!("{channel}:{account}:{id}")
}

/// An id for what the platform gives none: the digest of the opened text, for the same event is sealed anew each time it is sent.
fn id_of(text: &str) -> String {
    format!("{DIGEST_ID}{}", hex::encode(Sha256::digest(text)))
}

/// A state as it came, unless it can be none of ours.
fn state(text: Option<&str>) -> Option<String> {
    text.filter(|text| text.len() <= LONGEST_STATE && text.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(str::to_owned)
}

/// A private message to the account.
fn conversation(message_id: &str, message_type: &str) -> Subject {
    Subject::Conversation {
        conversation_id: String::new(),
        message_id: message_id.to_owned(),
        message_type: message_type.to_owned(),
        scene: None,
        outgoing: false,
        by_application: false,
    }
}

#[cfg(test)]
mod tests;
