//! Feishu, WeCom and WeChat: payloads, signing, token life, the error tables as data — over an HTTP port.

mod channels;
mod endpoints;
#[cfg(feature = "hyper-client")]
mod http_client;
mod message;

pub use channels::{Channels, idempotency};
pub use endpoints::{Endpoints, InvalidEndpoint};
#[cfg(feature = "hyper-client")]
pub use http_client::{HyperClient, TlsSetupError};
pub use message::{Idempotency, Message, SendReport};
