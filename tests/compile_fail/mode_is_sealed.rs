//! Nobody invents a mode of their own.
use lifeboat::authority::Mode;

struct Almighty;
impl Mode for Almighty {} //~ E0277

fn main() {}
