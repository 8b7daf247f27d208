//! The table of permissions, as docs/SECURITY.md shows it.

use std::fmt::Write as _;

use serde_json::Value;

use super::model::{Statement, Template, at, fields, items, pattern, statements, target, text};

/// Who may do what: a row a statement.
pub(super) fn table(template: &Template) -> String {
    let mut rows = "| who | for | may | on | only if |\n|---|---|---|---|---|\n".to_owned();
    for statement in template.granted() {
        // Writing to a string does not fail.
        let _infallible = writeln!(
            rows,
            "| {} | {} | {}{} | {} | {} |",
            holder(template, &statement),
            sid(&statement),
            if text(at(statement.value, &["Effect"])) == "Deny" { "**not** " } else { "" },
            listed(&items(at(statement.value, &["Action"])), text),
            listed(&items(at(statement.value, &["Resource"])), resource),
            condition(at(statement.value, &["Condition"])),
        );
    }
    rows
}

/// The function of a role, or the role or policy itself.
fn holder(template: &Template, statement: &Statement<'_>) -> String {
    let function = template
        .functions()
        .into_iter()
        .find(|function| target(template.of_function(function, "Role")) == statement.owner);
    let owner = template.properties(statement.owner);
    let trusted = statements(statement.owner, at(owner, &["AssumeRolePolicyDocument"]));
    let service = trusted.first().map(|it| text(at(it.value, &["Principal", "Service"]))).unwrap_or_default();
    match function {
        Some(function) => {
            let name = pattern(at(function.properties, &["FunctionName"]));
            name.rsplit_once("}-").map_or(name, |(_, name)| name).to_owned()
        }
        None if service.is_empty() => format!("whoever carries `{}`", statement.owner),
        None => format!("`{}` ({service})", statement.owner),
    }
}

fn sid(statement: &Statement<'_>) -> String {
    let mut words = String::new();
    for character in text(at(statement.value, &["Sid"])).chars() {
        if character.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(character.to_lowercase());
    }
    words
}

fn listed<'v, S: AsRef<str>>(values: &[&'v Value], shown: impl Fn(&'v Value) -> S) -> String {
    let words: Vec<String> = values.iter().map(|value| format!("`{}`", shown(value).as_ref())).collect();
    words.join(", ")
}

/// An ARN without what is the same for all of an account.
fn resource(value: &Value) -> String {
    match target(value) {
        "" => {
            let written = pattern(value);
            let own = written.splitn(6, ':').nth(5).unwrap_or(written);
            own.replace(".Arn}", "}")
                .replace("${AWS::StackName}", "<stack>")
                .replace("${", "<")
                .replace('}', ">")
        }
        id => format!("<{id}>"),
    }
}

fn condition(value: &Value) -> String {
    let mut all = Vec::new();
    for (operator, keys) in fields(value) {
        for (key, expected) in fields(keys) {
            all.push(match (operator, text(expected)) {
                ("Null", "false") => format!("`{key}` is given"),
                _ => {
                    format!("`{key}` {} {}", operator_in_words(operator), listed(&items(expected), resource))
                }
            });
        }
    }
    all.join("; ")
}

fn operator_in_words(operator: &str) -> &str {
    match operator {
        "ForAllValues:StringEquals" => "are among",
        "StringLike" | "ArnLike" => "is like",
        _ => "is",
    }
}
