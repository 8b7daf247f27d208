//! The front door: proves that a callback is genuine, reads it, seals what is personal in it, queues it durably, and only then
//! acknowledges it.
//!
//! [`WebhookVerify::handle`] takes API Gateway's events, [`WebhookVerify::handle_raw`] the plain request of the one-machine
//! server; both are the same path. Nothing of a request that is turned away is stored: it leaves a counter and a log line
//! with pseudonyms. A contact who has just come is welcomed before the callback is answered, where that is configured: their code is good
//! for seconds and kept nowhere. [`WebhookVerify::open_link`] says whether a signed link holds; it shares nothing with callbacks but keys and settings.

mod door;
mod gateway;
mod links;
mod refused;
pub mod samples;
mod welcome;

pub use door::{LONGEST_BODY, MOST_EVENTS, RawRequest, WebhookVerify};
pub use links::{LinkAnswer, is_link_path};
pub use refused::Refused;
pub use sluice_settings::CurrentSettings;
pub use welcome::Greeter;
