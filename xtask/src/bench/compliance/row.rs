use serde::Deserialize;

/// One line that a benchmark program prints.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Row {
    /// An engine at a task.
    Time {
        /// What it worked on.
        list: String,
        /// What it did.
        task: String,
        /// Which one.
        engine: String,
        /// Thread CPU time of one text or event.
        ns: f64,
        /// Text a second.
        mb_per_s: f64,
        /// What it found in all texts.
        hits: u64,
    },
    /// Another figure.
    Figure {
        /// What was measured.
        list: String,
        /// What is told.
        figure: String,
        /// Of which engine.
        engine: String,
        /// It.
        value: f64,
    },
}
