//! A chip with one mesh as a function of its parameters.

use std::f64::consts::{FRAC_PI_2, LN_10, PI};

use super::parameters::{Parameters, Sizes};
use crate::error::{Error, Result};
use crate::field::TwoByTwo;
use crate::hardware::{Hardware, Heaters};
use crate::linalg::C64;
use crate::mesh::{CellKind, Mesh, Mzi};
use crate::units::amplitude_from_db;

/// What is known of a chip before anything is measured: the layout of its mesh, its kind of cell, where its heaters stand.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) mesh: Mesh,
    pub(super) kind: CellKind,
    pub(super) sizes: Sizes,
    /// Ports that light is sent into and read at: the first modes.
    pub(super) ports: usize,
    /// Additional field transmission of heated arms.
    arm: f64,
    /// The free shifter in front of each node, if there is one: its arm, and its number among the heaters.
    free: Vec<Option<(usize, usize)>>,
    /// Heaters in reach of each one, and their distances in pitches.
    pub(super) near: Vec<Vec<(usize, f64)>>,
}

/// One node at its phases: a cell, and what stands in front of one of its arms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    cell: Mzi,
    /// Arm, phase in rad and number of the heater of a free shifter.
    free: Option<(usize, f64, usize)>,
}

impl Model {
    /// The layout of `mesh` on chips of `hardware`, of which `ports` are measured.
    ///
    /// # Errors
    /// [`Error::Value`] if the mesh has neither so many modes nor so many modes that carry data.
    pub(super) fn new(mesh: &Mesh, hardware: &Hardware, ports: usize) -> Result<Self> {
        if ports != mesh.ports() && ports != mesh.modes() {
            let limit = match mesh.ports() == mesh.modes() {
                true => format!("{}, as the mesh has modes", mesh.modes()),
                false => format!(
                    "{} or {}: modes that carry data, or all of them",
                    mesh.ports(),
                    mesh.modes()
                ),
            };
            return Err(Error::value("measured inputs", ports, limit));
        }
        let kind = hardware.mesh().cell;
        let nodes = mesh.nodes();
        let mut free = vec![None; nodes.len()];
        let first = mesh.phase_shifters();
        for (number, shifter) in mesh.free_shifters(kind).iter().enumerate() {
            let arm = usize::from(shifter.mode != nodes[shifter.node].top);
            free[shifter.node] = Some((arm, first + number));
        }
        let mut heaters = Heaters::default();
        heaters.push_mesh(mesh, kind);
        Ok(Self {
            sizes: Sizes {
                couplers: kind.couplers(),
                cells: nodes.len(),
                heaters: mesh.phase_shifters_of(kind),
            },
            mesh: mesh.clone(),
            kind,
            ports,
            arm: amplitude_from_db(-hardware.mesh().arm_imbalance_db),
            free,
            near: heaters.neighbours(),
        })
    }

    /// What the heaters show when they are asked for `asked`, rad: φ = π V²/V_π², heat of the neighbours, offsets.
    pub(super) fn shown(&self, of: &Parameters, asked: &[f64]) -> Vec<f64> {
        let heat = self.driven(of, asked);
        let shares = |distance: f64| of.crosstalk.powf(distance);
        let shown = heat.iter().zip(&self.near).zip(&of.offset_rad);
        shown
            .map(|((own, near), offset)| {
                let neighbours = near.iter().map(|(other, far)| shares(*far) * heat[*other]);
                let neighbours: f64 = match of.crosstalk > 0.0 {
                    true => neighbours.sum(),
                    false => 0.0,
                };
                own + neighbours + offset
            })
            .collect()
    }

    /// What heaters do of themselves, rad.
    pub(super) fn driven(&self, of: &Parameters, asked: &[f64]) -> Vec<f64> {
        let pairs = asked.iter().zip(&of.v_pi_error);
        pairs
            .map(|(phase, error)| phase / (1.0 + error).powi(2))
            .collect()
    }

    /// The nodes at the phases that heaters show.
    pub(super) fn elements(&self, of: &Parameters, shown: &[f64]) -> Vec<Element> {
        let cells = self.sizes.cells;
        let element = |index: usize| {
            let coupler = |number: usize| of.couplers_rad.get(number).map_or(0.0, |all| all[index]);
            Element {
                cell: Mzi {
                    kind: self.kind,
                    theta: shown[index],
                    phi: shown[cells + index],
                    alpha: coupler(0),
                    beta: coupler(1),
                    gamma: coupler(2),
                    amplitude: amplitude_from_db(-of.loss_db[index]),
                    theta_arm: self.arm,
                    phi_arm: self.arm,
                },
                free: self.free[index].map(|(arm, heater)| (arm, shown[heater], heater)),
            }
        };
        (0..cells).map(element).collect()
    }

    /// The factors of the screen, `[mode]`.
    pub(super) fn screen(&self, shown: &[f64]) -> Vec<C64> {
        let first = 2 * self.sizes.cells;
        let phases = &shown[first..first + self.mesh.modes()];
        phases.iter().map(|p| C64::from_polar(1.0, *p)).collect()
    }
}

impl Element {
    /// Its 2×2.
    pub(super) fn matrix(&self) -> TwoByTwo {
        self.behind_free(self.cell.matrix())
    }

    fn behind_free(&self, mut matrix: TwoByTwo) -> TwoByTwo {
        if let Some((arm, phase, _)) = self.free {
            let factor = C64::from_polar(1.0, phase);
            matrix[arm] *= factor;
            matrix[2 + arm] *= factor;
        }
        matrix
    }

    /// Derivatives of the 2×2 by θ, by φ and by the phase of the free shifter, each with the number of its heater; node
    /// number `index` of `cells`.
    ///
    /// A 2×2 is affine in e^{iθ} and in e^{iφ}: its derivative is i (T(θ) − T(θ + π)) / 2.
    pub(super) fn by_phases(&self, index: usize, cells: usize) -> Vec<(usize, TwoByTwo)> {
        let here = self.matrix();
        let turned = |cell: Mzi| {
            let there = self.behind_free(cell.matrix());
            std::array::from_fn(|at| C64::i() * (here[at] - there[at]) * 0.5)
        };
        let cell = self.cell;
        let mut slopes = vec![
            (
                index,
                turned(Mzi {
                    theta: cell.theta + PI,
                    ..cell
                }),
            ),
            (
                cells + index,
                turned(Mzi {
                    phi: cell.phi + PI,
                    ..cell
                }),
            ),
        ];
        if let Some((arm, _, heater)) = self.free {
            let mut slope = [C64::ZERO; 4];
            slope[arm] = C64::i() * here[arm];
            slope[2 + arm] = C64::i() * here[2 + arm];
            slopes.push((heater, slope));
        }
        slopes
    }

    /// Derivatives of the 2×2 by the splitting error of each coupler and, last, by the loss in dB.
    ///
    /// dB(x)/dx = B(x + π/2) for a coupler B of angle x.
    pub(super) fn by_silicon(&self) -> Vec<TwoByTwo> {
        let cell = self.cell;
        let shifted = [
            Mzi {
                alpha: cell.alpha + FRAC_PI_2,
                ..cell
            },
            Mzi {
                beta: cell.beta + FRAC_PI_2,
                ..cell
            },
            Mzi {
                gamma: cell.gamma + FRAC_PI_2,
                ..cell
            },
        ];
        let couplers = shifted.iter().take(cell.kind.couplers());
        let mut slopes: Vec<TwoByTwo> = couplers.map(|at| self.behind_free(at.matrix())).collect();
        // An amplitude is 10^(−dB/20).
        slopes.push(self.matrix().map(|z| z * (-LN_10 / 20.0)));
        slopes
    }
}
