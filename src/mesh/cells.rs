//! Meshes from the cells of other packages, and back.
//!
//! Every cell is P(output) T(θ, 0) P(input). Phases that a cell does not have in the other convention run
//! ahead of it (or behind it) on their modes until a phase shifter takes them up.

use super::convention::{External, NormalForm};
use super::{Cell, Cells, Convention, Element, Mesh, Node, Phase, wrap};
use crate::error::{Context, Error, Result};

/// More modes than any chip has; a file that claims more is refused before memory is taken for them.
const MODES_LIMIT: usize = 1 << 16;

impl Mesh {
    /// The mesh that does what `cells` do, global phase included.
    ///
    /// Every cell, inverse or not, becomes one MZI with θ in [0, π] and φ in [0, 2π), in the first column
    /// that is free on its modes; phase shifters are pushed to the output screen. Light-order lists of a
    /// rectangle or triangle with its apex at the last mode come out as that [`Geometry`](super::Geometry).
    ///
    /// # Errors
    /// [`Error::Value`] if there is no mode, or more than 65536, or an element names a mode that does not
    /// exist or one mode twice, or a phase is NaN or infinite.
    ///
    /// ```
    /// use lightloom::mesh::{Cells, Convention};
    /// use lightloom::Mesh;
    ///
    /// // One row each of Strawberry Fields' lists `[m, n, theta, phi, size]`, and its diagonal.
    /// let cells = Cells::from_strawberryfields(
    ///     Convention::StrawberryFields,
    ///     &[[0.0, 1.0, 0.3, 1.2, 2.0]],
    ///     &[1.0.into(), 1.0.into()],
    ///     &[],
    /// )?;
    /// let u = Mesh::from_cells(&cells)?.transfer();
    /// assert!((u[(1, 1)].re - 0.3f64.cos()).abs() < 1e-15);
    /// # Ok::<(), lightloom::Error>(())
    /// ```
    pub fn from_cells(cells: &Cells) -> Result<Self> {
        if cells.modes == 0 || cells.modes > MODES_LIMIT {
            let limit = format!("1 to {MODES_LIMIT}");
            return Err(Error::value("modes", cells.modes, limit));
        }
        // Phases that light has collected on each mode and no MZI has taken up.
        let mut ahead = vec![0.0; cells.modes];
        let mut free_from = vec![0; cells.modes];
        let mut mzis = Vec::new();
        for (index, element) in cells.elements.iter().enumerate() {
            let name = || format!("elements[{index}]");
            let (cell, inverse) = match element {
                Element::Phase(phase) => {
                    let mode = mode_index(cells, phase.mode).within(name())?;
                    check_phase(phase.phase_rad).within(name())?;
                    ahead[mode] = wrap(ahead[mode] + phase.phase_rad);
                    continue;
                }
                Element::Cell(cell) => (cell, false),
                Element::Inverse(cell) => (cell, true),
            };
            let [top, bottom] = cell_modes(cells, cell).within(name())?;
            for phase in cell.phases_rad {
                check_phase(phase).within(name())?;
            }
            let mut form = cells.convention.normal_form(cell.phases_rad);
            if inverse {
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
            cells.modes,
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
    pub fn to_cells(&self, convention: Convention) -> Cells {
        match convention.external() {
            External::Input(place) => self.pushed_ahead(convention, place),
            External::Output(place) => self.pushed_back(convention, place),
            External::Common => self.spread(convention),
        }
    }

    fn normal_form(&self, node: usize) -> NormalForm {
        NormalForm::folded(self.phases.theta[node], [self.phases.phi[node], 0.0], [0.0; 2])
    }

    /// φ at the input: what a cell cannot hold runs to the output.
    fn pushed_ahead(&self, convention: Convention, place: usize) -> Cells {
        let mut cells = Cells::new(convention, self.modes);
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
            cells = cells.cell(named(convention, node), phases_rad);
        }
        let screen = ahead.iter().zip(&self.phases.screen).map(|(a, b)| wrap(a + b));
        cells.phases(screen)
    }

    /// φ at the output: what a cell cannot hold runs back to the input.
    fn pushed_back(&self, convention: Convention, place: usize) -> Cells {
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
        let cells = Cells::new(convention, self.modes).phases(behind.into_iter().map(wrap));
        found
            .into_iter()
            .rev()
            .fold(cells, |cells, (modes, phases_rad)| {
                cells.cell(modes, phases_rad)
            })
    }

    /// Cells with nothing but a common phase: T(θ, 0) = P(a, a) · e^{−i(a + b)} T(θ, 0) · P(b, b) moves any
    /// a to both outputs and any b to both inputs. A waveguide from MZI j to MZI k with phase p is rid of it
    /// by p + a_j + b_k = 0; where earlier waveguides have already fixed a_j + b_k, a phase shifter stays.
    fn spread(&self, convention: Convention) -> Cells {
        const GROUND: usize = 0; // the world outside the mesh
        let outputs = |node: usize| 1 + 2 * node;
        let inputs = |node: usize| 2 + 2 * node;
        let mut potentials = Potentials::new(1 + 2 * self.nodes.len());
        // Where the light of each mode comes from, and the phase that it collected on the way.
        let mut source = vec![(GROUND, 0.0); self.modes];
        // Phase shifters that stay: in front of a node, then at the output.
        let mut stay = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let form = self.normal_form(index);
            for (port, mode) in [node.top, node.bottom].into_iter().enumerate() {
                let (from, phase) = source[mode];
                // a_j = potential of j's outputs, b_k = −potential of k's inputs.
                let rest = potentials.join(inputs(index), from, phase + form.input[port]);
                stay.extend(rest.map(|rest| (index, mode, rest)));
                source[mode] = (outputs(index), form.output[port]);
            }
        }
        for (mode, (from, phase)) in source.iter().enumerate() {
            let rest = potentials.join(GROUND, *from, phase + self.phases.screen[mode]);
            stay.extend(rest.map(|rest| (self.nodes.len(), mode, rest)));
        }
        let mut cells = Cells::new(convention, self.modes);
        let mut stay = stay.into_iter().peekable();
        for index in 0..=self.nodes.len() {
            while let Some((_, mode, rest)) = stay.next_if(|(before, ..)| *before == index) {
                cells.elements.push(Element::Phase(Phase {
                    mode: convention.first_mode() + mode,
                    phase_rad: rest,
                }));
            }
            if let Some(node) = self.nodes.get(index) {
                let common = potentials.of(inputs(index)) - potentials.of(outputs(index));
                let theta = self.normal_form(index).theta;
                let phases_rad = [wrap(theta + common), wrap(common)];
                cells = cells.cell(named(convention, node), phases_rad);
            }
        }
        cells
    }
}

/// Union-find with a potential per member: differences are known inside a set, free between sets.
struct Potentials {
    parent: Vec<usize>,
    /// Potential over that of the parent.
    over: Vec<f64>,
}

impl Potentials {
    fn new(count: usize) -> Self {
        Self {
            parent: (0..count).collect(),
            over: vec![0.0; count],
        }
    }

    /// The root of `member` and the potential of `member` over it.
    fn root(&mut self, member: usize) -> (usize, f64) {
        // Two passes: sum up the way to the root, then hang everything on the way directly under it.
        let (mut root, mut total) = (member, 0.0);
        while self.parent[root] != root {
            total += self.over[root];
            root = self.parent[root];
        }
        let (mut at, mut left) = (member, total);
        while self.parent[at] != at {
            let step = std::mem::replace(&mut self.over[at], wrap(left));
            at = std::mem::replace(&mut self.parent[at], root);
            left -= step;
        }
        (root, total)
    }

    fn of(&mut self, member: usize) -> f64 {
        self.root(member).1
    }

    /// Sets `upper` = `lower` + `phase` if their difference is free; else returns by how much `lower` +
    /// `phase` exceeds `upper`, in [0, 2π).
    fn join(&mut self, upper: usize, lower: usize, phase: f64) -> Option<f64> {
        let (upper_root, upper_over) = self.root(upper);
        let (lower_root, lower_over) = self.root(lower);
        let excess = wrap(lower_over + phase - upper_over);
        if upper_root == lower_root {
            return Some(excess);
        }
        // The ground is member 0; the smaller root stays, so that the ground keeps potential 0.
        if upper_root < lower_root {
            self.parent[lower_root] = upper_root;
            self.over[lower_root] = wrap(-excess);
        } else {
            self.parent[upper_root] = lower_root;
            self.over[upper_root] = excess;
        }
        None
    }
}

/// The modes of `node` as `convention` numbers them.
fn named(convention: Convention, node: &Node) -> [usize; 2] {
    [node.top, node.bottom].map(|mode| mode + convention.first_mode())
}

fn mode_index(cells: &Cells, mode: usize) -> Result<usize> {
    let first = cells.convention.first_mode();
    mode.checked_sub(first)
        .filter(|index| *index < cells.modes)
        .ok_or_else(|| {
            let limit = format!("{first} to {}", cells.modes - 1 + first);
            Error::value("mode", mode, limit)
        })
}

fn cell_modes(cells: &Cells, cell: &Cell) -> Result<[usize; 2]> {
    let [top, bottom] = cell.modes;
    if top == bottom {
        return Err(Error::value(
            "modes",
            format!("{:?}", cell.modes),
            "two different modes",
        ));
    }
    Ok([mode_index(cells, top)?, mode_index(cells, bottom)?])
}

fn check_phase(phase_rad: f64) -> Result<()> {
    if phase_rad.is_finite() {
        return Ok(());
    }
    Err(Error::value("phase_rad", phase_rad, "finite"))
}

#[cfg(test)]
mod tests;
