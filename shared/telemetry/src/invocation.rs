//! What every invocation of a function has, whatever the function does.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::logging::{FAILED, Ring};
use crate::trace::XRayHeader;
use crate::{Metrics, Signal, field};

/// So long before Lambda stops the process, what is known is written down.
const LAST_MOMENT: Duration = Duration::from_millis(250);

tokio::task_local! {
    static CURRENT: Arc<Current>;
}

/// Runs the invocations of one function: gives their log lines the request's fields, keeps debug lines until an invocation fails, counts
/// the cold start, and writes out what was measured.
///
/// ```
/// use sluice_telemetry::{Counters, Invocation, Invocations, Metrics};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let counters = Counters::default();
/// let invocations = Invocations::of("compliance-check", Metrics::new(counters.clone()));
/// // From lambda_runtime's `Context`: `request_id`, `xray_trace_id`, `deadline`.
/// let invocation = Invocation { request_id: "8476a536", xray: None, deadline_ms: None };
/// let failed_items = invocations.run(invocation, async { 0 }, |items| *items > 0).await;
/// assert_eq!(failed_items, 0);
/// assert_eq!(counters.total("ColdStart"), 1);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Invocations {
    step: &'static str,
    function: String,
    cold: AtomicBool,
    metrics: Metrics,
}

/// One invocation, as Lambda's runtime describes it.
#[derive(Debug, Clone, Copy)]
pub struct Invocation<'a> {
    /// Lambda's id of it.
    pub request_id: &'a str,
    /// X-Ray's header, if there is one.
    pub xray: Option<&'a str>,
    /// When Lambda stops the process, in milliseconds since 1970.
    pub deadline_ms: Option<u64>,
}

impl Invocations {
    /// Of a step's function. Its name is `AWS_LAMBDA_FUNCTION_NAME`, or else the step's.
    ///
    /// The first invocation counts as a cold start, unless the process was started ahead (provisioned concurrency).
    pub fn of(step: &'static str, metrics: Metrics) -> Self {
        let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| step.to_owned());
        let ahead =
            std::env::var("AWS_LAMBDA_INITIALIZATION_TYPE").is_ok_and(|it| it == "provisioned-concurrency");
        Self { step, function, cold: AtomicBool::new(!ahead), metrics }
    }

    /// Runs one invocation. When it `failed` by its answer, panics, or is about to run out of time, its debug lines are written.
    ///
    /// A panic goes on to the caller, after the lines.
    pub async fn run<T>(
        &self,
        invocation: Invocation<'_>,
        work: impl Future<Output = T>,
        failed: impl FnOnce(&T) -> bool,
    ) -> T {
        let cold_start = self.cold.swap(false, Ordering::Relaxed);
        let current = Arc::new(Current {
            step: self.step,
            function: self.function.clone(),
            request_id: invocation.request_id.to_owned(),
            xray: invocation.xray.and_then(|header| header.parse().ok()),
            cold_start,
            kept: Mutex::default(),
        });
        let whole = async {
            if cold_start {
                self.metrics.count(Signal::ColdStart { step: self.step });
            }
            let answer = watched(work, remaining(invocation.deadline_ms)).await;
            match &answer {
                Err(_) => tell_failed("panicked"),
                Ok(answer) if failed(answer) => tell_failed("failed"),
                Ok(_) => {}
            }
            self.metrics.flush();
            answer
        };
        CURRENT.scope(current, whole).await.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// Polls to the end, turning a panic into an error; shortly before the time is up, writes what is kept.
async fn watched<T>(work: impl Future<Output = T>, remaining: Option<Duration>) -> std::thread::Result<T> {
    let mut work = pin!(work);
    let caught = poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(answer)) => Poll::Ready(Ok(answer)),
        Err(panic) => Poll::Ready(Err(panic)),
    });
    let mut caught = pin!(caught);
    if let Some(remaining) = remaining {
        tokio::select! {
            biased;
            answer = &mut caught => return answer,
            () = tokio::time::sleep(remaining) => tell_failed("is about to run out of time"),
        }
    }
    caught.await
}

fn remaining(deadline_ms: Option<u64>) -> Option<Duration> {
    let deadline = UNIX_EPOCH.checked_add(Duration::from_millis(deadline_ms?))?;
    let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
    Some(left.saturating_sub(LAST_MOMENT))
}

fn tell_failed(how: &str) {
    let (kept, dropped) = with_current(|current| {
        let ring = current.kept();
        (ring.len(), ring.dropped())
    })
    .unwrap_or_default();
    tracing::warn!(target: FAILED, debug_lines = kept, debug_lines_dropped = dropped, "invocation {how}");
}

/// The invocation that runs.
#[derive(Debug)]
pub(crate) struct Current {
    step: &'static str,
    function: String,
    request_id: String,
    xray: Option<XRayHeader>,
    cold_start: bool,
    kept: Mutex<Ring>,
}

impl Current {
    /// Its fields, for a log line.
    pub(crate) fn describe(&self, set: &mut dyn FnMut(&'static str, Value)) {
        set(field::STEP, self.step.into());
        set(field::FUNCTION, self.function.as_str().into());
        set(field::REQUEST_ID, self.request_id.as_str().into());
        if let Some(xray) = &self.xray {
            set(field::XRAY_TRACE_ID, xray.root().into());
        }
        set(field::COLD_START, self.cold_start.into());
    }

    pub(crate) fn keep(&self, line: String) {
        self.kept().push(line);
    }

    /// The kept lines, oldest first; afterwards there are none.
    pub(crate) fn take_kept(&self) -> std::collections::VecDeque<String> {
        self.kept().take().0
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Ring> {
        // Lines stay whole whatever died while it held them.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the running invocation; `None` outside one.
pub(crate) fn with_current<T>(ask: impl FnOnce(&Current) -> T) -> Option<T> {
    CURRENT.try_with(|current| ask(current)).ok()
}

/// Is an invocation running in this task?
pub(crate) fn is_running() -> bool {
    with_current(|_| ()).is_some()
}

/// X-Ray's header of the running invocation.
pub fn xray() -> Option<XRayHeader> {
    with_current(|current| current.xray.clone()).flatten()
}
