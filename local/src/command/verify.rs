//! `sluice verify`: is a signature right, and if not, what would be?

use secrecy::SecretString;
use sluice_domain::scheme::{Credentials, Explanation, Received, explain};
use sluice_domain::time::UnixMillis;

use crate::cli::Verify;
use crate::exit::Exit;
use crate::input;
use crate::output::{CommandError, Output};

/// `sluice verify`. `now` is used when `--at` is not given.
///
/// # Errors
/// When an argument or a file can not be used.
pub fn run(args: &Verify, now: UnixMillis) -> Result<Output, CommandError> {
    let secret = secret(args)?;
    let body = args.body.as_deref().map(input::bytes).transpose()?.unwrap_or_default();
    let headers =
        args.headers.iter().map(|text| pair(text, ':', "--header")).collect::<Result<Vec<_>, _>>()?;
    let query = args.queries.iter().map(|text| pair(text, '=', "--query")).collect::<Result<Vec<_>, _>>()?;
    let received =
        Received::new(&args.method, headers.iter().map(|(name, value)| (*name, value.as_bytes())), &body)
            .with_query(query);
    let mut credentials = Credentials::of_secret(&secret);
    credentials.app_id = args.app_id.as_deref();
    credentials.digest = args.digest.into();
    if args.at.is_none() {
        // Old captures are what people verify: without a moment to compare with, only the signature counts.
        credentials.freshness_seconds = u32::MAX;
    }
    let at = args.at.map_or(now, |seconds| UnixMillis(seconds.saturating_mul(1_000)));
    let explanation = explain(args.scheme, &received, &credentials, at);
    let exit = if explanation.valid { Exit::Ok } else { Exit::No };
    Ok(Output::one(exit, text(&explanation), serde_json::json!(explanation)))
}

fn secret(args: &Verify) -> Result<SecretString, CommandError> {
    match (&args.secret, &args.secret_file) {
        (Some(secret), _) => Ok(SecretString::from(secret.as_str())),
        // An editor's last newline is no part of a secret.
        (None, Some(path)) => Ok(SecretString::from(input::text(path)?.trim_end_matches(['\r', '\n']))),
        (None, None) => Err(CommandError::usage("give the secret by --secret or --secret-file")),
    }
}

fn pair<'a>(text: &'a str, separator: char, option: &str) -> Result<(&'a str, &'a str), CommandError> {
    let (name, value) = text.split_once(separator).ok_or_else(|| {
        CommandError::usage(format!(
            "{option} takes `name{separator}value`, got {} characters without `{separator}`",
            text.chars().count()
        ))
    })?;
    let trims = separator == ':';
    Ok(if trims { (name.trim(), value.trim()) } else { (name, value) })
}

fn text(explanation: &Explanation) -> String {
    let mut lines = vec![
        format!("{}: {}", if explanation.valid { "valid" } else { "NOT valid" }, explanation.message),
        format!("scheme    {}: {}", explanation.scheme, explanation.algorithm),
    ];
    lines.extend(explanation.received.as_ref().map(|signature| format!("received  {signature}")));
    lines.extend(explanation.expected.as_ref().map(|signature| format!("expected  {signature}")));
    lines.extend(explanation.hints.iter().map(|hint| format!("hint      {}", hint.message)));
    lines.join("\n")
}
