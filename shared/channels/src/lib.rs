#![doc = include_str!("../README.md")]

mod account;
mod api;
mod application;
mod blocks;
mod call;
mod channels;
pub mod codes;
mod desk;
mod douyin;
mod echo;
mod endpoints;
mod exchange;
mod feishu;
mod health;
#[cfg(feature = "hyper-client")]
mod http_client;
mod images;
mod limits;
mod media;
mod message;
mod reach;
mod reading;
mod refusal;
mod shared;
pub mod simulators;
mod text;
mod tokens;
mod verdict;
mod webhook;
mod wechat;
mod wecom;

pub use account::EndpointHealth;
pub use api::CallError;
pub use channels::{Channels, idempotency};
pub use desk::{EndpointDesk, EndpointStanding, NotTriedOut};
pub use endpoints::{Endpoints, InvalidEndpoint};
#[cfg(feature = "hyper-client")]
pub use http_client::{HyperClient, TlsSetupError};
pub use message::{Form, Idempotency, Message, Reply, SendReport};
pub use verdict::{Evidence, Refill, Row, Scope, Verdict, Wait};
pub use wechat::link::MiniProgramLink;
pub use wecom::contact::{Attachment, ContactWay, CustomerContact, MadeContactWay, Welcome};
