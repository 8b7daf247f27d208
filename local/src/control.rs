//! The control socket: how `sluice audit`, `dlq`, `consent`, `keys`, `review` and `reconcile` work while a server holds the data directory.
//!
//! One process at a time opens the store. A command that finds it taken sends its own command line to the running server
//! over `control.sock` in the data directory (mode 0600), which runs it on the open store and answers with its output.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::exit::Exit;
use crate::output::{CommandError, Output};

/// A command line is short; this bounds what a confused peer can make the server read.
const LONGEST_REQUEST: u64 = 1 << 20;

#[derive(Debug, Serialize, Deserialize)]
struct Request {
    argv: Vec<String>,
    consent_text: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Output(Output),
    Error { exit: Exit, message: String },
}

/// Runs a forwarded command line.
pub trait Runner: Send + Sync + 'static {
    /// Runs it on the open store. `consent_text` is the file that `consent grant` names, read where it was called.
    fn run(
        &self,
        argv: Vec<String>,
        consent_text: Option<String>,
    ) -> impl Future<Output = Result<Output, CommandError>> + Send;
}

/// Where the socket of a data directory is.
pub fn socket_path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Sends a command line to the server that holds `data`.
///
/// # Errors
/// The server's own error, or [`Exit::Unavailable`] when none answers.
pub async fn forward(
    data: &Path,
    argv: Vec<String>,
    consent_text: Option<String>,
) -> Result<Output, CommandError> {
    let path = socket_path(data);
    let gone = |cause: std::io::Error| {
        CommandError::unavailable(format!(
            "another process holds the data directory but does not answer on `{}`: {cause}; stop it, or wait until it has started",
            path.display()
        ))
    };
    let mut stream = UnixStream::connect(&path).await.map_err(gone)?;
    let mut line = serde_json::to_vec(&Request { argv, consent_text })
        .map_err(|e| CommandError::usage(e.to_string()))?;
    line.push(b'\n');
    stream.write_all(&line).await.map_err(gone)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.map_err(gone)?;
    match serde_json::from_str(&answer) {
        Ok(Answer::Output(output)) => Ok(output),
        Ok(Answer::Error { exit, message }) => Err(CommandError { exit, message }),
        Err(error) => Err(CommandError::unavailable(format!("the server's answer is not usable: {error}"))),
    }
}

/// Listens on the socket of `data` for as long as the returned task lives.
///
/// # Errors
/// When the socket can not be bound.
pub fn listen<R: Runner>(data: &Path, runner: Arc<R>) -> std::io::Result<tokio::task::JoinHandle<()>> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = socket_path(data);
    // The store's lock says that no other server lives, so a socket that is there is a dead one's.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let runner = Arc::clone(&runner);
                    tokio::spawn(async move {
                        if let Err(error) = answer(stream, runner.as_ref()).await {
                            tracing::warn!("control connection broke: {error}");
                        }
                    });
                }
                Err(error) => tracing::warn!("control socket: {error}"),
            }
        }
    }))
}

async fn answer<R: Runner>(stream: UnixStream, runner: &R) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(LONGEST_REQUEST)).read_line(&mut line).await?;
    let answer = match serde_json::from_str::<Request>(&line) {
        Ok(request) => match runner.run(request.argv, request.consent_text).await {
            Ok(output) => Answer::Output(output),
            Err(error) => Answer::Error { exit: error.exit, message: error.message },
        },
        Err(error) => Answer::Error { exit: Exit::Usage, message: format!("control request: {error}") },
    };
    write.write_all(&serde_json::to_vec(&answer)?).await?;
    write.shutdown().await
}
