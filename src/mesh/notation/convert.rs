//! Meshes from the notations of other packages, and back.
//!
//! Every cell is P(output) T(θ, 0) P(input). Phases that a cell does not have in the other convention run
//! ahead of it (or behind it) on their modes until a phase shifter takes them up.

use super::convention::{External, NormalForm};
use super::{Convention, Element, Notation};
use crate::error::{Context, Error, Result};
use crate::mesh::phases::Ties;
use crate::mesh::{Mesh, Node, wrap};

/// More modes than any chip has; a file that claims more is refused before memory is taken for them.
const MODES_LIMIT: usize = 1 << 16;

impl Mesh {
    /// The mesh that does what `notation` says, global phase included.
    ///
    /// Every cell, inverse or not, becomes one MZI with θ in [0, π] and φ in [0, 2π), in the first column
    /// that is free on its modes; phase shifters are pushed to the output screen. Light-order lists of a
    /// rectangle or triangle with its apex at the last mode come out as that [`Geometry`](crate::mesh::Geometry).
    ///
    /// # Errors
    /// [`Error::Value`] if there is no mode, or more than 65536, or an element names a mode that does not
    /// exist or one mode twice, or a phase is NaN or infinite.
    ///
    /// ```
    /// use lightloom::mesh::{Convention, Notation};
    /// use lightloom::Mesh;
    ///
    /// // One row each of Strawberry Fields' lists `[m, n, theta, phi, size]`, and its diagonal.
    /// let notation = Notation::from_strawberryfields(
    ///     Convention::StrawberryFields,
    ///     &[[0.0, 1.0, 0.3, 1.2, 2.0]],
    ///     &[1.0.into(), 1.0.into()],
    ///     &[],
    /// )?;
    /// let u = Mesh::from_notation(&notation)?.transfer();
    /// assert!((u[(1, 1)].re - 0.3f64.cos()).abs() < 1e-15);
    /// # Ok::<(), lightloom::Error>(())
    /// ```
    pub fn from_notation(notation: &Notation) -> Result<Self> {
        if notation.modes == 0 || notation.modes > MODES_LIMIT {
            let limit = format!("1 to {MODES_LIMIT}");
            return Err(Error::value("modes", notation.modes, limit));
        }
        // Phases that light has collected on each mode and no MZI has taken up.
        let mut ahead = vec![0.0; notation.modes];
        let mut free_from = vec![0; notation.modes];
        let mut mzis = Vec::new();
        for (index, element) in notation.elements.iter().enumerate() {
            let name = || format!("elements[{index}]");
            let (modes, phases_rad, is_inverse) = match *element {
                Element::Phase { mode, phase_rad } => {
                    let mode = mode_index(notation, mode).within(name())?;
                    check_phase(phase_rad).within(name())?;
                    ahead[mode] = wrap(ahead[mode] + phase_rad);
                    continue;
                }
                Element::Cell { modes, phases_rad } => (modes, phases_rad, false),
                Element::Inverse { modes, phases_rad } => (modes, phases_rad, true),
            };
            let [top, bottom] = cell_modes(notation, modes).within(name())?;
            for phase in phases_rad {
                check_phase(phase).within(name())?;
            }
            let mut form = notation.convention.normal_form(phases_rad);
            if is_inverse {
                form = form.inverse();
            }
            let column = free_from[top].max(free_from[bottom]);
            free_from[top] = column + 1;
            free_from[bottom] = column + 1;
            let common = ahead[bottom] + form.input[1];
            let phi = wrap(ahead[top] + form.input[0] - common);
            ahead[top] = wrap(common + form.output[0]);
            ahead[bottom] = wrap(common + form.output[1]);
            let node = Node {
                column,
                top,
                bottom,
            };
            mzis.push((node, form.theta, phi));
        }
        mzis.sort_by_key(|(node, ..)| (node.column, node.top));
        Self::new(
            notation.modes,
            mzis.iter().map(|(node, ..)| *node).collect(),
            mzis.iter().map(|(_, theta, _)| *theta).collect(),
            mzis.iter().map(|(.., phi)| *phi).collect(),
            ahead,
        )
    }

    /// The cells of `convention` that do what this mesh does, global phase included.
    ///
    /// One cell per MZI in the order of the nodes; phases in [0, 2π), mixing angles ω in [0, π/2]. Conventions
    /// with φ at the input end with a phase per mode, those with φ at the output begin with one: N² phases for
    /// a mesh of N (N − 1) / 2 MZIs. `bell-walmsley` has phase shifters only where its cells cannot take a
    /// phase up: N at inputs and outputs, and N/2 − 1 more along the last mode of a rectangle of even N.
    pub fn to_notation(&self, convention: Convention) -> Notation {
        match convention.external() {
            External::Input(place) => self.pushed_ahead(convention, place),
            External::Output(place) => self.pushed_back(convention, place),
            External::Common => self.spread(convention),
        }
    }

    fn normal_form(&self, node: usize) -> NormalForm {
        NormalForm::folded(
            self.phases.theta[node],
            [self.phases.phi[node], 0.0],
            [0.0; 2],
        )
    }

    /// φ at the input: what a cell cannot hold runs to the output.
    fn pushed_ahead(&self, convention: Convention, place: usize) -> Notation {
        let mut notation = Notation::new(convention, self.modes);
        let mut ahead = vec![0.0; self.modes];
        for (index, node) in self.nodes.iter().enumerate() {
            let form = self.normal_form(index);
            let mut phases_rad = convention.bare_phases(form.theta);
            let bare = convention.normal_form(phases_rad);
            let top = ahead[node.top] + form.input[0] - bare.input[0];
            let common = ahead[node.bottom] + form.input[1] - bare.input[1];
            phases_rad[place] = wrap(phases_rad[place] + top - common);
            ahead[node.top] = wrap(common + form.output[0] - bare.output[0]);
            ahead[node.bottom] = wrap(common + form.output[1] - bare.output[1]);
            notation = notation.cell(named(convention, node), phases_rad);
        }
        let screen = ahead
            .iter()
            .zip(&self.phases.screen)
            .map(|(a, b)| wrap(a + b));
        notation.phases(screen)
    }

    /// φ at the output: what a cell cannot hold runs back to the input.
    fn pushed_back(&self, convention: Convention, place: usize) -> Notation {
        let mut behind = self.phases.screen.clone();
        let mut found = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate().rev() {
            let form = self.normal_form(index);
            let mut phases_rad = convention.bare_phases(form.theta);
            let bare = convention.normal_form(phases_rad);
            let top = behind[node.top] + form.output[0] - bare.output[0];
            let common = behind[node.bottom] + form.output[1] - bare.output[1];
            phases_rad[place] = wrap(phases_rad[place] + top - common);
            behind[node.top] = wrap(common + form.input[0] - bare.input[0]);
            behind[node.bottom] = wrap(common + form.input[1] - bare.input[1]);
            found.push((named(convention, node), phases_rad));
        }
        let notation = Notation::new(convention, self.modes).phases(behind.into_iter().map(wrap));
        found
            .into_iter()
            .rev()
            .fold(notation, |notation, (modes, phases_rad)| {
                notation.cell(modes, phases_rad)
            })
    }

    /// Cells with nothing but a common phase: T(θ, 0) = P(a, a) · e^{−i(a + b)} T(θ, 0) · P(b, b) moves any
    /// a to both outputs and any b to both inputs. A waveguide from MZI j to MZI k with phase p is rid of it
    /// by p + a_j + b_k = 0; where earlier waveguides have already fixed a_j + b_k, a phase shifter stays.
    fn spread(&self, convention: Convention) -> Notation {
        const GROUND: usize = 0; // the world outside the mesh
        let outputs = |node: usize| 1 + 2 * node;
        let inputs = |node: usize| 2 + 2 * node;
        let mut ties = Ties::new(1 + 2 * self.nodes.len());
        // Where the light of each mode comes from, and the phase that it collected on the way.
        let mut source = vec![(GROUND, 0.0); self.modes];
        // Phase shifters that stay: in front of a node, then at the output.
        let mut stay = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let form = self.normal_form(index);
            for (port, mode) in [node.top, node.bottom].into_iter().enumerate() {
                let (from, phase) = source[mode];
                // a_j = phase of j's outputs, b_k = −phase of k's inputs.
                let rest = ties.tie(inputs(index), from, phase + form.input[port]);
                stay.extend(rest.map(|rest| (index, mode, wrap(rest))));
                source[mode] = (outputs(index), form.output[port]);
            }
        }
        for (mode, (from, phase)) in source.iter().enumerate() {
            let rest = ties.tie(GROUND, *from, phase + self.phases.screen[mode]);
            stay.extend(rest.map(|rest| (self.nodes.len(), mode, wrap(rest))));
        }
        let mut notation = Notation::new(convention, self.modes);
        let mut stay = stay.into_iter().peekable();
        for index in 0..=self.nodes.len() {
            while let Some((_, mode, rest)) = stay.next_if(|(before, ..)| *before == index) {
                notation.elements.push(Element::Phase {
                    mode: convention.first_mode() + mode,
                    phase_rad: rest,
                });
            }
            if let Some(node) = self.nodes.get(index) {
                let common = ties.phase(inputs(index)) - ties.phase(outputs(index));
                let theta = self.normal_form(index).theta;
                let phases_rad = [wrap(theta + common), wrap(common)];
                notation = notation.cell(named(convention, node), phases_rad);
            }
        }
        notation
    }
}

/// The modes of `node` as `convention` numbers them.
fn named(convention: Convention, node: &Node) -> [usize; 2] {
    [node.top, node.bottom].map(|mode| mode + convention.first_mode())
}

fn mode_index(notation: &Notation, mode: usize) -> Result<usize> {
    let first = notation.convention.first_mode();
    mode.checked_sub(first)
        .filter(|index| *index < notation.modes)
        .ok_or_else(|| {
            let limit = format!("{first} to {}", notation.modes - 1 + first);
            Error::value("mode", mode, limit)
        })
}

fn cell_modes(notation: &Notation, modes: [usize; 2]) -> Result<[usize; 2]> {
    let [top, bottom] = modes;
    if top == bottom {
        let got = format!("{modes:?}");
        return Err(Error::value("modes", got, "two different modes"));
    }
    Ok([mode_index(notation, top)?, mode_index(notation, bottom)?])
}

fn check_phase(phase_rad: f64) -> Result<()> {
    if phase_rad.is_finite() {
        return Ok(());
    }
    Err(Error::value("phase_rad", phase_rad, "finite"))
}

#[cfg(test)]
mod tests;
