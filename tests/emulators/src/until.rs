use std::time::{Duration, Instant};

/// Between two looks at what another process does.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks again and again until there is an answer; `None` when the deadline passed without one.
///
/// For what another *process* does: inside one process there is always something to wait on.
pub fn until<T>(deadline: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}

/// As [`until`], where a look is itself a call.
pub async fn until_async<T>(deadline: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(found) = look().await {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
