//! What the gate tells about itself: metrics, and the logs' set-up and field names.
//!
//! [`signal`] is the one place where metrics are named. A handler holds a [`Metrics`] handle and tells it [`Signal`]s;
//! where they go is the program's choice: lines of `CloudWatch`'s embedded metric format on Lambda ([`EmfWriter`]), counters
//! in memory on one machine and in tests ([`Counters`]), or nowhere (`Metrics::default()`).
//!
//! ```
//! use sluice_telemetry::{Counters, Metrics, Signal};
//!
//! let counters = Counters::default();
//! let metrics = Metrics::new(counters.clone());
//! metrics.count(Signal::Rejected { code: "signature_mismatch" });
//! assert_eq!(counters.total("Rejected"), 1);
//! ```

mod counters;
mod emf;
pub mod field;
pub mod invocation;
pub mod logging;
mod metrics;
pub mod signal;
pub mod trace;

pub use counters::{Counters, Reading};
pub use emf::EmfWriter;
pub use invocation::{Invocation, Invocations};
pub use logging::{LoggingError, init_function_logging, init_logging};
pub use metrics::{Metrics, Recorder};
pub use signal::{Kind, NAMESPACE, Signal, Unit};
