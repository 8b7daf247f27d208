//! Feishu, WeCom and WeChat: payloads, signing, token life, the error tables as data — over an HTTP port.
//!
//! [`Channels::send`] makes one attempt and says what it means. The platforms report failures in the body under HTTP 200, so
//! nothing counts as delivered but an integer success code in readable JSON; whatever can not be read is *unclear*.

mod application;
mod blocks;
mod call;
pub mod callback;
mod channels;
mod endpoints;
mod exchange;
pub mod feishu;
#[cfg(feature = "hyper-client")]
mod http_client;
mod message;
mod reading;
mod refusal;
mod text;
mod tokens;
mod verdict;
pub mod wechat;
pub mod wecom;

pub use channels::{Channels, idempotency};
pub use endpoints::{Endpoints, InvalidEndpoint};
#[cfg(feature = "hyper-client")]
pub use http_client::{HyperClient, TlsSetupError};
pub use message::{Idempotency, Message, SendReport};
pub use verdict::{Evidence, Refill, Row, Scope, Verdict, Wait};
