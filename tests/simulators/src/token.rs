//! Issued tokens and how long each lives.

use std::collections::HashMap;

/// Every token of one platform.
#[derive(Debug)]
pub(crate) struct Issued {
    prefix: &'static str,
    count: u64,
    tokens: HashMap<String, Life>,
}

#[derive(Debug, Clone)]
struct Life {
    /// The place of its application in the options.
    application: usize,
    ends_at: i64,
    /// Taken back before its time.
    revoked: bool,
}

/// What a token is worth now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Good for this application.
    Good(usize),
    /// Its time is over.
    Expired,
    /// Never issued, or taken back.
    Unknown,
}

impl Issued {
    pub(crate) fn new(prefix: &'static str) -> Self {
        Self { prefix, count: 0, tokens: HashMap::new() }
    }

    /// A new token.
    pub(crate) fn issue(&mut self, application: usize, now: i64, life_ms: i64) -> (String, i64) {
        self.count += 1;
        let token = format!("{}{:04}-{application}-simulated", self.prefix, self.count);
        let life = Life { application, ends_at: now + life_ms, revoked: false };
        self.tokens.insert(token.clone(), life);
        (token, life_ms / 1_000)
    }

    /// The token of the application that lives longest, if it has at least so long to live; and its seconds.
    pub(crate) fn current(&self, application: usize, now: i64, at_least_ms: i64) -> Option<(String, i64)> {
        self.tokens
            .iter()
            .filter(|(_, life)| life.application == application && !life.revoked)
            .max_by_key(|(_, life)| life.ends_at)
            .filter(|(_, life)| life.ends_at - now > 0 && life.ends_at - now >= at_least_ms)
            .map(|(token, life)| (token.clone(), (life.ends_at - now) / 1_000))
    }

    /// What a token is worth.
    pub(crate) fn standing(&self, token: &str, now: i64) -> Standing {
        match self.tokens.get(token) {
            None => Standing::Unknown,
            Some(life) if life.revoked => Standing::Unknown,
            Some(life) if life.ends_at <= now => Standing::Expired,
            Some(life) => Standing::Good(life.application),
        }
    }

    /// Takes back every token of the application, or of any.
    pub(crate) fn revoke(&mut self, application: Option<usize>) {
        for life in self.tokens.values_mut() {
            if application.is_none_or(|application| application == life.application) {
                life.revoked = true;
            }
        }
    }
}
