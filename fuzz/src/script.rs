//! Bytes read as a script: what to do, one step after the other. Any bytes are a script.

/// Reads a script. At its end everything is zero and empty.
#[derive(Clone, Debug)]
pub struct Script<'a> {
    rest: &'a [u8],
}

impl<'a> Script<'a> {
    /// Starts at the front of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    /// One of two.
    pub fn flag(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    /// A number below `limit`, out of one byte.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit.max(1)
    }

    /// A number up to 65,535, out of two bytes.
    pub fn short(&mut self) -> usize {
        usize::from(u16::from_be_bytes(self.array()))
    }

    /// That many bytes.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let (front, rest) = self.rest.split_at(N.min(self.rest.len()));
        array.iter_mut().zip(front).for_each(|(to, from)| *to = *from);
        self.rest = rest;
        array
    }

    /// A run of bytes with its length, one byte, in front; fewer if the script ends.
    pub fn run(&mut self) -> &'a [u8] {
        let len = self.below(256).min(self.rest.len());
        let (run, rest) = self.rest.split_at(len);
        self.rest = rest;
        run
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Whether there are more steps.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Lengths of the pieces that a wire is cut into, over and over.
#[derive(Clone, Debug)]
pub struct Cuts<'a> {
    lens: std::iter::Cycle<std::slice::Iter<'a, u8>>,
}

impl<'a> Cuts<'a> {
    /// Pieces of these lengths, of which zero stands for 256. Without any there is one piece.
    pub fn new(lens: &'a [u8]) -> Self {
        Self { lens: lens.iter().cycle() }
    }

    /// The length of the next piece, of at most `left` bytes.
    pub fn next(&mut self, left: usize) -> usize {
        match self.lens.next() {
            None => left,
            Some(0) => left.min(256),
            Some(len) => left.min(usize::from(*len)),
        }
    }

    /// Takes the next piece off the front of `wire`. Empty only at the end.
    pub fn take<'w>(&mut self, wire: &mut &'w [u8]) -> &'w [u8] {
        let (piece, rest) = wire.split_at(self.next(wire.len()));
        *wire = rest;
        piece
    }
}
