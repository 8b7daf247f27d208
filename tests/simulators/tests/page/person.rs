//! What a person does with a page — looks, waits, clicks, types — by the browser's own input events, and what they see on it.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::browser::Browser;

/// A person waits for so long until something shows.
const PATIENCE_MS: u32 = 20_000;

/// Somebody in front of a page.
pub(crate) struct Person(Browser);

impl Person {
    /// Opens the page and waits until it has loaded.
    pub(crate) fn open(url: &str) -> Self {
        let browser = Browser::start().unwrap_or_else(|error| panic!("{error}"));
        let mut person = Self(browser);
        person.ask("Page.navigate", &json!({ "url": url }));
        let loaded = |events: &VecDeque<Value>| {
            let mut events = events.iter();
            events.any(|it| it["method"] == "Page.frameNavigated" && it["params"]["frame"]["url"] == url)
                && events.any(|it| it["method"] == "Page.loadEventFired")
        };
        person.0.wait(loaded).unwrap_or_else(|error| panic!("`{url}` is not loaded: {error}"));
        person
    }

    pub(crate) fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        self.0.ask(method, parameters).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The value of an expression, or of what it promises, on the page.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.ask("Runtime.evaluate", &parameters);
        if let Some(thrown) = answer.get("exceptionDetails") {
            panic!("`{expression}`: {}", thrown["exception"]["description"]);
        }
        answer["result"]["value"].take()
    }

    /// Waits until this holds on the page, from change to change.
    pub(crate) fn sees(&mut self, condition: &str) {
        let held = self.value(&format!(
            "new Promise((done) => {{
                const holds = () => {{ try {{ return {condition}; }} catch {{ return false; }} }};
                const finish = (held) => {{ observer.disconnect(); clearTimeout(late); done(held); }};
                const check = () => holds() && finish(true);
                const observer = new MutationObserver(check);
                const late = setTimeout(() => finish(holds()), {PATIENCE_MS});
                observer.observe(document, {{ attributes: true, characterData: true, childList: true, subtree: true }});
                check();
            }})"
        ));
        if held != true {
            let page = self.value("document.body?.innerText");
            panic!(
                "after {PATIENCE_MS} ms `{condition}` does not hold on the page:\n{}",
                page.as_str().unwrap_or_default()
            );
        }
    }

    /// The text of the first such element, as it is shown.
    pub(crate) fn reads(&mut self, selector: &str) -> String {
        let text = self.value(&format!("document.querySelector({selector:?})?.innerText"));
        text.as_str().unwrap_or_else(|| panic!("`{selector}` is not on the page")).to_owned()
    }

    /// A click of the mouse in the middle of the element, which must not be covered.
    pub(crate) fn clicks(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{
                const element = document.querySelector({selector:?});
                element.scrollIntoView({{ block: 'center' }});
                const at = element.getBoundingClientRect();
                const [x, y] = [at.x + at.width / 2, at.y + at.height / 2];
                return element.contains(document.elementFromPoint(x, y)) ? {{ x, y }} : null;
            }})()"
        ));
        assert!(place.is_object(), "`{selector}` can not be clicked: it is covered or not shown");
        for kind in ["mousePressed", "mouseReleased"] {
            let (x, y) = (&place["x"], &place["y"]);
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", &event);
        }
    }

    /// One key, by its name: `Tab`, `Enter`, `ArrowDown`.
    pub(crate) fn presses(&mut self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "ArrowDown" => (40, ""),
            "Home" => (36, ""),
            other => panic!("`{other}` is on no keyboard here"),
        };
        let down = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
        for kind in [down, "keyUp"] {
            let event = json!({
                "type": kind, "key": key, "code": key, "text": text, "windowsVirtualKeyCode": code,
            });
            self.ask("Input.dispatchKeyEvent", &event);
        }
    }

    /// Chooses from a list with the keyboard.
    pub(crate) fn chooses(&mut self, selector: &str, value: &str) {
        let options = self.value(&format!(
            "(() => {{
                const list = document.querySelector({selector:?});
                list.focus();
                return [...list.options].map((option) => option.value);
            }})()"
        ));
        let place = options.as_array().and_then(|options| options.iter().position(|option| option == value));
        let place = place.unwrap_or_else(|| panic!("`{selector}` offers {options}, not `{value}`"));
        self.presses("Home");
        (0..place).for_each(|_| self.presses("ArrowDown"));
        let chosen = self.value(&format!("document.querySelector({selector:?}).value"));
        assert_eq!(chosen, value, "the keyboard does not choose from `{selector}`");
    }

    /// Types a text in the place of what is in the field.
    pub(crate) fn types(&mut self, selector: &str, text: &str) {
        self.value(&format!(
            "(() => {{ const field = document.querySelector({selector:?}); field.focus(); field.select(); }})()"
        ));
        if text.is_empty() {
            self.value("document.execCommand('delete')");
        } else {
            self.ask("Input.insertText", &json!({ "text": text }));
        }
    }

    /// Looks through a window of this size.
    pub(crate) fn resizes(&mut self, width: u32, height: u32, scale: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", &size);
    }

    /// What went wrong on the page since the last time: exceptions, errors and warnings of the console, dialogues, blocked contents.
    pub(crate) fn troubles(&mut self) -> Vec<String> {
        // Its answer comes after every event before it.
        self.value("0");
        self.0.events().filter_map(|event| trouble(&event)).collect()
    }
}

fn trouble(event: &Value) -> Option<String> {
    let told = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(told["exceptionDetails"].to_string()),
        "Runtime.consoleAPICalled"
            if ["error", "warning", "assert"].iter().any(|kind| told["type"] == *kind) =>
        {
            Some(told["args"].to_string())
        }
        "Log.entryAdded" => Some(format!("{}: {}", told["entry"]["source"].as_str()?, told["entry"]["text"])),
        "Page.javascriptDialogOpening" => Some(told["message"].to_string()),
        _ => None,
    }
}
