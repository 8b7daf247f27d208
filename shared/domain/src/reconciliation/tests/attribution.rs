//! Contacts that were added, by the messages they came by.

use super::*;

/// A contact of the day, and the event whose message brought it.
fn added(number: u8, contact: u8, about: Option<TraceId>) -> AuditRecord {
    AuditRecord {
        kind: EventKind::ContactAdded,
        person: Some(PersonId::new(format!("contact{contact}")).unwrap()),
        ..audit(number, Disposition::Recorded { effect: "contact_added".into(), about })
    }
}

/// A message of two weeks ago, to arm `b`.
fn long_ago() -> Delivery {
    let mut delivery = delivery(90, DeliveryState::Delivered);
    delivery.opened_at = delivery.opened_at.plus_ms(-14 * DAY_MS);
    delivery.assignment.variant = Some(VariantId::new("b").unwrap());
    delivery
}

fn with(contacts: Vec<AuditRecord>) -> Report {
    let mut day = evidence();
    day.receipts.extend(contacts.iter().map(|record| Receipt {
        key: record.key.clone(),
        trace_id: record.trace_id,
        kind: record.kind,
        received_at: record.received_at,
    }));
    day.audits.extend(contacts);
    day.came_by = vec![long_ago()];
    let report = report_at(&day, night());
    assert!(report.identity.holds, "{:?}", report.totals);
    report
}

fn arms(report: &Report) -> Vec<(&str, u64, u64, u64)> {
    let arm = |one: &VariantYield| (one.counts.people, one.counts.delivered, one.counts.contacts);
    let rows = report.attribution.variants.iter().map(|one| {
        let (people, delivered, contacts) = arm(one);
        (one.variant.as_str(), people, delivered, contacts)
    });
    rows.collect()
}

#[test]
fn a_contact_counts_on_the_day_it_was_added_for_the_message_it_came_by() {
    let report = with(vec![added(20, 1, Some(trace(1))), added(21, 2, Some(long_ago().trace_id))]);
    // Four messages of the day went to arm `a` and none to `b`, which won somebody all the same, two weeks late.
    assert_eq!(arms(&report), [("a", 5, 3, 1), ("b", 0, 0, 1)]);
    assert_eq!(report.attribution.variants[0].counts.rate_basis_points, Some(3_333));
    assert_eq!(report.attribution.variants[1].counts.rate_basis_points, None);
    let sales = report.attribution.destinations[&DestinationId::new("wecom-sales").unwrap()];
    assert_eq!((sales.people, sales.delivered, sales.contacts), (5, 3, 2));
}

#[test]
fn who_came_by_no_message_of_ours_is_counted_as_unattributed() {
    let nobodys = TraceId::from_parts(at(3), [99; 10]);
    let report = with(vec![added(20, 1, None), added(21, 2, Some(nobodys)), added(22, 3, Some(trace(1)))]);
    let Attribution { added, attributed, unattributed, .. } = report.attribution;
    assert_eq!((added, attributed, unattributed), (3, 1, 2));
}

#[test]
fn who_adds_two_members_is_one_contact() {
    let report =
        with(vec![added(20, 1, None), added(22, 1, Some(long_ago().trace_id)), added(21, 1, Some(trace(1)))]);
    assert_eq!((report.attribution.added, report.attribution.attributed), (1, 1));
    assert_eq!(arms(&report), [("a", 5, 3, 1), ("b", 0, 0, 0)], "the first message counts");
}

#[test]
fn contacts_of_other_days_and_what_contacts_do_count_in_no_day() {
    let mut earlier = added(20, 1, Some(trace(1)));
    earlier.received_at = day_before();
    let activity = AuditRecord { kind: EventKind::ChannelActivity, ..added(21, 2, Some(trace(1))) };
    let mut day = evidence();
    day.audits.extend([earlier, activity]);
    assert_eq!(report_at(&day, night()).attribution.added, 0);
}

#[test]
fn a_message_that_fell_back_counts_where_it_went_and_an_arm_that_is_gone_is_shown() {
    let mut day = evidence();
    let mut moved = delivery(11, DeliveryState::Delivered);
    moved.assignment.variant = Some(VariantId::new("old").unwrap());
    let (destination, code) = (DestinationId::new("feishu-sales").unwrap(), "93000".to_owned());
    moved.fallback = Some(crate::delivery::Fallback { destination: destination.clone(), code, at: at(11) });
    let mut outside = delivery(12, DeliveryState::Delivered);
    (outside.assignment.experiment, outside.assignment.variant) = (None, None);
    day.deliveries.extend([moved, outside]);
    day.audits.extend([added(20, 1, Some(trace(11))), added(21, 2, Some(trace(12)))]);
    let report = report_at(&day, night());
    assert_eq!(arms(&report), [("a", 5, 3, 0), ("b", 0, 0, 0), ("old", 1, 1, 1)]);
    assert_eq!(report.attribution.destinations[&destination].contacts, 1);
    let sales = report.attribution.destinations[&DestinationId::new("wecom-sales").unwrap()];
    assert_eq!((sales.delivered, sales.contacts), (4, 1), "outside any experiment");
}

#[test]
fn the_attribution_reads_well_as_json_and_on_the_page() {
    let report =
        with(vec![added(20, 1, Some(trace(1))), added(21, 2, Some(long_ago().trace_id)), added(22, 3, None)]);
    insta::assert_json_snapshot!("attribution", report.attribution);
    let page = page(&report);
    let (_, section) = page.split_once("<h2>新增联系人归因</h2>").unwrap();
    insta::assert_snapshot!("attribution_page", section.split_once("</section>").unwrap().0);
}
