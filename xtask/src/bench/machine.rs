//! What a measurement was made on: without it, a number says nothing.

use crate::process;

/// One line: processor, cores, memory, kernel, compiler, load.
pub(super) fn description() -> String {
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    let rustc = process::output(process::program("rustc").arg("--version")).unwrap_or_default();
    format!(
        "machine: {cpu}, {cores} cores, memory {memory}, Linux {}, {}, load before {load}",
        kernel.trim(),
        rustc.trim()
    )
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_this_machine() {
        let text = description();
        assert!(text.contains("cores") && text.contains("rustc 1."), "{text}");
    }
}
