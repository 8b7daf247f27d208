use std::collections::BTreeSet;

use crate::program::json;

#[test]
fn the_demo_accounts_for_every_event() {
    let (code, documents) = json(&["demo"]);
    let document = &documents[0];
    assert_eq!(code, 0, "{document:#}");
    assert!(document["callbacks"].as_u64().unwrap() >= 25);
    let totals = &document["totals"];
    let count = |name: &str| totals[name].as_u64().unwrap();
    let parts = [
        "delivered",
        "refused",
        "blocked",
        "review",
        "rejected",
        "expired",
        "recorded",
        "unhandled",
        "in_doubt",
        "dead_lettered",
    ];
    assert_eq!(count("received"), parts.iter().map(|part| count(part)).sum::<u64>());
    assert!(count("delivered") > 0 && count("blocked") > 0 && count("unhandled") > 0);
    assert_eq!(
        (count("review"), count("rejected"), count("expired")),
        (0, 1, 0),
        "a reviewer answered what waited"
    );
    assert_eq!(document["open_breaks"], 0);
    let events = document["events"].as_array().unwrap();
    let of = |field: &str| events.iter().map(|event| event[field].as_str().unwrap()).collect::<BTreeSet<_>>();
    for reason in
        ["consented_lead", "consent_missing", "consent_withdrawn", "contact_diversion", "phone_number"]
    {
        assert!(of("reason").contains(reason), "{reason}");
    }
    for destination in ["feishu-leads-group", "feishu-mcn-chat", "wechat-service"] {
        assert!(of("destination").contains(destination), "{destination}");
    }
    let approved = events.iter().find(|event| event["decision"] == "review, cleared").unwrap();
    assert_eq!(approved["reason"], "phone_number");
    assert!(approved["outcome"].as_str().unwrap().starts_with("delivered"), "{approved}");
    assert!(of("decision").contains("review, rejected"));
    let message = events.iter().find(|event| event["decision"] == "allow_masked, message cleared").unwrap();
    assert_eq!(message["outcome"], "delivered (2 attempts)", "once to wait, once to leave: {message}");
    let checked: BTreeSet<_> = events
        .iter()
        .filter(|event| event["reason"] == "text_to_check")
        .map(|event| event["decision"].as_str().unwrap())
        .collect();
    assert_eq!(checked, BTreeSet::from(["review, blocked", "review, cleared"]), "the platform's word");
    assert!(of("decision").is_superset(&BTreeSet::from(["replay", "turned away", "handshake"])));
    assert!(of("outcome").contains("delivered (2 attempts)"), "the throttled lead waited");
}
