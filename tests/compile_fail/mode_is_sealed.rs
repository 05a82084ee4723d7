//! Nobody invents a mode of their own.
use lifeboat::authority::Mode;

struct Almighty;
impl Mode for Almighty {}

fn main() {}
