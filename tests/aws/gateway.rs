//! The gateway that tests put in front of a server: it does what its first page says.

use crate::support::account::program;
use crate::support::gear::Gear;

#[test]
fn the_gateway_tells_what_was_done_twice() {
    Gear::shared().python(&[&program("gateway_selftest.py")]);
}
