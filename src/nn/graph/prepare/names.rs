//! Names that no other value or node of a graph has.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::GraphProto;

use super::view;

/// Names that are taken, and how often each was asked for.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    asked: HashMap<String, usize>,
}

impl Names {
    /// Names of values and nodes of `graph`, and of the bodies within it.
    pub(super) fn of(graph: &GraphProto) -> Self {
        let mut names = Self::of_values(graph);
        names.add(graph);
        names
    }

    /// Names of inputs and constants of `graph` alone.
    pub(super) fn of_values(graph: &GraphProto) -> Self {
        let inputs = graph.input.iter().map(|input| input.name.clone());
        let constants = graph.initializer.iter().map(|tensor| tensor.name.clone());
        Self {
            taken: inputs.chain(constants).collect(),
            asked: HashMap::new(),
        }
    }

    fn add(&mut self, graph: &GraphProto) {
        let defined = view::defined(graph).into_iter().map(str::to_owned);
        self.taken.extend(defined);
        for node in &graph.node {
            self.taken.insert(node.name.clone());
            view::bodies(node).for_each(|body| self.add(body));
        }
    }

    /// `wanted`, or with a number behind it where that is taken.
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        let asked = self.asked.entry(wanted.to_owned()).or_default();
        loop {
            let name = match *asked {
                0 => wanted.to_owned(),
                count => format!("{wanted}_{count}"),
            };
            *asked += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}
