use std::collections::VecDeque;

/// So many in every span of time, by the moments of those that were let through.
#[derive(Debug, Default)]
pub(crate) struct Window {
    moments: VecDeque<i64>,
}

impl Window {
    /// Would one more at `now` keep within `most` in `span_ms`? It is counted only when it would.
    pub(crate) fn admits(&mut self, now: i64, most: usize, span_ms: i64) -> bool {
        self.admits_all(now, &[(most, span_ms)])
    }

    /// The same for several limits at once; spans in ascending order.
    pub(crate) fn admits_all(&mut self, now: i64, limits: &[(usize, i64)]) -> bool {
        let longest = limits.iter().map(|(_, span)| *span).max().unwrap_or_default();
        while self.moments.front().is_some_and(|moment| now - moment >= longest) {
            self.moments.pop_front();
        }
        let within = limits.iter().all(|(most, span)| {
            self.moments.iter().rev().take_while(|moment| now - **moment < *span).count() < *most
        });
        if within {
            self.moments.push_back(now);
        }
        within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_slides() {
        let mut window = Window::default();
        assert!(window.admits(0, 2, 1_000));
        assert!(window.admits(500, 2, 1_000));
        assert!(!window.admits(999, 2, 1_000));
        assert!(window.admits(1_000, 2, 1_000));
        assert!(!window.admits(1_499, 2, 1_000));
        assert!(window.admits(1_500, 2, 1_000));
    }

    #[test]
    fn every_limit_counts() {
        let mut window = Window::default();
        let limits = [(2, 1_000), (3, 60_000)];
        assert!(window.admits_all(0, &limits));
        assert!(window.admits_all(0, &limits));
        assert!(!window.admits_all(0, &limits), "two a second");
        assert!(window.admits_all(1_000, &limits));
        assert!(!window.admits_all(2_000, &limits), "three a minute");
        assert!(window.admits_all(60_000, &limits));
    }
}
