//! `customer_channel` of a WeCom customer-acquisition link: comes back as `State` (WW101359) and closes the attribution loop.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::query;
use crate::id::{DestinationId, PersonId};
use crate::tenant::{HashPurpose, TenantKeys};

/// The opaque value for one person at one destination: 25 characters (WeCom cuts beyond 64 bytes).
///
/// It is a keyed hash, so it says nothing to anybody else, and whoever holds the tenant's keys finds the exposure by computing it again.
/// The bucket is part of it: `None` outside any experiment.
pub fn customer_channel(
    keys: &TenantKeys,
    destination: &DestinationId,
    bucket: Option<u32>,
    person: &PersonId,
) -> String {
    let bucket = bucket.map_or_else(|| "-".to_owned(), |bucket| bucket.to_string());
    let parts = [destination.as_str(), &bucket, person.as_str()];
    let hash = keys.keyed_hash(HashPurpose::CustomerChannel, &parts);
    format!("s1.{}", URL_SAFE_NO_PAD.encode(hash.split_at(16).0))
}

/// The link with `customer_channel=value`, before any fragment.
pub fn append_customer_channel(link: &str, value: &str) -> String {
    let (front, fragment) = match link.split_once('#') {
        Some((front, fragment)) => (front, format!("#{fragment}")),
        None => (link, String::new()),
    };
    let joint = match front.split_once('?') {
        None => "?",
        Some((_, values)) if values.is_empty() || values.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{front}{joint}customer_channel={}{fragment}", query::encode(value))
}
