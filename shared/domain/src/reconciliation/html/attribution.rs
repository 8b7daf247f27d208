use super::section;
use super::table::Table;
use crate::reconciliation::attribution::{Attribution, Yield};

/// What messages brought, by arm and by destination.
pub(super) fn attribution(found: &Attribution) -> String {
    if found.added == 0 && found.variants.is_empty() && found.destinations.is_empty() {
        return String::new();
    }
    let mut body = format!(
        "<p>当日新增联系人 {}：可归因 {}，无法归因 {}（无来源参数、参数非本租户所发，或查无对应消息）。</p>\n\
         <p>联系人计入添加当日，归入其来源消息的方案与目的地（消息可能早于当日发出）；人数与送达为当日开始投递的消息，故新增率可高于 100%。</p>\n",
        found.added, found.attributed, found.unattributed
    );
    let mut variants = Table::new(&["实验", "方案", "#人数", "#已送达", "#新增联系人", "#新增率"]);
    for arm in &found.variants {
        let [people, delivered, contacts, rate] = cells(&arm.counts);
        variants.row(&[arm.experiment.as_str(), arm.variant.as_str(), &people, &delivered, &contacts, &rate]);
    }
    let mut destinations = Table::new(&["目的地", "#人数", "#已送达", "#新增联系人", "#新增率"]);
    for (destination, counts) in &found.destinations {
        let [people, delivered, contacts, rate] = cells(counts);
        destinations.row(&[destination.as_str(), &people, &delivered, &contacts, &rate]);
    }
    if !found.variants.is_empty() {
        body.push_str(&variants.html());
    }
    if !found.destinations.is_empty() {
        body.push_str(&destinations.html());
    }
    section("新增联系人归因", &body)
}

fn cells(counts: &Yield) -> [String; 4] {
    let rate = counts
        .rate_basis_points
        .map_or_else(|| "—".to_owned(), |rate| format!("{}.{:02}%", rate / 100, rate % 100));
    [counts.people.to_string(), counts.delivered.to_string(), counts.contacts.to_string(), rate]
}
