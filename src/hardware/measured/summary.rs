//! What was measured of a chip, in numbers of all its components.

use super::{MeasuredChip, MeasuredQuantity};
use crate::mesh::{CellKind, ComponentKind, Mesh};

/// A quantity over all components of which it was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredSummary {
    /// What was measured.
    pub quantity: MeasuredQuantity,
    /// Of how many components.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, of `count` and not of one less.
    pub sigma: f64,
    /// The component that is farthest from the mean, and its number.
    pub farthest: (String, f64),
}

impl MeasuredChip {
    /// A summary of every quantity that was measured, in their order.
    pub fn summaries(&self) -> Vec<MeasuredSummary> {
        let summaries = MeasuredQuantity::ALL.into_iter().filter_map(|quantity| {
            let all = || self.numbers().filter(move |(_, of, _)| *of == quantity);
            let count = all().count();
            let mean = all().map(|(.., number)| number).sum::<f64>() / count as f64;
            let square = |number: f64| (number - mean) * (number - mean);
            let squares: f64 = all().map(|(.., number)| square(number)).sum();
            let farthest = all().max_by(|a, b| square(a.2).total_cmp(&square(b.2)))?;
            Some(MeasuredSummary {
                quantity,
                count,
                mean,
                sigma: (squares / count as f64).sqrt(),
                farthest: (farthest.0, farthest.2),
            })
        });
        summaries.collect()
    }

    /// The numbers of a quantity of the MZIs of `mesh`, whose ids begin with `path` on chips with cells of `kind`: of each that
    /// which is farthest from 0 of its components, where one was measured; in the order of the nodes.
    pub fn of_nodes(
        &self,
        quantity: MeasuredQuantity,
        (path, mesh, kind): (&str, &Mesh, CellKind),
    ) -> Vec<Option<f64>> {
        let mut found: Vec<Option<f64>> = vec![None; mesh.nodes().len()];
        let Some(section) = self.sections.get(path) else {
            return found;
        };
        let plan = mesh.floorplan(kind);
        for component in &plan.components {
            let node = match component.kind {
                ComponentKind::Phi => component.number - mesh.nodes().len(),
                ComponentKind::Theta
                | ComponentKind::Alpha
                | ComponentKind::Beta
                | ComponentKind::Gamma => component.number,
                _ => continue,
            };
            let Some((number, _)) = section.numbers.get(&(component.into(), quantity)) else {
                continue;
            };
            let is_farther = found[node].is_none_or(|other| number.abs() > other.abs());
            if is_farther {
                found[node] = Some(*number);
            }
        }
        found
    }

    /// Number of heaters whose response was measured.
    pub fn response_count(&self) -> usize {
        let sections = self.sections.values();
        sections.map(|section| section.responses.len()).sum()
    }

    /// Number of pairs of heaters whose crosstalk was measured.
    pub fn pair_count(&self) -> usize {
        self.crosstalk.len()
    }
}
