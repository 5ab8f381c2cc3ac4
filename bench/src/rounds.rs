//! Medians of rounds in which all sides took turns.

/// The rounds of several sides: each has one value a round.
#[derive(Debug)]
pub struct Rounds<const SIDES: usize> {
    values: [Vec<f64>; SIDES],
}

impl<const SIDES: usize> Rounds<SIDES> {
    /// Lets each side measure once a round.
    pub fn run(count: usize, mut measure: impl FnMut(usize) -> f64) -> Self {
        let mut values = [const { Vec::new() }; SIDES];
        for _ in 0..count {
            for (side, values) in values.iter_mut().enumerate() {
                values.push(measure(side));
            }
        }
        Self { values }
    }

    /// The median of a side.
    pub fn median(&self, side: usize) -> f64 {
        median(self.side(side).to_vec())
    }

    /// The median, and the smallest and largest, of what `compare` makes of two sides, round by round.
    pub fn compare(&self, one: usize, other: usize, compare: impl Fn(f64, f64) -> f64) -> [f64; 3] {
        let pairs = self.side(one).iter().zip(self.side(other));
        let mut values: Vec<f64> = pairs.map(|(one, other)| compare(*one, *other)).collect();
        values.sort_by(f64::total_cmp);
        let end = |value: Option<&f64>| value.copied().unwrap_or(f64::NAN);
        [median(values.clone()), end(values.first()), end(values.last())]
    }

    fn side(&self, side: usize) -> &[f64] {
        self.values.get(side).map(Vec::as_slice).unwrap_or_default()
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_take_turns_and_pairs_are_of_one_round() {
        let mut next = 0.0;
        let rounds = Rounds::<2>::run(3, |side| {
            next += 1.0;
            if side == 0 { next } else { 2.0 * next }
        });

        // 1 4, 3 8, 5 12
        assert_eq!((rounds.median(0), rounds.median(1)), (3.0, 8.0));
        assert_eq!(rounds.compare(1, 0, |one, other| one - other), [5.0, 3.0, 7.0]);
    }
}
