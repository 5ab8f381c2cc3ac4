//! For tests of what is built on this crate: the same on each back end.

use core::cell::Cell;

use crate::Backend;

/// Runs `test` once for each back end that this CPU can run, which is the [best](Backend::best) meanwhile, on this thread.
pub fn on_each(test: impl Fn()) {
    for backend in Backend::available() {
        // Shown if it panics.
        std::println!("{backend:?}");
        on(backend, &test);
    }
}

/// Runs `test` with this back end as the [best](Backend::best), on this thread.
pub fn on<T>(backend: Backend, test: impl FnOnce() -> T) -> T {
    let _restored = Restored(CHOSEN.replace(Some(backend)));
    test()
}

pub(crate) fn chosen() -> Option<Backend> {
    CHOSEN.get()
}

// What was chosen before, chosen again when a test ends or panics.
struct Restored(Option<Backend>);

impl Drop for Restored {
    fn drop(&mut self) {
        CHOSEN.set(self.0);
    }
}

std::thread_local! {
    static CHOSEN: Cell<Option<Backend>> = const { Cell::new(None) };
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn a_test_sees_the_back_end_that_was_chosen_for_it() {
        let best = Backend::best();
        let seen = core::cell::RefCell::new(Vec::new());

        on_each(|| seen.borrow_mut().push(Backend::best()));
        let inner = on(Backend::PORTABLE, || on(best, Backend::best));

        assert_eq!(seen.into_inner(), Backend::available().collect::<Vec<_>>());
        assert_eq!(inner, best);
        assert_eq!(Backend::best(), best);
    }

    #[test]
    fn a_test_that_panics_leaves_nothing_chosen() {
        let panicked = std::panic::catch_unwind(|| on(Backend::PORTABLE, || panic!("as it should")));

        assert!(panicked.is_err());
        assert_eq!(chosen(), None);
    }
}
