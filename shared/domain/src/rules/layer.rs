//! A pack over the packs that it extends: one list of rules.

use super::{Fault, OverrideSource, PackSource, Place, RulePackError, RuleSource};
use crate::id::RuleId;

/// Puts a pack over those below it, which are whole themselves: their rules come first, changed by its overrides and without those that it disables.
///
/// The tests are the upper pack's own: those below were asked of the packs below.
///
/// # Errors
/// Every override and disabling that names no rule or gives no reason, and every rule of one name in two packs below.
pub fn layer(below: Vec<PackSource>, upper: PackSource) -> Result<PackSource, Vec<RulePackError>> {
    let mut errors = Vec::new();
    let PackSource {
        id,
        version,
        extends,
        mut mode,
        lexicons,
        mut default,
        rules,
        overrides,
        disable,
        tests,
    } = upper;
    let (mut all, mut lists): (Vec<RuleSource>, Vec<String>) = (Vec::new(), Vec::new());
    for pack in below {
        mode = mode.or(pack.mode);
        default = default.or(pack.default);
        lists.extend(pack.lexicons);
        all.extend(pack.rules);
    }
    for change in overrides {
        if change.reason.trim().is_empty() {
            errors.push(Place::Override(change.id.clone()).with(Fault::NoReason));
        }
        match all.iter_mut().find(|rule| rule.id == change.id) {
            Some(rule) => apply(change, rule),
            None => errors.push(Place::Override(change.id.clone()).with(unknown(&all))),
        }
    }
    for off in disable {
        if off.reason.trim().is_empty() {
            errors.push(Place::Disable(off.id.clone()).with(Fault::NoReason));
        }
        let before = all.len();
        all.retain(|rule| rule.id != off.id);
        if all.len() == before {
            errors.push(Place::Disable(off.id.clone()).with(unknown(&all)));
        }
    }
    all.extend(rules);
    lists.extend(lexicons);
    let mut seen = std::collections::BTreeSet::new();
    lists.retain(|list| seen.insert(list.clone()));
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(PackSource {
        id,
        version,
        extends,
        mode,
        lexicons: lists,
        default,
        rules: all,
        overrides: Vec::new(),
        disable: Vec::new(),
        tests,
    })
}

fn unknown(rules: &[RuleSource]) -> Fault {
    let known: Vec<&str> = rules.iter().map(|rule| RuleId::as_str(&rule.id)).collect();
    Fault::UnknownRule(if known.is_empty() { "none".to_owned() } else { known.join(", ") })
}

fn apply(change: OverrideSource, rule: &mut RuleSource) {
    let OverrideSource {
        id: _,
        reason: _,
        title,
        code,
        priority,
        stages,
        kinds,
        when,
        then,
        severity,
        basis,
        exceptions,
    } = change;
    put(title, &mut rule.title);
    put(code, &mut rule.code);
    put(priority, &mut rule.priority);
    put(stages, &mut rule.stages);
    put(kinds, &mut rule.kinds);
    put(when, &mut rule.when);
    put(then, &mut rule.then);
    put(severity, &mut rule.severity);
    put(basis, &mut rule.basis);
    put(exceptions, &mut rule.exceptions);
}

fn put<T>(new: Option<T>, place: &mut T) {
    if let Some(new) = new {
        *place = new;
    }
}
