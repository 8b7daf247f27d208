//! The page for people in a real browser, over the program as a user starts it. Without a browser these tests fail, and say what to
//! install.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can not be set up has failed")]
#![expect(clippy::indexing_slicing, reason = "JSON that lacks a field is null")]

mod browser;
mod person;
mod platforms;

use std::ffi::OsStr;

use browser::Browser;
use person::Person;
use platforms::Platforms;
use serde_json::json;

const GROUP: &str = "WeCom 企业微信 · bot · demo";

/// One inbox, by the beginning of its heading, as an expression.
fn inbox(name: &str) -> String {
    format!("[...document.querySelectorAll('.inbox')].find((it) => it.innerText.startsWith({name:?}))")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_message_appears_by_itself_under_its_recipient_and_stays_text() {
    let platforms = Platforms::start();
    let mut person = Person::open(&platforms.page);
    person.sees("document.body.innerText.includes('Nothing yet.')");
    person.value("window.loaded = 1");

    let text = "您好，<script>window.ran = 1</script>\n<img src=x onerror='window.ran = 1'> & <b>退订</b>";
    assert_eq!(platforms.to_group(text).await, (200, 0));
    assert_eq!(platforms.to_group("第二条").await, (200, 0));
    assert_eq!(platforms.to_person("预约已确认").await, 0);
    person.sees(&format!("{}.querySelectorAll('.message').length === 2", inbox(GROUP)));
    person.sees(&format!("{}.innerText.includes('预约已确认')", inbox("WeChat 微信 · custom · demo")));

    let newest_first =
        format!("[...{}.querySelectorAll('.message p')].map((it) => it.innerText)", inbox(GROUP));
    assert_eq!(person.value(&newest_first), json!(["第二条", text]));
    assert_eq!(person.value(&format!("{}.querySelectorAll('script, img, b').length", inbox(GROUP))), 0);
    assert_eq!(person.value("[window.loaded, window.ran ?? null]"), json!([1, null]));
    assert_eq!(person.troubles(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_inbox_shows_its_newest_messages_and_how_many_there_were() {
    let platforms = Platforms::start();
    let mut person = Person::open(&platforms.page);
    for number in 1..=7 {
        assert_eq!(platforms.to_group(&format!("第{number}条")).await, (200, 0));
    }
    person.sees(&format!("{}.innerText.includes('(newest 5 of 7)')", inbox(GROUP)));
    let texts = format!("[...{}.querySelectorAll('.message p')].map((it) => it.innerText)", inbox(GROUP));
    assert_eq!(person.value(&texts), json!(["第7条", "第6条", "第5条", "第4条", "第3条"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_fault_ordered_on_the_page_strikes_the_next_call() {
    let platforms = Platforms::start();
    let mut person = Person::open(&platforms.page);
    person.sees("document.querySelector('#faults').innerText === 'Nothing is ordered.'");
    person.chooses("[name=platform]", "wecom");
    person.chooses("[name=effect]", "status");
    person.types("[name=number]", "502");
    person.types("[name=times]", "2");
    person.clicks("#fault button:not([type])");
    let ordered = "WeCom 企业微信, sends and checks: HTTP status 502, × 2";
    person.sees(&format!("document.querySelector('#faults').innerText === {ordered:?}"));

    assert_eq!(platforms.to_group("一").await.0, 502);
    person.sees("document.querySelector('#faults').innerText.endsWith('× 1')");
    assert_eq!(platforms.to_group("二").await.0, 502);
    assert_eq!(platforms.to_group("三").await, (200, 0));
    person.sees("document.querySelector('#faults').innerText === 'Nothing is ordered.'");
    person.sees(&format!("{}.innerText.endsWith('三')", inbox(GROUP)));
    assert_eq!(person.value(&format!("{}.querySelectorAll('.message').length", inbox(GROUP))), 1);
    assert_eq!(person.troubles(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_effect_that_the_page_offers_is_taken_and_taken_back() {
    let platforms = Platforms::start();
    let mut person = Person::open(&platforms.page);
    person.sees("document.querySelector('[name=platform]').options.length === 7");
    person.chooses("[name=platform]", "wechat");
    person.chooses("[name=place]", "token");
    let effects = person.value("[...document.querySelector('[name=effect]').options].map((it) => it.value)");
    let effects: Vec<String> = serde_json::from_value(effects).unwrap();
    for (before, effect) in effects.iter().enumerate() {
        person.chooses("[name=effect]", effect);
        // As one does without a mouse.
        person.value("document.querySelector('[name=times]').focus()");
        person.presses("Enter");
        person.sees(&format!("document.querySelectorAll('#faults li:not(.none)').length === {}", before + 1));
    }
    let state = platforms.state().await;
    let ordered = state["faults"].as_array().unwrap();
    let kinds: Vec<_> = ordered.iter().map(|fault| fault["effect"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, effects);
    assert!(
        ordered.iter().all(|fault| fault["platform"] == "wechat" && fault["place"] == "token"),
        "{state}"
    );

    person.clicks("#calm");
    person.sees("document.querySelector('#faults').innerText === 'Nothing is ordered.'");
    assert_eq!(platforms.state().await["faults"], json!([]));
    assert_eq!(person.troubles(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn people_do_what_the_page_says_and_who_is_not_there_is_named() {
    let platforms = Platforms::start();
    let mut person = Person::open(&platforms.page);
    let acts = person.value("[...document.querySelector('[name=does]').options].map((it) => it.value)");
    for act in serde_json::from_value::<Vec<String>>(acts).unwrap() {
        person.chooses("[name=does]", &act);
        person.sees("document.querySelector('#person [role=status]').textContent === ''");
        person.clicks("#person button");
        person.sees("document.querySelector('#person [role=status]').innerText === 'Done.'");
    }
    assert_eq!(person.troubles(), Vec::<String>::new());
    assert_eq!(platforms.to_person("已退订").await, 48_002);

    person.chooses("[name=does]", "wechat_writes");
    person.types("[name=app_id]", "wx_other");
    person.clicks("#person button");
    let told = "there is no WeChat account `wx_other`";
    person.sees(&format!("document.querySelector('#person [role=alert]').innerText === {told:?}"));
    assert_eq!(person.reads("#person [role=status]"), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_clock_moved_on_the_page_opens_and_closes_windows() {
    let platforms = Platforms::start();
    let mut person = Person::open(&platforms.page);
    for _ in 0..20 {
        assert_eq!(platforms.to_group("一分钟二十条").await, (200, 0));
    }
    assert_eq!(platforms.to_group("第二十一条").await, (200, 45_009));
    let counted =
        "[...document.querySelectorAll('#counters tr')].map((row) => row.innerText.replaceAll(/\\s+/g, ' '))";
    person.sees(&format!("{counted}.includes('WeCom 企业微信 21 20 0 1 0 0 0 0')"));
    let columns = person.value("document.querySelectorAll('#head th').length");
    let counters = &platforms.state().await["counters"]["wecom"];
    assert_eq!(columns, counters.as_object().unwrap().len(), "what is counted is shown");
    let day = |person: &mut Person| person.reads("#clock").chars().take(10).collect::<String>();
    person.sees("document.querySelector('#clock').innerText !== ''");
    let today = day(&mut person);
    person.clicks("#time [value='60000']");
    let moved = "Math.abs(Date.parse(document.querySelector('#clock').innerText.replace(' ', 'T') + '+08:00') - Date.now()";
    person.sees(&format!("{moved} - 60_000) < 20_000"));
    assert_eq!(platforms.to_group("又一分钟").await, (200, 0));

    assert_eq!(platforms.to_person("四十八小时内").await, 0);
    person.clicks("#time [value='172800000']");
    person.sees(&format!("{moved} - 172_860_000) < 20_000"));
    assert_ne!(day(&mut person), today);
    assert_eq!(platforms.to_person("四十八小时后").await, 45_015);

    // The person writes again.
    person.clicks("#person button");
    person.sees("document.querySelector('#person [role=status]').innerText === 'Done.'");
    assert_eq!(platforms.to_person("又可以了").await, 0);
    assert_eq!(person.troubles(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_an_order_lacks_is_told_beside_it_until_the_next_try() {
    let platforms = Platforms::start();
    let mut person = Person::open(&platforms.page);
    person.sees("document.querySelector('[name=platform]').options.length === 7");
    // The browser itself says what is missing, and leads there.
    person.types("[name=times]", "");
    person.clicks("#fault button:not([type])");
    assert_eq!(person.value("document.activeElement.matches('[name=times]:invalid')"), true);
    assert_eq!(platforms.state().await["faults"], json!([]));
    assert_eq!(person.troubles(), Vec::<String>::new());

    person.types("[name=times]", "5000000000");
    person.clicks("#fault button:not([type])");
    person.sees("document.querySelector('#fault [role=alert]').innerText.includes('5000000000')");
    let clock = person.reads("#clock");
    person.sees(&format!("document.querySelector('#clock').innerText > {clock:?}"));
    let told = person.reads("#fault [role=alert]");
    assert!(told.starts_with("unreadable request: invalid value: integer `5000000000`"), "{told}");
    let refused =
        "network: \"Failed to load resource: the server responded with a status of 400 (Bad Request)\"";
    assert_eq!(person.troubles(), [refused]);

    person.types("[name=times]", "1");
    person.clicks("#fault button:not([type])");
    person.sees("document.querySelectorAll('#faults li:not(.none)').length === 1");
    assert_eq!(person.value("document.querySelector('#fault [role=alert]').textContent"), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_cut_is_told_and_ends_by_itself() {
    const TOLD: &str =
        "document.querySelector('#connection').innerText.startsWith('The simulators do not answer.')";
    let platforms = Platforms::start();
    let mut person = Person::open(&platforms.page);
    assert_eq!(platforms.to_group("之前").await, (200, 0));
    person.sees(&format!("{}.innerText.includes('之前')", inbox(GROUP)));

    // The page is cut off; the platforms go on.
    let network = |offline| json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
    person.ask("Network.emulateNetworkConditions", &network(true));
    person.sees(TOLD);
    person.clicks("#time [value='60000']");
    person.sees("document.querySelector('#time [role=alert]').innerText === 'The simulators do not answer.'");
    assert_eq!(platforms.to_group("其间").await, (200, 0));
    person.ask("Network.emulateNetworkConditions", &network(false));
    person.sees(&format!("{}.innerText.includes('其间')", inbox(GROUP)));
    person.sees("document.querySelector('#connection').textContent === ''");

    // The program ends; another one has seen nothing.
    let platforms = platforms.started_again();
    person.sees("document.body.innerText.includes('Nothing yet.')");
    assert_eq!(platforms.to_group("之后").await, (200, 0));
    person.sees(&format!("{}.innerText.includes('之后')", inbox(GROUP)));
    assert_eq!(person.value(&format!("{}.querySelectorAll('.message').length", inbox(GROUP))), 1);
    person.sees("document.querySelector('#connection').textContent === ''");
    drop(platforms);
    person.sees(TOLD);
    let troubles = person.troubles();
    assert!(
        troubles.iter().all(|it| it.starts_with("network: \"Failed to load resource: net::ERR_")),
        "{troubles:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_control_has_a_name_and_is_reached_by_keyboard() {
    let platforms = Platforms::start();
    let mut person = Person::open(&platforms.page);
    person.chooses("[name=effect]", "status");
    let tree = person.ask("Accessibility.getFullAXTree", &json!({}));
    let named = |role: &str| -> Vec<String> {
        let nodes = tree["nodes"].as_array().unwrap().iter().filter(|node| node["role"]["value"] == role);
        nodes.map(|node| node["name"]["value"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let sections =
        ["What each recipient saw", "Clock", "What people do", "What the next calls meet", "Counted"];
    assert_eq!(named("region"), sections);
    assert_eq!(named("button"), ["+ 1 min", "+ 1 h", "+ 1 day", "+ 48 h", "Do it", "Order", "Take all back"]);
    assert_eq!(named("combobox"), ["Somebody", "Platform", "Calls", "What happens"]);
    assert_eq!(named("textbox"), ["Account", "Person"]);
    assert_eq!(named("spinbutton"), ["Status", "Times"]);

    // From the top, Tab goes through everything that can be used, in its order, and shows where it is.
    person.clicks("h1");
    let stops = "[...document.querySelectorAll('button, select, input:not(:disabled), [tabindex]')]";
    for stop in 0..person.value(&format!("{stops}.length")).as_i64().unwrap() {
        person.presses("Tab");
        assert_eq!(person.value(&format!("{stops}.indexOf(document.activeElement)")), stop);
        assert_ne!(person.value("getComputedStyle(document.activeElement).outlineStyle"), "none", "{stop}");
    }
    assert_eq!(person.troubles(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_narrow_screen_shows_everything_without_moving_sideways() {
    let platforms = Platforms::start();
    let mut person = Person::open(&platforms.page);
    person.resizes(320, 640, 1);
    assert_eq!(platforms.to_group(&("长".repeat(300) + &"x".repeat(300))).await, (200, 0));
    person.sees(&format!("{} && document.querySelectorAll('#counters tr').length === 7", inbox(GROUP)));
    person.chooses("[name=effect]", "status");
    person.clicks("#fault button:not([type])");
    person.sees("document.querySelectorAll('#faults li:not(.none)').length === 1");
    let wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(person.value(wider), 0);
    assert_eq!(person.troubles(), Vec::<String>::new());
}

#[test]
fn a_missing_browser_is_named_with_what_to_install() {
    let error = Browser::start_program(OsStr::new("/nowhere/chromium")).err().unwrap().to_string();
    assert!(error.contains("`/nowhere/chromium`") && error.contains("`apt-get install chromium`"), "{error}");
}
