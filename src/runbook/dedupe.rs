//! How it is told, after a crash or a lost reply, whether a call has happened: six ways, and how far each reaches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How it is told whether a call has happened already. No service promises it for all its calls (RDS has no token in any
/// of its operations, C2), so each action says which of these holds for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dedupe {
    /// It reads only: it may be repeated at any time.
    Nothing,
    /// The thing that is made has a name that cannot be taken twice, and the name follows from run and step.
    UniqueName,
    /// The call carries a token; a service does nothing for a token that it knows.
    Token,
    /// The thing that is made carries run and step as a tag from its first moment.
    Tag,
    /// The call names what it changes, and is refused when that has changed meanwhile.
    Conditional,
    /// It asks for a state: asking again changes nothing more.
    SetState,
    /// Nothing tells: it is a point of no return, and is never repeated without a person.
    PointOfNoReturn,
}

impl Dedupe {
    /// All ways, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Nothing,
        Self::UniqueName,
        Self::Token,
        Self::Tag,
        Self::Conditional,
        Self::SetState,
        Self::PointOfNoReturn,
    ];

    /// Says it to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Nothing => "reads only; may be repeated",
            Self::UniqueName => "told by its name, which can be taken only once",
            Self::Token => "told by a token that the service remembers",
            Self::Tag => "told by the tag it carries from its first moment",
            Self::Conditional => "told by a condition: it is refused if things have changed",
            Self::SetState => "asks for a state; asking twice changes nothing more",
            Self::PointOfNoReturn => "nothing tells; never repeated without a person",
        }
    }

    /// Returns for how long after the call a look that finds nothing proves nothing: what was made may not show yet.
    pub fn shows_within(self) -> Duration {
        match self {
            // "Eventual consistency": AWS advises to describe for up to five minutes before believing an absence.
            Self::UniqueName | Self::Token | Self::Tag => Duration::from_secs(300),
            Self::PointOfNoReturn => Duration::from_secs(300),
            Self::Nothing | Self::Conditional | Self::SetState => Duration::ZERO,
        }
    }

    /// Returns for how long after the first call it may be repeated as it is, by the token alone; the services give no
    /// figure for most tokens, so this is the shortest that one of them gives (DynamoDB, ten minutes).
    pub fn token_lives(self) -> Duration {
        match self {
            Self::Token => Duration::from_secs(600),
            _ => Duration::ZERO,
        }
    }
}
