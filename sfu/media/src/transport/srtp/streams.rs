//! A small table by SSRC: bounded, ordered, without allocation once it has grown.

/// Values by SSRC.
pub struct Streams<T> {
    /// Ordered by SSRC.
    entries: Vec<Entry<T>>,
    limit: usize,
    /// Counts look-ups, to tell which entry was unused for longest.
    clock: u64,
}

struct Entry<T> {
    ssrc: u32,
    used: u64,
    value: T,
}

impl<T> Streams<T> {
    /// An empty table for at most `limit` SSRCs.
    pub fn new(limit: usize) -> Self {
        Streams { entries: Vec::new(), limit, clock: 0 }
    }

    /// The value of an SSRC; its entry counts as used.
    pub fn find_mut(&mut self, ssrc: u32) -> Option<&mut T> {
        self.clock += 1;
        let place = self.entries.binary_search_by_key(&ssrc, |entry| entry.ssrc).ok()?;
        let entry = self.entries.get_mut(place)?;
        entry.used = self.clock;
        Some(&mut entry.value)
    }

    /// Adds a value; `false` where the table is full.
    pub fn insert(&mut self, ssrc: u32, value: T) -> bool {
        self.clock += 1;
        let entry = Entry { ssrc, used: self.clock, value };
        match self.entries.binary_search_by_key(&ssrc, |entry| entry.ssrc) {
            Ok(place) => {
                if let Some(old) = self.entries.get_mut(place) {
                    *old = entry;
                }
                true
            }
            Err(place) if self.entries.len() < self.limit => {
                self.entries.insert(place, entry);
                true
            }
            Err(_) => false,
        }
    }

    /// Adds a value; in a full table it takes the place of the one unused for longest.
    pub fn replace_oldest(&mut self, ssrc: u32, value: T) {
        if self.entries.len() >= self.limit {
            let ages = self.entries.iter().enumerate();
            if let Some((oldest, _)) = ages.min_by_key(|(_, entry)| entry.used) {
                self.entries.remove(oldest);
            }
        }
        self.insert(ssrc, value);
    }

    /// All values, ordered by SSRC.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.entries.iter().map(|entry| (entry.ssrc, &entry.value))
    }
}
