//! What every adapter of the ports must do, as tests that any adapter can run.
//!
//! An adapter implements [`Harness`] and calls [`conformance_tests!`](crate::conformance_tests) in its test program, which
//! expands to one `#[tokio::test]` a behaviour:
//!
//! ```text
//! sluice_ports::conformance_tests!(on_disk, fresh_on_disk);
//! ```
//!
//! The cases use the public ports alone. They assume an empty store each, and the times they pass in, not the machine's.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    reason = "these are tests: a failed assertion is their answer"
)]

use std::future::Future;

use crate::{
    Acquaintances, AuditLog, ChannelState, CheckedTexts, ConsentStore, ContactLimits, Deliveries, Erasure,
    Exposures, Intake, OrderBook, Outbox, Queue, Reviews,
};

pub mod acquaintances;
pub mod audit_log;
pub mod channel_state;
pub mod checks;
pub mod consents;
pub mod contacts;
pub mod deliveries;
pub mod digests;
pub mod erasure;
pub mod exposures;
pub mod head_signer;
pub mod intake;
pub mod interleaving;
pub mod order_book;
pub mod outbox;
pub mod reviews;
pub mod samples;

/// An empty store, and what a test must be able to see of its queues.
pub trait Harness: Send + Sync {
    /// The adapter.
    type Store: Intake
        + ConsentStore
        + AuditLog
        + OrderBook
        + Exposures
        + Deliveries
        + ContactLimits
        + CheckedTexts
        + Acquaintances
        + Erasure
        + Outbox
        + Reviews
        + ChannelState
        + Clone
        + Send
        + Sync
        + 'static;

    /// The store of this harness.
    fn store(&self) -> &Self::Store;

    /// Takes every visible message off a queue and gives the bodies.
    fn drain(&self, queue: Queue) -> impl Future<Output = Vec<String>> + Send;
}

/// Expands to a module of tests of every port. `$fresh` is an async function that makes a [`Harness`] over an empty store.
#[macro_export]
macro_rules! conformance_tests {
    ($module:ident, $fresh:path) => {
        mod $module {
            $crate::conformance_cases! { $fresh;
                intake: accepted_events_are_queued_and_receipted,
                intake: a_batch_with_an_oversized_event_leaves_nothing,
                intake: a_replay_has_a_receipt_of_its_own,
                intake: an_event_that_arrives_again_has_one_receipt,
                intake: receipts_page_through_a_day_without_gap_or_repeat,
                intake: tenants_see_only_their_own_receipts,
                outbox: sends_a_batch_and_names_what_was_too_large,
                outbox: a_delayed_message_is_not_visible_at_once,
                consents: a_grant_is_found_by_its_key_alone,
                consents: answers_come_in_the_order_of_the_keys,
                consents: the_order_of_grants_and_withdrawals_does_not_matter,
                consents: a_later_grant_stands_again_in_every_order,
                consents: withdrawing_everything_ends_each_consent_of_the_person_alone,
                consents: parallel_withdrawals_end_a_consent_once,
                consents: a_mark_is_on_every_consent_of_the_person_alone,
                consents: only_a_later_mark_replaces_one,
                consents: bytes_that_were_erased_prove_nothing_any_more,
                contacts: of_parallel_messages_as_many_have_a_place_as_the_cap_says,
                contacts: an_event_has_one_place_however_often_it_asks,
                contacts: people_days_channels_and_tenants_are_counted_apart,
                checks: an_answer_is_remembered_for_its_text_and_its_time,
                checks: a_later_answer_takes_the_place_of_an_earlier,
                checks: of_parallel_requests_as_many_are_made_as_the_budget_says,
                checks: days_and_tenants_have_budgets_of_their_own,
                channel_state: what_was_replaced_is_read_at_once,
                channel_state: an_older_version_replaces_nothing,
                channel_state: what_is_gone_is_not_replaced,
                channel_state: of_parallel_replacements_none_is_lost,
                channel_state: tenants_kinds_and_names_are_apart,
                channel_state: an_oversized_document_is_refused,
                acquaintances: a_contact_is_known_as_everybody_it_was_acquainted_with,
                acquaintances: acquaintances_are_no_consents,
                acquaintances: an_erased_person_is_nobody_s_acquaintance,
                erasure: an_erased_person_is_known_under_the_reference_alone,
                erasure: another_person_keeps_everything,
                erasure: erasing_again_changes_nothing_more,
                erasure: what_was_granted_before_does_not_come_back,
                audit_log: a_record_is_written_once_and_sends_once,
                audit_log: answers_keep_the_order_of_the_batch,
                audit_log: an_event_twice_in_a_batch_is_recorded_once,
                audit_log: an_oversized_message_leaves_no_record,
                audit_log: of_parallel_writers_one_wins,
                audit_log: records_are_found_by_event_by_trace_and_by_day,
                audit_log: a_day_pages_without_gap_or_repeat,
                audit_log: another_tenant_finds_nothing,
                order_book: an_entry_is_written_once,
                order_book: a_day_lists_its_entries_in_order,
                exposures: the_first_exposure_sticks,
                exposures: experiments_people_and_tenants_are_apart,
                exposures: all_of_a_tenant_are_listed_once,
                deliveries: of_a_hundred_parallel_claims_one_wins,
                deliveries: a_claim_is_held_until_its_deadline_and_then_taken_over,
                deliveries: a_stale_owner_is_fenced,
                deliveries: what_is_settled_stays_settled,
                deliveries: a_waiting_delivery_is_free_at_its_time,
                deliveries: a_fall_back_stays,
                deliveries: the_first_assignment_stays,
                deliveries: another_payload_under_the_same_key_is_refused,
                deliveries: the_last_twenty_attempts_are_kept,
                deliveries: the_first_unclear_attempt_is_never_forgotten,
                deliveries: nothing_can_be_settled_that_was_never_claimed,
                deliveries: a_day_lists_its_own_deliveries,
                reviews: a_record_and_its_review_are_written_once,
                reviews: an_event_twice_in_a_batch_opens_one_review,
                reviews: an_oversized_review_leaves_no_record,
                reviews: a_review_is_opened_once,
                reviews: of_parallel_voices_on_one_version_one_counts,
                reviews: of_many_approvers_each_counts_until_it_is_approved,
                reviews: an_overtaken_change_writes_and_sends_nothing,
                reviews: what_never_was_opened_is_not_changed,
                reviews: a_change_sends_its_message_once_and_moves_the_review,
                reviews: a_state_pages_without_gap_or_repeat,
                reviews: points_and_tenants_are_apart,
                reviews: one_that_asks_a_machine_is_sent_to_it_once,
            }
        }
    };
}

/// Expands to a module of tests of [`Digests`](crate::Digests). `$fresh` is an async function that makes an adapter over an empty place, and
/// whatever must live as long as it.
#[macro_export]
macro_rules! digests_conformance_tests {
    ($module:ident, $fresh:path) => {
        $crate::digests_conformance_tests! { @ $module, $fresh;
            a_day_is_sealed_once,
            tenants_and_days_are_apart,
            the_last_sealed_day_is_found,
            of_parallel_seals_one_wins,
            leaf_lists_are_kept_by_their_hash,
            a_leaf_list_is_no_sealed_day,
        }
    };
    (@ $module:ident, $fresh:path; $($case:ident,)*) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $case() {
                    let (digests, _place) = $fresh().await;
                    $crate::conformance::digests::$case(digests).await;
                }
            )*
        }
    };
}

/// Expands to a module of tests of [`HeadSigner`](crate::HeadSigner). `$fresh` is an async function that makes an adapter with a key in force, and
/// whatever must live as long as it.
#[macro_export]
macro_rules! head_signer_conformance_tests {
    ($module:ident, $fresh:path) => {
        $crate::head_signer_conformance_tests! { @ $module, $fresh;
            a_signature_holds_for_its_message_alone,
            the_key_in_force_comes_first,
            a_longer_message_is_refused,
        }
    };
    (@ $module:ident, $fresh:path; $($case:ident,)*) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $case() {
                    let (signer, _place) = $fresh().await;
                    $crate::conformance::head_signer::$case(signer).await;
                }
            )*
        }
    };
}

/// Part of [`conformance_tests!`](crate::conformance_tests).
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($fresh:path; $($port:ident: $case:ident,)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::conformance::$port::$case($fresh().await).await;
            }
        )*
    };
}
