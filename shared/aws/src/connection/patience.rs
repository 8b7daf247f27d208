use std::time::Duration;

use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

/// Attempts of one call. The SDK repeats what is safe to repeat: throttling, 5xx, lost connections.
const ATTEMPTS: u32 = 3;

/// How long a call may take, and its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For one attempt.
    pub attempt: Duration,
    /// For all attempts and the pauses between.
    pub operation: Duration,
    /// The longest first pause; it doubles, at random below that.
    pub pause: Duration,
    /// An idle connection is kept so long. The services close theirs later than this, and a frozen sandbox can not notice.
    pub idle: Duration,
}

impl Patience {
    /// A step's, which a queue feeds: three whole attempts fit, and the step's own time-out (15 s and more) is longer.
    pub const STEP: Self = Self {
        connect: Duration::from_secs(1),
        attempt: Duration::from_secs(3),
        operation: Duration::from_secs(10),
        pause: Duration::from_millis(200),
        idle: Duration::from_secs(50),
    };

    /// The front door's: Douyin waits 2 to 5 s by source, and repeats what was not answered.
    pub const DOOR: Self = Self {
        connect: Duration::from_millis(500),
        attempt: Duration::from_secs(1),
        operation: Duration::from_secs(3),
        pause: Duration::from_millis(50),
        ..Self::STEP
    };

    pub(super) fn timeouts(&self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.connect)
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.operation)
            .build()
    }

    pub(super) fn retries(&self) -> RetryConfig {
        RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(self.pause)
            .with_max_backoff(self.attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attempt_fits_into_the_operation_but_at_the_door() {
        let step = Patience::STEP;
        assert!(step.attempt * ATTEMPTS + step.pause * 3 < step.operation);
        assert!(step.connect < step.attempt);
        // Two attempts at least, within the longest time that a platform waits.
        let door = Patience::DOOR;
        assert!(door.attempt * 2 + door.pause <= door.operation && door.operation < Duration::from_secs(5));
    }
}
