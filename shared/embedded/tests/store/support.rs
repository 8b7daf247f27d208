use std::sync::Arc;

use sluice_domain::id::TraceId;
use sluice_domain::time::UnixMillis;
use sluice_embedded::{ManualClock, Options, Store};
use sluice_ports::OutboundMessage;

pub(crate) const START: UnixMillis = UnixMillis(1_795_250_000_000);

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(START))
}

pub(crate) fn options(clock: &Arc<ManualClock>) -> Options {
    Options { clock: Arc::<ManualClock>::clone(clock), ..Options::default() }
}

pub(crate) fn in_memory() -> (Store, Arc<ManualClock>) {
    let clock = clock();
    (Store::in_memory(options(&clock)).unwrap(), clock)
}

pub(crate) fn message(body: &str) -> OutboundMessage {
    OutboundMessage { body: body.into(), trace_id: TraceId::from_parts(START, [7; 10]), delay_seconds: 0 }
}
