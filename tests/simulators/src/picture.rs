//! Images as platforms look at them: the forms that they come in, their first bytes, their size, and what a recipient would see.

use std::collections::HashMap;

use bytes::Bytes;
use http::header;
use sha2::{Digest as _, Sha256};

use crate::wire::Call;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xFF\xD8\xFF";
const GIF: &[u8] = b"GIF8";

/// JPG or PNG, which every platform takes.
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    bytes.starts_with(PNG) || bytes.starts_with(JPEG)
}

/// The same, or GIF.
pub(crate) fn is_plain_or_gif(bytes: &[u8]) -> bool {
    is_plain(bytes) || bytes.starts_with(GIF)
}

/// What stands for the picture among what recipients have seen: which one it is.
pub(crate) fn shown(bytes: &[u8]) -> String {
    format!("[image sha256:{}]", hex::encode(Sha256::digest(bytes)))
}

/// What was uploaded to one platform.
#[derive(Debug)]
pub(crate) struct Uploads {
    prefix: &'static str,
    count: u64,
    /// By name: the application, what a recipient would see, until when.
    known: HashMap<String, (usize, String, i64)>,
}

impl Uploads {
    pub(crate) fn new(prefix: &'static str) -> Self {
        Self { prefix, count: 0, known: HashMap::new() }
    }

    /// Keeps an image for an application; gives its name.
    pub(crate) fn keep(&mut self, application: usize, bytes: &[u8], ends_at: i64) -> String {
        self.count += 1;
        let name = format!("{}{:04}-{application}", self.prefix, self.count);
        self.known.insert(name.clone(), (application, shown(bytes), ends_at));
        name
    }

    /// What a recipient would see of an application's image, if it is still there.
    pub(crate) fn seen(&self, application: Option<usize>, name: &str, now: i64) -> Option<String> {
        let (owner, shown, ends_at) = self.known.get(name)?;
        (application.is_none_or(|application| application == *owner) && *ends_at > now).then(|| shown.clone())
    }

    /// Every image is gone.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
    }
}

/// One part of a form.
#[derive(Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) file: Option<String>,
    /// WeCom's and WeChat's own parameter.
    pub(crate) length: Option<usize>,
    pub(crate) media_type: Option<String>,
    pub(crate) content: Bytes,
}

/// The parts of a form (RFC 7578), read as strictly as the platforms' own examples are written.
pub(crate) fn parts(call: &Call) -> Option<Vec<Part>> {
    let kind = call.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let boundary = kind.strip_prefix("multipart/form-data; boundary=")?;
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = call.body.strip_prefix(format!("--{boundary}").as_bytes())?;
    let mut parts = Vec::new();
    loop {
        if rest == b"--\r\n" {
            return Some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let (part, after) = split(rest, delimiter.as_bytes())?;
        parts.push(read(part)?);
        rest = after;
    }
}

fn read(part: &[u8]) -> Option<Part> {
    let (head, content) = split(part, b"\r\n\r\n")?;
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    let disposition = lines.next()?.strip_prefix("Content-Disposition: form-data; ")?;
    let media_type = lines.next().map(|line| line.strip_prefix("Content-Type: ").map(str::to_owned));
    let parameter = |name: &str| {
        let value = disposition.split("; ").find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        value.map(|value| value.trim_matches('"').to_owned())
    };
    Some(Part {
        name: parameter("name")?,
        file: parameter("filename"),
        length: parameter("filelength").and_then(|length| length.parse().ok()),
        media_type: media_type.flatten(),
        content: Bytes::copy_from_slice(content),
    })
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = bytes.windows(at.len()).position(|window| window == at)?;
    Some((bytes.get(..place)?, bytes.get(place + at.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(kind: &str, body: &str) -> Call {
        let mut headers = http::HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        Call {
            method: http::Method::POST,
            path: String::new(),
            query: HashMap::new(),
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    /// WeCom's own example (WW90389).
    #[test]
    fn a_platforms_own_example_is_read() {
        let boundary = "-------------------------acebdf13572468";
        let body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"media\"; filename=\"wework.txt\"; filelength=6\r\nContent-Type: application/octet-stream\r\n\r\nmytext\r\n--{boundary}--\r\n"
        );
        let read = parts(&call(&format!("multipart/form-data; boundary={boundary}"), &body)).unwrap();
        let expected = Part {
            name: "media".into(),
            file: Some("wework.txt".into()),
            length: Some(6),
            media_type: Some("application/octet-stream".into()),
            content: Bytes::from_static(b"mytext"),
        };
        assert_eq!(read, [expected]);
    }

    #[test]
    fn what_is_no_whole_form_is_none() {
        for body in
            ["", "--b", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx", "--b\r\nx\r\n--b--\r\n"]
        {
            assert_eq!(parts(&call("multipart/form-data; boundary=b", body)), None, "{body}");
        }
        assert_eq!(parts(&call("application/json", "--b--\r\n")), None);
    }
}
