use std::cell::RefCell;

use sluice_ports::Entropy;
use zeroize::Zeroizing;

/// So much is asked of the operating system at once: a callback needs a nonce for every field, and each call is a system call.
const POOL: usize = 512;

thread_local! {
    static UNUSED: RefCell<Pool> = RefCell::new(Pool { bytes: Zeroizing::new([0; POOL]), left: 0 });
}

/// Random bytes that nobody has seen; each is given out once.
struct Pool {
    bytes: Zeroizing<[u8; POOL]>,
    left: usize,
}

impl Pool {
    fn fill(&mut self, wanted: &mut [u8]) {
        for byte in wanted {
            if self.left == 0 {
                ask(self.bytes.as_mut_slice());
                self.left = POOL;
            }
            self.left -= 1;
            if let Some(unused) = self.bytes.get_mut(self.left) {
                *byte = std::mem::take(unused);
            }
        }
    }
}

/// The operating system's cryptographically secure randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        UNUSED.with_borrow_mut(|pool| pool.fill(bytes));
    }
}

fn ask(bytes: &mut [u8]) {
    // A predictable nonce breaks AES-GCM, so there is no fall-back; where getrandom(2) exists it does not fail after boot.
    #[expect(clippy::expect_used, reason = "without randomness no key, nonce or fencing token may be made")]
    getrandom::fill(bytes).expect("the operating system gives randomness");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_bytes_are_given_out_twice() {
        let mut seen = BTreeSet::new();
        for _ in 0..10 * POOL {
            let mut nonce = [0; 12];
            SystemEntropy.fill(&mut nonce);
            assert!(seen.insert(nonce));
        }
    }

    #[test]
    fn more_than_the_pool_can_be_asked_for() {
        let mut key = [0; 3 * POOL + 1];
        SystemEntropy.fill(&mut key);
        assert!(key.iter().collect::<BTreeSet<_>>().len() > 200);
    }
}
