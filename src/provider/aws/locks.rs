//! Terraform locks: rows of DynamoDB and files beside the states, both looked at (T1 to T3).

use super::fault::Fault;
use super::objects;
use super::operation::{GET_ITEM, SCAN};
use super::reader::{Brought, Reader};
use super::states::{no_table, nowhere};
use crate::domain::backend::{Backend, Key, StateAddress};
use crate::domain::lock::{Lock, LockStore};
use crate::provider::port::BackendAsk;
use aws_sdk_dynamodb::types::AttributeValue;
use std::sync::{Mutex, PoisonError};

pub(super) type Row = std::collections::HashMap<String, AttributeValue>;

/// Returns a row of a lock table.
///
/// # Errors
/// When the table cannot be read.
pub(super) async fn row(reader: &Reader<'_>, table: &str, lock_id: &str) -> Result<Option<Row>, Fault> {
    let send = || {
        let id = AttributeValue::S(lock_id.to_owned());
        let call = reader.site.dynamodb().get_item().table_name(table).key("LockID", id);
        call.consistent_read(true).send()
    };
    let answer = reader.call(&GET_ITEM, send).await.map_err(|fault| no_table(fault, table))?;
    Ok(answer.item)
}

/// Reads the locks on one state, of both stores (T2).
pub(super) async fn locks(reader: &Reader<'_>, address: &StateAddress) -> Brought<Vec<Lock>> {
    let path = address.path();
    let mut locks = Vec::new();
    let mut lacks = None;
    match objects::bytes(reader, address.bucket.as_str(), &address.lock_file(), None).await {
        Ok(body) => {
            let record = String::from_utf8_lossy(&body);
            locks.push(Lock::of_record(LockStore::LockFile, &path, Some(&record)));
        }
        Err(fault) if fault.is_absence() => {}
        Err(fault) => lacks = Some(fault),
    }
    if let Some(table) = &address.lock_table {
        match row(reader, table.as_str(), &path).await {
            Ok(row) => locks.extend(row.map(|row| of_row(&path, &row))),
            // Nothing came from either store: that is a failed read and not a part of one.
            Err(fault) if lacks.is_some() => return Err(fault),
            Err(fault) => lacks = Some(fault),
        }
    } else if let Some(fault) = lacks {
        return Err(fault);
    }
    Ok((locks, lacks))
}

fn of_row(path: &str, row: &Row) -> Lock {
    let record = row.get("Info").and_then(|value| value.as_s().ok());
    Lock::of_record(LockStore::DynamodbRow, path, record.map(String::as_str))
}

/// Reads the locks on all states of a backend, of both stores.
pub(super) async fn backend_locks(reader: &Reader<'_>, ask: BackendAsk<'_>) -> Brought<Vec<Lock>> {
    let (bucket, table) = ask.backend.at(ask.place).ok_or_else(|| nowhere(ask.place))?;
    let (files, rows) = tokio::join!(lock_files(reader, ask.backend, bucket.as_str()), async {
        match table {
            Some(table) => lock_rows(reader, ask.backend, bucket.as_str(), table.as_str()).await,
            None => Ok(Vec::new()),
        }
    });
    let (mut locks, mut lacks) = match (files, rows) {
        (Err(fault), Err(_)) => return Err(fault),
        (Err(fault), Ok(_)) if table.is_none() => return Err(fault),
        (Ok((mut files, fault)), Ok(rows)) => {
            files.extend(rows);
            (files, fault)
        }
        (Ok((files, _)), Err(fault)) => (files, Some(fault)),
        (Err(fault), Ok(rows)) => (rows, Some(fault)),
    };
    locks.sort_by(|a, b| (&a.path, a.store).cmp(&(&b.path, b.store)));
    locks.dedup_by(|a, b| a.path == b.path && a.store == b.store);
    Ok((locks, lacks.take()))
}

async fn lock_files(reader: &Reader<'_>, backend: &Backend, bucket: &str) -> Brought<Vec<Lock>> {
    let mut keys = Vec::new();
    for prefix in backend.prefixes() {
        objects::current(reader, bucket, &prefix, |entries| {
            for entry in entries {
                if let Key::LockFile(state) = backend.sort(&entry.key, |_| true) {
                    keys.push((entry.key.clone(), state.to_owned()));
                }
            }
        })
        .await?;
    }
    let read = Mutex::new((Vec::new(), None::<Fault>));
    objects::each(keys, async |(key, state)| {
        let brought = objects::bytes(reader, bucket, &key, None).await;
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        match brought {
            Ok(body) => {
                let record = String::from_utf8_lossy(&body);
                let path = format!("{bucket}/{state}");
                read.0.push(Lock::of_record(LockStore::LockFile, &path, Some(&record)));
            }
            // It was released meanwhile.
            Err(fault) if fault.is_absence() => {}
            Err(fault) => {
                read.1.get_or_insert(fault);
            }
        }
    })
    .await;
    Ok(read.into_inner().unwrap_or_else(PoisonError::into_inner))
}

async fn lock_rows(
    reader: &Reader<'_>,
    backend: &Backend,
    bucket: &str,
    table: &str,
) -> Result<Vec<Lock>, Fault> {
    let mut locks = Vec::new();
    let mut next = None;
    loop {
        let send = || {
            let call = reader.site.dynamodb().scan().table_name(table).consistent_read(true);
            // A row with a digest is no lock (T3).
            let call = call.filter_expression("attribute_not_exists(Digest)");
            call.set_exclusive_start_key(next.clone()).send()
        };
        let answer = reader.call(&SCAN, send).await.map_err(|fault| no_table(fault, table))?;
        for row in answer.items() {
            let id = row.get("LockID").and_then(|value| value.as_s().ok());
            if let Some((key, false)) = id.and_then(|id| backend.row(bucket, id)) {
                locks.push(of_row(&format!("{bucket}/{key}"), row));
            }
        }
        next = answer.last_evaluated_key().cloned();
        if next.as_ref().is_none_or(std::collections::HashMap::is_empty) {
            return Ok(locks);
        }
    }
}
