//! Every published or independently computed vector, the negative ones too, and the laws of signing.

mod channels;
mod explaining;
mod laws;
mod vectors;

use secrecy::SecretString;

use super::{Credentials, Received, VerifyError, verify};
use crate::source::SchemeName;
use crate::time::UnixMillis;

/// A request by its parts.
struct Request<'a> {
    method: &'a str,
    query: Vec<(&'a str, &'a str)>,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a [u8],
}

impl<'a> Request<'a> {
    fn post(headers: &[(&'a str, &'a str)], body: &'a str) -> Self {
        Self { method: "POST", query: Vec::new(), headers: headers.to_vec(), body: body.as_bytes() }
    }

    fn received(&self) -> Received<'_> {
        let headers = self.headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        Received::new(self.method, headers, self.body).with_query(self.query.iter().copied())
    }

    /// The payload, or why there is none.
    fn verify(
        &self,
        scheme: SchemeName,
        credentials: &Credentials<'_>,
        now: i64,
    ) -> Result<String, VerifyError> {
        let received = self.received();
        let verified = verify(scheme, &received, credentials, UnixMillis::from_platform(now))?;
        Ok(String::from_utf8(verified.payload().to_vec()).unwrap())
    }
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}
