//! Where a journal lies: files, memory, an object store.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// What a journal is read from.
pub trait Source {
    /// How long it is now.
    fn size(&mut self) -> io::Result<u64>;
    /// Reads some bytes from a place on; 0 only at the end.
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// What a journal is written to.
pub trait Disk: Source {
    /// Writes all of it at a place; after an error any part of it may stand there.
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts off what lies behind.
    fn cut(&mut self, len: u64) -> io::Result<()>;
    /// Returns when all that was written survives a power cut.
    fn sync(&mut self) -> io::Result<()>;
}

/// A sync that is still to be carried out, by whichever thread.
pub type Apart = Box<dyn FnOnce() -> io::Result<()> + Send>;

/// A disk whose syncs need not be waited for by who writes.
pub trait SyncsApart: Disk {
    /// Makes what is written until now survive a power cut, once it is carried out.
    fn sync_apart(&self) -> io::Result<Apart>;
}

impl<S: Source> Source for &mut S {
    fn size(&mut self) -> io::Result<u64> {
        (**self).size()
    }

    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(at, buffer)
    }
}

impl Source for File {
    fn size(&mut self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(self, buffer, at)
    }
}

impl SyncsApart for File {
    fn sync_apart(&self) -> io::Result<Apart> {
        let file = self.try_clone()?;
        Ok(Box::new(move || file.sync_data()))
    }
}

impl Disk for File {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

impl Source for &[u8] {
    fn size(&mut self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }
}
