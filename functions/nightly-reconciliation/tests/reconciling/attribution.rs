//! New contacts, by the messages they came by: of the day, of another day, and of nobody.

use super::*;

/// An event that arrived so many days before the day.
fn days_before(number: u8, days: i64) -> Event {
    let event = event(number);
    let at = event.received_at.plus_ms(-days * 24 * 60 * MINUTE);
    Event { trace_id: TraceId::from_parts(at, [number; 10]), received_at: at, ..event }
}

impl Night {
    /// Delivered, from the door on.
    async fn message(&self, event: &Event) {
        self.decide(event, Verdict::Allow).await;
        self.expose(event).await;
        self.deliver(event, Some(Settlement::Delivered)).await;
    }

    /// A contact whose state led to this event, or to none.
    async fn contact(&self, number: u8, about: Option<TraceId>) {
        let event =
            Event { kind: EventKind::ContactAdded, name: "add_external_contact".into(), ..event(number) };
        self.store.accept(vec![event.clone()]).await.unwrap();
        self.drain(Queue::Events).await;
        let disposition = Disposition::Recorded { effect: "contact_added".into(), about };
        let record = AuditRecord { disposition, ..audit(&event, Verdict::Block) };
        let written = self.store.record(vec![Step { record, next: None }]).await;
        assert!(matches!(written.as_slice(), [Ok(Written::New)]));
    }
}

#[tokio::test]
async fn contacts_are_led_back_to_messages_of_any_day() {
    let night = night();
    let (today, long_ago, undelivered) = (night.receive(1).await, days_before(2, 40), days_before(3, 2));
    night.message(&today).await;
    night.message(&long_ago).await;
    night.decide(&undelivered, Verdict::Allow).await;
    let nobodys = TraceId::from_parts(at(4), [44; 10]);
    let states =
        [Some(today.trace_id), Some(long_ago.trace_id), Some(undelivered.trace_id), Some(nobodys), None];
    for (number, about) in (10..).zip(states) {
        night.contact(number, about).await;
    }
    night.sleep_until_two();
    let report = night.report().await;
    assert!(report.identity.holds && report.open_breaks() == 0, "{:?}", report.breaks);
    let found = &report.attribution;
    assert_eq!((found.added, found.attributed, found.unattributed), (5, 2, 3));
    let sales = found.destinations[&assignment().destination];
    assert_eq!((sales.people, sales.delivered, sales.contacts), (1, 1, 2));
    assert_eq!(sales.rate_basis_points, Some(20_000), "two contacts, and one message of the day");
}
