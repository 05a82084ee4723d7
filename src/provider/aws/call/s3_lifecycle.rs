//! The rules of a bucket's lifecycle, both ways and whole: what is put back is exactly what was read.

use super::arguments::{Arguments, Taken, not_sent};
use super::json::{Object, tag};
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::builders::LifecycleRuleBuilder;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration, NoncurrentVersionTransition,
    Tag, Transition, TransitionStorageClass,
};
use serde_json::Value;

/// Returns a rule as JSON.
pub(super) fn rule(rule: &LifecycleRule) -> Value {
    let expiration = |one: &LifecycleExpiration| {
        Object::default()
            .at("Date", one.date())
            .with("Days", one.days())
            .with("ExpiredObjectDeleteMarker", one.expired_object_delete_marker())
            .json()
    };
    let noncurrent = |one: &NoncurrentVersionExpiration| {
        Object::default()
            .with("NoncurrentDays", one.noncurrent_days())
            .with("NewerNoncurrentVersions", one.newer_noncurrent_versions())
            .json()
    };
    let abort = |one: &AbortIncompleteMultipartUpload| {
        Object::default().with("DaysAfterInitiation", one.days_after_initiation()).json()
    };
    let transitions = rule.transitions.as_ref().map(|all| all.iter().map(transition).collect::<Vec<_>>());
    let moves = rule.noncurrent_version_transitions.as_ref();
    let moves = moves.map(|all| all.iter().map(noncurrent_transition).collect::<Vec<_>>());
    Object::default()
        .with("ID", rule.id())
        .with("Prefix", old_prefix(rule))
        .with("Filter", rule.filter().map(filter))
        .word("Status", Some(rule.status()))
        .with("Expiration", rule.expiration().map(expiration))
        .with("Transitions", transitions)
        .with("NoncurrentVersionExpiration", rule.noncurrent_version_expiration().map(noncurrent))
        .with("NoncurrentVersionTransitions", moves)
        .with("AbortIncompleteMultipartUpload", rule.abort_incomplete_multipart_upload().map(abort))
        .json()
}

/// Returns the prefix of a rule of the first kind, which has no filter.
#[expect(deprecated, reason = "rules that were written so must be put back so")]
fn old_prefix(rule: &LifecycleRule) -> Option<&str> {
    rule.prefix()
}

/// Gives a rule the prefix of the first kind.
#[expect(deprecated, reason = "rules that were written so must be put back so")]
fn with_old_prefix(rule: LifecycleRuleBuilder, prefix: String) -> LifecycleRuleBuilder {
    rule.prefix(prefix)
}

fn transition(one: &Transition) -> Value {
    Object::default()
        .at("Date", one.date())
        .with("Days", one.days())
        .word("StorageClass", one.storage_class())
        .json()
}

fn noncurrent_transition(one: &NoncurrentVersionTransition) -> Value {
    Object::default()
        .with("NoncurrentDays", one.noncurrent_days())
        .word("StorageClass", one.storage_class())
        .with("NewerNoncurrentVersions", one.newer_noncurrent_versions())
        .json()
}

fn filter(filter: &LifecycleRuleFilter) -> Value {
    let and = |and: &LifecycleRuleAndOperator| {
        let tags = and.tags.as_ref();
        let tags = tags
            .map(|tags| tags.iter().map(|one| tag(Some(one.key()), Some(one.value()))).collect::<Vec<_>>());
        Object::default()
            .with("Prefix", and.prefix())
            .with("Tags", tags)
            .with("ObjectSizeGreaterThan", and.object_size_greater_than())
            .with("ObjectSizeLessThan", and.object_size_less_than())
            .json()
    };
    Object::default()
        .with("Prefix", filter.prefix())
        .with("Tag", filter.tag().map(|one| tag(Some(one.key()), Some(one.value()))))
        .with("ObjectSizeGreaterThan", filter.object_size_greater_than())
        .with("ObjectSizeLessThan", filter.object_size_less_than())
        .with("And", filter.and().map(and))
        .json()
}

fn built(why: &BuildError) -> crate::provider::port::CallTrouble {
    not_sent(&why.to_string())
}

/// Takes the rules of a lifecycle.
///
/// # Errors
/// When there are none, or one has something that lifecycles do not have.
pub(super) fn rules_of(given: &mut Arguments<'_>) -> Taken<Vec<LifecycleRule>> {
    let rules = given.each("Rules", one_rule)?.filter(|rules| !rules.is_empty());
    rules.ok_or_else(|| not_sent("Rules of LifecycleConfiguration is missing"))
}

fn one_rule(given: &mut Arguments<'_>) -> Taken<LifecycleRule> {
    let mut rule = LifecycleRule::builder()
        .set_id(given.text("ID")?)
        .status(ExpirationStatus::from(given.needed("Status")?.as_str()));
    if let Some(prefix) = given.any_text("Prefix")? {
        rule = with_old_prefix(rule, prefix);
    }
    if let Some(mut filter) = given.within_it("Filter")? {
        rule = rule.filter(filter_of(&mut filter)?);
        filter.none_left()?;
    }
    if let Some(mut one) = given.within_it("Expiration")? {
        let made = LifecycleExpiration::builder()
            .set_date(one.moment("Date")?)
            .set_days(one.number("Days")?)
            .set_expired_object_delete_marker(one.flag("ExpiredObjectDeleteMarker")?);
        one.none_left()?;
        rule = rule.expiration(made.build());
    }
    if let Some(mut one) = given.within_it("NoncurrentVersionExpiration")? {
        let made = NoncurrentVersionExpiration::builder()
            .set_noncurrent_days(one.number("NoncurrentDays")?)
            .set_newer_noncurrent_versions(one.number("NewerNoncurrentVersions")?);
        one.none_left()?;
        rule = rule.noncurrent_version_expiration(made.build());
    }
    if let Some(mut one) = given.within_it("AbortIncompleteMultipartUpload")? {
        let made = AbortIncompleteMultipartUpload::builder()
            .set_days_after_initiation(one.number("DaysAfterInitiation")?);
        one.none_left()?;
        rule = rule.abort_incomplete_multipart_upload(made.build());
    }
    let class = |name: Option<String>| name.map(|name| TransitionStorageClass::from(name.as_str()));
    let transitions = given.each("Transitions", |one| {
        let made = Transition::builder().set_date(one.moment("Date")?).set_days(one.number("Days")?);
        Ok(made.set_storage_class(class(one.text("StorageClass")?)).build())
    })?;
    let moves = given.each("NoncurrentVersionTransitions", |one| {
        let made = NoncurrentVersionTransition::builder()
            .set_noncurrent_days(one.number("NoncurrentDays")?)
            .set_newer_noncurrent_versions(one.number("NewerNoncurrentVersions")?);
        Ok(made.set_storage_class(class(one.text("StorageClass")?)).build())
    })?;
    rule.set_transitions(transitions)
        .set_noncurrent_version_transitions(moves)
        .build()
        .map_err(|why| built(&why))
}

fn filter_of(given: &mut Arguments<'_>) -> Taken<LifecycleRuleFilter> {
    let mut filter = LifecycleRuleFilter::builder()
        .set_prefix(given.any_text("Prefix")?)
        .set_object_size_greater_than(given.long("ObjectSizeGreaterThan")?)
        .set_object_size_less_than(given.long("ObjectSizeLessThan")?);
    if let Some(mut one) = given.within_it("Tag")? {
        filter = filter.tag(one_tag(&mut one)?);
        one.none_left()?;
    }
    if let Some(mut and) = given.within_it("And")? {
        let made = LifecycleRuleAndOperator::builder()
            .set_prefix(and.any_text("Prefix")?)
            .set_tags(and.each("Tags", one_tag)?)
            .set_object_size_greater_than(and.long("ObjectSizeGreaterThan")?)
            .set_object_size_less_than(and.long("ObjectSizeLessThan")?);
        and.none_left()?;
        filter = filter.and(made.build());
    }
    Ok(filter.build())
}

fn one_tag(given: &mut Arguments<'_>) -> Taken<Tag> {
    let value = given.any_text("Value")?.unwrap_or_default();
    Tag::builder().key(given.needed("Key")?).value(value).build().map_err(|why| built(&why))
}
