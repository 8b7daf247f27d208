use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::Object;

/// What a script may name, by the names of the fields.
///
/// Values are what people typed, so a template gets them tidied: control, direction and other invisible characters are gone
/// (a name can't begin a line of its own), and at most 200 characters of each are shown.
#[derive(Clone)]
pub struct Variables {
    /// The company's name: the sender must be stated (广告法 art. 43).
    pub tenant: String,
    /// What the person did, in Chinese: `提交表单`.
    pub event: String,
    /// The person's name, masked unless the decision allows it plainly; `未提供` when unknown.
    pub name: String,
    /// The person's phone number, likewise.
    pub phone: String,
    /// Other values of the form, by label, likewise. A label that this form doesn't have is `未提供`, too: `form["城市"]`.
    pub form: BTreeMap<String, String>,
    /// When the callback arrived, in China Standard Time: `2026-11-21 14:05`.
    pub received_at: String,
    /// The arm of the experiment; empty outside any.
    pub variant: String,
    /// The customer-acquisition link with its channel; empty when the destination has none.
    pub acquisition_link: String,
}

/// Values are personal.
impl std::fmt::Debug for Variables {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Variables")
            .field("tenant", &self.tenant)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

impl Variables {
    /// What is shown for a value that the person did not give.
    pub const NOT_GIVEN: &'static str = "未提供";

    /// Made-up values, for checks and previews.
    pub fn example() -> Self {
        Self {
            tenant: "示例品牌".into(),
            event: "提交表单".into(),
            name: "张*".into(),
            phone: "138****8000".into(),
            form: BTreeMap::from([("城市".into(), "北京市".into())]),
            received_at: "2026-11-21 14:05".into(),
            variant: "plain".into(),
            acquisition_link: "https://work.weixin.qq.com/ca/example?customer_channel=v1.example".into(),
        }
    }
}

/// The most characters of one value.
const LONGEST: usize = 200;

impl Variables {
    /// Every name a script may use.
    pub(super) const NAMES: [&str; 8] =
        ["tenant", "event", "name", "phone", "form", "received_at", "variant", "acquisition_link"];

    /// As templates see it.
    pub(super) fn to_value(&self) -> Value {
        let text = |text: &str| Value::from(tidy(text));
        Value::from_pairs([
            ("tenant", text(&self.tenant)),
            ("event", text(&self.event)),
            ("name", text(&self.name)),
            ("phone", text(&self.phone)),
            ("form", Value::from_object(Form(self.form.clone()))),
            ("received_at", text(&self.received_at)),
            ("variant", text(&self.variant)),
            // Made by us, and no longer a link when it is cut.
            ("acquisition_link", Value::from(self.acquisition_link.as_str())),
        ])
    }
}

/// The form's values: every label has one, for people leave fields empty and forms change.
struct Form(BTreeMap<String, String>);

/// Values are personal.
impl std::fmt::Debug for Form {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Form({} labels)", self.0.len())
    }
}

impl Object for Form {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let value = key.as_str().and_then(|label| self.0.get(label));
        Some(value.map_or_else(|| Value::from(Variables::NOT_GIVEN), |value| Value::from(tidy(value))))
    }
}

fn tidy(text: &str) -> String {
    let kept: String = text.chars().filter(|char| !is_invisible(*char)).take(LONGEST + 1).collect();
    match kept.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", kept.get(..end).unwrap_or_default()),
        None => kept,
    }
}

/// Controls, line ends, direction marks and overrides, zero-width characters.
fn is_invisible(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{00AD}' | '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}
