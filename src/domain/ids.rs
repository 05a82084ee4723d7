//! Names of things, each its own type so that no Region is ever passed where an account belongs.

use super::Text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(Text);

        impl $name {
            /// Returns `raw`, made harmless, as this kind of name.
            pub fn new(raw: &str) -> Self {
                Self(Text::new(raw))
            }

            /// Returns the name.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl From<&str> for $name {
            fn from(raw: &str) -> Self {
                Self::new(raw)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

name! {
    /// The name of a component or group, unique in its estate.
    ComponentId
}
name! {
    /// The name of an environment of the estate.
    EnvironmentName
}
name! {
    /// The name of a backend of the estate.
    BackendName
}
name! {
    /// An AWS Region, such as `us-east-2`.
    Region
}
name! {
    /// An AWS account: twelve digits, the leading zeros kept.
    AccountId
}
name! {
    /// What a recovery point is called where it lies.
    PointId
}
name! {
    /// The ARN or id of an encryption key.
    KeyId
}

impl KeyId {
    /// Returns enough of it for a person to tell keys apart: the first eight characters of an ARN's key.
    pub fn short(&self) -> &str {
        let tail = self.as_str().rsplit('/').next().unwrap_or(self.as_str());
        tail.get(..8).unwrap_or(tail)
    }
}
