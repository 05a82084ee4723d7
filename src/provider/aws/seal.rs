//! What happens to a call at the last moment before it leaves, and what is seen of it on its way.

use crate::authority::CallId;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::config_bag::ConfigBag;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The most characters of a name in the word that tells who called.
const LONGEST: usize = 128;

/// Returns the word of the User-Agent by which the logs of a service tell which call of which run it was:
/// `lifeboat-step/<run>/<step>/<direction>/<attempt>/<call>`.
pub fn attribution(id: &CallId) -> String {
    let plain = |name: &str| -> String {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        name.chars().take(LONGEST).map(|c| if fits(c) { c } else { '-' }).collect()
    };
    let (run, step) = (plain(id.run.as_str()), plain(id.step.as_str()));
    format!("lifeboat-step/{run}/{step}/{}/{}/{}", id.direction.name(), id.attempt, id.index)
}

/// Returns the access key that signed a request.
fn signer(headers: &Headers) -> Option<String> {
    let (_, rest) = headers.get("authorization")?.split_once("Credential=")?;
    rest.split('/').next().map(str::to_owned)
}

/// Lets a call leave once, signed by the credentials that were asked for, and with the word that tells whose it is.
#[derive(Debug, Clone)]
pub(super) struct Seal {
    attribution: Arc<str>,
    key: Arc<str>,
    left: Arc<AtomicBool>,
    others: Arc<AtomicBool>,
}

/// Why a sealed call did not leave.
#[derive(Debug, thiserror::Error)]
enum Held {
    #[error("it was signed by other credentials than those whose account was asked for")]
    SignedByOthers,
    #[error("it had left already, and leaves once only")]
    HadLeft,
}

impl Seal {
    /// Returns the seal of a call, which the access key `key` must sign.
    pub(super) fn new(id: &CallId, key: &str) -> Self {
        Self {
            attribution: attribution(id).into(),
            key: key.into(),
            left: Arc::default(),
            others: Arc::default(),
        }
    }

    /// Says whether it held something back that others had signed.
    pub(super) fn is_signed_by_others(&self) -> bool {
        self.others.load(Ordering::SeqCst)
    }
}

#[dyn_dispatch_hint]
impl Intercept for Seal {
    fn name(&self) -> &'static str {
        "Seal"
    }

    // After signing: the User-Agent is not signed, so it may still grow.
    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        if signer(headers).as_deref() != Some(&*self.key) {
            self.others.store(true, Ordering::SeqCst);
            return Err(Box::new(Held::SignedByOthers));
        }
        if self.left.swap(true, Ordering::SeqCst) {
            return Err(Box::new(Held::HadLeft));
        }
        let agent = headers
            .get("user-agent")
            .map_or_else(|| self.attribution.to_string(), |agent| format!("{agent} {}", self.attribution));
        headers.try_insert("user-agent", agent)?;
        Ok(())
    }
}

/// What was seen of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Whether it was handed to the network: from then on it may arrive.
    pub left: bool,
    /// The access key that signed it.
    pub key: Option<String>,
    /// The HTTP status; 0 where no answer came.
    pub status: u16,
    /// The service's id of the request; of S3 both, with a blank between.
    pub request_id: Option<String>,
}

/// Sees a call on its way. One watch is for one call.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch(Arc<Mutex<Seen>>);

impl Watch {
    /// Returns what was seen so far.
    pub(super) fn seen(&self) -> Seen {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, what: impl FnOnce(&mut Seen)) {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[dyn_dispatch_hint]
impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let key = signer(context.request().headers());
        self.note(|seen| *seen = Seen { left: true, key, ..Seen::default() });
        Ok(())
    }

    // The body has been read by now: EC2 may name the request there only.
    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let headers = response.headers();
        let id = headers.get("x-amzn-requestid").or(headers.get("x-amz-request-id")).map(str::to_owned);
        let id = id.or_else(|| told_in(response.body().bytes()?));
        let request_id = match headers.get("x-amz-id-2") {
            Some(more) => Some(id.map_or_else(|| more.to_owned(), |id| format!("{id} {more}"))),
            None => id,
        };
        let status = response.status().as_u16();
        self.note(|seen| *seen = Seen { status, request_id, ..seen.clone() });
        Ok(())
    }
}

/// Returns the id of the request that an answer in XML names.
fn told_in(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let marks = ["<requestId>", "<RequestId>", "<RequestID>"];
    let (_, rest) = marks.iter().find_map(|mark| text.split_once(mark))?;
    let (id, _) = rest.split_once('<')?;
    (!id.is_empty() && id.len() <= LONGEST).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::Direction;

    #[test]
    fn what_tells_who_called_is_one_word_whatever_the_names_are() {
        let id = CallId {
            run: "20261121T1519Z-7f2a".into(),
            step: "copy/back it\u{fc}".into(),
            direction: Direction::Undo,
            attempt: 2,
            index: 11,
        };
        assert_eq!(attribution(&id), "lifeboat-step/20261121T1519Z-7f2a/copy-back-it-/undo/2/11");
    }

    #[test]
    fn the_id_of_a_request_is_found_in_what_ec2_answers() {
        let told = |text: &str| told_in(text.as_bytes());
        assert_eq!(told("<R><requestId>59dbff89</requestId></R>").as_deref(), Some("59dbff89"));
        assert_eq!(told("<R><RequestID>1</RequestID></R>").as_deref(), Some("1"));
        assert_eq!(told("<R><requestId></requestId></R>"), None);
        assert_eq!(told("nothing"), None);
    }
}
