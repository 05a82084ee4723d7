//! The proof that an intent is on disk cannot be made by hand.
use lifeboat::engine::journal::Committed;
use lifeboat::runbook::event::Event;

fn forge(event: Event) -> Committed {
    Committed { seq: 1, event } //~ E0451
}

fn main() {}
