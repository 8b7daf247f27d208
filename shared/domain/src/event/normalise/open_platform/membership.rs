//! Authorisations, follows, comments and groups.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::{EventKind, Facts, NormaliseError};
use super::{Envelope, content};
use crate::event::wire::Text;
use crate::event::{PersonalField, Subject};

/// `operation_type` and `auth_status` of `im_authorize`: 1 is given, everything else is not.
const AUTHORISED: i64 = 1;
/// `action_type` of a follow; 2 is the opposite, the others concern administrators and blocking.
const FOLLOWED: i64 = 1;

#[derive(Deserialize)]
struct MessageAuthorisation<'a> {
    #[serde(borrow, default)]
    create_time: Text<'a>,
    #[serde(borrow, default)]
    update_time: Text<'a>,
    #[serde(borrow, default)]
    expire_time: Text<'a>,
    #[serde(borrow, default)]
    operation_type: Text<'a>,
    #[serde(borrow, default)]
    auth_status: Text<'a>,
}

pub(super) fn message_authorisation(envelope: &Envelope<'_>, name: &str) -> Result<Facts, NormaliseError> {
    let holder: Cow<'_, str>;
    let change: MessageAuthorisation<'_> = content!(envelope, holder);
    // Fail closed: only a clear "given" is one, and one "taken back" among the two fields takes it back.
    let says = [change.operation_type.int(), change.auth_status.int()];
    let given = says.contains(&Some(AUTHORISED)) && says.iter().flatten().all(|value| *value == AUTHORISED);
    let mut facts = Facts::new(if given { EventKind::Authorize } else { EventKind::Unauthorize }, name);
    facts.occurred_at = change.update_time.moment().or_else(|| change.create_time.moment());
    facts.subject = Subject::Authorization {
        scopes: vec!["im.authorize_message".to_owned()],
        expires_at: change.expire_time.moment(),
    };
    Ok(facts)
}

#[derive(Deserialize)]
struct Scopes<'a> {
    #[serde(borrow, default)]
    scopes: Option<Vec<Text<'a>>>,
}

pub(super) fn scopes(envelope: &Envelope<'_>, name: &str, kind: EventKind) -> Result<Facts, NormaliseError> {
    let holder: Cow<'_, str>;
    let change: Scopes<'_> = content!(envelope, holder);
    let mut facts = Facts::new(kind, name);
    let scopes = change.scopes.unwrap_or_default().iter().filter_map(Text::owned).collect();
    facts.subject = Subject::Authorization { scopes, expires_at: None };
    Ok(facts)
}

#[derive(Deserialize)]
struct Follow<'a> {
    #[serde(borrow, default)]
    action_type: Text<'a>,
    #[serde(borrow, default)]
    action_time: Text<'a>,
}

pub(super) fn follow(envelope: &Envelope<'_>, name: &str) -> Result<Facts, NormaliseError> {
    let holder: Cow<'_, str>;
    let follow: Follow<'_> = content!(envelope, holder);
    let followed = follow.action_type.int() == Some(FOLLOWED);
    let mut facts = Facts::new(if followed { EventKind::Follow } else { EventKind::Unhandled }, name);
    facts.occurred_at = follow.action_time.moment();
    Ok(facts)
}

#[derive(Deserialize)]
struct Remark<'a> {
    #[serde(borrow, default)]
    comment_id: Text<'a>,
    #[serde(borrow, default)]
    comment_user_id: Text<'a>,
    #[serde(borrow, default)]
    content: Text<'a>,
    #[serde(borrow, default)]
    create_time: Text<'a>,
    #[serde(borrow, default)]
    reply_to_item_id: Text<'a>,
}

pub(super) fn comment(envelope: &Envelope<'_>, name: &str) -> Result<Facts, NormaliseError> {
    let holder: Cow<'_, str>;
    let comment: Remark<'_> = content!(envelope, holder);
    let mut facts = Facts::new(EventKind::Comment, name);
    facts.occurred_at = comment.create_time.moment();
    facts.person(comment.comment_user_id.get());
    facts.personal(PersonalField::Text, comment.content.get());
    facts.subject = Subject::Comment {
        item_id: comment.reply_to_item_id.or_empty().to_owned(),
        comment_id: comment.comment_id.or_empty().to_owned(),
    };
    Ok(facts)
}

#[derive(Deserialize)]
struct Joining<'a> {
    #[serde(borrow, default)]
    open_id: Text<'a>,
    #[serde(borrow, default)]
    im_group_id: Text<'a>,
    #[serde(borrow, default)]
    group_id: Text<'a>,
    #[serde(borrow, default)]
    create_time: Text<'a>,
}

pub(super) fn group(envelope: &Envelope<'_>, name: &str) -> Result<Facts, NormaliseError> {
    let holder: Cow<'_, str>;
    let group: Joining<'_> = content!(envelope, holder);
    let mut facts = Facts::new(EventKind::GroupJoin, name);
    facts.occurred_at = group.create_time.moment();
    facts.person(group.open_id.get());
    let group_id = group.im_group_id.get().or(group.group_id.get()).unwrap_or_default().to_owned();
    facts.subject = Subject::Group { group_id };
    Ok(facts)
}
