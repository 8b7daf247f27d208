//! `sluice link`: which links may be sent; signed links and their QR codes.

use serde_json::json;
use sluice_domain::id::TenantId;
use sluice_domain::link::{LinkRefusal, ToSign, claimed_tenant, link_to, sign_link, token_of, verify_link};
use sluice_domain::settings::{Settings, Tenant};
use sluice_ports::{KeyRing as _, Nonces as _};
use sluice_settings::CurrentSettings as _;

use crate::cli::{LinkCheck, LinkQr, LinkSign, LinkVerify};
use crate::exit::Exit;
use crate::output::{CommandError, FileContent, Output, OutputFile};
use crate::qr::Qr;
use crate::state::State;

const HOUR_MS: i64 = 3_600_000;

/// `sluice link check`.
///
/// # Errors
/// When the tenant is not configured.
pub fn check(args: &LinkCheck, settings: &Settings) -> Result<Output, CommandError> {
    let tenant = tenant(args.tenant.as_ref(), settings)?;
    let (exit, text, code) = match tenant.links.explain(&args.link) {
        Ok(()) => (Exit::Ok, "may be sent".to_owned(), None),
        Err(refusal) => (Exit::No, format!("may not be sent: {refusal}"), Some(refusal)),
    };
    let json = json!({
        "tenant": tenant.id,
        "allowed": code.is_none(),
        "code": code.map(LinkRefusal::code),
        "message": code.map(|refusal| refusal.to_string()),
    });
    Ok(Output::one(exit, text, json))
}

/// `sluice link sign`.
///
/// # Errors
/// When the landing page may not be sent, or there are no keys.
pub async fn sign(args: &LinkSign, state: &State) -> Result<Output, CommandError> {
    let settings = state.settings.current();
    let tenant = tenant(Some(&args.tenant), &settings)?;
    let refused = |refusal| CommandError::usage(format!("`--to` may not be sent: {refusal}"));
    tenant.links.explain(&args.to).map_err(refused)?;
    let keys = state.keys.keys(&tenant.id).await?;
    let what = ToSign {
        campaign: &args.campaign,
        destination: &args.to,
        reference: args.reference.clone(),
        expires_at: state.clock.now().plus_ms(i64::from(args.hours).saturating_mul(HOUR_MS)),
        nonce: sluice_embedded::SystemEntropy.nonce(),
        key: None,
    };
    let token = sign_link(&keys, &what).map_err(|error| CommandError::usage(error.to_string()))?;
    // Without a front door that is known from outside, the landing page gets the token and asks for itself.
    let link = match &tenant.links.door {
        Some(door) => format!("{}/links/{token}", door.trim_end_matches('/')),
        None => link_to(&args.to, &token),
    };
    let json = json!({
        "link": link,
        "token": token,
        "campaign": args.campaign,
        "destination": args.to,
        "expires_at": what.expires_at.as_secs(),
    });
    Ok(Output::one(Exit::Ok, link, json))
}

/// `sluice link verify`.
///
/// # Errors
/// When the keys can not be had.
pub async fn verify(args: &LinkVerify, state: &State) -> Result<Output, CommandError> {
    let token = token_of(&args.link);
    let no = |code: &str, message: String| {
        Output::one(
            Exit::No,
            format!("does not hold: {message}"),
            json!({ "valid": false, "code": code, "message": message }),
        )
    };
    let id = match claimed_tenant(token) {
        Ok(id) => id,
        Err(error) => return Ok(no(error.code(), error.to_string())),
    };
    let settings = state.settings.current();
    let Some(tenant) = settings.tenants.get(&id) else {
        return Ok(no("unknown_tenant", format!("it is of tenant `{id}`, which is not configured here")));
    };
    let keys = state.keys.keys(&id).await?;
    let link = match verify_link(&keys, token, tenant.links.oldest_key, state.clock.now()) {
        Ok(link) => link,
        Err(error) => return Ok(no(error.code(), error.to_string())),
    };
    if let Err(refusal) = tenant.links.explain(&link.destination) {
        return Ok(no("not_allowed", format!("its landing page may not be sent any more: {refusal}")));
    }
    let text =
        format!("holds until {}: campaign {}, leads to {}", link.expires_at, link.campaign, link.destination);
    let json = json!({
        "valid": true, "tenant": link.tenant, "campaign": link.campaign, "destination": link.destination,
        "reference": link.reference, "expires_at": link.expires_at.as_secs(), "key": link.key, "nonce": link.nonce,
    });
    Ok(Output::one(Exit::Ok, text, json))
}

/// `sluice link qr`.
///
/// # Errors
/// When the link may not be sent or does not fit.
pub fn qr(args: &LinkQr, settings: &Settings) -> Result<Output, CommandError> {
    let tenant = tenant(args.tenant.as_ref(), settings)?;
    let refused = |refusal| CommandError::usage(format!("the link may not be sent: {refusal}"));
    tenant.links.explain(&args.link).map_err(refused)?;
    let usage = |error: crate::qr::QrPictureError| CommandError::usage(error.to_string());
    let qr = Qr::new(&args.link).map_err(usage)?;
    let mut files = Vec::new();
    if let Some(path) = &args.svg {
        files.push(OutputFile { path: path.clone(), content: FileContent::Text(qr.svg()) });
    }
    if let Some(path) = &args.png {
        let scale = usize::try_from(args.scale).unwrap_or(8);
        files.push(OutputFile {
            path: path.clone(),
            content: FileContent::Bytes(qr.png(scale).map_err(usage)?),
        });
    }
    let names: Vec<_> = files.iter().map(|file| file.path.display().to_string()).collect();
    let text = format!("{}: {width} × {width} modules", names.join(", "), width = qr.width());
    let output = Output::one(Exit::Ok, text, json!({ "files": names, "modules": qr.width() }));
    Ok(Output { files, ..output })
}

fn tenant<'a>(id: Option<&TenantId>, settings: &'a Settings) -> Result<&'a Tenant, CommandError> {
    let found = match id {
        Some(id) => settings.tenants.get(id),
        None => settings.tenants.values().next(),
    };
    found.map(AsRef::as_ref).ok_or_else(|| CommandError::usage("no such tenant is configured"))
}
