//! What stands in the DR Region for what a component uses at home.

use super::Text;

/// What a component is given where it recovers to: groups and keys belong to one Region, so those of home are of no use
/// there. What is not said is `None`, or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standby {
    /// The parameter group of a database.
    pub parameter_group: Option<Text>,
    /// The subnet group of a database.
    pub subnet_group: Option<Text>,
    /// The security groups.
    pub security_groups: Vec<Text>,
    /// The class of the instances of a database.
    pub class: Option<Text>,
    /// The key that copies are encrypted with.
    pub key: Option<Text>,
    /// For a DNS record: the address that it leads to.
    pub address: Option<Text>,
}

impl Standby {
    /// Returns what is said under the name that runbooks use, such as `parameter-group`; lists with commas.
    pub fn named(&self, name: &str) -> Option<String> {
        let text = |text: &Option<Text>| text.as_ref().map(ToString::to_string);
        match name {
            "parameter-group" => text(&self.parameter_group),
            "subnet-group" => text(&self.subnet_group),
            "security-groups" => {
                let all: Vec<&str> = self.security_groups.iter().map(Text::as_str).collect();
                (!all.is_empty()).then(|| all.join(","))
            }
            "class" => text(&self.class),
            "key" => text(&self.key),
            "address" => text(&self.address),
            _ => None,
        }
    }
}
