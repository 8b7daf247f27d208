use std::net::Ipv4Addr;
use std::thread::JoinHandle;

use dynoxide::Database;
use tokio::sync::oneshot;

use crate::{Account, EmulatorError, Endpoint};

/// DynamoDB in this process, reached over HTTP as the real one is. Empty at first, gone when dropped.
///
/// It serves from a thread of its own, so that a test's runtime may be of any kind.
#[derive(Debug)]
pub struct Dynoxide {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Dynoxide {
    /// An empty database.
    ///
    /// # Errors
    /// [`EmulatorError`] when there is no port, thread or memory for it.
    pub fn start() -> Result<Self, EmulatorError> {
        let system = |what| move |cause| EmulatorError::System { what, cause };
        let database = Database::memory().map_err(|error| EmulatorError::Engine(error.to_string()))?;
        let listener =
            std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(system("a free port"))?;
        listener.set_nonblocking(true).map_err(system("a listener that does not block"))?;
        let port = listener.local_addr().map_err(system("the listener's address"))?.port();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(system("a runtime of its own"))?;
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| error.to_string())?;
                // Not the graceful end: it would wait for clients that keep their connections.
                tokio::select! {
                    served = dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()) => served,
                    _ = stopped => Ok(()),
                }
            })
        };
        let thread = std::thread::Builder::new()
            .name("dynoxide".to_owned())
            // What it says after the test's end concerns nobody; before, the test's own call fails.
            .spawn(move || drop(serve()))
            .map_err(system("a thread of its own"))?;
        Ok(Self { url: format!("http://127.0.0.1:{port}"), stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How to call it.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::of(&self.url, &Account::fresh())
    }
}

impl Drop for Dynoxide {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ended_already = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
