//! Scripts (话术): versioned message templates.
//!
//! Templates are minijinja's; a name that a template uses and Sluice does not know is an error when the configuration is
//! checked, and never an empty string in a message. Values come masked unless the decision allows them plainly.

mod masking;
mod variables;

pub use masking::{mask, mask_name, mask_phone};
pub use variables::Variables;

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};

use crate::failure::FailureKind;
use crate::id::ScriptId;

/// One script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Its name.
    pub id: ScriptId,
    /// Grows with every change of the text.
    pub version: u32,
    /// The title of a card, a template.
    #[serde(default)]
    pub title: Option<String>,
    /// The text, a template (minijinja syntax, undefined names are errors).
    pub text: String,
    /// For channels whose platform has the text (WeChat templates): what its fields are filled with, each a template.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// A rendered script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The title of a card.
    pub title: Option<String>,
    /// The text.
    pub text: String,
    /// The fields of an approved template.
    pub fields: BTreeMap<String, String>,
}

/// Why a script does not render. It quotes nothing of the person's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// The template is no template, or uses a name that does not exist.
    #[error("script `{script}` is not usable at line {line}: {cause}")]
    Template {
        /// Which.
        script: ScriptId,
        /// Where, from 1; 0 when it can not be told.
        line: usize,
        /// The kind of error, in the template engine's words.
        cause: String,
    },
    /// A name that only some messages would have come across.
    #[error("script `{script}` uses `{name}`, which does not exist")]
    UnknownName {
        /// Which.
        script: ScriptId,
        /// The name.
        name: String,
    },
}

impl ScriptError {
    /// A person must mend the script.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }
}

impl Script {
    /// Renders it with every variable filled in, to find out whether it can be rendered at all, and looks at every name it uses.
    ///
    /// # Errors
    /// [`ScriptError`].
    pub fn check(&self) -> Result<(), ScriptError> {
        self.render(&Variables::example())?;
        // Branches that the example does not take count as well.
        let environment = Environment::new();
        for template in self.templates() {
            let template = environment.template_from_str(template).map_err(|error| self.unusable(&error))?;
            let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
            names.sort();
            if let Some(name) = names.into_iter().find(|name| !Variables::NAMES.contains(&name.as_str())) {
                return Err(ScriptError::UnknownName { script: self.id.clone(), name });
            }
        }
        Ok(())
    }

    /// Renders it.
    ///
    /// # Errors
    /// [`ScriptError::Template`].
    pub fn render(&self, variables: &Variables) -> Result<Rendered, ScriptError> {
        let title = self.title.as_deref().map(|title| self.fill(title, variables)).transpose()?;
        let field =
            |(name, template): (&String, &String)| Ok((name.clone(), self.fill(template, variables)?));
        let fields = self.fields.iter().map(field).collect::<Result<_, ScriptError>>()?;
        Ok(Rendered { title, text: self.fill(&self.text, variables)?, fields })
    }

    /// Every template of it.
    pub fn templates(&self) -> impl Iterator<Item = &String> {
        self.title.iter().chain([&self.text]).chain(self.fields.values())
    }

    fn fill(&self, template: &str, variables: &Variables) -> Result<String, ScriptError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.render_str(template, variables.to_value()).map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, error: &minijinja::Error) -> ScriptError {
        ScriptError::Template {
            script: self.id.clone(),
            line: error.line().unwrap_or(0),
            cause: error.kind().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Script {
        Script {
            id: ScriptId::new("greeting").unwrap(),
            version: 1,
            title: Some("{{ tenant }}".into()),
            text: text.into(),
            fields: BTreeMap::new(),
        }
    }

    #[test]
    fn a_script_is_filled_with_its_variables() {
        let rendered = script("【{{ tenant }}】{{ name }} {{ phone }} {{ form['城市'] }}")
            .render(&Variables::example())
            .unwrap();
        assert_eq!(rendered.title.as_deref(), Some("示例品牌"));
        assert_eq!(rendered.text, "【示例品牌】张* 138****8000 北京市");
    }

    #[test]
    fn a_name_that_does_not_exist_is_an_error_and_not_an_empty_text() {
        let error = script("{{ nickname }}").check().unwrap_err();
        assert_eq!(error.to_string(), "script `greeting` is not usable at line 1: undefined value");
        assert!(script("{% if %}").check().is_err());
    }

    #[test]
    fn values_are_no_templates() {
        let variables = Variables { name: "{{ phone }}".into(), ..Variables::example() };
        assert_eq!(script("{{ name }}").render(&variables).unwrap().text, "{{ phone }}");
    }

    #[test]
    fn a_name_in_a_branch_that_is_rarely_taken_is_found_as_well() {
        let error = script("{% if variant == 'rare' %}{{ nickname }}{% endif %}").check().unwrap_err();
        assert_eq!(error.to_string(), "script `greeting` uses `nickname`, which does not exist");
        assert!(
            script("{% for label in ['城市'] %}{{ form[label] }}{% endfor %}{% set x = name %}{{ x }}")
                .check()
                .is_ok()
        );
    }

    #[test]
    fn a_label_that_was_not_filled_in_reads_as_not_given() {
        let rendered = script("{{ form['需求'] }}").render(&Variables::example()).unwrap();
        assert_eq!(rendered.text, "未提供");
    }

    #[test]
    fn typed_values_can_neither_begin_a_line_nor_turn_the_text_round_nor_fill_the_card() {
        let name = "张\n【系统】\u{202E}三\u{200B}".to_owned();
        let form = [("需求".to_owned(), "长".repeat(1_000))].into();
        let variables = Variables { name, form, ..Variables::example() };
        let rendered = script("{{ name }}|{{ form['需求'] }}").render(&variables).unwrap();
        assert_eq!(rendered.text, format!("张【系统】三|{}…", "长".repeat(200)));
    }

    proptest::proptest! {
        #[test]
        fn no_template_panics(text in "([a-z{}%# .|'\\[\\]()]|\\{\\{|\\}\\}|\\{%|%\\}|name|form|if |for |in |endif|endfor|.){0,40}") {
            let _ = script(&text).check();
        }

        #[test]
        fn a_script_that_passes_its_check_renders_whatever_people_typed(name in ".{0,300}", value in ".{0,300}", label in ".{0,20}") {
            let script = script("{{ tenant }} {{ name }} {{ form['城市'] }} {% if phone %}{{ phone }}{% endif %}");
            script.check().unwrap();
            let variables = Variables { name, form: [(label, value)].into(), ..Variables::example() };
            let rendered = script.render(&variables).unwrap();
            proptest::prop_assert!(!rendered.text.contains('\n'));
            proptest::prop_assert!(rendered.text.chars().count() < 500);
        }
    }
}
