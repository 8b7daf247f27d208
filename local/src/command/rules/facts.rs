use std::fmt::Write as _;

use serde_json::json;
use sluice_domain::rules::{Domain, Fact};

use crate::exit::Exit;
use crate::output::Output;

/// `sluice rules facts`.
pub(super) fn list() -> Output {
    let (mut text, mut rows) = (String::new(), Vec::new());
    for fact in Fact::ALL {
        let (section, name) = fact.path();
        let values = values(fact.domain());
        let _infallible = writeln!(text, "{section}.{name}  {}  [{values}]", fact.meaning());
        rows.push(
            json!({ "name": format!("{section}.{name}"), "meaning": fact.meaning(), "values": values }),
        );
    }
    text.push_str(
        "text.类别 / form.类别 / message.类别 / any.类别  在用户消息、表单、待发送内容或任一文本中命中该类别的最高级别:0 未命中,low,medium,high\n",
    );
    rows.push(json!({ "name": "text|form|message|any.<category>", "meaning": "命中该类别的最高级别", "values": "0, low, medium, high" }));
    Output::lines(Exit::Ok, text, rows)
}

fn values(domain: Domain) -> String {
    match domain {
        Domain::Flag => "true, false".to_owned(),
        Domain::Words(word, count) => {
            let words: Vec<&str> = (1..=count).filter_map(word).collect();
            words.join(", ")
        }
        Domain::Number(from, to) => format!("{from}..{to}"),
        Domain::Text => "任意文本或 none".to_owned(),
    }
}
