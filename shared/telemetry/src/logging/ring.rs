use std::collections::VecDeque;

/// The most bytes of lines that one invocation keeps (as Powertools keeps by default).
const MOST_BYTES: usize = 20 * 1_024;

/// The newest debug lines of an invocation, within a bound; the oldest make room.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    lines: VecDeque<String>,
    bytes: usize,
    dropped: u64,
}

impl Ring {
    /// Keeps a line. One that is longer than the whole bound is dropped itself.
    pub(crate) fn push(&mut self, line: String) {
        if line.len() > MOST_BYTES {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.bytes > MOST_BYTES {
            let Some(oldest) = self.lines.pop_front() else { return };
            self.bytes -= oldest.len();
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Empties it: the lines, oldest first, and how many had to make room.
    pub(crate) fn take(&mut self) -> (VecDeque<String>, u64) {
        let Self { lines, dropped, .. } = std::mem::take(self);
        (lines, dropped)
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn holds_the_newest_lines_within_its_bound_and_counts_the_rest(lengths in prop::collection::vec(0..9_000_usize, 0..60)) {
            let mut ring = Ring::default();
            for length in &lengths {
                ring.push("x".repeat(*length));
                prop_assert!(ring.bytes <= MOST_BYTES);
            }
            let (kept, dropped) = ring.take();
            prop_assert_eq!(kept.len() as u64 + dropped, lengths.len() as u64);
            let newest: Vec<usize> = lengths[lengths.len() - kept.len()..].to_vec();
            prop_assert_eq!(kept.iter().map(String::len).collect::<Vec<_>>(), newest);
            prop_assert_eq!(ring.take(), (VecDeque::new(), 0));
        }
    }

    #[test]
    fn a_line_longer_than_the_bound_does_not_push_the_others_out() {
        let mut ring = Ring::default();
        ring.push("small".to_owned());
        ring.push("x".repeat(MOST_BYTES + 1));
        assert_eq!(ring.take(), (VecDeque::from(["small".to_owned()]), 1));
    }
}
