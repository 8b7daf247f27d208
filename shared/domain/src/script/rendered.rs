//! What a script becomes.

use std::collections::BTreeMap;

use crate::image::Image;

const TITLE: &str = "title";
const MESSAGE: &str = "message";
const FIELDS: &str = "fields.";
const IMAGE_TEXT: &str = "image_text";

/// A rendered script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The title of a card.
    pub title: Option<String>,
    /// The text; empty beside an image.
    pub text: String,
    /// The fields of an approved template.
    pub fields: BTreeMap<String, String>,
    /// The image that is sent, alone.
    pub image: Option<Picture>,
}

/// An image and what can be read on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The image.
    pub image: Image,
    /// Its words.
    pub text: String,
}

impl Rendered {
    /// The name of the part that says which image it is: a reference to it, nothing that anybody reads.
    pub const IMAGE: &'static str = "image";

    /// Each text with the name that rules and evidence know it by: `title`, `message`, `fields.thing1`; of an image `image_text` alone.
    pub fn texts(&self) -> Vec<(String, &str)> {
        if let Some(picture) = &self.image {
            return vec![(IMAGE_TEXT.to_owned(), picture.text.as_str())];
        }
        let title = self.title.as_deref().map(|title| (TITLE.to_owned(), title));
        let fields = self.fields.iter().map(|(name, value)| (format!("{FIELDS}{name}"), value.as_str()));
        title.into_iter().chain([(MESSAGE.to_owned(), self.text.as_str())]).chain(fields).collect()
    }

    /// Everything that people approve in a review: the texts, and of an image which one it is.
    pub fn parts(&self) -> Vec<(String, String)> {
        let texts = self.texts().into_iter().map(|(name, text)| (name, text.to_owned()));
        let image = self.image.iter().map(|picture| (Self::IMAGE.to_owned(), picture.image.reference()));
        texts.chain(image).collect()
    }

    /// What such parts were rendered as; names that are none of these are left out. `image` is the script's by now: `None` when the parts
    /// name another one.
    pub fn of_parts<'a>(
        parts: impl IntoIterator<Item = (&'a str, &'a str)>,
        image: Option<&Image>,
    ) -> Option<Self> {
        let mut rendered = Self { title: None, text: String::new(), fields: BTreeMap::new(), image: None };
        let (mut reference, mut words) = (None, "");
        for (name, text) in parts {
            match name.strip_prefix(FIELDS) {
                Some(field) => drop(rendered.fields.insert(field.to_owned(), text.to_owned())),
                None if name == TITLE => rendered.title = Some(text.to_owned()),
                None if name == MESSAGE => text.clone_into(&mut rendered.text),
                None if name == Self::IMAGE => reference = Some(text),
                None if name == IMAGE_TEXT => words = text,
                None => {}
            }
        }
        if let Some(reference) = reference {
            let image = image.filter(|image| image.reference() == reference)?.clone();
            rendered.image = Some(Picture { image, text: words.to_owned() });
        }
        Some(rendered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{ImageFormat, ImageName};

    fn image(sha256: &str) -> Image {
        Image {
            name: ImageName::new("promo.png").unwrap(),
            format: ImageFormat::Png,
            width: 64,
            height: 40,
            bytes: 124,
            sha256: sha256.into(),
        }
    }

    fn back(rendered: &Rendered, image: Option<&Image>) -> Option<Rendered> {
        let parts = rendered.parts();
        Rendered::of_parts(parts.iter().map(|(name, text)| (name.as_str(), text.as_str())), image)
    }

    #[test]
    fn what_was_rendered_comes_back_from_its_parts() {
        let fields = BTreeMap::from([
            ("thing1".to_owned(), "预约".to_owned()),
            ("time2".to_owned(), "明天".to_owned()),
        ]);
        for rendered in [
            Rendered { title: Some("新线索".into()), text: "正文".into(), fields, image: None },
            Rendered { title: None, text: "正文".into(), fields: BTreeMap::new(), image: None },
        ] {
            assert_eq!(back(&rendered, None), Some(rendered));
        }
    }

    #[test]
    fn an_image_comes_back_as_the_one_that_was_read_or_not_at_all() {
        let picture = Picture { image: image("aa"), text: "【示例品牌】到店有礼".into() };
        let rendered =
            Rendered { title: None, text: String::new(), fields: BTreeMap::new(), image: Some(picture) };
        assert_eq!(rendered.texts(), [("image_text".to_owned(), "【示例品牌】到店有礼")]);
        assert_eq!(back(&rendered, Some(&image("aa"))), Some(rendered.clone()));
        assert_eq!(back(&rendered, Some(&image("bb"))), None);
        assert_eq!(back(&rendered, None), None);
    }
}
