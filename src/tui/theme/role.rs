//! The roles that a theme gives a style.

macro_rules! roles {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// What a piece of the screen is, as far as its look is concerned.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Role { $($(#[$doc])* $variant,)* }

        impl Role {
            /// All roles.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the name used in theme files.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

roles! {
    /// The ground and what stands on it.
    Text = "text";
    /// What is read second: healthy rows, ages, units.
    Dim = "text.dim";
    /// What is read first: the sentence on top, names.
    Strong = "text.strong";
    /// Rules between parts.
    Rule = "rule";
    /// Headings of columns and sections.
    Heading = "heading";
    /// The bar on top.
    Bar = "bar";
    /// The row under the cursor.
    Selected = "selected";
    /// What the filter matched.
    Match = "match";
    /// The chosen failure.
    TabChosen = "tab.chosen";
    /// The other failures.
    Tab = "tab";
    /// A key in a hint.
    Key = "key";
    /// What is typed.
    Input = "input";
    /// A promise that would be kept.
    Met = "verdict.met";
    /// A promise that would barely be kept.
    AtRisk = "verdict.at_risk";
    /// A promise that would be broken.
    Breached = "verdict.breached";
    /// What cannot be told.
    Unknown = "verdict.unknown";
    /// What nobody has measured.
    Unproven = "verdict.unproven";
    /// Where nothing was promised.
    NoObjective = "verdict.no_objective";
    /// The word PROD.
    Production = "badge.production";
    /// The words READ-ONLY.
    ReadOnly = "badge.read_only";
    /// The word OPERATOR.
    Operator = "badge.operator";
    /// The word LIVE.
    Live = "badge.live";
    /// The word SANDBOX.
    Sandbox = "badge.sandbox";
    /// The words PRESENTER and MASKED.
    Presenter = "badge.presenter";
    /// A notice that asks for nothing.
    Notice = "notice";
    /// A notice that something went wrong.
    Alarm = "alarm";
}
