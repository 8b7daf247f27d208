use sluice_domain::id::TraceId;
use sluice_domain::time::UnixMillis;

/// The time, from outside.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> UnixMillis;
}

/// Randomness, from outside. Cryptographically secure in every adapter but a test's.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);
}

impl<T: Clock + ?Sized> Clock for std::sync::Arc<T> {
    fn now(&self) -> UnixMillis {
        (**self).now()
    }
}

impl<T: Entropy + ?Sized> Entropy for std::sync::Arc<T> {
    fn fill(&self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}

/// What is made of randomness.
pub trait Nonces: Entropy {
    /// A nonce of AES-256-GCM.
    fn nonce(&self) -> [u8; 12] {
        let mut bytes = [0; 12];
        self.fill(&mut bytes);
        bytes
    }

    /// A trace id of this moment.
    fn trace_id(&self, now: UnixMillis) -> TraceId {
        let mut bytes = [0; 10];
        self.fill(&mut bytes);
        TraceId::from_parts(now, bytes)
    }

    /// A fencing token.
    fn fencing_token(&self) -> sluice_domain::delivery::FencingToken {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        sluice_domain::delivery::FencingToken::from_random(bytes)
    }
}

impl<T: Entropy + ?Sized> Nonces for T {}
