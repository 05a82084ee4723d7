//! The ports of Terraform's states and locks.

use super::adapter::{AwsAdapter, answered};
use super::fault::Fault;
use super::reader::Reader;
use super::{locks, s3, states};
use crate::domain::Text;
use crate::domain::backend::StateAddress;
use crate::domain::estate::Selector;
use crate::domain::lock::Lock;
use crate::domain::reading::ReadTrouble;
use crate::domain::state::StateHistory;
use crate::domain::state::compare::Contents;
use crate::provider::port::{Answer, BackendAsk, BoxFuture, ReadLocks, ReadStates, StateAsk};

impl AwsAdapter {
    /// Returns the reader of a state's place, and where the state lies there; `None` where it has no replica.
    async fn at_state<'a>(&'a self, ask: StateAsk<'a>) -> Result<Option<(Reader<'a>, StateAddress)>, Fault> {
        if let Some(address) = ask.address {
            let reader = Reader::at(&self.connections, &address.environment, ask.place, ask.news).await?;
            return Ok(Some((reader, address.clone())));
        }
        let named = ask.component.and_then(|component| match &component.selector {
            Some(Selector::Id(id)) => {
                Some((component, id.as_str().trim_start_matches("s3://").split_once('/')?))
            }
            _ => None,
        });
        let Some((component, (bucket, key))) = named else {
            let says = "where this state lies is not known: write `select: { id: BUCKET/KEY }`";
            return Err(Fault::plain("estate file", ReadTrouble::Other(Text::new(says))));
        };
        // Nobody has said where its copy lies: the bucket knows where it is replicated to.
        let reader = Reader::at(&self.connections, &component.environment, ask.place, ask.news).await?;
        let home = reader.elsewhere(&component.home).await?;
        for replica in s3::destinations(&home, bucket).await? {
            if s3::location(&reader, &replica).await? == ask.place.region.as_str() {
                let address = StateAddress {
                    environment: component.environment.clone(),
                    bucket: Text::new(&replica),
                    key: key.into(),
                    lock_table: None,
                };
                return Ok(Some((reader, address)));
            }
        }
        Ok(None)
    }

    async fn at_backend<'a>(&'a self, ask: BackendAsk<'a>) -> Result<Reader<'a>, Fault> {
        Reader::at(&self.connections, &ask.backend.environment, ask.place, ask.news).await
    }
}

impl ReadLocks for AwsAdapter {
    fn locks<'a>(&'a self, ask: StateAsk<'a>) -> BoxFuture<'a, Answer<Vec<Lock>>> {
        Box::pin(async move {
            let locks = async {
                match self.at_state(ask).await? {
                    Some((reader, address)) => locks::locks(&reader, &address).await,
                    None => Ok((Vec::new(), None)),
                }
            };
            answered(Box::pin(locks).await, "s3:GetObject, dynamodb:GetItem")
        })
    }

    fn backend_locks<'a>(&'a self, ask: BackendAsk<'a>) -> BoxFuture<'a, Answer<Vec<Lock>>> {
        Box::pin(async move {
            let locks = async { locks::backend_locks(&self.at_backend(ask).await?, ask).await };
            answered(Box::pin(locks).await, "s3:ListObjectsV2, dynamodb:Scan")
        })
    }
}

impl ReadStates for AwsAdapter {
    fn state<'a>(&'a self, ask: StateAsk<'a>) -> BoxFuture<'a, Answer<StateHistory>> {
        Box::pin(async move {
            let state = async {
                match self.at_state(ask).await? {
                    Some((reader, address)) => states::state(&reader, &address, ask.known).await,
                    None => Ok((StateHistory::default(), None)),
                }
            };
            answered(Box::pin(state).await, "s3:ListObjectVersions")
        })
    }

    fn backend<'a>(&'a self, ask: BackendAsk<'a>) -> BoxFuture<'a, Answer<Vec<StateHistory>>> {
        Box::pin(async move {
            let all = async { states::backend(&self.at_backend(ask).await?, ask).await };
            answered(Box::pin(all).await, "s3:ListObjectVersions")
        })
    }

    fn contents<'a>(&'a self, ask: StateAsk<'a>, version_id: &'a str) -> BoxFuture<'a, Answer<Contents>> {
        Box::pin(async move {
            let contents = async {
                let Some((reader, address)) = self.at_state(ask).await? else {
                    let says = ReadTrouble::Other("there is no such state".into());
                    return Err(Fault::plain("estate file", says));
                };
                Ok((states::contents(&reader, &address, version_id).await?, None))
            };
            answered(Box::pin(contents).await, "s3:GetObject")
        })
    }
}
