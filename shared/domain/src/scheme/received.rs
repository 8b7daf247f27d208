use std::borrow::Cow;

use super::VerifyError;

/// A request as it came in, nothing about it proven.
#[derive(Debug, Clone)]
pub struct Received<'a> {
    method: &'a str,
    query: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    headers: Vec<(&'a str, &'a [u8])>,
    body: &'a [u8],
}

impl<'a> Received<'a> {
    /// A request without query parameters. `body` is the raw body: base64 of a gateway is already taken off.
    pub fn new(
        method: &'a str,
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        body: &'a [u8],
    ) -> Self {
        Self { method, query: Vec::new(), headers: headers.into_iter().collect(), body }
    }

    /// Takes the query string as it stood in the address, without `?`.
    #[must_use]
    pub fn with_query_string(mut self, raw: &'a str) -> Self {
        let pairs = raw.split('&').filter(|pair| !pair.is_empty());
        self.query = pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (percent_decoded(name), percent_decoded(value)))
            .collect();
        self
    }

    /// Takes query parameters that are decoded already.
    #[must_use]
    pub fn with_query(mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.query =
            pairs.into_iter().map(|(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value))).collect();
        self
    }

    /// The same request with another body.
    #[must_use]
    pub(super) fn with_body<'b>(&'b self, body: &'b [u8]) -> Received<'b> {
        Received {
            method: self.method,
            query: self.query().map(|(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value))).collect(),
            headers: self.headers.clone(),
            body,
        }
    }

    /// The method, as it came.
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// Is it a `GET`?
    pub fn is_get(&self) -> bool {
        self.method.eq_ignore_ascii_case("GET")
    }

    /// The raw body.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The raw body as text.
    ///
    /// # Errors
    /// [`VerifyError::BodyNotUtf8`].
    pub fn text(&self) -> Result<&'a str, VerifyError> {
        std::str::from_utf8(self.body).map_err(|_| VerifyError::BodyNotUtf8)
    }

    /// Every query parameter, decoded, in the order they came.
    pub fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Every header, in the order they came.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + '_ {
        self.headers.iter().copied()
    }

    /// A query parameter that comes at most once.
    ///
    /// # Errors
    /// [`VerifyError::QueryDuplicated`].
    pub fn find_query(&self, name: &'static str) -> Result<Option<&str>, VerifyError> {
        let mut found = self.query().filter(|(key, _)| *key == name).map(|(_, value)| value);
        let first = found.next();
        if found.next().is_some() { Err(VerifyError::QueryDuplicated(name)) } else { Ok(first) }
    }

    /// A query parameter that must come once.
    ///
    /// # Errors
    /// [`VerifyError::QueryMissing`] or [`VerifyError::QueryDuplicated`].
    pub fn need_query(&self, name: &'static str) -> Result<&str, VerifyError> {
        self.find_query(name)?.ok_or(VerifyError::QueryMissing(name))
    }

    /// A header that comes at most once; names are compared without case.
    ///
    /// # Errors
    /// [`VerifyError::HeaderDuplicated`] or [`VerifyError::HeaderNotText`].
    pub fn find_header(&self, name: &'static str) -> Result<Option<&'a str>, VerifyError> {
        let mut found = self.headers().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let Some((_, value)) = found.next() else { return Ok(None) };
        if found.next().is_some() {
            return Err(VerifyError::HeaderDuplicated(name));
        }
        let text = std::str::from_utf8(value).map_err(|_| VerifyError::HeaderNotText(name))?;
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(VerifyError::HeaderNotText(name));
        }
        Ok(Some(text.trim()))
    }

    /// A header that must come once.
    ///
    /// # Errors
    /// [`VerifyError::HeaderMissing`], [`VerifyError::HeaderDuplicated`] or [`VerifyError::HeaderNotText`].
    pub fn need_header(&self, name: &'static str) -> Result<&'a str, VerifyError> {
        self.find_header(name)?.ok_or(VerifyError::HeaderMissing(name))
    }

    /// A header that holds a signature.
    ///
    /// HTTP APIs of AWS join repeated headers with a comma; no scheme's signature has one.
    pub(super) fn signature_header(&self, name: &'static str) -> Result<&'a str, VerifyError> {
        let value = self.need_header(name)?;
        if value.contains(',') { Err(VerifyError::HeaderDuplicated(name)) } else { Ok(value) }
    }
}

/// `application/x-www-form-urlencoded` decoding; what does not decode stays as it is.
fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'+', _) => out.push(b' '),
            (b'%', [high, low, after @ ..]) => match (hex_digit(*high), hex_digit(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = after;
                }
                _ => out.push(b'%'),
            },
            (other, _) => out.push(*other),
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_in_any_case_and_refused_when_doubled() {
        let one = Received::new("POST", [("x-douyin-SIGNATURE", b"ab".as_slice())], b"");
        assert_eq!(one.need_header("X-Douyin-Signature"), Ok("ab"));
        let two = Received::new("POST", [("A", b"1".as_slice()), ("a", b"1".as_slice())], b"");
        assert_eq!(two.need_header("a"), Err(VerifyError::HeaderDuplicated("a")));
        let joined = Received::new("POST", [("a", b"1,2".as_slice())], b"");
        assert_eq!(joined.signature_header("a"), Err(VerifyError::HeaderDuplicated("a")));
    }

    #[test]
    fn query_strings_are_decoded_once() {
        let request = Received::new("GET", [], b"").with_query_string("a=%E4%BD%A0+%2B&b&c=%zz&&a%3D=1");
        let pairs: Vec<_> = request.query().collect();
        assert_eq!(pairs, [("a", "你 +"), ("b", ""), ("c", "%zz"), ("a=", "1")]);
        assert_eq!(request.need_query("d"), Err(VerifyError::QueryMissing("d")));
    }
}
