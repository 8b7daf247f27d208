//! channel-dispatch: renders, scans once more, sends once, and records what came of it.
//!
//! For each assigned event: check the clearance → claim the delivery (first write) → render the script with masked values → scan the
//! rendered text → send → settle the claim with the outcome (second write). A claim carries a fencing token and a deadline, so two
//! workers never send the same delivery.
//!
//! A message that is caught by quiet hours waits until they end; one above the cap of a person's day is refused or waits for the next day,
//! as configured. A cap costs one more write, and only where there is one.
//!
//! A rendered text of which the rules want a review waits in one; so does one that they want the platform's text censor to see. The delivery
//! waits with it, and its message is off the queue until somebody has answered. What is sent then are the very texts that were reviewed.
//!
//! A message whose destination is disabled, or refuses everybody, goes to the fall-back of its route, if it has one.
//!
//! **Nothing is sent blindly twice.** An attempt that never ended (its process died) or ended unclear may have been taken by the
//! platform. It is repeated only where the channel remembers the dispatch id, and only while it does; otherwise the delivery is
//! *in doubt* until a person or reconciliation settles it.

mod acquaint;
mod compose;
mod ending;
mod fallback;
mod handler;
mod policy;
mod preview;
mod records;
mod review;
mod sender;
mod timing;
mod work;

pub use compose::ComposeError;
pub use handler::ChannelDispatch;
pub use preview::{Preview, preview};
pub use records::Records;
pub use sender::Sender;
