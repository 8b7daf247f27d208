use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use serde::{Deserialize, Serialize};
use sluice_domain::id::TenantId;
use sluice_domain::time::{BusinessDay, UnixMillis};

/// What the schedule sends: an EventBridge event whose detail is a [`Request`].
pub type ScheduledEvent = EventBridgeEvent<Request>;

/// What to reconcile, if not everybody's day before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Only this tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// This day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<BusinessDay>,
}

/// The day an event asks for: the one it names, or the one before it was due. A run that is late or repeated takes the same day.
pub(crate) fn day(event: &ScheduledEvent, now: UnixMillis) -> BusinessDay {
    let due = event.time.map_or(now, |time| UnixMillis(time.timestamp_millis()));
    event.detail.day.unwrap_or_else(|| due.business_day().previous())
}
