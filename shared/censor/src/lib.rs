#![doc = include_str!("../README.md")]

mod client;
mod endpoints;
mod error;
mod errors;
mod reading;
mod request;
mod token;

pub use client::{Application, Censor, TIMEOUT};
pub use endpoints::{Endpoints, InvalidEndpoint, NoSimulators, VARIABLE};
pub use error::{CensorError, Trouble};
pub use errors::{Class, ERRORS, Row, Source};
pub use request::MOST_TEXTS;
