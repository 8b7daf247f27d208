//! Time and what is printed.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of this thread's CPU time.
pub(crate) fn cpu() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

/// An engine with a task: answers how many hits a text has.
pub(crate) struct Engine<'a> {
    pub(crate) name: &'static str,
    pub(crate) find: Box<dyn FnMut(&str) -> usize + 'a>,
}

/// Runs the engines in turn over all texts and prints a line for each.
pub(crate) fn run(list: &str, task: &str, texts: &[String], rounds: usize, engines: &mut [Engine<'_>]) {
    let bytes: usize = texts.iter().map(String::len).sum();
    let mut times = vec![Vec::new(); engines.len()];
    let mut hits = vec![0; engines.len()];
    for round in 0..=rounds {
        for (at, engine) in engines.iter_mut().enumerate() {
            // Long enough for the clock: at least 20 ms.
            let start = cpu();
            let mut passes = 0;
            while passes == 0 || cpu() - start < 2e7 {
                hits[at] = texts.iter().map(|text| (engine.find)(text)).sum();
                passes += 1;
            }
            // The first round warms up.
            if round > 0 {
                times[at].push((cpu() - start) / f64::from(passes));
            }
        }
    }
    for ((engine, times), hits) in engines.iter().zip(&mut times).zip(hits) {
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        println!(
            r#"{{"list":"{list}","task":"{task}","engine":"{}","ns":{:.1},"mb_per_s":{:.0},"hits":{hits}}}"#,
            engine.name,
            median / texts.len() as f64,
            bytes as f64 * 1e3 / median,
        );
    }
}

/// Prints a figure that is no time of a text.
pub(crate) fn figure(list: &str, what: &str, engine: &str, value: f64) {
    println!(r#"{{"list":"{list}","figure":"{what}","engine":"{engine}","value":{value:.3}}}"#);
}
