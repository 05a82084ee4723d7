//! Elevating consumes the read-only session; standing down consumes the operator's.
use lifeboat::authority::Session;

fn main() {
    let session = Session::read_only();
    let operator = session.elevate("INC-4711").map_err(|(_, why)| why).unwrap();
    let _ = operator.stand_down();
    let _ = operator.purpose(); //~ E0382
}
