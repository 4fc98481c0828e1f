//! How well is a chip found from what is read of it?
//!
//! A rectangle of 8 modes, or of as many as the argument says, whose couplers, losses, offsets and V_π err and whose heaters
//! heat each other, is measured at random settings and found from the readings. `expected` is the error of the matrix at new
//! settings as the twin expects it, `true` that against the chip; `corrected` is how far the true chip then is from a
//! unitary that it is set to by what was found, but for a common factor. Of powers, errors are those at the best phases of
//! inputs and outputs.
//!
//! ```text
//! cargo run --release --example chip_twin -- 16
//! ```

use lightloom::hardware::{Instrument, Laboratory};
use lightloom::linalg::{C64, Matrix, matrix_error};
use lightloom::mesh::{Geometry, Mesh};
use lightloom::processor::asked_of_mesh;
use lightloom::rng::Effect;
use lightloom::twin::{Measurements, Settings, Twin, error_up_to_phases};
use lightloom::{Correction, Hardware, Result, Seed};

const BENCH: &str = "coupler.splitting_error_rad = 0.03
phase_shifter = { offset_rad = 30.0, v_pi_error = 0.02, crosstalk = 0.005 }
mesh = { insertion_loss_db = 0.1, insertion_loss_spread_db = 0.02 }";

/// Powers or fields, settings, noise relative to a reading.
const ROWS: [(bool, usize, f64); 6] = [
    (true, 32, 0.01),
    (true, 48, 0.01),
    (true, 64, 0.01),
    (true, 64, 0.001),
    (false, 32, 0.01),
    (false, 64, 0.01),
];
/// Settings that judge.
const NEW: usize = 20;

fn main() -> Result<()> {
    let modes = std::env::args().nth(1);
    let modes = modes.map_or(8, |modes| modes.parse().expect("a number of modes"));
    let bench = Hardware::from_toml(BENCH)?;
    // What is believed of the kind of chip.
    let kind =
        Hardware::from_toml("coupler.splitting_error_rad = 0.03\nphase_shifter.v_pi_error = 0.02")?;
    let chip = bench.fabricate(Seed(0), 7);
    let mut stream = Seed(1).stream(Effect::Haar, 0, 0, 0);
    let mesh = Mesh::haar(Geometry::Clements, modes, &mut stream)?;
    let unitary = mesh.transfer();
    let mut laboratory = Laboratory::new(chip.clone(), &mesh);
    let error = |is_powers: bool, matrix: &Matrix, other: &Matrix| match is_powers {
        true => error_up_to_phases(matrix, other),
        false => matrix_error(matrix, other),
    };
    let of_unitary = |is_powers: bool, matrix: &Matrix| {
        let factor = C64::from(unitary.norm() / matrix.norm());
        error(is_powers, &(matrix * factor), &unitary)
    };
    println!(
        "{modes} modes; uncorrected: {:.2}",
        of_unitary(true, &chip.transfer(&mesh))
    );
    println!("readings settings noise   χ²/dof  expected  true      corrected");
    for (is_powers, settings, noise) in ROWS {
        let settings = Settings::random(laboratory.heaters(), settings, Seed(2), 0);
        let measured = Measurements::take(&mut laboratory, settings, is_powers, || true)?;
        let count = measured.len();
        let measured = measured.with_noise(noise, 0.0, Seed(3));
        let twin = Twin::fit(&mesh, &kind, measured, Seed(4), &())?;
        let new = Settings::random(laboratory.heaters(), NEW, Seed(5), 0);
        let mut squares = 0.0;
        for asked in new.values().outer_iter() {
            laboratory.set(&asked.to_vec())?;
            let found = twin.transfer(&asked.to_vec())?;
            squares += error(is_powers, &found, &laboratory.true_transfer()).powi(2);
        }
        let quality = twin.quality();
        print!(
            "{:<8} {count:<8} {noise:<7} {:<7.3} {:<9.1e} {:<9.1e} ",
            if is_powers { "powers" } else { "fields" },
            quality.chi_squared_per_freedom,
            quality.expected_error,
            (squares / NEW as f64).sqrt(),
        );
        if quality.is_explained() {
            let found = twin.measured()?.fabricate(Seed(0), 0);
            let corrected = asked_of_mesh(&mesh, &found, Correction::Progressive)?.of;
            println!("{:.4}", of_unitary(is_powers, &chip.transfer(&corrected)));
        } else {
            println!("the twin does not explain the readings");
        }
    }
    Ok(())
}
