//! Scripts (话术): versioned message templates.
//!
//! Templates are minijinja's; a name that a template uses and Sluice does not know is an error when the configuration is
//! checked, and never an empty string in a message. Values come masked unless the decision allows them plainly.

mod compiled;
mod masking;
mod rendered;
mod variables;

pub use masking::{mask, mask_name, mask_phone};
pub use rendered::{Picture, Rendered};
pub use variables::Variables;

use std::collections::BTreeMap;

use minijinja::{Environment, ErrorKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::failure::FailureKind;
use crate::id::ScriptId;
use crate::image::{Image, ImageName};
use compiled::{Compiled, LONGEST};

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
    /// The text, a template (minijinja syntax, undefined names are errors). Empty beside an image, which is sent alone.
    #[serde(default)]
    pub text: String,
    /// For channels whose platform has the text (WeChat templates): what its fields are filled with, each a template.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// The image that it sends in place of texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageName>,
    /// What can be read on the image, and what it shows: rules judge it in the picture's place. No template, as the picture is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_text: Option<String>,
    /// What is known of the image's file: filled in when the settings are built.
    #[serde(skip)]
    pub image_file: Option<Image>,
    /// Its words may want a review: then every message of it waits for one. Without, such a script is not published.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
    /// What it is rendered with.
    #[serde(skip)]
    compiled: Compiled,
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
    /// A name that is none of ours.
    #[error("script `{script}` uses `{name}` at line {line}, which does not exist; there are {}", Variables::NAMES.join(", "))]
    UnknownName {
        /// Which.
        script: ScriptId,
        /// The name.
        name: String,
        /// Where in its template, from 1.
        line: usize,
    },
    /// There is no such file beside the configuration.
    #[error("script `{script}` sends image `{image}`, which is not among the configuration's")]
    NoImage {
        /// Which.
        script: ScriptId,
        /// Its file.
        image: ImageName,
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
        if let Some((name, line)) = self.name_beyond(&Variables::NAMES)? {
            return Err(ScriptError::UnknownName { script: self.id.clone(), name, line });
        }
        self.render(&Variables::example()).map(|_| ())
    }

    /// The first name that the templates use, in any branch, and that is none of these, with its line in its template.
    ///
    /// # Errors
    /// [`ScriptError::Template`].
    pub fn name_beyond(&self, known: &[&str]) -> Result<Option<(String, usize)>, ScriptError> {
        let environment = Environment::new();
        for (_, source) in self.templates() {
            let template = environment.template_from_str(source).map_err(|error| self.unusable(&error))?;
            let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
            names.sort();
            if let Some(name) = names.into_iter().find(|name| !known.contains(&name.as_str())) {
                let line = source.lines().position(|line| line.contains(&name)).unwrap_or_default() + 1;
                return Ok(Some((name, line)));
            }
        }
        Ok(None)
    }

    /// Renders it.
    ///
    /// # Errors
    /// [`ScriptError::Template`], and [`ScriptError::NoImage`].
    pub fn render(&self, variables: &Variables) -> Result<Rendered, ScriptError> {
        let image = self.picture()?;
        let title = self.title.as_deref().map(|title| self.fill("title", title, variables)).transpose()?;
        let field = |(name, template): (&String, &String)| {
            Ok((name.clone(), self.fill(&format!("fields.{name}"), template, variables)?))
        };
        let fields = self.fields.iter().map(field).collect::<Result<_, ScriptError>>()?;
        Ok(Rendered { title, text: self.fill("text", &self.text, variables)?, fields, image })
    }

    fn picture(&self) -> Result<Option<Picture>, ScriptError> {
        let Some(name) = &self.image else { return Ok(None) };
        match &self.image_file {
            Some(file) if file.name == *name => {
                let text = self.image_text.clone().unwrap_or_default();
                Ok(Some(Picture { image: file.clone(), text }))
            }
            _ => Err(ScriptError::NoImage { script: self.id.clone(), image: name.clone() }),
        }
    }

    /// Lower-case hex SHA-256 of everything that is rendered: another text is another hash, and so is another picture under the same name,
    /// whatever its version says.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new_with_prefix("sluice/script/v1");
        let reference = self.image_file.as_ref().map(Image::reference).filter(|_| self.image.is_some());
        let pictured = [("image", reference.as_deref()), ("image_text", self.image_text.as_deref())];
        let pictured = pictured.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?)));
        let templates = self.templates().map(|(name, template)| (name, template.as_str()));
        for (name, text) in templates.chain(pictured) {
            for part in [name.as_str(), text] {
                hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                hash.update(part);
            }
        }
        hex::encode(hash.finalize())
    }

    /// The first 64 bits of it: what records keep.
    pub fn short_hash(&self) -> String {
        let mut hash = self.sha256();
        hash.truncate(16);
        hash
    }

    /// Every template of it, with its place: `title`, `text`, `fields.thing1`.
    pub fn templates(&self) -> impl Iterator<Item = (String, &String)> {
        let title = self.title.iter().map(|title| ("title".to_owned(), title));
        let fields = self.fields.iter().map(|(name, field)| (format!("fields.{name}"), field));
        title.chain([("text".to_owned(), &self.text)]).chain(fields)
    }

    fn fill(&self, name: &str, template: &str, variables: &Variables) -> Result<String, ScriptError> {
        let rendered = self.compiled.render((name, template), self.templates(), variables.to_value());
        rendered.map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, error: &minijinja::Error) -> ScriptError {
        let cause = match error.kind() {
            ErrorKind::OutOfFuel => "it does not come to an end (loops over too much)".to_owned(),
            ErrorKind::WriteFailure => format!("it becomes longer than {LONGEST} bytes"),
            kind => kind.to_string(),
        };
        ScriptError::Template { script: self.id.clone(), line: error.line().unwrap_or(0), cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ImageFormat;

    fn script(text: &str) -> Script {
        Script {
            id: ScriptId::new("greeting").unwrap(),
            version: 1,
            title: Some("{{ tenant }}".into()),
            text: text.into(),
            fields: BTreeMap::new(),
            image: None,
            image_text: None,
            image_file: None,
            waits: false,
            compiled: Compiled::default(),
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
        assert!(
            error
                .to_string()
                .starts_with("script `greeting` uses `nickname` at line 1, which does not exist"),
            "{error}"
        );
        assert!(script("{% if %}").check().is_err());
    }

    #[test]
    fn a_script_that_runs_on_or_grows_without_end_is_refused() {
        let lists = "[1,2,3,4,5,6,7,8,9,10]";
        let nested = format!("{{% for a in {lists} %}}").repeat(6);
        let ends = "{% endfor %}".repeat(6);
        let error = script(&format!("{nested}x{ends}")).check().unwrap_err().to_string();
        assert!(error.contains("does not come to an end"), "{error}");
        let long = "长".repeat(10_000);
        let error = script(&format!("{{% for a in {lists} %}}{long}{{% endfor %}}")).check().unwrap_err();
        assert!(error.to_string().contains("longer than 262144 bytes"), "{error}");
    }

    #[test]
    fn a_script_that_was_changed_after_it_was_compiled_renders_as_it_is_now() {
        let mut script = script("{{ tenant }}");
        let before = (script.sha256(), script.render(&Variables::example()).unwrap().text);
        script.text = "{{ event }}".into();
        assert_eq!(script.render(&Variables::example()).unwrap().text, "提交表单");
        assert_ne!(script.sha256(), before.0);
        let fields = BTreeMap::from([("thing1".to_owned(), "{{ name }}".to_owned())]);
        let filled = Script { fields, ..script.clone() };
        assert_eq!(filled.render(&Variables::example()).unwrap().fields["thing1"], "张*");
        assert_ne!(filled.sha256(), script.sha256());
    }

    #[test]
    fn a_script_with_an_image_renders_to_it_and_another_picture_is_another_script() {
        let image = |sha256: &str| Image {
            name: ImageName::new("promo.png").unwrap(),
            format: ImageFormat::Png,
            width: 1,
            height: 1,
            bytes: 1,
            sha256: sha256.into(),
        };
        let words = "【示例品牌】到店有礼 {{ name }}";
        let before = Script { title: None, ..script("") };
        let with = Script {
            image: Some(ImageName::new("promo.png").unwrap()),
            image_text: Some(words.into()),
            image_file: Some(image("aa")),
            ..before.clone()
        };
        let picture = with.render(&Variables::example()).unwrap().image.unwrap();
        assert_eq!((picture.image, picture.text.as_str()), (image("aa"), words));
        let other = Script { image_file: Some(image("bb")), ..with.clone() };
        let reworded = Script { image_text: Some("别的".into()), ..with.clone() };
        let hashes = [before.sha256(), with.sha256(), other.sha256(), reworded.sha256()];
        assert_eq!(std::collections::BTreeSet::from(hashes).len(), 4);
        let lost = Script { image_file: None, ..with };
        assert_eq!(
            lost.render(&Variables::example()).unwrap_err().to_string(),
            "script `greeting` sends image `promo.png`, which is not among the configuration's"
        );
    }

    #[test]
    fn values_are_no_templates() {
        let variables = Variables { name: "{{ phone }}".into(), ..Variables::example() };
        assert_eq!(script("{{ name }}").render(&variables).unwrap().text, "{{ phone }}");
    }

    #[test]
    fn a_name_in_a_branch_that_is_rarely_taken_is_found_as_well() {
        let error = script("{% if variant == 'rare' %}\n{{ nickname }}{% endif %}").check().unwrap_err();
        assert!(
            error.to_string().starts_with(
                "script `greeting` uses `nickname` at line 2, which does not exist; there are tenant"
            ),
            "{error}"
        );
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
