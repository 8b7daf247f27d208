//! `sluice dlq`: dead letters, with their reasons and without their bodies.

use serde_json::json;
use sluice_embedded::{DeadLetter, Redrive, Store};
use sluice_ports::Queue;

use crate::cli::Dlq;
use crate::exit::Exit;
use crate::output::{CommandError, Output};

/// `sluice dlq …`.
///
/// # Errors
/// When the store can not be used.
pub async fn run(command: &Dlq, store: &Store) -> Result<Output, CommandError> {
    match command {
        Dlq::List => list(store),
        Dlq::Redrive { id, .. } => redrive(id.as_deref(), store).await,
    }
}

fn list(store: &Store) -> Result<Output, CommandError> {
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    for queue in Queue::ALL {
        let mut cursor = None;
        loop {
            let page = store.dead_letters(queue, cursor)?;
            for letter in page.items {
                lines.push(line(queue, &letter));
                rows.push(json!({
                    "queue": queue.as_str(), "id": letter.id, "trace_id": letter.trace_id, "code": letter.code, "detail": letter.detail,
                    "buried_at": letter.buried_at, "redrives": letter.redrives,
                }));
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    let text = if lines.is_empty() { "no dead letters".to_owned() } else { lines.join("\n") };
    Ok(Output::lines(Exit::Ok, text, rows))
}

fn line(queue: Queue, letter: &DeadLetter) -> String {
    let trace = letter.trace_id.map_or_else(|| "no trace".to_owned(), |id| id.to_string());
    format!("{} {:<8} {trace} {}: {}", letter.id, queue.as_str(), letter.code, letter.detail)
}

async fn redrive(id: Option<&str>, store: &Store) -> Result<Output, CommandError> {
    let mut count = 0;
    for queue in Queue::ALL {
        let which = id.map_or(Redrive::All, |id| Redrive::One(id.to_owned()));
        count += store.redrive(queue, which).await?;
    }
    // Asking for one that is not there is a no; having none at all to put back is fine.
    let exit = if count == 0 && id.is_some() { Exit::No } else { Exit::Ok };
    Ok(Output::one(exit, format!("put back: {count}"), json!({ "redriven": count })))
}
