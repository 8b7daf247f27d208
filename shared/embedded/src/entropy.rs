use sluice_ports::Entropy;

/// The operating system's cryptographically secure randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // A predictable nonce breaks AES-GCM, so there is no fall-back; where getrandom(2) exists it does not fail after boot.
        #[expect(
            clippy::expect_used,
            reason = "without randomness no key, nonce or fencing token may be made"
        )]
        getrandom::fill(bytes).expect("the operating system gives randomness");
    }
}
