//! Feishu, WeCom and WeChat: payloads, signing, token life, the error tables as data — over an HTTP port.

mod message;

pub use message::{Idempotency, Message, SendReport};
