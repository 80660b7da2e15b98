//! Wakes a worker that sleeps in `poll`: an eventfd, written only when the worker is asleep.

use rustix::event::{EventfdFlags, eventfd};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// One worker's alarm. Clones ring the same bell.
#[derive(Debug, Clone)]
pub(crate) struct Alarm {
    event: Arc<File>,
    asleep: Arc<AtomicBool>,
}

impl Alarm {
    /// A new alarm; fails where the process has no descriptors left.
    pub(crate) fn new() -> io::Result<Alarm> {
        let event = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Alarm { event: Arc::new(File::from(event)), asleep: Arc::default() })
    }

    /// Wakes the worker, if it sleeps. Call it after putting something into one of its rings.
    pub(crate) fn ring(&self) {
        // Orders the push before the look at `asleep`; the worker orders its nap before its look
        // at the rings. So one of the two sees the other.
        fence(Ordering::SeqCst);
        if self.asleep.swap(false, Ordering::SeqCst) {
            // Cannot fail but by overflow, and then the worker is being woken already.
            let written = (&*self.event).write(&1_u64.to_ne_bytes());
            debug_assert!(written.is_ok());
        }
    }

    /// The worker is about to sleep: from now on it is woken. It must look at its rings once more.
    pub(crate) fn lie_down(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// The worker is awake. Takes back a call that came in the meantime.
    pub(crate) fn get_up(&self, rung: bool) {
        self.asleep.store(false, Ordering::SeqCst);
        if rung {
            let mut count = [0; 8];
            // Empty where the descriptor was ready for another reason.
            let read = (&*self.event).read(&mut count);
            debug_assert!(read.is_ok_and(|len| len == 8));
        }
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
