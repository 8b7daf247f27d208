//! Links: which domains may be sent to, and signed links that expire.

mod check;
mod customer_channel;
mod find;
mod query;
mod signed;

use serde::{Deserialize, Serialize};

pub use check::LinkRefusal;
pub use customer_channel::{append_customer_channel, customer_channel};
pub use find::{FoundLink, find_links};
pub use signed::{SignedLinkError, VerifiedLink, sign_link, verify_link};

/// Which links may appear in what is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkPolicy {
    /// Domains allowed, each with its subdomains: `example.com`.
    #[serde(default)]
    pub allowed_domains: Vec<String>,
    /// The base of signed lead links, `https://crm.example.com/leads`; absent = no link in cards.
    #[serde(default)]
    pub lead_base: Option<String>,
    /// How long a signed link holds, in hours. Default 72.
    #[serde(default = "default_hours")]
    pub lead_hours: u32,
}

fn default_hours() -> u32 {
    72
}

#[cfg(test)]
mod tests;
