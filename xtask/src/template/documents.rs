//! Documents that speak of the template: the table of permissions is written from it, and the runbook knows every alarm.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::model::{Template, at, pattern};
use super::{permissions, written};
use crate::{say, workspace};

const BEGIN: &str = "<!-- permissions: written by `cargo xtask template --write` -->\n";
const END: &str = "<!-- end of permissions -->";

/// Writes the table of permissions anew.
pub(super) fn write() -> Result<()> {
    let text = std::fs::read_to_string(security())?;
    let new = with_table(&text, &written()?)?;
    std::fs::write(security(), new)?;
    say::line("docs/SECURITY.md: the table of permissions is as the template says");
    Ok(())
}

/// What the documents say otherwise than the template.
pub(super) fn check() -> Result<Vec<String>> {
    let template = written()?;
    let mut wrong = Vec::new();
    let text = std::fs::read_to_string(security())?;
    if with_table(&text, &template)? != text {
        wrong.push("docs/SECURITY.md: the table of permissions is not the template's: `cargo xtask template --write`".to_owned());
    }
    let runbook = std::fs::read_to_string(workspace::root().join("docs/RUNBOOK.md"))?;
    wrong.extend(silent(&runbook, &template));
    Ok(wrong)
}

/// Alarms that the runbook has no section for, and sections of alarms that don't exist.
fn silent(runbook: &str, template: &Template) -> Vec<String> {
    let alarms: Vec<&str> = template
        .of_type("AWS::CloudWatch::Alarm")
        .filter_map(|(_, alarm)| pattern(at(alarm, &["AlarmName"])).strip_prefix("${AWS::StackName}-"))
        .collect();
    let sections: Vec<&str> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .flat_map(|heading| heading.split(", "))
        .filter_map(|name| name.strip_prefix('`')?.strip_suffix('`'))
        .collect();
    let missing = alarms.iter().filter(|name| !sections.contains(name)).map(|name| {
        format!("docs/RUNBOOK.md: no section `### `{name}`` says what to do when that alarm rings")
    });
    let gone = sections.iter().filter(|name| !alarms.contains(name)).map(|name| {
        format!("docs/RUNBOOK.md: the section `{name}` speaks of an alarm that the template does not have")
    });
    missing.chain(gone).collect()
}

fn with_table(text: &str, template: &Template) -> Result<String> {
    let (before, rest) =
        text.split_once(BEGIN).context("docs/SECURITY.md has lost the mark where the permissions begin")?;
    let (_, after) =
        rest.split_once(END).context("docs/SECURITY.md has lost the mark where the permissions end")?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", permissions::table(template)))
}

fn security() -> PathBuf {
    workspace::root().join("docs/SECURITY.md")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_agree_with_the_template() {
        assert_eq!(check().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn an_alarm_without_a_section_and_a_section_without_an_alarm_are_named() {
        let template = Template::from_yaml(
            "Resources: {A: {Type: 'AWS::CloudWatch::Alarm', Properties: {AlarmName: !Sub '${AWS::StackName}-late'}}}",
        )
        .unwrap();
        assert_eq!(silent("### `late`\n", &template), Vec::<String>::new());
        assert_eq!(silent("### `late`, `gone`\n", &template).len(), 1);
        assert_eq!(silent("late\n### Late\n", &template).len(), 1);
    }

    #[test]
    fn a_changed_permission_changes_the_table() {
        let of = |action: &str| {
            let yaml = format!(
                "Resources: {{R: {{Type: 'AWS::IAM::Role', Properties: {{Policies: [{{PolicyDocument: {{Statement: [{{Sid: ReadIt, Effect: Allow, Action: {action}, Resource: !GetAtt Q.Arn}}]}}}}]}}}}}}"
            );
            permissions::table(&Template::from_yaml(&yaml).unwrap())
        };
        assert!(
            of("sqs:SendMessage").contains("| read it | `sqs:SendMessage` | `<Q>` |"),
            "{}",
            of("sqs:SendMessage")
        );
        let text = format!("a\n{BEGIN}old{END}\nb");
        let template = Template::from_yaml("Resources: {}").unwrap();
        let new = with_table(&text, &template).unwrap();
        assert!(new.starts_with("a\n") && new.ends_with("\nb") && !new.contains("old"), "{new}");
    }
}
