//! Mean and deviation of a series of numbers, as JavaScript's peers and applications read them (statistics 3.3.0).

/// What is known of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub stdev: f64,
    /// How many numbers.
    pub count: u32,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub sqsum: f64,
}

impl Statistics {
    /// One more number.
    pub fn add(&mut self, value: f64) {
        self.count = self.count.saturating_add(1);
        self.sum += value;
        self.sqsum += value * value;
        let count = f64::from(self.count);
        self.mean = self.sum / count;
        // Rounding can bring this below zero.
        self.stdev = (self.sqsum / count - self.mean * self.mean).max(0.0).sqrt();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_summed_up_as_in_javascript() {
        let mut statistics = Statistics::default();

        for value in [2.0, 4.0, 9.0] {
            statistics.add(value);
        }

        let expected =
            Statistics { mean: 5.0, stdev: (26.0_f64 / 3.0).sqrt(), count: 3, sum: 15.0, sqsum: 101.0 };
        assert_eq!(statistics.count, expected.count);
        assert_eq!((statistics.mean, statistics.sum, statistics.sqsum), (5.0, 15.0, 101.0));
        assert!((statistics.stdev - expected.stdev).abs() < 1e-9);
    }

    #[test]
    fn equal_numbers_deviate_by_nothing() {
        let mut statistics = Statistics::default();

        for _ in 0..7 {
            statistics.add(0.1);
        }

        assert!(statistics.stdev < 1e-7, "{statistics:?}");
    }
}
