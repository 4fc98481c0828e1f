//! What elements of a chip share: the trend over the wafer, the die and the field over it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::Chip;
use crate::hardware::fabrication::{Built, Family, Quantile, Shares, SitePlan, Wafer, Wanted};
use crate::hardware::{Hardware, Placed, Quantity, Section, Site};
use crate::mesh::{Mesh, Values};
use crate::rng::{Address, Effect};

/// How the families of a chip are drawn, and where its elements stand once that is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawing {
    families: Arc<[(Shares, Quantile); 6]>,
    plan: Option<Arc<SitePlan>>,
}

impl Drawing {
    /// Of chip number `trial` of `hardware`, with the trend over the wafer in its means.
    pub(super) fn new(hardware: &Hardware, trial: u64) -> Self {
        let nu = hardware.distribution.degrees_of_freedom;
        let mut families = Family::ALL.map(|family| {
            let shares = family.shares(hardware);
            let quantile = Quantile::new(shares.law, shares.sigma, nu);
            (shares, quantile)
        });
        if families.iter().any(|(shares, _)| shares.trend != [0.0; 2])
            && let Some(wafer) = Wafer::of(hardware)
        {
            let radius = wafer.radius(trial);
            for (shares, _) in &mut families {
                let [linear, bowl] = shares.trend;
                shares.mean += radius * (linear + radius * bowl);
            }
        }
        Self {
            families: families.into(),
            plan: None,
        }
    }

    fn of(&self, family: Family) -> &(Shares, Quantile) {
        &self.families[family as usize]
    }
}

impl Chip {
    /// The same chip where the draws of some quantity depend on places, with the elements of the site at hand in the places that
    /// they have in what is `built` there.
    pub(crate) fn on_site(&self, built: &Built<'_>) -> Cow<'_, Self> {
        if !self.has_fields() {
            return Cow::Borrowed(self);
        }
        let plan = SitePlan::of(built, &self.hardware.fabrication);
        let mut chip = self.clone();
        chip.drawing.plan = Some(plan);
        Cow::Owned(chip)
    }

    /// The same for a chip whose elements are those of `mesh`, which stands alone.
    ///
    /// Where a quantity has a [`FieldShare`](crate::hardware::FieldShare), its draws take the places of its elements: a chip that
    /// is [programmed](Self::program) or loaded knows them, and so does this one.
    #[must_use]
    pub fn on_places_of(&self, mesh: &Mesh) -> Cow<'_, Self> {
        self.on_site(&Built {
            kind: self.cell_kind(),
            input: Some(mesh),
            attenuators: 0,
            output: None,
            rows: mesh.modes(),
        })
    }

    /// Whether the draws of some quantity depend on places.
    fn has_fields(&self) -> bool {
        let mut families = self.drawing.families.iter();
        families.any(|(shares, _)| shares.field > 0.0 && shares.sigma > 0.0)
    }

    /// Mean of a quantity on this die.
    pub(super) fn mean(&self, quantity: Quantity) -> f64 {
        self.drawing.of(Family::of(quantity)).0.mean
    }

    /// Whether elements differ from what the design says of all, `design`.
    pub(super) fn errs(&self, quantity: Quantity, design: f64) -> bool {
        let (shares, _) = self.drawing.of(Family::of(quantity));
        shares.sigma > 0.0 || shares.mean != design || self.given.knows(quantity)
    }

    /// `values` and the deviations of a quantity from its mean: those of the elements of this section from number
    /// `numbers.start` to `numbers.end`.
    ///
    /// # Panics
    /// If the quantity has a field and the places of the elements are not [known](Self::on_places_of).
    pub(super) fn with_deviations<'a>(
        &self,
        values: Values<'a>,
        quantity: Quantity,
        at: Placed,
        numbers: Range<usize>,
    ) -> Values<'a> {
        let family = Family::of(quantity);
        let (shares, quantile) = self.drawing.of(family);
        let Shares {
            sigma, die, field, ..
        } = *shares;
        let (effect, block) = quantity.drawn_by();
        let address = self.address(effect, at, block);
        if sigma == 0.0 {
            return values;
        }
        let count = numbers.len();
        let mut own = 1.0 - die - field;
        // In units of σ, of a normal law; of others of what becomes their number.
        let mut common = match die > 0.0 {
            true => vec![die.sqrt() * self.of_die(family, at); count],
            false => Vec::new(),
        };
        if field > 0.0 {
            let plan = self.drawing.plan.as_ref();
            let plan =
                plan.expect("a chip whose quantities have fields knows the places of its elements");
            let wanted = Wanted {
                section: at.part.section,
                quantity,
                numbers: numbers.clone(),
            };
            common.resize(count, 0.0);
            let smooth = plan.draw(family, &wanted, self.field_address(family, at));
            for (sum, number) in common.iter_mut().zip(smooth) {
                *sum += field.sqrt() * number;
            }
            own += field * plan.own_share(family);
        }
        // Shares that sum to 1 leave rounding.
        let own = if own > 1e-12 { own.sqrt() } else { 0.0 };
        if *quantile == Quantile::Normal {
            let values = match common.is_empty() {
                true => values,
                false => {
                    common.iter_mut().for_each(|number| *number *= sigma);
                    values.plus(&common)
                }
            };
            return values.with_errors(sigma * own, address, numbers);
        }
        let normals = match common.is_empty() {
            true => Values::same(0.0),
            false => Values::each(common),
        };
        let mut all = normals.with_errors(own, address, numbers).all(count);
        all.iter_mut()
            .for_each(|number| *number = sigma * quantile.at(*number));
        values.plus(&all)
    }

    /// The number of the die that a family shares, of variance 1.
    fn of_die(&self, family: Family, at: Placed) -> f64 {
        let whole = Placed {
            site: Site {
                chip: at.site.chip,
                ..Site::default()
            },
            ..at.section(Section::Input)
        };
        let mut stream = self.stream(Effect::Die, whole, family as u64);
        stream.standard_normal()
    }

    /// Where the normals of a family's field over a site are.
    fn field_address(&self, family: Family, at: Placed) -> Address {
        self.address(Effect::Field, at.section(Section::Input), family as u64)
    }
}

#[cfg(test)]
mod tests;
