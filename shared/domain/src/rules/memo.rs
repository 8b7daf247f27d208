use std::sync::atomic::{AtomicU64, Ordering};

/// How many answers one condition remembers.
const PLACES: usize = 64;

/// Keys are shorter, so that an answer fits beside them.
pub(super) const KEY_BITS: u32 = 62;

/// What a condition answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    No = 1,
    Yes = 2,
    Failed = 3,
}

/// Answers of one condition by the exact values of everything it names: only speed, never a second opinion.
///
/// Direct-mapped, one word a place (62 bits of key, 2 of answer), so that it is bounded, shared by threads without a lock and never torn.
#[derive(Debug)]
pub(super) struct Memo {
    places: Box<[AtomicU64]>,
}

impl Memo {
    pub(super) fn new() -> Self {
        Self { places: (0..PLACES).map(|_| AtomicU64::new(0)).collect() }
    }

    fn place(&self, key: u64) -> Option<&AtomicU64> {
        // Fibonacci hashing; the upper 6 bits choose one of 64.
        let place = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58;
        self.places.get(usize::try_from(place).ok()?)
    }

    pub(super) fn get(&self, key: u64) -> Option<Answer> {
        let stored = self.place(key)?.load(Ordering::Relaxed);
        if stored >> 2 != key {
            return None;
        }
        match stored & 3 {
            1 => Some(Answer::No),
            2 => Some(Answer::Yes),
            3 => Some(Answer::Failed),
            _ => None,
        }
    }

    pub(super) fn put(&self, key: u64, answer: Answer) {
        if key < 1 << KEY_BITS
            && let Some(place) = self.place(key)
        {
            place.store((key << 2) | answer as u64, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn an_answer_is_never_another_keys(keys in proptest::collection::vec((0_u64..1 << KEY_BITS, 0..3_u8), 1..500)) {
            let (memo, mut last) = (Memo::new(), std::collections::BTreeMap::new());
            for (key, answer) in keys {
                let answer = [Answer::No, Answer::Yes, Answer::Failed][usize::from(answer)];
                memo.put(key, answer);
                last.insert(key, answer);
                proptest::prop_assert_eq!(memo.get(key), Some(answer));
            }
            for (key, answer) in last {
                proptest::prop_assert!(memo.get(key).is_none_or(|found| found == answer));
            }
        }
    }

    #[test]
    fn what_was_never_put_is_not_there() {
        let memo = Memo::new();
        assert_eq!(memo.get(0), None);
        memo.put(1 << KEY_BITS, Answer::Yes);
        assert_eq!(memo.get(1 << KEY_BITS), None);
    }
}
