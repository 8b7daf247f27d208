use crate::{Counters, Seen};

/// What one platform has shown and counted.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) counters: Counters,
    /// Moved to the common list after every call.
    pub(crate) shown: Vec<Seen>,
}

impl Record {
    /// A send was carried out; these people saw it.
    pub(crate) fn committed(&mut self, seen: impl IntoIterator<Item = Seen>) {
        self.counters.committed += 1;
        self.shown.extend(seen);
    }
}

/// Every text a person would read in a message's content, in the order of the content.
pub(crate) fn visible(content: &serde_json::Value) -> String {
    fn gather(value: &serde_json::Value, texts: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        serde_json::Value::String(text)
                            if matches!(
                                name.as_str(),
                                "text" | "content" | "title" | "description" | "url" | "href"
                            ) =>
                        {
                            texts.push(text.clone());
                        }
                        other => gather(other, texts),
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
            _ => {}
        }
    }
    let mut texts = Vec::new();
    gather(content, &mut texts);
    texts.join("\n")
}
