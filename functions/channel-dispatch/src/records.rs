use sluice_ports::{Acquaintances, ConsentStore, ContactLimits, Deliveries, Outbox, Reviews};

/// What the dispatcher reads and writes: deliveries, consent for opt-outs, counts of contacts, whom a channel knows, and the reviews in which
/// messages wait.
pub trait Records: Deliveries + ConsentStore + ContactLimits + Acquaintances + Reviews + Outbox {}

impl<S: Deliveries + ConsentStore + ContactLimits + Acquaintances + Reviews + Outbox> Records for S {}
