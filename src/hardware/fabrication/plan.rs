//! Gaussian fields over the elements of a site.

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

use pulp::Arch;

use super::Family;
use super::axis::Axis;
use super::places::{Built, Places, Spot};
use crate::hardware::{Correlation, Fabrication, Quantity, Section};
use crate::mesh::{CellKind, Layout};
use crate::rng::{Address, Normals};
use crate::simd::{Loop, vectorized};

/// Where the elements of a site stand, and what makes fields over them.
///
/// A field of covariance exp(−(r/ℓ)²) at points of a grid is `A Z Bᵀ` of independent normals Z, with a factor [`Axis`] along
/// the light and one across it: this covariance is a product of both directions. That of exp(−r/ℓ) is a sum of such
/// fields of many lengths ([`scales`]).
#[derive(Debug)]
pub(in crate::hardware) struct SitePlan {
    key: Key,
    places: [Places; 6],
    fields: [OnceLock<Fields>; 6],
}

/// What a plan follows from.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    kind: CellKind,
    input: Option<Layout>,
    attenuators: usize,
    output: Option<Layout>,
    rows: usize,
    correlation: Correlation,
    length_um: f64,
    step_um: f64,
    mode_um: f64,
}

/// What makes the field of a family.
#[derive(Debug)]
struct Fields {
    scales: Vec<Scale>,
    /// Share of the variance that no two elements have in common, as it varies within a shorter distance than theirs.
    own: f64,
}

/// A field of one length.
#[derive(Debug)]
struct Scale {
    /// Root of its share of the variance.
    weight: f32,
    along: Rows,
    /// `[normal, point]`, whole.
    across: Vec<f32>,
    /// Normals across the light.
    rank: usize,
}

/// The rows of a factor in single precision.
#[derive(Debug)]
struct Rows {
    rank: usize,
    /// The number of the first normal of each row, and where its factors are.
    rows: Vec<(usize, Range<usize>)>,
    factors: Vec<f32>,
}

/// Elements of which a field is asked for: some of the `numbers` of a quantity in one section.
#[derive(Debug, Clone)]
pub(in crate::hardware) struct Wanted {
    pub(in crate::hardware) section: Section,
    pub(in crate::hardware) quantity: Quantity,
    pub(in crate::hardware) numbers: Range<usize>,
}

/// Plans that are kept: a program has tiles of few shapes.
const KEPT: usize = 16;

/// Those met last, the very last one first. What they are follows from their keys alone.
static PLANS: Mutex<Vec<Arc<SitePlan>>> = Mutex::new(Vec::new());

impl PartialEq for SitePlan {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl SitePlan {
    /// The plan of what is `built`, with the distances that `fabrication` says.
    pub(in crate::hardware) fn of(built: &Built<'_>, fabrication: &Fabrication) -> Arc<Self> {
        let key = Key {
            kind: built.kind,
            input: built.input.map(|mesh| mesh.layout()),
            attenuators: built.attenuators,
            output: built.output.map(|mesh| mesh.layout()),
            rows: built.rows,
            correlation: fabrication.correlation,
            length_um: fabrication.correlation_length_um,
            step_um: fabrication.step_um,
            mode_um: fabrication.mode_um,
        };
        let mut plans = PLANS.lock().unwrap_or_else(|held| held.into_inner());
        let plan = match plans.iter().position(|plan| plan.key == key) {
            Some(index) => plans.remove(index),
            None => Arc::new(Self {
                places: Places::of(built),
                key,
                fields: Default::default(),
            }),
        };
        plans.truncate(KEPT - 1);
        plans.insert(0, plan.clone());
        plan
    }

    fn fields(&self, family: Family) -> &Fields {
        let index = family as usize;
        self.fields[index].get_or_init(|| Fields::new(&self.places[index], &self.key))
    }

    /// Share of a field's variance that no two elements of `family` have in common: what [`draw`](Self::draw) leaves out.
    pub(in crate::hardware) fn own_share(&self, family: Family) -> f64 {
        self.fields(family).own
    }

    /// The field of `family` at what is `wanted`, of normals from the stream at `address`: of variance 1 less
    /// [`own_share`](Self::own_share).
    ///
    /// # Panics
    /// If there are no such elements.
    pub(in crate::hardware) fn draw(
        &self,
        family: Family,
        wanted: &Wanted,
        address: Address,
    ) -> Vec<f64> {
        let places = &self.places[family as usize];
        let spots = places.spots.get(&(wanted.section, wanted.quantity));
        let spots = &spots.expect("the section has such elements")[wanted.numbers.clone()];
        let fields = self.fields(family);
        let points = places.modes.len();
        // The rows of the grid that hold an element.
        let mut rows: Vec<Option<usize>> = vec![None; places.steps.len()];
        for spot in spots {
            rows[spot.along as usize] = Some(0);
        }
        let used: Vec<usize> = (0..rows.len()).filter(|row| rows[*row].is_some()).collect();
        for (index, row) in used.iter().enumerate() {
            rows[*row] = Some(index);
        }
        let mut normals = Normals::new(address, fields.normals());
        let mut first = 0;
        let mut drawn = vec![0.0f32; spots.len()];
        let mut grid = vec![0.0f32; used.len() * points];
        for scale in &fields.scales {
            scale.write(&used, &mut normals, first, &mut grid);
            first += scale.normals();
            for (value, Spot { along, across }) in drawn.iter_mut().zip(spots) {
                let row = rows[*along as usize].expect("it holds an element");
                *value += scale.weight * grid[row * points + *across as usize];
            }
        }
        drawn.into_iter().map(f64::from).collect()
    }
}

impl Fields {
    fn new(places: &Places, key: &Key) -> Self {
        let along: Vec<f64> = places.steps.iter().map(|at| at * key.step_um).collect();
        let across: Vec<f64> = places.modes.iter().map(|at| at * key.mode_um).collect();
        let least_um = least_distance(places, &along, &across);
        let (scales, own) = match key.correlation {
            Correlation::Gaussian => (vec![(1.0, key.length_um)], 0.0),
            Correlation::Exponential => scales(key.length_um, least_um),
        };
        let scales = scales.into_iter().map(|(share, length_um)| {
            let axis = Axis::new(&across, length_um);
            let mut columns = vec![0.0; axis.rank * across.len()];
            for point in 0..across.len() {
                let (first, factors) = axis.row(point);
                for (column, factor) in factors.iter().enumerate() {
                    columns[(first + column) * across.len() + point] = *factor as f32;
                }
            }
            Scale {
                weight: share.sqrt() as f32,
                along: Rows::of(&Axis::new(&along, length_um), along.len()),
                across: columns,
                rank: axis.rank,
            }
        });
        Self {
            scales: scales.collect(),
            own,
        }
    }

    fn normals(&self) -> usize {
        self.scales.iter().map(Scale::normals).sum()
    }
}

impl Rows {
    fn of(axis: &Axis, points: usize) -> Self {
        let mut factors = Vec::new();
        let rows = (0..points).map(|point| {
            let (first, row) = axis.row(point);
            let start = factors.len();
            factors.extend(row.iter().map(|factor| *factor as f32));
            (first, start..factors.len())
        });
        Self {
            rows: rows.collect(),
            factors,
            rank: axis.rank,
        }
    }
}

impl Scale {
    fn normals(&self) -> usize {
        self.along.rank * self.rank
    }

    /// Writes the field at every point of the `used` rows of the grid, from number `first` of the normals on.
    fn write(&self, used: &[usize], normals: &mut Normals, first: usize, grid: &mut [f32]) {
        let rows = &self.along.rows;
        let Some([start, end]) = used.iter().fold(None, |span: Option<[usize; 2]>, row| {
            let (from, factors) = &rows[*row];
            let [start, end] = span.unwrap_or([*from, 0]);
            Some([start.min(*from), end.max(from + factors.len())])
        }) else {
            return;
        };
        let points = grid.len() / used.len();
        let mut drawn = vec![0.0; (end - start) * self.rank];
        normals.read(first + start * self.rank, &mut drawn);
        let mut lines = vec![0.0; (end - start) * points];
        vectorized(
            Arch::new(),
            Products {
                rank: self.rank,
                points,
                across: &self.across,
                drawn: &drawn,
                lines: &mut lines,
            },
        );
        vectorized(
            Arch::new(),
            Sums {
                rows: &self.along,
                used,
                start,
                points,
                lines: &lines,
                grid,
            },
        );
    }
}

/// `lines[j][y] = Σ_q drawn[j][q] across[q][y]`.
struct Products<'a> {
    rank: usize,
    points: usize,
    across: &'a [f32],
    drawn: &'a [f32],
    lines: &'a mut [f32],
}

impl Loop for Products<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let lines = self.lines.chunks_exact_mut(self.points);
        for (line, drawn) in lines.zip(self.drawn.chunks_exact(self.rank)) {
            for (normal, across) in drawn.iter().zip(self.across.chunks_exact(self.points)) {
                add_scaled::<FUSED>(line, *normal, across);
            }
        }
    }
}

/// `grid[x][y] = Σ_j rows[x][j] lines[j][y]`.
struct Sums<'a> {
    rows: &'a Rows,
    used: &'a [usize],
    /// Number of the first line.
    start: usize,
    points: usize,
    lines: &'a [f32],
    grid: &'a mut [f32],
}

impl Loop for Sums<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Rows { rows, factors, .. } = self.rows;
        for (line, row) in self.grid.chunks_exact_mut(self.points).zip(self.used) {
            line.fill(0.0);
            let (first, range) = &rows[*row];
            let lines = self.lines[(first - self.start) * self.points..].chunks_exact(self.points);
            for (factor, other) in factors[range.clone()].iter().zip(lines) {
                add_scaled::<FUSED>(line, *factor, other);
            }
        }
    }
}

/// `sums += factor · values`; part of a loop.
#[inline(always)]
fn add_scaled<const FUSED: bool>(sums: &mut [f32], factor: f32, values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum = if FUSED {
            factor.mul_add(*value, *sum)
        } else {
            *sum + factor * value
        };
    }
}

/// No two elements are nearer, µm: the least distance of two steps at which some stand, or of two elements at one step.
fn least_distance(places: &Places, along_um: &[f64], across_um: &[f64]) -> f64 {
    let gaps = along_um.windows(2).map(|pair| pair[1] - pair[0]);
    let least_um = gaps.fold(f64::INFINITY, f64::min);
    let spots = places.spots.values().flatten();
    let mut spots: Vec<[u32; 2]> = spots.map(|spot| [spot.along, spot.across]).collect();
    spots.sort_unstable();
    spots.dedup();
    let pairs = spots.windows(2).filter(|pair| pair[0][0] == pair[1][0]);
    let gaps = pairs.map(|pair| across_um[pair[1][1] as usize] - across_um[pair[0][1] as usize]);
    gaps.fold(least_um, f64::min)
}

/// The covariance exp(−r/ℓ) as shares of covariances exp(−(r/ℓ_k)²), `(share, ℓ_k)`, and the share of those that are 0 from
/// `least_um` on.
///
/// With u = (r/ℓ)² it is e^{−√u} = ∫ e^{−ut} e^{−1/4t} / (2 √π t^{3/2}) dt: by the trapezoidal rule in ln t, whose shares are made
/// to sum to 1, within 3·10⁻⁴ at every distance.
fn scales(length_um: f64, least_um: f64) -> (Vec<(f64, f64)>, f64) {
    /// Where e^{−1/4t} ends, and where t^{−1/2} is below the rounding of 1, in ln t.
    const ENDS: Range<i32> = -4..72;
    /// Beyond this a covariance counts as 0, a share as none.
    const SMALL: [f64; 2] = [2e-4, 2e-5];
    let share = |ln_t: f64| (-ln_t / 2.0 - (-ln_t).exp() / 4.0).exp();
    let all = ENDS.map(|step| (f64::from(step), share(f64::from(step))));
    let whole: f64 = all.clone().map(|(_, share)| share).sum();
    let least = (least_um / length_um).powi(2);
    let kept: Vec<(f64, f64)> = all
        .map(|(ln_t, share)| (ln_t, share / whole))
        .filter(|(ln_t, share)| (-least * ln_t.exp()).exp() > SMALL[0] && *share > SMALL[1])
        .map(|(ln_t, share)| (share, length_um * (-ln_t / 2.0).exp()))
        .collect();
    let own = 1.0 - kept.iter().map(|(share, _)| share).sum::<f64>();
    (kept, own)
}
