//! Requests, as plain values.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use serde_json::{Value, json};
use sluice_domain::safety::CensorApi;
use sluice_ports::{HttpRequest, Reach};

use crate::endpoints::Endpoints;
use crate::error::{CensorError, Trouble};

/// The most texts of one request: the older API's limit, as its tools page has it; the other documents none.
pub const MOST_TEXTS: usize = 10;

/// Fetches a token. Concurrent processes get the same one from the open platform's *stable* call, and so never kill each other's.
pub(crate) fn token(api: CensorApi, endpoints: &Endpoints, app_id: &str, secret: &str) -> HttpRequest {
    let grant = "client_credential";
    match api {
        CensorApi::OpenPlatform => post(
            format!("{}/oauth/stable_client_token/", endpoints.douyin()),
            Vec::new(),
            &json!({ "client_key": app_id, "client_secret": secret, "grant_type": grant }),
        ),
        CensorApi::MiniApp => post(
            format!("{}/api/apps/v2/token", endpoints.toutiao()),
            Vec::new(),
            &json!({ "appid": app_id, "secret": secret, "grant_type": grant }),
        ),
    }
}

/// Asks about texts.
pub(crate) fn check(
    api: CensorApi,
    endpoints: &Endpoints,
    app_id: &str,
    token: &str,
    texts: &[&str],
) -> Result<HttpRequest, CensorError> {
    let header = |name: &'static str| {
        let mut value = HeaderValue::from_str(token)
            .map_err(|_| CensorError::new(Trouble::Malformed, "the token can not stand in a header"))?;
        value.set_sensitive(true);
        Ok((HeaderName::from_static(name), value))
    };
    Ok(match api {
        CensorApi::OpenPlatform => post(
            format!("{}/api/apps/v1/censor/text/", endpoints.douyin()),
            vec![header("access-token")?],
            &json!({ "app_id": app_id, "content": texts }),
        ),
        CensorApi::MiniApp => {
            let tasks: Vec<Value> = texts.iter().map(|text| json!({ "content": text })).collect();
            post(
                format!("{}/api/v2/tags/text/antidirt", endpoints.toutiao()),
                vec![header("x-token")?],
                &json!({ "tasks": tasks }),
            )
        }
    })
}

fn post(url: String, mut headers: Vec<(HeaderName, HeaderValue)>, body: &Value) -> HttpRequest {
    headers.push((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
    HttpRequest {
        method: Method::POST,
        url,
        headers,
        body: Bytes::from(body.to_string()),
        reach: Reach::Platform,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(request: &HttpRequest) -> Value {
        serde_json::from_slice(&request.body).unwrap()
    }

    fn shown(request: &HttpRequest) -> Vec<(String, String)> {
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        request.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
    }

    #[test]
    fn checks_are_as_the_platform_documents_them() {
        let endpoints = Endpoints::default();
        let texts = ["要检测的文本", "二"];
        let open = check(CensorApi::OpenPlatform, &endpoints, "tt1", "clt.1", &texts).unwrap();
        assert_eq!(open.url, "https://open.douyin.com/api/apps/v1/censor/text/");
        assert_eq!(body(&open), json!({ "app_id": "tt1", "content": ["要检测的文本", "二"] }));
        let json_type = ("content-type".to_owned(), "application/json".to_owned());
        assert_eq!(shown(&open), [("access-token".to_owned(), "clt.1".to_owned()), json_type.clone()]);
        let mini = check(CensorApi::MiniApp, &endpoints, "tt1", "0801", &texts).unwrap();
        assert_eq!(mini.url, "https://developer.toutiao.com/api/v2/tags/text/antidirt");
        assert_eq!(body(&mini), json!({ "tasks": [{ "content": "要检测的文本" }, { "content": "二" }] }));
        assert_eq!(shown(&mini), [("x-token".to_owned(), "0801".to_owned()), json_type]);
        assert!(
            open.headers.iter().chain(&mini.headers).filter(|(_, value)| value.is_sensitive()).count() == 2
        );
        assert!(check(CensorApi::MiniApp, &endpoints, "tt1", "a\nb", &texts).is_err());
    }

    #[test]
    fn tokens_are_asked_for_as_the_platform_documents_it() {
        let endpoints = Endpoints::default();
        let open = token(CensorApi::OpenPlatform, &endpoints, "tt1", "s");
        assert_eq!(open.url, "https://open.douyin.com/oauth/stable_client_token/");
        let grant = "client_credential";
        assert_eq!(body(&open), json!({ "client_key": "tt1", "client_secret": "s", "grant_type": grant }));
        let mini = token(CensorApi::MiniApp, &endpoints, "tt1", "s");
        assert_eq!(mini.url, "https://developer.toutiao.com/api/apps/v2/token");
        assert_eq!(body(&mini), json!({ "appid": "tt1", "secret": "s", "grant_type": grant }));
    }
}
