//! What becomes of the slopes of a loss on the way from what heaters show to what is asked of them.

use super::Chip;
use crate::hardware::{Heaters, Placed};
use crate::mesh::{Correction, Mesh, Phases};

impl Chip {
    /// The slopes of a loss by the phases that are asked of the heaters of `sections`, of so many each, from those by what
    /// they show, both in their order, per rad.
    ///
    /// Heat spreads by `1 + C`, so slopes gather by its transpose; V_π errors divide both alike; what adds
    /// to a phase changes no slope. Straight through the supply: neither its steps nor its limit count. Bengio, Léonard,
    /// Courville, arXiv:1308.3432 (2013).
    ///
    /// # Panics
    /// As [`settle`](Self::settle), and if the response of a heater [was measured](crate::hardware::Curve): its slope depends
    /// on the phase, and [`pull_back_at`](Self::pull_back_at) takes it.
    pub fn pull_back(
        &self,
        heaters: &Heaters,
        sections: &[(Placed, usize)],
        by_shown: Vec<f64>,
    ) -> Vec<f64> {
        let mut slopes = self.heat_back(heaters, sections, &by_shown);
        self.respond_back(sections, None, &mut slopes);
        slopes
    }

    /// As [`pull_back`](Self::pull_back), at the phases that heaters were `asked` for, whatever was measured of them.
    ///
    /// # Panics
    /// As [`settle`](Self::settle).
    pub fn pull_back_at(
        &self,
        heaters: &Heaters,
        sections: &[(Placed, usize)],
        asked: &[f64],
        by_shown: Vec<f64>,
    ) -> Vec<f64> {
        let mut slopes = self.heat_back(heaters, sections, &by_shown);
        self.respond_back(sections, Some(asked), &mut slopes);
        slopes
    }

    /// [`pull_back`](Self::pull_back) of a mesh that stands alone, whose cells are the chip's.
    ///
    /// # Panics
    /// If there is not one slope per phase shifter, or what was measured is not of the mesh.
    ///
    /// ```
    /// use lightloom::field::Fields;
    /// use lightloom::mesh::{Geometry, Phases};
    /// use lightloom::{Correction, Hardware, Mesh, Seed, rng::Effect};
    ///
    /// // A chip that errs in everything is trained to send all light of input 0 to output 3.
    /// let hardware = Hardware::from_toml(
    ///     "coupler.splitting_error_rad = 0.1\n\
    ///      phase_shifter = { offset_rad = 0.3, v_pi_error = 0.02, crosstalk = 0.01 }\n\
    ///      mesh = { insertion_loss_db = 0.05, arm_imbalance_db = 0.05 }",
    /// )?;
    /// let chip = hardware.fabricate(Seed(1), 0);
    /// let mut stream = Seed(2).stream(Effect::Haar, 0, 0, 0);
    /// let mut mesh = Mesh::haar(Geometry::Clements, 4, &mut stream)?;
    /// let input = Fields::<f64>::basis(4, 1);
    /// let mut powers = Vec::new();
    /// for _ in 0..60 {
    ///     let seen = chip.program(&mesh, Correction::None).coefficients;
    ///     let mut output = input.clone();
    ///     seen.walk(&mut output);
    ///     powers.push(output.re()[[3, 0]].powi(2) + output.im()[[3, 0]].powi(2));
    ///     // L = −|y₃|²: ∂L/∂Re y + i ∂L/∂Im y = −2 y₃.
    ///     output.scale_modes(&[0.0, 0.0, 0.0, -2.0].map(Into::into));
    ///     let by_shown = seen.gradient(&input, output).phases;
    ///     let by_asked = chip.pull_back_mesh(&mesh, &by_shown);
    ///     let step = |phase: &f64, slope: &f64| phase - 0.3 * slope;
    ///     let phases = mesh.phases().flat();
    ///     let phases = phases.iter().zip(by_asked.flat()).map(|(phase, slope)| step(phase, &slope));
    ///     mesh = mesh.with_phases(Phases::from_flat(phases.collect(), &mesh))?;
    /// }
    /// // Couplers and losses leave no more than 0.80.
    /// assert!(powers[0] < 0.1 && powers[59] > 0.78, "{powers:?}");
    /// # Ok::<(), lightloom::Error>(())
    /// ```
    pub fn pull_back_mesh(&self, mesh: &Mesh, by_shown: &Phases) -> Phases {
        if self.needs_seat() {
            let seated = self.on_mesh(mesh);
            let seated = seated.unwrap_or_else(|error| panic!("{error}"));
            return seated.pull_back_mesh(mesh, by_shown);
        }
        let heaters = self.heaters(|heaters| heaters.push_mesh(mesh, self.cell_kind()));
        let by_shown = by_shown.flat();
        let sections = [(Placed::MESH, by_shown.len())];
        let chip = self.on_places_of(mesh);
        let asked = chip.asked(&heaters, &sections, mesh.phases().flat(), Correction::None);
        let by_asked = chip.pull_back_at(&heaters, &sections, &asked, by_shown);
        Phases::from_flat(by_asked, mesh)
    }
}
