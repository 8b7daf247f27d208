//! Consents. A person's consents are one partition: an item for each purpose and recipient with its latest grant and its latest
//! withdrawal, and one item for the latest withdrawal of everything.
//!
//! Nothing copies a withdrawal into the consents it ends. Whoever reads a consent reads both items, in one call, and whether it
//! stands follows from the two: so a grant and a withdrawal that cross each other can not leave a consent standing that the
//! person has withdrawn, in whatever order and at whatever moment they are written. It costs one read unit a person and
//! look-up, and saves a transaction at four times the price of each grant.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use sluice_domain::consent::{
    ConsentKey, ConsentRecord, Evidence, Mark, Marked, Marks, Withdrawal, after_grant,
};
use sluice_domain::id::{PersonId, TenantId};
use sluice_domain::time::UnixMillis;
use sluice_ports::{ConsentStore, ErasureRequest, Outbox, PortError};

use super::acquaintances::other_of;
use super::item::{Attributes, LARGEST, RECORD, WRITER, json, number, parse, read_number, read_text, text};
use super::key::{EVERYTHING, of_person, of_purpose};
use super::schema::{PERSON, PURPOSE_RECIPIENT, Table};
use super::{Tables, is_own, unseen};
use crate::store::Store;

const TABLE: Table = Table::Consent;

/// The latest withdrawal as JSON, and when it was.
const WITHDRAWAL: &str = "withdrawal";
const WITHDRAWN_AT: &str = "withdrawn_at";
/// When the withdrawal before the latest was: so that a withdrawal whose answer was lost can still tell how much it ended.
const BEFORE: &str = "withdrawn_at_before";
/// In the item of everything: what is known of the person as a whole, an attribute a mark, each with its moment.
const UNDER_14: &str = "mark_under_14";
const UNREACHABLE: &str = "mark_unreachable_";
/// After a mark's name: when.
const MARKED_AT: &str = "_at";
/// When the grant was.
const GRANTED_AT: &str = "granted_at";
/// Of a person who never withdrew.
const NEVER: i64 = i64::MIN;
/// How often a grant that lost a race looks again.
const LOOKS: usize = 5;

/// One item: what is known of a consent, or of the withdrawal of everything.
#[derive(Debug, Clone, Default)]
struct Known {
    grant: Option<ConsentRecord>,
    withdrawal: Option<Withdrawal>,
    marks: Marks,
    /// The nonce of the last write.
    writer: Option<String>,
}

impl Known {
    fn read(item: &Attributes) -> Result<Self, PortError> {
        let optional = |name: &str| -> Result<Option<&str>, PortError> {
            item.get(name).map(|_| read_text(TABLE, item, name)).transpose()
        };
        Ok(Self {
            grant: optional(RECORD)?.map(|text| parse(TABLE, text)).transpose()?,
            withdrawal: optional(WITHDRAWAL)?.map(|text| parse(TABLE, text)).transpose()?,
            marks: marks(item)?,
            writer: Some(read_text(TABLE, item, WRITER)?.to_owned()),
        })
    }

    /// The consent as it is: ended by the later of both withdrawals, unless it was given after them.
    fn consent(&self, everything: Option<&Self>) -> Option<ConsentRecord> {
        let mut record = self.grant.clone()?;
        let of_person = everything.and_then(|known| known.withdrawal.as_ref());
        let latest = self.withdrawal.iter().chain(of_person).max_by_key(|withdrawal| withdrawal.at);
        record.withdrawn = latest.filter(|withdrawal| withdrawal.ends(&record)).cloned();
        record.marks = everything.map(|known| known.marks.clone()).unwrap_or_default();
        Some(record)
    }
}

/// The marks in the item of everything; every other item has none.
fn marks(item: &Attributes) -> Result<Marks, PortError> {
    let mut marks = Marks::default();
    for name in item.keys().filter(|name| !name.ends_with(MARKED_AT)) {
        let marked = || parse::<Marked>(TABLE, read_text(TABLE, item, name)?);
        if name == UNDER_14 {
            marks.under_14 = Some(marked()?);
        } else if let Some(channel) = name.strip_prefix(UNREACHABLE) {
            marks.unreachable.insert(channel.to_owned(), marked()?);
        }
    }
    Ok(marks)
}

impl Known {
    fn is_everything(item: &Attributes) -> Result<bool, PortError> {
        Ok(read_text(TABLE, item, PURPOSE_RECIPIENT)? == EVERYTHING)
    }
}

/// The items of a person as they become when the person is erased.
pub(super) struct Remains {
    /// What is put in place of the item of everything, and the writer of the one that is there.
    pub(super) entry: (Attributes, Option<String>),
    /// Each item that goes, with the one that takes its place under the reference.
    pub(super) moved: Vec<(Attributes, Option<Attributes>)>,
    /// There were marks.
    pub(super) marked: bool,
}

/// What becomes of a person's items.
pub(super) fn remains(items: &[Attributes], request: &ErasureRequest) -> Result<Remains, PortError> {
    let (mut everything, mut payloads, mut moved) = (None, Vec::new(), Vec::new());
    for item in items {
        if Known::is_everything(item)? {
            everything = Some(Known::read(item)?);
        }
    }
    for item in items {
        // Who knows whom is destroyed apart.
        if Known::is_everything(item)? || other_of(item)?.is_some() {
            continue;
        }
        let consent = Known::read(item)?.consent(everything.as_ref());
        let kept = match consent {
            None => None,
            Some(consent) => {
                payloads.extend(consent.evidence.payload().map(str::to_owned));
                Some(kept_item(request.restricted(consent))?)
            }
        };
        moved.push((item.clone(), kept));
    }
    let before = everything.as_ref().and_then(|known| known.withdrawal.as_ref());
    let entry = request.entry(before, payloads);
    let mut item = item_key(&of_person(&request.tenant, &request.person), EVERYTHING);
    put_withdrawal(&mut item, &entry)?;
    let marked = everything.as_ref().is_some_and(|known| !known.marks.is_empty());
    Ok(Remains { entry: (item, everything.and_then(|known| known.writer)), moved, marked })
}

fn kept_item(mut record: ConsentRecord) -> Result<Attributes, PortError> {
    let mut item = item_key(&person_of(&record.key), &of_purpose(&record.key));
    if let Some(withdrawal) = record.withdrawn.take() {
        put_withdrawal(&mut item, &withdrawal)?;
    }
    item.insert(GRANTED_AT.to_owned(), number(record.granted_at.0));
    item.insert(RECORD.to_owned(), text(json(TABLE, &record)?));
    Ok(item)
}

fn put_withdrawal(item: &mut Attributes, withdrawal: &Withdrawal) -> Result<(), PortError> {
    item.insert(WITHDRAWAL.to_owned(), text(json(TABLE, withdrawal)?));
    item.insert(WITHDRAWN_AT.to_owned(), number(withdrawal.at.0));
    item.insert(BEFORE.to_owned(), number(NEVER));
    Ok(())
}

fn item_key(person: &str, sort: &str) -> Attributes {
    Attributes::from([(PERSON.to_owned(), text(person)), (PURPOSE_RECIPIENT.to_owned(), text(sort))])
}

fn person_of(key: &ConsentKey) -> String {
    of_person(&key.tenant, &key.person)
}

type Place = (String, String);

impl Tables {
    /// The items at these places that there are, each asked for once.
    async fn known(&self, places: HashSet<Place>) -> Result<HashMap<Place, Known>, PortError> {
        let keys = places.iter().map(|(person, sort)| item_key(person, sort)).collect();
        let mut known = HashMap::with_capacity(places.len());
        for item in self.get_many(TABLE, keys).await? {
            let place = (
                read_text(TABLE, &item, PERSON)?.to_owned(),
                read_text(TABLE, &item, PURPOSE_RECIPIENT)?.to_owned(),
            );
            known.insert(place, Known::read(&item)?);
        }
        Ok(known)
    }

    /// The state of one consent: its item and the person's withdrawal of everything.
    async fn one(&self, key: &ConsentKey) -> Result<(Known, Option<Known>), PortError> {
        let (person, sort) = (person_of(key), of_purpose(key));
        let everything = (person.clone(), EVERYTHING.to_owned());
        let own = (person, sort);
        let mut known = self.known(HashSet::from([own.clone(), everything.clone()])).await?;
        let everything = known.remove(&everything);
        Ok((known.remove(&own).unwrap_or_default(), everything))
    }

    /// Every item of a person.
    async fn of_person(&self, person: &str) -> Result<(Vec<Known>, Option<Known>), PortError> {
        let mut items = self
            .client()
            .query()
            .table_name(self.name(TABLE)?)
            .consistent_read(true)
            .key_condition_expression("#person = :person")
            .expression_attribute_names("#person", PERSON)
            .expression_attribute_values(":person", text(person))
            .into_paginator()
            .items()
            .send();
        let (mut consents, mut everything) = (Vec::new(), None);
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| self.fault(TABLE, &error))?;
            let known = Known::read(&item)?;
            if read_text(TABLE, &item, PURPOSE_RECIPIENT)? == EVERYTHING {
                everything = Some(known);
            } else {
                consents.push(known);
            }
        }
        Ok((consents, everything))
    }

    /// Stores a grant if nobody changed its item since it was read; `false` when somebody has.
    async fn store_grant(&self, record: &ConsentRecord, seen: Option<&str>) -> Result<bool, PortError> {
        let value = json(TABLE, record)?;
        if value.len() > LARGEST / 2 {
            return Err(PortError::TooLarge { what: TABLE.as_str(), limit: LARGEST / 2, got: value.len() });
        }
        let writer = self.writer();
        let update = self
            .client()
            .update_item()
            .table_name(self.name(TABLE)?)
            .set_key(Some(item_key(&person_of(&record.key), &of_purpose(&record.key))))
            .update_expression("SET #record = :record, #granted = :granted, #writer = :writer")
            .expression_attribute_names("#record", RECORD)
            .expression_attribute_names("#granted", GRANTED_AT)
            .expression_attribute_names("#writer", WRITER)
            .expression_attribute_values(":record", text(value))
            .expression_attribute_values(":granted", number(record.granted_at.0))
            .expression_attribute_values(":writer", text(writer.as_str()));
        let update = match seen {
            None => update.condition_expression("attribute_not_exists(#writer)"),
            Some(seen) => update
                .condition_expression("#writer = :seen")
                .expression_attribute_values(":seen", text(seen)),
        };
        let old = self.conditional(update, &writer).await?;
        Ok(matches!(old, Updated::Applied(_)))
    }

    /// Stores a withdrawal unless there is a later one; gives when the one before was, or `None` when nothing changed.
    async fn store_withdrawal(
        &self,
        key: Attributes,
        withdrawal: &Withdrawal,
    ) -> Result<Option<(UnixMillis, Attributes)>, PortError> {
        let value = json(TABLE, withdrawal)?;
        if value.len() > LARGEST / 2 - 1_024 {
            return Err(PortError::TooLarge { what: TABLE.as_str(), limit: LARGEST / 2, got: value.len() });
        }
        let writer = self.writer();
        let update = self
            .client()
            .update_item()
            .table_name(self.name(TABLE)?)
            .set_key(Some(key))
            .update_expression(
                "SET #withdrawal = :withdrawal, #at = :at, #before = if_not_exists(#at, :never), #writer = :writer",
            )
            .condition_expression("attribute_not_exists(#at) OR #at < :at")
            .expression_attribute_names("#withdrawal", WITHDRAWAL)
            .expression_attribute_names("#at", WITHDRAWN_AT)
            .expression_attribute_names("#before", BEFORE)
            .expression_attribute_names("#writer", WRITER)
            .expression_attribute_values(":withdrawal", text(value))
            .expression_attribute_values(":at", number(withdrawal.at.0))
            .expression_attribute_values(":never", number(NEVER))
            .expression_attribute_values(":writer", text(writer.as_str()));
        match self.conditional(update, &writer).await? {
            Updated::Applied(item) => Ok(Some((UnixMillis(read_number(TABLE, &item, BEFORE)?), item))),
            Updated::Refused => Ok(None),
        }
    }

    /// Stores a mark unless the same or a later one is there; says whether it did.
    async fn store_mark(&self, person: &str, name: &str, marked: &Marked) -> Result<bool, PortError> {
        let writer = self.writer();
        let update = self
            .client()
            .update_item()
            .table_name(self.name(TABLE)?)
            .set_key(Some(item_key(person, EVERYTHING)))
            .update_expression("SET #mark = :mark, #at = :at, #writer = :writer")
            .condition_expression("attribute_not_exists(#at) OR #at < :at")
            .expression_attribute_names("#mark", name)
            .expression_attribute_names("#at", format!("{name}{MARKED_AT}"))
            .expression_attribute_names("#writer", WRITER)
            .expression_attribute_values(":mark", text(json(TABLE, marked)?))
            .expression_attribute_values(":at", number(marked.at.0))
            .expression_attribute_values(":writer", text(writer.as_str()));
        Ok(matches!(self.conditional(update, &writer).await?, Updated::Applied(_)))
    }

    async fn conditional(&self, update: UpdateItemFluentBuilder, writer: &str) -> Result<Updated, PortError> {
        let sent = update
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(AllOld)
            .send()
            .await;
        match sent {
            Ok(sent) => Ok(Updated::Applied(sent.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => match failed.item() {
                    // The first answer was lost: what is there is what this call wrote.
                    Some(old) if is_own(TABLE, old, writer)? => Ok(Updated::Applied(old.clone())),
                    // A condition on an item that was there when it was read and is not now: nothing deletes consents.
                    None => Err(unseen(TABLE)),
                    Some(_) => Ok(Updated::Refused),
                },
                _ => Err(self.fault(TABLE, &error)),
            },
        }
    }
}

/// What became of a conditional update.
enum Updated {
    /// The item as it is now.
    Applied(Attributes),
    /// The condition failed.
    Refused,
}

impl<Q: Outbox> ConsentStore for Store<Q> {
    /// One call for up to fifty people with a key each. A read that is not strongly consistent could miss the withdrawal of a second ago.
    async fn consents(&self, keys: &[ConsentKey]) -> Result<Vec<Option<ConsentRecord>>, PortError> {
        let mut places = HashSet::with_capacity(2 * keys.len());
        for key in keys {
            let person = person_of(key);
            places.insert((person.clone(), EVERYTHING.to_owned()));
            places.insert((person, of_purpose(key)));
        }
        let known = self.tables.known(places).await?;
        let answer = |key: &ConsentKey| {
            let person = person_of(key);
            let everything = known.get(&(person.clone(), EVERYTHING.to_owned()));
            known.get(&(person, of_purpose(key)))?.consent(everything)
        };
        Ok(keys.iter().map(answer).collect())
    }

    async fn consents_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
    ) -> Result<Vec<ConsentRecord>, PortError> {
        let (consents, everything) = self.tables.of_person(&of_person(tenant, person)).await?;
        Ok(consents.iter().filter_map(|known| known.consent(everything.as_ref())).collect())
    }

    /// Nearly every grant is a person's first for its purpose, so the first write goes without a look and asks only that nothing be there.
    /// A withdrawal of everything needs no look either: it has an item of its own, which ends what it ends whenever a consent is read.
    async fn grant(&self, record: ConsentRecord) -> Result<bool, PortError> {
        // Withdrawals have places of their own: a grant never carries one.
        let record = ConsentRecord { withdrawn: None, marks: Marks::default(), ..record };
        if self.tables.store_grant(&record, None).await? {
            return Ok(true);
        }
        for _ in 0..LOOKS {
            let (known, everything) = self.tables.one(&record.key).await?;
            let stored = known.consent(everything.as_ref());
            let Some(grant) = after_grant(stored.as_ref(), record.clone()) else { return Ok(false) };
            let grant = ConsentRecord { marks: Marks::default(), ..grant };
            if self.tables.store_grant(&grant, known.writer.as_deref()).await? {
                return Ok(true);
            }
        }
        let cause = "the consent changed several times while a grant was written".to_owned();
        Err(PortError::Unavailable { what: TABLE.as_str(), cause })
    }

    async fn withdraw(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        key: Option<&ConsentKey>,
        withdrawal: Withdrawal,
    ) -> Result<usize, PortError> {
        let Some(key) = key else { return self.withdraw_everything(tenant, person, &withdrawal).await };
        let (_, everything) = self.tables.one(key).await?;
        let place = item_key(&person_of(key), &of_purpose(key));
        let Some((before, item)) = self.tables.store_withdrawal(place, &withdrawal).await? else {
            return Ok(0);
        };
        let known = Known::read(&item)?;
        let everything = everything.and_then(|known| known.withdrawal);
        let before = everything.map_or(before, |everything| everything.at.max(before));
        Ok(usize::from(ended(&known, before, withdrawal.at)))
    }

    /// One call.
    async fn mark(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        mark: Mark,
        at: UnixMillis,
        evidence: Evidence,
    ) -> Result<bool, PortError> {
        let name = match mark {
            Mark::Under14 => UNDER_14.to_owned(),
            Mark::Unreachable(channel) => format!("{UNREACHABLE}{channel}"),
        };
        self.tables.store_mark(&of_person(tenant, person), &name, &Marked { at, evidence }).await
    }
}

/// Did a withdrawal at `at` end this consent, which those until `before` had left standing?
fn ended(known: &Known, before: UnixMillis, at: UnixMillis) -> bool {
    known.grant.as_ref().is_some_and(|grant| before < grant.granted_at && grant.granted_at <= at)
}

impl<Q: Outbox> Store<Q> {
    /// From the moment the withdrawal is stored nothing granted until then stands; counting what it ended comes after.
    async fn withdraw_everything(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        withdrawal: &Withdrawal,
    ) -> Result<usize, PortError> {
        let person = of_person(tenant, person);
        let stored = self.tables.store_withdrawal(item_key(&person, EVERYTHING), withdrawal).await?;
        let Some((before, _)) = stored else { return Ok(0) };
        let (consents, _) = self.tables.of_person(&person).await?;
        let own = |known: &Known| known.withdrawal.as_ref().map_or(before, |own| own.at.max(before));
        Ok(consents.iter().filter(|known| ended(known, own(known), withdrawal.at)).count())
    }
}
