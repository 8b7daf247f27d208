use std::fmt;

use serde::{Deserialize, Serialize};

/// What happened: the twelve canonical behaviours, the lifecycle kinds, what channels tell, and `unhandled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Somebody follows the account.
    Follow,
    /// A comment on a video of the account.
    Comment,
    /// A private message to the account.
    DirectMessage,
    /// Somebody opens the private chat.
    ChatEnter,
    /// A lead form or 留资 card is filled in.
    FormSubmit,
    /// Somebody follows a link.
    LinkJump,
    /// Somebody scans a QR code.
    QrScan,
    /// Somebody uses a component of a live room.
    LiveComponentClick,
    /// A comment (弹幕) in a live room.
    LiveComment,
    /// Somebody opens a product card.
    ProductCardClick,
    /// Somebody joins a group or a membership.
    GroupJoin,
    /// An order is paid.
    OrderPaid,
    /// Lifecycle: a person or merchant authorises the application.
    Authorize,
    /// Lifecycle: the authorisation is taken back; consent is withdrawn with it.
    Unauthorize,
    /// Lifecycle: an order changes in another way (created, shipped, refunded, …).
    OrderChanged,
    /// On a channel: a person added the member or followed the account.
    ContactAdded,
    /// On a channel: a person left, blocked or was removed; nothing reaches them there any more.
    ContactLost,
    /// On a channel: a person read a message, opened a profile, scanned a code again.
    ChannelActivity,
    /// On a channel: the platform warns (quota, a link that died, a bot that was removed).
    ChannelNotice,
    /// Genuine, but nothing Sluice acts on: recorded, never an error.
    Unhandled,
}

/// What the pipeline does with an event of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// It may lead to a message: consent and rules decide.
    Dispatch,
    /// It changes consent.
    Consent,
    /// It changes the order book.
    Order,
    /// A channel tells what became of a person there.
    Channel,
    /// It is recorded only.
    Record,
}

impl EventKind {
    /// Every kind, in the order of the declaration.
    pub const ALL: [Self; 20] = [
        Self::Follow,
        Self::Comment,
        Self::DirectMessage,
        Self::ChatEnter,
        Self::FormSubmit,
        Self::LinkJump,
        Self::QrScan,
        Self::LiveComponentClick,
        Self::LiveComment,
        Self::ProductCardClick,
        Self::GroupJoin,
        Self::OrderPaid,
        Self::Authorize,
        Self::Unauthorize,
        Self::OrderChanged,
        Self::ContactAdded,
        Self::ContactLost,
        Self::ChannelActivity,
        Self::ChannelNotice,
        Self::Unhandled,
    ];

    /// What the pipeline does with it.
    pub fn handling(self) -> Handling {
        match self {
            Self::Follow
            | Self::Comment
            | Self::DirectMessage
            | Self::ChatEnter
            | Self::FormSubmit
            | Self::LinkJump
            | Self::QrScan
            | Self::LiveComponentClick
            | Self::LiveComment
            | Self::ProductCardClick
            | Self::GroupJoin
            | Self::OrderPaid => Handling::Dispatch,
            Self::Authorize | Self::Unauthorize => Handling::Consent,
            Self::OrderChanged => Handling::Order,
            Self::ContactAdded | Self::ContactLost | Self::ChannelActivity | Self::ChannelNotice => {
                Handling::Channel
            }
            Self::Unhandled => Handling::Record,
        }
    }

    /// What the person did, in Chinese, for the readers of a message.
    pub fn title(self) -> &'static str {
        match self {
            Self::Follow => "关注",
            Self::Comment => "评论",
            Self::DirectMessage => "私信",
            Self::ChatEnter => "进入私信会话",
            Self::FormSubmit => "提交留资表单",
            Self::LinkJump => "点击链接",
            Self::QrScan => "扫码",
            Self::LiveComponentClick => "点击直播组件",
            Self::LiveComment => "直播间评论",
            Self::ProductCardClick => "点击商品卡",
            Self::GroupJoin => "加入群或会员",
            Self::OrderPaid => "支付订单",
            Self::Authorize => "授权",
            Self::Unauthorize => "取消授权",
            Self::OrderChanged => "订单变更",
            Self::ContactAdded => "添加联系人",
            Self::ContactLost => "联系人流失",
            Self::ChannelActivity => "渠道互动",
            Self::ChannelNotice => "渠道提醒",
            Self::Unhandled => "其他动态",
        }
    }

    /// The kind as it is written in configuration, records and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Follow => "follow",
            Self::Comment => "comment",
            Self::DirectMessage => "direct_message",
            Self::ChatEnter => "chat_enter",
            Self::FormSubmit => "form_submit",
            Self::LinkJump => "link_jump",
            Self::QrScan => "qr_scan",
            Self::LiveComponentClick => "live_component_click",
            Self::LiveComment => "live_comment",
            Self::ProductCardClick => "product_card_click",
            Self::GroupJoin => "group_join",
            Self::OrderPaid => "order_paid",
            Self::Authorize => "authorize",
            Self::Unauthorize => "unauthorize",
            Self::OrderChanged => "order_changed",
            Self::ContactAdded => "contact_added",
            Self::ContactLost => "contact_lost",
            Self::ChannelActivity => "channel_activity",
            Self::ChannelNotice => "channel_notice",
            Self::Unhandled => "unhandled",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_written_as_serde_writes_them() {
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
