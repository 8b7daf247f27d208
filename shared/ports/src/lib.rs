//! The traits the handlers need, in the domain's words.
//!
//! Each has two adapters: AWS and embedded. One conformance suite (`conformance`) runs against both; a behaviour that only
//! one of them has is a bug.

mod acquaintances;
mod backlog;
mod channel_state;
mod checks;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod contact;
mod digests;
mod erasure;
mod error;
mod head_signer;
mod http;
mod image_files;
mod keys;
mod queue;
mod reviews;
mod store;

pub use acquaintances::Acquaintances;
pub use backlog::{Backlog, Reports};
pub use channel_state::{ChannelState, Replaced, StateDocument, StateKey};
pub use checks::CheckedTexts;
pub use clock::{Clock, Entropy, Nonces};
pub use contact::{ContactLimits, Place};
pub use digests::{Digests, days_before};
pub use erasure::{Destroyed, Erasure, ErasureRequest};
pub use error::PortError;
pub use head_signer::HeadSigner;
pub use http::{HttpClient, HttpRequest, HttpResponse, Reach, TransportError};
pub use image_files::ImageFiles;
pub use keys::{KeyRing, SecretStore, SecretVersions};
pub use queue::{BuriedMessage, Inbox, OutboundMessage, Outbox, Queue, SendFailure};
pub use reviews::{Advanced, ForReview, Reviews, Wake};
pub use store::{
    AuditLog, Claim, ClaimRequest, ConsentStore, Deliveries, Exposures, Intake, OrderBook, Page, Settlement,
    Step, Written,
};
