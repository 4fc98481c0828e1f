//! The optimizer.

/// Kingma, Ba, ICLR 2015 (arXiv:1412.6980), with the decay rates given there.
#[derive(Debug, Clone)]
pub struct Adam {
    values: Vec<f64>,
    mean: Vec<f64>,
    square: Vec<f64>,
    steps: i32,
}

impl Adam {
    /// Before the first step, at these parameters.
    pub fn new(values: Vec<f64>) -> Self {
        Self {
            mean: vec![0.0; values.len()],
            square: vec![0.0; values.len()],
            values,
            steps: 0,
        }
    }

    /// The parameters after a step of size `rate` against `gradient`.
    pub fn step(&mut self, gradient: &[f64], rate: f64) -> &[f64] {
        const DECAY: [f64; 2] = [0.9, 0.999];
        self.steps += 1;
        let [unbias_mean, unbias_square] = DECAY.map(|decay| 1.0 / (1.0 - decay.powi(self.steps)));
        for (index, g) in gradient.iter().enumerate() {
            let mean = &mut self.mean[index];
            *mean += (1.0 - DECAY[0]) * (g - *mean);
            let square = &mut self.square[index];
            *square += (1.0 - DECAY[1]) * (g * g - *square);
            let size = (*square * unbias_square).sqrt() + 1e-8;
            self.values[index] -= rate * *mean * unbias_mean / size;
        }
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without its 1e-8 the first step is the rate against the sign of each slope, whatever its size (section 2.1).
    #[test]
    fn the_first_step_has_the_size_of_the_rate() {
        let mut adam = Adam::new(vec![1.0, 2.0, 3.0]);
        let after = adam.step(&[1e-3, -50.0, 0.0], 0.1);
        for (value, expected) in after.iter().zip([0.9, 2.1, 3.0]) {
            assert!((value - expected).abs() < 1e-5, "{value} {expected}");
        }
    }

    #[test]
    fn steps_find_the_bottom_of_a_bowl() {
        let mut adam = Adam::new(vec![3.0, -2.0]);
        let mut values = vec![3.0, -2.0];
        for step in 0..400 {
            let gradient = [2.0 * (values[0] - 1.0), 20.0 * (values[1] - 0.5)];
            values = adam.step(&gradient, 0.1 * 0.98f64.powi(step)).to_vec();
        }
        assert!(
            (values[0] - 1.0).abs() < 1e-2 && (values[1] - 0.5).abs() < 1e-2,
            "{values:?}"
        );
    }
}
