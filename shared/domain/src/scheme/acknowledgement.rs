use super::Handshake;
use crate::source::SchemeName;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// What goes back to the platform: exactly what it wants to hear, or it will push again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Acknowledgement {
    /// The HTTP status.
    pub status: u16,
    /// The content type.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// Why a callback is not acknowledged; some platforms want to know in their own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// The HTTP status.
    pub status: u16,
    /// A stable code.
    pub code: &'a str,
    /// In words; neither secrets nor personal values.
    pub message: &'a str,
}

/// Within how many milliseconds of its arrival a callback is answered: below what the platform waits.
pub fn deadline_ms(scheme: SchemeName) -> u64 {
    match scheme {
        // The platform cuts the connection after 5 s; the ones without a documented limit are held to the same.
        SchemeName::OpenPlatform
        | SchemeName::MiniAppEncrypted
        | SchemeName::SecuredPayment
        | SchemeName::TradeSystem
        | SchemeName::Doudian
        | SchemeName::OceanEngine
        | SchemeName::WecomCallback
        | SchemeName::WechatPush => 4_000,
        // Feishu sends again after 3 s.
        SchemeName::FeishuEvents => 2_500,
        // 2 s: `can_buy`, customer-service push, live data.
        SchemeName::LifeSpi | SchemeName::MiniAppPush | SchemeName::LivePush => 1_500,
    }
}

impl Acknowledgement {
    fn json(body: impl Into<String>) -> Self {
        Self { status: 200, content_type: JSON, body: body.into() }
    }

    fn text(body: impl Into<String>) -> Self {
        Self { status: 200, content_type: TEXT, body: body.into() }
    }

    /// The callback is taken, durably.
    pub fn accepted(scheme: SchemeName) -> Self {
        match scheme {
            SchemeName::OpenPlatform
            | SchemeName::MiniAppPush
            | SchemeName::MiniAppEncrypted
            | SchemeName::LivePush
            | SchemeName::WecomCallback
            | SchemeName::WechatPush => Self::text("success"),
            SchemeName::FeishuEvents => Self::json("{}"),
            SchemeName::LifeSpi => Self::json(r#"{"data":{"error_code":0,"description":"success"}}"#),
            SchemeName::SecuredPayment | SchemeName::TradeSystem => {
                Self::json(r#"{"err_no":0,"err_tips":"success"}"#)
            }
            SchemeName::Doudian => Self::json(r#"{"code":0,"msg":"success"}"#),
            SchemeName::OceanEngine => Self::json(r#"{"BaseResp":{"StatusCode":200,"StatusMessage":"ok"}}"#),
        }
    }

    /// The answer to a handshake.
    pub fn handshake(scheme: SchemeName, handshake: &Handshake) -> Self {
        match handshake {
            Handshake::Challenge(number) => Self::json(format!(r#"{{"challenge":{number}}}"#)),
            Handshake::Echo(text) => Self::text(text.clone()),
            Handshake::OceanChallenge(number) => Self::json(format!(
                r#"{{"BaseResp":{{"StatusCode":200,"StatusMessage":"ok"}},"challenge":{number}}}"#
            )),
            Handshake::Probe => Self::accepted(scheme),
            Handshake::FeishuChallenge(text) => {
                Self::json(serde_json::json!({ "challenge": text }).to_string())
            }
        }
    }

    /// The callback is not taken. `scheme` is `None` while the source is unknown.
    ///
    /// Platforms that read a status in the body get it beside `error`, which is Sluice's own form everywhere.
    pub fn refused(scheme: Option<SchemeName>, refusal: Refusal<'_>) -> Self {
        let Refusal { status, code, message } = refusal;
        let error = serde_json::json!({ "code": code, "message": message });
        let body = match scheme {
            Some(SchemeName::Doudian) => serde_json::json!({ "code": 1, "msg": "fail", "error": error }),
            // 4xx: a business error, not pushed again; 5xx: pushed again.
            Some(SchemeName::OceanEngine) => serde_json::json!({
                "BaseResp": { "StatusCode": status, "StatusMessage": code }, "error": error,
            }),
            Some(SchemeName::SecuredPayment | SchemeName::TradeSystem) => {
                serde_json::json!({ "err_no": status, "err_tips": code, "error": error })
            }
            // `error_code` 100 is of the system class, which Douyin repeats; 1 is not.
            Some(SchemeName::LifeSpi) => serde_json::json!({
                "data": { "error_code": if status >= 500 { 100 } else { 1 }, "description": code }, "error": error,
            }),
            Some(
                SchemeName::OpenPlatform
                | SchemeName::MiniAppPush
                | SchemeName::MiniAppEncrypted
                | SchemeName::LivePush
                | SchemeName::WecomCallback
                | SchemeName::WechatPush
                | SchemeName::FeishuEvents,
            )
            | None => serde_json::json!({ "error": error }),
        };
        Self { status, content_type: JSON, body: body.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_hears_exactly_what_it_wants() {
        let accepted = |scheme| Acknowledgement::accepted(scheme).body;
        assert_eq!(accepted(SchemeName::OpenPlatform), "success");
        assert_eq!(accepted(SchemeName::Doudian), r#"{"code":0,"msg":"success"}"#);
        assert_eq!(accepted(SchemeName::SecuredPayment), r#"{"err_no":0,"err_tips":"success"}"#);
        assert_eq!(accepted(SchemeName::LifeSpi), r#"{"data":{"error_code":0,"description":"success"}}"#);
        let ocean = Acknowledgement::handshake(SchemeName::OceanEngine, &Handshake::OceanChallenge(7));
        assert_eq!(ocean.body, r#"{"BaseResp":{"StatusCode":200,"StatusMessage":"ok"},"challenge":7}"#);
        let open = Acknowledgement::handshake(SchemeName::OpenPlatform, &Handshake::Challenge(12345));
        assert_eq!((open.body.as_str(), open.content_type), (r#"{"challenge":12345}"#, JSON));
    }

    #[test]
    fn refusals_carry_the_machine_readable_code_and_the_platforms_own_form() {
        let refusal = Refusal { status: 503, code: "store_unavailable", message: "try again" };
        for scheme in SchemeName::ALL {
            let answer = Acknowledgement::refused(Some(scheme), refusal);
            let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(body["error"]["code"], "store_unavailable", "{scheme}");
            assert_eq!(answer.status, 503);
        }
        let doudian = Acknowledgement::refused(Some(SchemeName::Doudian), refusal).body;
        assert!(doudian.contains(r#""code":1"#) && doudian.contains(r#""msg":"fail""#));
        let ocean = Acknowledgement::refused(Some(SchemeName::OceanEngine), refusal).body;
        assert!(ocean.contains(r#""StatusCode":503"#));
    }

    #[test]
    fn deadlines_are_below_the_platforms() {
        for scheme in SchemeName::ALL {
            assert!(deadline_ms(scheme) < 5_000);
        }
        assert!(deadline_ms(SchemeName::LivePush) < 2_000);
    }
}
