//! What a matrix leaves free, and how a compiler uses it.
//!
//! Of a tile `W = s · U diag(a) V†` only the singular vectors with a ≠ 0 matter. The others may be any that complete
//! them, and the order of all is free.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::linalg::{C64, Matrix, haar_orthogonal, haar_unitary, product};
use crate::rng::Stream;

/// The chip that the free phases of a program are chosen for.
///
/// Left alone, unused singular vectors leave many MZIs in the bar state, which no faulty MZI reaches and no correction
/// mends. A random rotation among them changes nothing on a perfect chip. A real one keeps all paths of a real network
/// real, so that splitting errors stay in the quadrature that nobody reads; a complex one has fewer MZIs near the cross
/// state, which a correction cannot reach either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    /// A perfect chip: unused singular vectors as the decomposition finds them, MZIs that do nothing in the bar state.
    /// Programs that do not say what they were compiled for are of this kind.
    Perfect,
    /// Faulty chips without correction: unused vectors are Haar-random, real where the weights are.
    #[default]
    Uncorrected,
    /// Faulty chips with a correction: unused vectors are Haar-random and complex.
    Corrected,
}

/// The order of the singular values on the modes between the two meshes of a tile.
///
/// Light of a strong mode that scatters in the mesh of V† leaves it through the attenuator of a neighbour, and the more of
/// it the stronger that is. Of the scattered light less arrives where a mode stands far from what is lit and read:
/// `Ascending` and `Spread` keep their modes far from the outputs of a tile that reads few of them, which are the first
/// ones, and else beside the inputs that are never lit (columns of zeros, padding).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrangement {
    /// The largest on mode 0; modes without light are the last ones.
    Descending,
    /// The largest on the last mode; modes without light are the first ones, or the whole in reverse.
    #[default]
    Ascending,
    /// In the order of bit-reversed mode numbers, so that strong modes stand beside weak ones; modes without light are the
    /// first ones, or the whole in reverse.
    Spread,
    /// At random.
    Shuffled,
}

macro_rules! names {
    ($kind:ident, $what:literal, $($variant:ident => $name:literal),+) => {
        impl $kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name in files and on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $kind {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                let found = Self::ALL.iter().find(|kind| kind.name() == text);
                found.copied().ok_or_else(|| Error::unknown($what, text, &[$($name),+]))
            }
        }
    };
}

names!(Aim, "for",
    Perfect => "perfect", Uncorrected => "uncorrected", Corrected => "corrected");
names!(Arrangement, "arrange",
    Descending => "descending", Ascending => "ascending", Spread => "spread", Shuffled => "shuffled");

impl Arrangement {
    /// The modes of `joined` ones on which the largest, the second largest, … of `used` singular values stand.
    pub(super) fn places(
        self,
        used: usize,
        joined: usize,
        end: End,
        stream: &mut Stream,
    ) -> Vec<usize> {
        let mut places: Vec<usize> = match self {
            Self::Descending => (0..joined).collect(),
            Self::Ascending => (0..joined).rev().collect(),
            Self::Spread => {
                let first = joined - used;
                bit_reversed(used)
                    .into_iter()
                    .map(|mode| first + mode)
                    .collect()
            }
            Self::Shuffled => stream.permutation(joined),
        };
        places.truncate(used);
        let turns = end == End::First && matches!(self, Self::Ascending | Self::Spread);
        if turns {
            for place in &mut places {
                *place = joined - 1 - *place;
            }
        }
        places
    }
}

/// The end of the modes at which those with light stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    First,
    Last,
}

impl End {
    /// The end that suits a tile of `weight` on meshes of so many modes, `used` singular values of which are not 0.
    pub(super) fn of(
        weight: &Matrix,
        used: usize,
        output_modes: usize,
        input_modes: usize,
    ) -> Self {
        let (rows, cols) = weight.shape();
        let has_spare_modes = used < output_modes.min(input_modes);
        if rows < output_modes || !has_spare_modes {
            return Self::Last;
        }
        let is_dark = |mode: &usize| {
            *mode >= cols
                || weight
                    .column(*mode)
                    .iter()
                    .all(|weight| *weight == C64::ZERO)
        };
        let from_middle = |mode: usize| 2 * mode as i64 + 1 - input_modes as i64;
        let balance: i64 = (0..input_modes).filter(is_dark).map(from_middle).sum();
        if balance < 0 { Self::First } else { Self::Last }
    }
}

/// The numbers below `count` in the order of their bits read backwards.
fn bit_reversed(count: usize) -> Vec<usize> {
    let bits = count.next_power_of_two().trailing_zeros();
    let shift = usize::BITS - bits;
    let reversed = |number: usize| number.reverse_bits().checked_shr(shift).unwrap_or(0);
    (0..1usize << bits)
        .map(reversed)
        .filter(|number| *number < count)
        .collect()
}

/// A unitary of `modes` modes whose columns at `places` are the first columns of `vectors`, one each; `vectors` is
/// unitary, `[rows, rows]` with at most `modes` rows, and stands on the first modes.
///
/// The other columns complete it: those of `vectors` and the modes beyond, turned among themselves as `aim` says (for
/// weights that are real or not) by draws of `stream`.
pub(super) fn completed(
    vectors: &Matrix,
    modes: usize,
    places: &[usize],
    aim: Aim,
    real: bool,
    stream: &mut Stream,
) -> Matrix {
    let (rows, used) = (vectors.nrows(), places.len());
    let free = modes - used;
    let others = vectors.columns(used, rows - used);
    let mut rest = Matrix::zeros(modes, free);
    if aim == Aim::Perfect {
        rest.view_mut((0, 0), others.shape()).copy_from(&others);
        for beyond in rows..modes {
            rest[(beyond, beyond - used)] = C64::ONE;
        }
    } else if free > 0 {
        let turned = match aim {
            Aim::Uncorrected if real => haar_orthogonal(free, stream),
            _ => haar_unitary(free, stream),
        };
        let inside = product(
            &others.into_owned(),
            &turned.rows(0, rows - used).into_owned(),
        );
        rest.rows_mut(0, rows).copy_from(&inside);
        let beyond = turned.rows(rows - used, modes - rows);
        rest.rows_mut(rows, modes - rows).copy_from(&beyond);
    }
    let mut whole = Matrix::zeros(modes, modes);
    let mut is_used = vec![false; modes];
    for (column, place) in places.iter().enumerate() {
        let mut target = whole.column_mut(*place);
        target.rows_mut(0, rows).copy_from(&vectors.column(column));
        is_used[*place] = true;
    }
    let open = (0..modes).filter(|mode| !is_used[*mode]);
    for (mode, column) in open.zip(rest.column_iter()) {
        whole.set_column(mode, &column);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::golden;
    use crate::linalg::{is_real, unitarity_error};
    use crate::rng::{Effect, Seed};

    fn stream() -> Stream {
        Seed(1).stream(Effect::Compiler, 0, 0, 0)
    }

    #[test]
    fn every_arrangement_gives_each_value_a_mode_of_its_own() {
        for joined in [1, 2, 5, 8, 13] {
            for arrangement in Arrangement::ALL {
                let mut places = arrangement.places(joined, joined, End::Last, &mut stream());
                let few = arrangement.places(joined / 2, joined, End::First, &mut stream());
                let mut distinct = few.clone();
                distinct.sort_unstable();
                distinct.dedup();
                assert_eq!(distinct.len(), joined / 2);
                assert!(few.iter().all(|place| *place < joined));
                places.sort_unstable();
                assert_eq!(places, (0..joined).collect::<Vec<_>>());
            }
        }
        let spread = Arrangement::Spread.places(8, 8, End::Last, &mut stream());
        assert_eq!(spread, [0, 4, 2, 6, 1, 5, 3, 7]);
        let spread = Arrangement::Spread.places(4, 7, End::Last, &mut stream());
        assert_eq!(spread, [3, 5, 4, 6]);
        let ascending = |end| Arrangement::Ascending.places(2, 4, end, &mut stream());
        assert_eq!(ascending(End::Last), [3, 2]);
        assert_eq!(ascending(End::First), [0, 1]);
        let places = |seed: u64| {
            let mut stream = Seed(seed).stream(Effect::Compiler, 0, 0, 0);
            Arrangement::Shuffled.places(32, 32, End::Last, &mut stream)
        };
        assert!(places(1) == places(1) && places(1) != places(2));
    }

    #[test]
    fn modes_with_light_stand_beside_dark_inputs_and_far_from_few_outputs() {
        let lit = |dark: std::ops::Range<usize>| {
            Matrix::from_fn(4, 8, |_, col| {
                C64::from(f64::from(u8::from(!dark.contains(&col))))
            })
        };
        assert_eq!(End::of(&lit(0..3), 1, 4, 8), End::First);
        assert_eq!(End::of(&lit(5..8), 1, 4, 8), End::Last);
        // The padding is dark too: eight modes of it.
        assert_eq!(End::of(&lit(0..3), 1, 4, 16), End::Last);
        // Fewer rows than outputs; no mode without light.
        assert_eq!(End::of(&lit(0..3), 1, 8, 8), End::Last);
        assert_eq!(End::of(&lit(0..3), 4, 4, 8), End::Last);
    }

    #[test]
    fn used_vectors_stay_and_the_others_complete_them() {
        let vectors = haar_orthogonal(5, &mut stream());
        for aim in Aim::ALL {
            let whole = completed(&vectors, 7, &[4, 0, 6], *aim, true, &mut stream());
            assert!(unitarity_error(&whole) < 1e-14, "{aim}");
            for (column, place) in [4, 0, 6].into_iter().enumerate() {
                let found = whole.column(place);
                assert_eq!(found.rows(0, 5), vectors.column(column));
                assert!(found.rows(5, 2).iter().all(|z| *z == C64::ZERO));
            }
            assert_eq!(is_real(&whole), *aim != Aim::Corrected);
            // Unused columns: of vectors and modes beyond as they are, or generic.
            let zeros = [1, 2, 3, 5].map(|mode| {
                let column = whole.column(mode);
                column.iter().filter(|z| **z == C64::ZERO).count()
            });
            assert_eq!(zeros.iter().all(|count| *count == 0), *aim != Aim::Perfect);
        }
    }

    #[test]
    fn names_read_back_and_others_are_refused() {
        for aim in Aim::ALL {
            assert_eq!(aim.name().parse::<Aim>().unwrap(), *aim);
            assert_eq!(serde_json::to_value(aim).unwrap(), aim.name());
        }
        for arrangement in Arrangement::ALL {
            let name = arrangement.name();
            assert_eq!(name.parse::<Arrangement>().unwrap(), *arrangement);
            assert_eq!(serde_json::to_value(arrangement).unwrap(), name);
        }
        golden("spred", "spred".parse::<Arrangement>().unwrap_err());
    }
}
