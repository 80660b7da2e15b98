//! What became of an outbox: packets that left, and packets the kernel refused, by cause.

use std::io;

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident => $label:literal,)*) => {
        /// Why the kernel refused a packet.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Refusal {
            $($(#[$doc])* $name,)*
        }

        impl Refusal {
            /// All causes, in the order of their numbers.
            pub const ALL: &'static [Refusal] = &[$(Refusal::$name,)*];

            /// The name that stands in metric labels.
            pub fn name(self) -> &'static str {
                match self {
                    $(Refusal::$name => $label,)*
                }
            }
        }
    };
}

refusals! {
    /// The send buffer or the interface's queue stayed full.
    Full => "full",
    /// No route to the destination, or of a family the socket does not speak.
    Unreachable => "unreachable",
    /// Longer than the path takes.
    TooLarge => "too_large",
    /// A filter of this host forbids it.
    Forbidden => "forbidden",
    /// Anything else.
    Other => "other",
}

impl Refusal {
    /// How many causes there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The cause an error stands for.
    pub(super) fn of(error: &io::Error) -> Refusal {
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM) => Refusal::Full,
            Some(
                libc::ENETUNREACH
                | libc::EHOSTUNREACH
                | libc::ENETDOWN
                | libc::EHOSTDOWN
                | libc::EADDRNOTAVAIL
                | libc::EAFNOSUPPORT
                | libc::ECONNREFUSED
                | libc::ENODEV,
            ) => Refusal::Unreachable,
            Some(libc::EMSGSIZE) => Refusal::TooLarge,
            Some(libc::EPERM | libc::EACCES) => Refusal::Forbidden,
            _ => Refusal::Other,
        }
    }
}

/// What became of one outbox, or of many added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SendReport {
    /// System calls that sent something.
    pub calls: u64,
    /// Messages sent: each is a run of one packet or more.
    pub runs: u64,
    /// Packets sent. Divided by `runs`: the mean length of a run.
    pub packets: u64,
    /// Bytes sent, without UDP and IP headers.
    pub bytes: u64,
    /// Runs that had to be sent packet by packet.
    pub runs_refused: u64,
    /// Times the send buffer was full and was waited for.
    pub waits: u32,
    /// Calls repeated after an interruption or an error of an earlier packet.
    pub retries: u32,
    refused: [u64; Refusal::COUNT],
}

impl SendReport {
    /// Packets refused for a cause.
    pub fn refused(&self, cause: Refusal) -> u64 {
        self.refused[cause as usize]
    }

    /// Packets refused for any cause.
    pub fn refused_packets(&self) -> u64 {
        self.refused.iter().sum()
    }

    /// Adds another report to this one.
    pub fn add(&mut self, other: &SendReport) {
        self.calls += other.calls;
        self.runs += other.runs;
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.runs_refused += other.runs_refused;
        self.waits = self.waits.wrapping_add(other.waits);
        self.retries = self.retries.wrapping_add(other.retries);
        for (sum, more) in self.refused.iter_mut().zip(other.refused) {
            *sum += more;
        }
    }

    /// Counts a message that left.
    pub(super) fn sent(&mut self, packets: usize, bytes: usize) {
        self.runs += 1;
        self.packets += packets as u64;
        self.bytes += bytes as u64;
    }

    /// Counts packets that did not.
    pub(super) fn refuse(&mut self, cause: Refusal, packets: usize) {
        self.refused[cause as usize] += packets as u64;
    }
}
