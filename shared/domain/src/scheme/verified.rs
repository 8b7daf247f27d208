use zeroize::Zeroizing;

use super::{Received, SecretVersion};
use crate::source::SchemeName;

/// A callback that is proven genuine. It can only come from [`super::verify`].
pub struct Verified<'a> {
    scheme: SchemeName,
    received: &'a Received<'a>,
    decrypted: Option<Zeroizing<Vec<u8>>>,
    handshake: Option<Handshake>,
    secret: SecretVersion,
}

/// What a platform asks when a callback address is saved in its console; nothing of it is queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handshake {
    /// Open Platform: the same integer goes back (`DOC/dop/develop/webhooks/summarize`).
    Challenge(i128),
    /// Mini-program push: the same text goes back.
    Echo(String),
    /// 巨量引擎: the same integer goes back, in its own envelope.
    OceanChallenge(i128),
    /// 抖店 tag `0`: the usual acknowledgement goes back.
    Probe,
    /// Feishu `url_verification`: the same text goes back, within a second.
    FeishuChallenge(String),
}

impl<'a> Verified<'a> {
    pub(super) fn new(scheme: SchemeName, received: &'a Received<'a>, secret: SecretVersion) -> Self {
        Self { scheme, received, decrypted: None, handshake: None, secret }
    }

    pub(super) fn decrypted(mut self, payload: Zeroizing<Vec<u8>>) -> Self {
        self.decrypted = Some(payload);
        self
    }

    pub(super) fn handshake_of(mut self, handshake: Handshake) -> Self {
        self.handshake = Some(handshake);
        self
    }

    /// How it was signed.
    pub fn scheme(&self) -> SchemeName {
        self.scheme
    }

    /// The request.
    pub fn received(&self) -> &'a Received<'a> {
        self.received
    }

    /// The body, decrypted where the scheme encrypts.
    pub fn payload(&self) -> &[u8] {
        self.decrypted.as_ref().map_or(self.received.body(), |payload| payload.as_slice())
    }

    /// The handshake that is known without reading the body.
    pub fn handshake(&self) -> Option<&Handshake> {
        self.handshake.as_ref()
    }

    /// Which secret matched.
    pub fn secret(&self) -> SecretVersion {
        self.secret
    }
}

/// Payloads hold personal data.
impl std::fmt::Debug for Verified<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Verified({}, {} bytes)", self.scheme, self.payload().len())
    }
}
