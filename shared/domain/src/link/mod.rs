//! Links: which may be sent, and signed links that expire.

mod customer_channel;
mod find;
mod icp;
mod parse;
mod policy;
mod query;
mod redirect;
mod refusal;
mod shortener;
mod signed;
mod suffix;

pub use customer_channel::{
    append_customer_channel, contact_state, customer_channel, event_of_customer_channel,
};
pub use find::{FoundLink, find_links};
pub use icp::{Filing, FilingNumber, Filings, InvalidFilingNumber};
pub use parse::{LONGEST_LINK, Link, parse_host};
pub use policy::{AllowedDomain, DomainRule, LinkPolicy};
pub use refusal::LinkRefusal;
pub use shortener::is_short_link_service;
pub use signed::{
    Campaign, InvalidCampaign, LONGEST_TOKEN, SignedLink, SignedLinkError, ToSign, claimed_tenant, link_to,
    sign_link, token_of, verify_link,
};
pub use suffix::{is_public_suffix, registrable};

#[cfg(test)]
mod tests;
