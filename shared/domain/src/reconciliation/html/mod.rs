//! The report as one HTML page: no script, no outside asset, readable on paper.

mod attribution;
mod chart;
mod style;
mod table;

use std::fmt::Write as _;

use self::attribution::attribution;
use self::chart::{Bar, bars};
use self::table::Table;
use super::breaks::Break;
use super::deviation::Deviation;
use super::report::Report;
use crate::money::Fen;

/// Text that HTML can hold, in elements and in quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // HTML allows no other control characters; a key never holds one, a platform's code might.
            other if other.is_control() && other != '\n' && other != '\t' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

/// The page. The same report gives the same page.
pub fn page(report: &Report) -> String {
    let title = escaped(&format!("{} {} 对账报告", report.name, report.day));
    let parts = [
        summary(report),
        funnel(report),
        decisions(report),
        reviews(report),
        destinations(report),
        report.experiments.iter().map(experiment).collect(),
        attribution(&report.attribution),
        orders(report),
        queues(report),
        breaks(&report.breaks),
    ];
    format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{}</body>\n</html>\n",
        style::CSS,
        parts.concat()
    )
}

fn section(title: &str, body: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{body}</section>\n", escaped(title))
}

fn summary(report: &Report) -> String {
    let open = report.open_breaks();
    let (class, verdict) = match (open, report.identity.holds) {
        (0, true) => ("good", "账平，无待处理差异".to_owned()),
        (_, true) => ("bad", format!("账平，{open} 项差异待处理")),
        (_, false) => ("bad", format!("账不平，{open} 项差异待处理")),
    };
    let terms: Vec<String> =
        report.totals.parts().iter().map(|(_, label, count)| format!("{label} {count}")).collect();
    let sign = if report.identity.holds { "=" } else { "≠" };
    format!(
        "<p class=\"verdict {class}\">{verdict}</p>\n<p>租户 {} · 业务日 {}（中国标准时间）· 重复回调 {}</p>\n\
         <p class=\"identity\">已受理 {} {sign} {}{}</p>\n",
        escaped(report.tenant.as_str()),
        report.day,
        report.totals.replays,
        report.identity.received,
        terms.join(" + "),
        if report.totals.missing > 0 {
            format!("；去向不明 {}", report.totals.missing)
        } else {
            String::new()
        },
    )
}

fn funnel(report: &Report) -> String {
    let totals = &report.totals;
    let decided = report.decisions.iter().map(|count| count.count).sum();
    let allowed = report.decisions.iter().filter(|count| count.verdict.starts_with("allow"));
    let steps = [
        Bar::new("已受理", totals.received),
        Bar::new("已决定", decided),
        Bar::new("已放行", allowed.map(|count| count.count).sum()),
        Bar::new("已送达", totals.delivered),
    ];
    section("流转漏斗", &bars("流转漏斗：已受理、已决定、已放行、已送达", &steps))
}

fn decisions(report: &Report) -> String {
    if report.decisions.is_empty() {
        return section("合规决定", "<p>当日没有合规决定。</p>\n");
    }
    let labels: Vec<Bar> = report
        .decisions
        .iter()
        .map(|count| {
            Bar::classed(
                &format!("{} · {}", verdict(&count.verdict), count.title),
                count.count,
                tone(&count.verdict),
            )
        })
        .collect();
    let mut table = Table::new(&["决定", "原因", "代码", "#次数"]);
    for count in &report.decisions {
        table.row(&[verdict(&count.verdict), &count.title, &count.code, &count.count.to_string()]);
    }
    section("合规决定（按原因）", &format!("{}{}", bars("按原因统计的合规决定", &labels), table.html()))
}

fn verdict(code: &str) -> &str {
    match code {
        "allow" => "放行",
        "allow_masked" => "脱敏放行",
        "review" => "人工复核",
        "block" => "拦截",
        other => other,
    }
}

fn tone(code: &str) -> &'static str {
    match code {
        "allow" | "allow_masked" => "good",
        "review" => "warn",
        _ => "bad",
    }
}

fn reviews(report: &Report) -> String {
    let parts = report.reviews.parts();
    if parts.iter().all(|(_, _, count)| *count == 0) {
        return String::new();
    }
    let mut table = Table::new(&["状态", "代码", "#件数"]);
    for (state, label, count) in parts {
        table.row(&[label, state.as_str(), &count.to_string()]);
    }
    section("人工复核", &table.html())
}

fn destinations(report: &Report) -> String {
    if report.destinations.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["目的地", "#已送达", "#未送达", "#结果不明", "#未完成", "#请求次数"]);
    for (name, count) in &report.destinations {
        let cells = [count.delivered, count.refused, count.in_doubt, count.unfinished, count.attempts];
        let cells = cells.map(|cell| cell.to_string());
        let [delivered, refused, in_doubt, unfinished, attempts] = &cells;
        table.row(&[name, delivered, refused, in_doubt, unfinished, attempts]);
    }
    section("投递", &table.html())
}

fn experiment(split: &Deviation) -> String {
    let verdict = if split.mismatch { "分流比例异常" } else { "分流比例正常" };
    let mut body = chart::split(split);
    let mut table = Table::new(&["方案", "#权重", "#人数", "#应有", "#偏移（百分点）"]);
    for arm in &split.arms {
        table.row(&[
            arm.variant.as_str(),
            &format!("{}.{:02}%", arm.weight / 100, arm.weight % 100),
            &arm.observed.to_string(),
            &format!("{:.1}", arm.expected),
            &format!("{:+.3}", arm.offset_points),
        ]);
    }
    body.push_str(&table.html());
    let _ = writeln!(
        body,
        "<p>{verdict}:χ² = {:.4}，自由度 {},p = {:.3e}；变异系数 {:.4}，最大偏移 {:.3} 个百分点；已下线方案 {} 人。</p>",
        split.chi_square,
        split.degrees_of_freedom,
        split.p_value,
        split.cv,
        split.largest_offset_points,
        split.other
    );
    section(&format!("实验 {}", split.experiment), &body)
}

fn orders(report: &Report) -> String {
    if report.orders.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["动作", "#笔数", "#无金额", "#金额"]);
    for (action, total) in &report.orders {
        let amount =
            i64::try_from(total.fen).map_or_else(|_| format!("{} 分", total.fen), |fen| Fen(fen).to_string());
        table.row(&[action, &total.entries.to_string(), &total.without_amount.to_string(), &amount]);
    }
    section("订单簿", &table.html())
}

fn queues(report: &Report) -> String {
    let mut table = Table::new(&["队列（全部租户）", "#消息数"]);
    for depth in &report.queues {
        table.row(&[&depth.queue, &depth.messages.to_string()]);
    }
    if report.queues.is_empty() { String::new() } else { section("队列", &table.html()) }
}

fn breaks(all: &[Break]) -> String {
    if all.is_empty() {
        return section("差异", "<p>没有差异。</p>\n");
    }
    let mut table = Table::new(&["类别", "代码", "事件", "追踪号", "#账龄", "状态", "说明"]);
    for found in all {
        let trace = found.trace_id.map(|trace| trace.to_string()).unwrap_or_default();
        table.row(&[
            found.title,
            found.class.code(),
            &found.key,
            &trace,
            &age(found.age_ms),
            found.state.label(),
            &found.detail,
        ]);
    }
    section("差异（账龄算至业务日终）", &table.html())
}

fn age(ms: i64) -> String {
    let minutes = ms.div_euclid(60_000);
    format!("{} 小时 {:02} 分", minutes.div_euclid(60), minutes.rem_euclid(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_can_not_leave_its_element_or_attribute() {
        assert_eq!(escaped("<script>\"'&\u{7}\n"), "&lt;script&gt;&quot;&#39;&amp;\u{fffd}\n");
    }
}
