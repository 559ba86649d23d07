//! Numbered places whose numbers are never used twice.

/// Values under 64-bit numbers: the place, and how often it has been used, so that an old number finds nothing.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    places: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
    /// The lowest bit of this slab's numbers.
    side: u64,
}

impl<T> Slab<T> {
    pub fn new(side: u64) -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            side,
        }
    }

    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Store what `make` gives for the new number.
    pub fn insert_with(&mut self, make: impl FnOnce(u64) -> T) -> u64 {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push((0, None));
            u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
        });
        let (uses, value) = &mut self.places[place as usize];
        *uses = uses.wrapping_add(1).max(1);
        let number = (u64::from(*uses) << 32) | (u64::from(place) << 1) | self.side;
        *value = Some(make(number));
        number
    }

    fn place(&self, number: u64) -> Option<usize> {
        let place = ((number & 0xffff_ffff) >> 1) as usize;
        let (uses, _) = self.places.get(place)?;
        (number & 1 == self.side && number >> 32 == u64::from(*uses)).then_some(place)
    }

    pub fn get(&self, number: u64) -> Option<&T> {
        self.places[self.place(number)?].1.as_ref()
    }

    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let place = self.place(number)?;
        self.places[place].1.as_mut()
    }

    pub fn remove(&mut self, number: u64) -> Option<T> {
        let place = self.place(number)?;
        let value = self.places[place].1.take()?;
        self.free.push(u32::try_from(place).unwrap_or(u32::MAX));
        Some(value)
    }

    pub fn numbers(&self) -> Vec<u64> {
        let numbered = |(place, (uses, value)): (usize, &(u32, Option<T>))| {
            value
                .as_ref()
                .map(|_| (u64::from(*uses) << 32) | ((place as u64) << 1) | self.side)
        };
        self.places
            .iter()
            .enumerate()
            .filter_map(numbered)
            .collect()
    }
}
