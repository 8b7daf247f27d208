//! content-safety: what does the platform's text censor say of a text that waits for it?
//!
//! A decision of `review` whose rules ask for a remote check opens a [review](sluice_domain::review) and a message on the `checks` queue. Here the
//! message becomes the machine's voice in that review:
//!
//! ```text
//! remembered? ──hit──────────────────────────────► blocked, content_unsafe
//!     │   └────clean (all texts)─────────────────► approved: compliance-check looks once more
//!     no
//!     │ too late, or the day's budget is used up ─► no answer
//! asked, 3 s; twice more after 250 and 500 ms
//!     ├──hit────► blocked, content_unsafe          no answer ──► `safety.unanswered`: people decide (review),
//!     ├──clean──► approved                                      blocked, or released on the local rules alone
//!     └──────────► no answer
//! ```
//!
//! A person may decide meanwhile: whoever is first counts, and the other finds the review ended. Every outcome is written with what decided
//! (`remote`, `cached`, `local`), the platform's log id and the models that hit. A message that comes again finds the voice that was given and
//! asks nobody; one whose answer could not be written finds it remembered.

mod ask;
mod handler;

pub use ask::{FIRST_PAUSE, RETRIES};
pub use handler::ContentSafety;
