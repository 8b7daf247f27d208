use sluice_domain::delivery::Outcome;

/// A rendered, scanned message on its way to one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Names this dispatch for ever, whatever the attempt: what the platform's idempotency key is made of (a UUID's 36 characters).
    pub dispatch_id: String,
    /// The title of a card.
    pub title: Option<String>,
    /// The text; plain, escaped per format by the channel.
    pub text: String,
    /// A link under the text, as a button where the format has one: (label, address).
    pub link: Option<(String, String)>,
    /// The person's own address on the channel, for channels that write to the person (WeChat openid).
    pub recipient: Option<String>,
}

/// What a channel promises about repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idempotency {
    /// Nothing: an unclear result must not be repeated.
    None,
    /// The platform remembers the dispatch id or the content for so long; repeats within it are safe.
    Window {
        /// Milliseconds, already with a margin.
        ms: i64,
    },
}

/// What came of one send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendReport {
    /// What it means.
    pub outcome: Outcome,
    /// The platform's raw code, or Sluice's own word where the platform said nothing: `no_answer`, `too_long`, `http_503`, …
    pub code: Option<String>,
    /// What it said, at most 1 KiB and never what was sent: its words for a known code, the whole answer for anything else.
    pub message: Option<String>,
    /// Its log id (`X-Tt-Logid`, `hint:[…]`, `rid:`).
    pub provider_log_id: Option<String>,
    /// Lower-case hex SHA-256 of the request body.
    pub request_sha256: Option<String>,
}
