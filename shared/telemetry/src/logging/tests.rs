//! Lines as they are written, through a subscriber of the test's own.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::*;
use crate::{Invocation, Invocations, Metrics};

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Output {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn messages(&self) -> Vec<String> {
        self.lines().iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }
}

fn at_noon() -> UnixMillis {
    UnixMillis(1_795_190_400_000)
}

/// What `work` logs, by the values of `SLUICE_LOG` and `AWS_LAMBDA_LOG_LEVEL`.
fn logged(chosen: Option<&str>, lambda: Option<&str>, work: impl FnOnce()) -> Output {
    let output = Output::default();
    logged_to(&output, chosen, lambda, work);
    output
}

fn logged_to(output: &Output, chosen: Option<&str>, lambda: Option<&str>, work: impl FnOnce()) {
    let sink = output.clone();
    let lines = JsonLines::new(move || sink.clone(), at_noon, Levels::read(chosen, lambda).unwrap());
    tracing::subscriber::with_default(Registry::default().with(lines), work);
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";

fn invocation() -> Invocation<'static> {
    Invocation { request_id: "8476a536-e9f4", xray: Some(XRAY), deadline_ms: None }
}

fn invocations() -> Invocations {
    Invocations::of("compliance-check", Metrics::default())
}

#[test]
fn a_line_has_stable_names_in_a_stable_order() {
    let output = logged(None, None, || {
        block_on(invocations().run(
            invocation(),
            async {
                let event = tracing::info_span!("event", trace_id = "019fa1b2");
                event.in_scope(|| {
                    tracing::warn!(
                        code = "store",
                        attempts = 3,
                        late = true,
                        share = 0.5,
                        "not finished: {}",
                        "x"
                    );
                });
            },
            |()| false,
        ));
    });
    assert_eq!(
        output.text(),
        concat!(
            r#"{"timestamp":"2026-11-20T16:00:00.000Z","level":"WARN","message":"not finished: x","#,
            r#""target":"sluice_telemetry::logging::tests","step":"compliance-check","function":"compliance-check","#,
            r#""request_id":"8476a536-e9f4","xray_trace_id":"1-5759e988-bd862e3fe1be46a994272793","cold_start":true,"#,
            r#""trace_id":"019fa1b2","code":"store","attempts":3,"late":true,"share":0.5}"#,
            "\n"
        )
    );
}

#[test]
fn debug_lines_of_an_invocation_that_succeeds_are_never_written() {
    let output = logged(None, None, || {
        block_on(invocations().run(invocation(), async { tracing::debug!("detail") }, |()| false));
    });
    assert_eq!(output.text(), "");
}

#[test]
fn a_failed_invocation_writes_its_debug_lines_and_not_those_of_the_one_before() {
    let output = logged(None, None, || {
        let invocations = invocations();
        block_on(async {
            invocations.run(invocation(), async { tracing::debug!("of the first") }, |()| false).await;
            let second = async {
                tracing::debug!(n = 1, "one");
                tokio::task::yield_now().await;
                tracing::info!("between");
                tracing::debug!(n = 2, "two");
                1
            };
            invocations.run(invocation(), second, |failures| *failures > 0).await;
        });
    });
    assert_eq!(output.messages(), ["between", "invocation failed", "one", "two"]);
    let lines = output.lines();
    assert_eq!((&lines[1]["debug_lines"], &lines[1]["debug_lines_dropped"]), (&2.into(), &0.into()));
    assert_eq!((&lines[2]["level"], &lines[2]["cold_start"]), (&"DEBUG".into(), &false.into()));
}

#[test]
fn a_panic_writes_the_debug_lines_and_goes_on() {
    let output = logged(None, None, || {
        let work = async {
            tracing::debug!("before the panic");
            tokio::task::yield_now().await;
            panic!("boom");
        };
        let run =
            std::panic::AssertUnwindSafe(|| block_on(invocations().run(invocation(), work, |()| false)));
        let panic = std::panic::catch_unwind(run).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"boom"));
    });
    assert_eq!(output.messages(), ["invocation panicked", "before the panic"]);
}

#[test]
fn what_is_known_is_written_before_lambda_stops_the_process() {
    let output = Output::default();
    logged_to(&output, None, None, || {
        let late = Invocation { deadline_ms: Some(1), ..invocation() };
        let work = async {
            tracing::debug!("waiting for an answer");
            // The answer comes after the lines, however slow the machine is.
            let began = std::time::Instant::now();
            while output.text().is_empty() && began.elapsed() < std::time::Duration::from_mins(1) {
                tokio::task::yield_now().await;
            }
        };
        block_on(invocations().run(late, work, |()| false));
    });
    assert_eq!(output.messages(), ["invocation is about to run out of time", "waiting for an answer"]);
}

#[test]
fn concurrent_invocations_keep_their_lines_apart() {
    let output = logged(None, None, || {
        let invocations = invocations();
        let one = |name: &'static str, fails: bool| {
            let work = async move {
                for _ in 0..3 {
                    tracing::debug!("{name}");
                    tokio::task::yield_now().await;
                }
                fails
            };
            invocations.run(invocation(), work, |fails| *fails)
        };
        block_on(async { tokio::join!(one("good", false), one("bad", true)) });
    });
    assert_eq!(output.messages(), ["invocation failed", "bad", "bad", "bad"]);
}

#[test]
fn memory_is_bounded_and_what_was_dropped_is_counted() {
    let output = logged(None, None, || {
        let work = async {
            for n in 0..10_000 {
                tracing::debug!(n, "a line of some length");
            }
        };
        block_on(invocations().run(invocation(), work, |()| true));
    });
    assert!(output.text().len() < 21 * 1_024, "{} bytes", output.text().len());
    let lines = output.lines();
    let kept = lines.len() as u64 - 1;
    assert_eq!(lines[0]["debug_lines"], kept);
    assert_eq!(lines[0]["debug_lines_dropped"], 10_000 - kept);
    assert_eq!(lines.last().unwrap()["n"], 9_999, "the newest stay");
}

#[test]
fn the_failure_is_told_whatever_the_level() {
    let output = logged(Some("error"), None, || {
        let work = async {
            tracing::info!("kept, not written");
            tracing::trace!("neither");
        };
        block_on(invocations().run(invocation(), work, |()| true));
    });
    assert_eq!(output.messages(), ["invocation failed", "kept, not written"]);
}

#[test]
fn a_librarys_debug_lines_are_neither_written_nor_kept() {
    let output = logged(None, None, || {
        let work = async { tracing::debug!(target: "hyper::proto", "authorization: secret") };
        block_on(invocations().run(invocation(), work, |()| true));
    });
    assert_eq!(output.messages(), ["invocation failed"]);
}

#[test]
fn fields_can_not_take_the_lines_own_names_or_break_the_line() {
    let output = logged(None, None, || {
        tracing::info!(level = "x", timestamp = "y", r#type = "z", quoted = "a\n\"b", "done");
    });
    let [line] = output.lines().try_into().unwrap();
    assert_eq!(
        (&line["level"], &line["type"], &line["quoted"]),
        (&"INFO".into(), &"z".into(), &"a\n\"b".into())
    );
}
