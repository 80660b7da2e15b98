//! Slabs with keys of their own type, so that a peer's key cannot be taken for a track's.

use slab::Slab;
use std::marker::PhantomData;

/// The place of a value in its arena; used again after the value is removed.
pub trait Key: Copy {
    /// From the place in the slab.
    fn from_index(index: u32) -> Self;
    /// The place in the slab.
    fn index(self) -> u32;
}

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl Key for $name {
            fn from_index(index: u32) -> Self {
                $name(index)
            }

            fn index(self) -> u32 {
                self.0
            }
        }
    };
}

key!(
    /// A peer of this engine.
    PeerKey
);
key!(
    /// A track of this engine.
    TrackKey
);
key!(
    /// A room of this engine.
    RoomKey
);
key!(
    /// A relay of this engine.
    RelayKey
);

/// Values by key.
#[derive(Debug)]
pub struct Arena<K, T> {
    slab: Slab<T>,
    key: PhantomData<K>,
}

impl<K: Key, T> Default for Arena<K, T> {
    fn default() -> Self {
        Arena { slab: Slab::new(), key: PhantomData }
    }
}

impl<K: Key, T> Arena<K, T> {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.slab.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.slab.is_empty()
    }

    /// Adds a value.
    pub fn insert(&mut self, value: T) -> K {
        K::from_index(self.slab.insert(value) as u32)
    }

    /// A value.
    #[inline]
    pub fn get(&self, key: K) -> Option<&T> {
        self.slab.get(key.index() as usize)
    }

    /// A value, to be changed.
    #[inline]
    pub fn get_mut(&mut self, key: K) -> Option<&mut T> {
        self.slab.get_mut(key.index() as usize)
    }

    /// Takes a value out.
    pub fn remove(&mut self, key: K) -> Option<T> {
        self.slab.try_remove(key.index() as usize)
    }

    /// All keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (K, &T)> {
        self.slab.iter().map(|(index, value)| (K::from_index(index as u32), value))
    }

    /// All keys and values, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (K, &mut T)> {
        self.slab.iter_mut().map(|(index, value)| (K::from_index(index as u32), value))
    }
}
