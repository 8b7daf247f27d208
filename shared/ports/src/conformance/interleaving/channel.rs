use sluice_domain::time::UnixMillis;

/// What a channel remembers of the messages it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// Nothing: a repeat is a second message.
    Nothing,
    /// A repeat within so many milliseconds is recognised.
    Window {
        /// Milliseconds.
        ms: i64,
    },
}

impl Memory {
    /// May a request leave at this moment without the risk of a second message, when an attempt that began then is unclear?
    pub fn may_repeat(self, unclear_since: Option<UnixMillis>, at: UnixMillis) -> bool {
        match (unclear_since, self) {
            (None, _) => true,
            (Some(_), Self::Nothing) => false,
            (Some(since), Self::Window { ms }) => at.since(since) < ms,
        }
    }
}

/// A channel, seen from the person at its end.
#[derive(Debug)]
pub(super) struct Channel {
    memory: Memory,
    /// When each message arrived that the person sees.
    effects: Vec<UnixMillis>,
}

impl Channel {
    pub(super) fn new(memory: Memory) -> Self {
        Self { memory, effects: Vec::new() }
    }

    pub(super) fn take(&mut self, at: UnixMillis) {
        let recognised = match (self.memory, self.effects.last()) {
            (Memory::Window { ms }, Some(last)) => at.since(*last) < ms,
            (Memory::Nothing, _) | (_, None) => false,
        };
        if !recognised {
            self.effects.push(at);
        }
    }

    pub(super) fn effects(&self) -> &[UnixMillis] {
        &self.effects
    }
}
