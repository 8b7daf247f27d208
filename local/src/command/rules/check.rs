use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::json;
use sluice_domain::id::RuleId;

use super::Packs;
use crate::exit::Exit;
use crate::output::{CommandError, Output};

/// `sluice rules check`.
pub(super) fn check(packs: &Packs) -> Output {
    let (mut text, mut rows) = (String::new(), Vec::new());
    for problem in &packs.problems {
        let _infallible = writeln!(text, "{problem}");
    }
    // A rule of a pack below is tested there.
    let tested: BTreeSet<&RuleId> = packs
        .good
        .values()
        .flat_map(|pack| {
            let untested = pack.untested();
            pack.rules().map(|rule| &rule.id).filter(move |rule| !untested.contains(rule))
        })
        .collect();
    for (file, pack) in &packs.good {
        let stamp = pack.stamp();
        let untested: Vec<&RuleId> =
            pack.rules().map(|rule| &rule.id).filter(|rule| !tested.contains(rule)).collect();
        let (rules, tests, mode) = (pack.rules().len(), pack.tests().len(), pack.mode().as_str());
        let _infallible = writeln!(
            text,
            "rules/{file}: 可用。{} {},{rules} 条规则,{tests} 个测试,{mode},sha256 {}",
            stamp.id, stamp.version, stamp.sha256
        );
        for rule in &untested {
            let _infallible = writeln!(text, "rules/{file}: 提示: 规则 `{rule}` 没有测试覆盖");
        }
        rows.push(json!({
            "file": file, "pack": stamp, "mode": mode, "rules": rules, "tests": tests, "untested": untested,
        }));
    }
    let exit = if packs.problems.is_empty() { Exit::Ok } else { Exit::Configuration };
    Output::one(exit, text, json!({ "packs": rows, "problems": packs.problems }))
}

/// `sluice rules test`.
pub(super) fn test(packs: &Packs, only: Option<&str>) -> Result<Output, CommandError> {
    let chosen = match only {
        Some(name) => vec![(name.to_owned(), packs.pack(name)?)],
        None => packs.good.iter().map(|(file, pack)| (file.clone(), pack.clone())).collect(),
    };
    if only.is_none() && !packs.problems.is_empty() {
        let problems: Vec<String> = packs.problems.iter().map(ToString::to_string).collect();
        return Err(CommandError::configuration(problems.join("\n")));
    }
    let (mut text, mut rows, mut failed, mut passed) = (String::new(), Vec::new(), 0_u32, 0_u32);
    for (file, pack) in chosen {
        for (number, case) in pack.tests().iter().enumerate() {
            let outcome = pack.try_case(case);
            let told = outcome.as_ref().err().map(ToString::to_string);
            match &told {
                None => passed += 1,
                Some(told) => {
                    failed += 1;
                    let _infallible =
                        writeln!(text, "不符  {file} 测试 {}「{}」: {told}", number + 1, case.name);
                }
            }
            rows.push(json!({
                "file": file, "test": number + 1, "name": case.name, "passed": told.is_none(), "problem": told,
            }));
        }
    }
    let _infallible = writeln!(text, "{passed} 个测试相符,{failed} 个不符");
    let exit = if failed == 0 { Exit::Ok } else { Exit::No };
    Ok(Output::lines(exit, text, rows))
}
