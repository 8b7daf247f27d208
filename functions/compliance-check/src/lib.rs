//! compliance-check: may we contact this person, on this consent, with what they wrote?
//!
//! What becomes of an event, by its kind:
//!
//! | event | what happens | recorded as |
//! |---|---|---|
//! | leads to a message, a route takes it | consent and rules decide | `decided`; an allowing decision goes on to the `cleared` queue |
//! | leads to a message, no route takes it | nothing | `unhandled` |
//! | a message of the account itself or of an application | nothing: answering it would be a loop | `recorded`, `own_message` |
//! | a configured form is filled in | first its consent is stored, with the event as evidence; then as above | `decided` |
//! | a private message says `退订`, `TD`, … | every consent of the person is withdrawn | `recorded`, `opted_out` |
//! | `unauthorize` | every consent of the person is withdrawn, unless all its scopes are forms: then those consents alone | `recorded`, `consent_withdrawn`; `erasure_due` where the configuration erases |
//! | `authorize` | where a form stands for the scope, its consent is stored; else nothing: an authorisation is no consent to be contacted | `recorded`, `consent_granted` or `authorized` |
//! | an order changes | the order book | `recorded`, `order_book` |
//! | an order is paid | the order book; then as a message | `decided` |
//! | a name that Sluice does not act on | nothing | `unhandled` |
//!
//! The audit record is the idempotency record: it is written once, together with the message that follows. An event that was
//! decided before under the same trace is sent on again *from the stored decision*; under another trace it is a replay and is dropped.
//!
//! A decision of `review` opens a [review](sluice_domain::review) with its record. When people have approved, the event comes back over the
//! `events` queue: consent is looked up and the rules are asked anew, and the approval answers the reasons it was given for and no others.
//!
//! Where a rule behind such a decision asks for a remote check (`remote_check: true`) and the tenant has one, the review is sent to the
//! `checks` queue as well: content-safety answers it, as one more voice.

mod channel;
mod effect;
mod handler;
mod plan;
mod review;
mod verdict;

pub use handler::ComplianceCheck;
