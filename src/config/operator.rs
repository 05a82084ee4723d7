//! Who is at the keyboard: the name under which the machine knows the person, not one that anybody can set.

use nix::unistd::{Uid, User};

/// Returns the name of the person who runs this program: who has become root by `sudo` is named as before. Where the
/// machine knows no name, the number stands for it.
pub fn name() -> String {
    let uid = Uid::current();
    let before = std::env::var("SUDO_UID").ok().filter(|_| uid.is_root()).and_then(|uid| uid.parse().ok());
    let uid = before.map_or(uid, Uid::from_raw);
    match User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        Ok(None) | Err(_) => format!("uid{uid}"),
    }
}
