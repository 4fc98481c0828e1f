//! Where the MZIs of a mesh stand.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, did_you_mean};

/// One MZI of a mesh: it joins modes `top` and `bottom` in column `column`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Column, from 0 at the input. MZIs of one column share no mode.
    pub column: usize,
    /// The mode at the top arm, which carries both phase shifters.
    pub top: usize,
    /// The mode at the bottom arm.
    pub bottom: usize,
}

/// A mesh layout. All are universal but the butterfly.
///
/// Files and the command line name them `clements`, `reck`, `diamond`, `butterfly` and `clements+K`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Geometry {
    /// Rectangular: N (N − 1) / 2 MZIs, N columns deep. Clements et al., Optica 3, 1460 (2016).
    #[default]
    Clements,
    /// Triangular: N (N − 1) / 2 MZIs, 2N − 3 columns deep. Reck et al., Phys. Rev. Lett. 73, 58 (1994).
    Reck,
    /// A triangle with its apex at mode 0 and its mirror image on N − 2 ancilla waveguides: 2N − 2
    /// waveguides, (N − 1)² MZIs, 2N − 3 columns deep. Modes 0 to N − 1 carry the data.
    ///
    /// Shokraneh, Geoffroy-Gagnon, Liboiron-Ladouceur, Opt. Express 28, 23495 (2020).
    Diamond,
    /// The layout of a fast Fourier transform on N = 2^k modes: k columns of N/2 MZIs, column c joins modes
    /// at distance 2^c. It holds only some unitaries, `F R` among them: the discrete Fourier transform F of
    /// inputs in bit-reversed order R. No shallower layout lets every input reach every output.
    ///
    /// Cooley, Tukey, Math. Comput. 19, 297 (1965), in light: Barak, Ben-Aryeh, J. Opt. Soc. Am. B 24, 231 (2007).
    Butterfly,
    /// The rectangle with more columns behind it than it needs, which gradient descent uses to make up for
    /// faulty couplers.
    ///
    /// Burgwal et al., Opt. Express 25, 28236 (2017); Pai et al., Phys. Rev. Applied 11, 064044 (2019).
    Redundant {
        /// Additional columns.
        extra: usize,
    },
}

/// What a geometry can be called.
const NAMES: &str =
    "clements, reck, diamond, butterfly or clements+K with 1 to 4096 additional columns K";

/// More additional columns than any chip has.
const EXTRA_LIMIT: usize = 4096;

impl Geometry {
    /// The waveguides of a mesh on which `modes` modes carry data.
    pub fn waveguides(self, modes: usize) -> usize {
        match self {
            Self::Diamond if modes > 2 => modes.saturating_mul(2) - 2,
            _ => modes,
        }
    }

    /// The modes that carry data in a mesh of `waveguides`, if there is such a mesh: the inverse of
    /// [`waveguides`](Self::waveguides).
    pub(in crate::mesh) fn ports(self, waveguides: usize) -> Option<usize> {
        match self {
            Self::Diamond if waveguides > 2 => {
                waveguides.is_multiple_of(2).then_some(waveguides / 2 + 1)
            }
            Self::Butterfly => waveguides.is_power_of_two().then_some(waveguides),
            _ => (waveguides > 0).then_some(waveguides),
        }
    }

    /// Fails unless there is a mesh of this geometry for `modes` modes.
    ///
    /// # Errors
    /// [`Error::Value`] if `modes` is 0, or not a power of two for a butterfly.
    pub fn check(self, modes: usize) -> Result<()> {
        if modes == 0 {
            return Err(Error::value("modes", modes, "at least 1"));
        }
        if self == Self::Butterfly && !modes.is_power_of_two() {
            return Err(Error::value(
                "modes",
                modes,
                "a power of two for a butterfly",
            ));
        }
        Ok(())
    }

    /// Whether every unitary can be decomposed into a mesh of this geometry.
    pub fn is_universal(self) -> bool {
        self != Self::Butterfly
    }

    /// Number of MZIs of a mesh for `modes` modes; `None` if there is no such mesh, or none that fits memory.
    pub fn mzis(self, modes: usize) -> Option<usize> {
        self.check(modes).ok()?;
        let pairs = modes.checked_mul(modes - 1)? / 2;
        match self {
            Self::Clements | Self::Reck => Some(pairs),
            Self::Diamond => (modes - 1).checked_mul(modes - 1),
            Self::Butterfly => (modes / 2).checked_mul(self.columns(modes)),
            Self::Redundant { extra } if modes == 2 => extra.checked_add(1),
            Self::Redundant { extra } => {
                let columns = self.columns(modes).min(modes.checked_add(extra)?);
                let even = columns.div_ceil(2).checked_mul(modes / 2)?;
                even.checked_add((columns / 2).checked_mul((modes - 1) / 2)?)
            }
        }
    }

    /// The MZIs of a mesh for `modes` modes, by column, then from top to bottom.
    ///
    /// # Panics
    /// If there is no such mesh: [`check`](Self::check) says why.
    pub fn nodes(self, modes: usize) -> Vec<Node> {
        self.check(modes).expect("the geometry has such a mesh");
        let mut nodes = Vec::with_capacity(self.mzis(modes).unwrap_or(0));
        for column in 0..self.columns(modes) {
            let distance = match self {
                Self::Butterfly => 1 << column,
                _ => 1,
            };
            let join = |top: usize| Node {
                column,
                top,
                bottom: top + distance,
            };
            match self {
                Self::Clements => nodes.extend((column % 2..modes - 1).step_by(2).map(join)),
                // Two modes have one pair, which every column joins.
                Self::Redundant { .. } => {
                    let first = if modes == 2 { 0 } else { column % 2 };
                    nodes.extend((first..modes - 1).step_by(2).map(join));
                }
                // The triangle's apex is at the last mode: column c reaches down to mode min(c, 2N − 4 − c).
                Self::Reck => {
                    let end = column.min(2 * modes - 4 - column) + 1;
                    nodes.extend((column % 2..end).step_by(2).map(join));
                }
                // The widest pair of modes is N − 2; column c reaches as far from it on both sides.
                Self::Diamond => {
                    let (middle, reach) = (modes - 2, column.min(2 * modes - 4 - column));
                    let tops = (middle - reach..=middle + reach).step_by(2);
                    nodes.extend(tops.map(join));
                }
                Self::Butterfly => {
                    nodes.extend((0..modes).filter(|mode| mode & distance == 0).map(join));
                }
            }
        }
        nodes
    }

    /// Optical depth of a mesh for `modes` modes.
    pub fn columns(self, modes: usize) -> usize {
        match (self, modes) {
            (_, 0 | 1) => 0,
            (Self::Redundant { extra }, n) => Self::Clements.columns(n).saturating_add(extra),
            (_, 2) => 1,
            (Self::Clements, n) => n,
            (Self::Reck | Self::Diamond, n) => 2 * n - 3,
            (Self::Butterfly, n) => n.ilog2() as usize,
        }
    }

    /// The geometry whose canonical nodes these are.
    pub(crate) fn of(waveguides: usize, nodes: &[Node]) -> Option<Self> {
        let columns = nodes.last().map_or(0, |node| node.column + 1);
        let extra = columns.saturating_sub(Self::Clements.columns(waveguides));
        [
            Self::Clements,
            Self::Reck,
            Self::Diamond,
            Self::Butterfly,
            Self::Redundant { extra },
        ]
        .into_iter()
        .find(|geometry| geometry.is_of(waveguides, nodes))
    }

    /// Whether these are the geometry's canonical nodes. Counts first: a file may claim any number of modes.
    pub(crate) fn is_of(self, waveguides: usize, nodes: &[Node]) -> bool {
        self.ports(waveguides).is_some_and(|modes| {
            self.mzis(modes) == Some(nodes.len()) && self.nodes(modes) == nodes
        })
    }
}

impl std::fmt::Display for Geometry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Clements => f.write_str("clements"),
            Self::Reck => f.write_str("reck"),
            Self::Diamond => f.write_str("diamond"),
            Self::Butterfly => f.write_str("butterfly"),
            Self::Redundant { extra } => write!(f, "clements+{extra}"),
        }
    }
}

impl std::str::FromStr for Geometry {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let extra = |extra: &str| {
            // `parse` would take a second sign.
            let digits = extra.bytes().all(|byte| byte.is_ascii_digit());
            extra.parse().ok().filter(|_| digits)
        };
        match text {
            "clements" => Ok(Self::Clements),
            "reck" => Ok(Self::Reck),
            "diamond" => Ok(Self::Diamond),
            "butterfly" => Ok(Self::Butterfly),
            _ => text
                .strip_prefix("clements+")
                .and_then(extra)
                .filter(|extra| (1..=EXTRA_LIMIT).contains(extra))
                .map(|extra| Self::Redundant { extra })
                .ok_or_else(|| {
                    let names = ["clements", "reck", "diamond", "butterfly"];
                    let meant = did_you_mean(text, names);
                    Error::value("geometry", text, format!("{NAMES}{meant}"))
                }),
        }
    }
}

impl From<Geometry> for String {
    fn from(geometry: Geometry) -> Self {
        geometry.to_string()
    }
}

impl TryFrom<String> for Geometry {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

pub(in crate::mesh) fn check_nodes(modes: usize, nodes: &[Node]) -> Result<()> {
    if modes == 0 {
        return Err(Error::value("modes", modes, "at least 1"));
    }
    // The column after the last one in which each mode met an MZI.
    let mut free_from = vec![0; modes];
    let mut last_column = 0;
    for (index, node) in nodes.iter().enumerate() {
        let wrong = |limit: String| {
            let got = format!(
                "column {}, top {}, bottom {}",
                node.column, node.top, node.bottom
            );
            Err(Error::value(format!("nodes[{index}]"), got, limit))
        };
        if node.top >= modes || node.bottom >= modes {
            return wrong(format!("on modes below {modes}"));
        }
        if node.top == node.bottom {
            return wrong("on two different modes".to_owned());
        }
        if node.column < last_column {
            return wrong(format!("in column {last_column} or later, as light goes"));
        }
        if node.column < free_from[node.top].max(free_from[node.bottom]) {
            return wrong("the only MZI of its column on these modes".to_owned());
        }
        last_column = node.column;
        free_from[node.top] = node.column + 1;
        free_from[node.bottom] = node.column + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::value;

    const ALL: [Geometry; 6] = [
        Geometry::Clements,
        Geometry::Reck,
        Geometry::Diamond,
        Geometry::Butterfly,
        Geometry::Redundant { extra: 1 },
        Geometry::Redundant { extra: 6 },
    ];

    #[test]
    fn every_geometry_has_its_published_counts_and_is_recognised() {
        for n in 1..40 {
            for geometry in ALL {
                if geometry.check(n).is_err() {
                    assert!(geometry == Geometry::Butterfly && !n.is_power_of_two());
                    assert_eq!(geometry.mzis(n), None);
                    continue;
                }
                let (nodes, waveguides) = (geometry.nodes(n), geometry.waveguides(n));
                assert_eq!(Some(nodes.len()), geometry.mzis(n), "{geometry} {n}");
                assert_eq!(geometry.ports(waveguides), Some(n), "{geometry} {n}");
                check_nodes(waveguides, &nodes).unwrap();
                assert!(nodes.is_sorted_by_key(|node| (node.column, node.top)));
                let depth = nodes.iter().map(|node| node.column + 1).max().unwrap_or(0);
                assert_eq!(depth, geometry.columns(n), "{geometry} {n}");
                let found = Geometry::of(waveguides, &nodes).unwrap();
                assert!(n < 4 || found == geometry, "{geometry} {n}: {found}");
                assert_eq!(geometry.waveguides(n), found.waveguides(n));
            }
            let pairs = n * (n - 1) / 2;
            assert_eq!(Geometry::Clements.nodes(n).len(), pairs);
            assert_eq!(Geometry::Reck.nodes(n).len(), pairs);
            assert_eq!(Geometry::Diamond.nodes(n).len(), (n - 1) * (n - 1));
        }
        assert_eq!(Geometry::Diamond.waveguides(8), 14);
        assert_eq!(Geometry::Diamond.columns(8), 13);
        assert_eq!(Geometry::Butterfly.nodes(16).len(), 8 * 4);
        assert_eq!(Geometry::Redundant { extra: 4 }.nodes(8).len(), 28 + 14);
    }

    #[test]
    fn names_read_back_and_others_are_refused() {
        for geometry in ALL {
            let name = geometry.to_string();
            assert_eq!(name.parse::<Geometry>().unwrap(), geometry);
            let json = serde_json::to_string(&geometry).unwrap();
            assert_eq!(json, format!("\"{name}\""));
            assert_eq!(serde_json::from_str::<Geometry>(&json).unwrap(), geometry);
        }
        for name in [
            "round",
            "clements+",
            "clements+0",
            "clements++1",
            "clements+99999",
            "reck+1",
        ] {
            let error = name.parse::<Geometry>().unwrap_err();
            assert_eq!(error.refusal(), value("geometry", name));
        }
    }

    #[test]
    fn nodes_that_light_cannot_meet_are_refused() {
        let node = |column, top, bottom| Node {
            column,
            top,
            bottom,
        };
        for nodes in [
            vec![node(0, 0, 3)],
            vec![node(0, 1, 1)],
            vec![node(1, 0, 1), node(0, 1, 2)],
            vec![node(0, 0, 1), node(0, 1, 2)],
        ] {
            assert!(check_nodes(3, &nodes).is_err(), "{nodes:?}");
        }
    }
}
