//! Unknown phases of which differences are known: a union-find that carries them.

/// Unknown phases, rad, some of which are tied to be ahead of others by a phase.
///
/// What is tied to unknown 0, directly or not, is known; of other sets of ties the unknown of the smallest number is 0.
pub(in crate::mesh) struct Ties {
    parent: Vec<usize>,
    /// Phase ahead of the parent.
    offset: Vec<f64>,
}

/// An unknown to which others are tied, and how far ahead of it one of them is.
struct Tied {
    root: usize,
    ahead: f64,
}

impl Ties {
    /// `count` unknowns, none tied to another.
    pub(in crate::mesh) fn new(count: usize) -> Self {
        Self {
            parent: (0..count).collect(),
            offset: vec![0.0; count],
        }
    }

    /// What `unknown` is tied to in the end; shortens the way there.
    fn find(&mut self, unknown: usize) -> Tied {
        let mut path = Vec::new();
        let mut root = unknown;
        while self.parent[root] != root {
            path.push(root);
            root = self.parent[root];
        }
        let mut ahead = 0.0;
        for step in path.into_iter().rev() {
            ahead += self.offset[step];
            self.parent[step] = root;
            self.offset[step] = ahead;
        }
        Tied { root, ahead }
    }

    /// Ties `a` to be ahead of `b` by `phase`. If the two are tied already, says by how much `phase` exceeds that.
    pub(in crate::mesh) fn tie(&mut self, a: usize, b: usize, phase: f64) -> Option<f64> {
        let (a, b) = (self.find(a), self.find(b));
        if a.root == b.root {
            return Some(phase + b.ahead - a.ahead);
        }
        // The root of the smaller number stays the root: what nothing ties to another is 0.
        if b.root < a.root {
            self.parent[a.root] = b.root;
            self.offset[a.root] = phase + b.ahead - a.ahead;
        } else {
            self.parent[b.root] = a.root;
            self.offset[b.root] = a.ahead - phase - b.ahead;
        }
        None
    }

    /// The phase of `unknown`.
    pub(in crate::mesh) fn phase(&mut self, unknown: usize) -> f64 {
        self.find(unknown).ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tied_in_any_order_is_known_against_unknown_0() {
        // 1 = 0.5, 2 = 0.75, 3 = −1, tied from the far end on.
        let mut ties = Ties::new(5);
        assert_eq!(ties.tie(2, 3, 1.75), None);
        assert_eq!(ties.tie(1, 2, -0.25), None);
        assert_eq!(ties.phase(3), -1.5, "against unknown 1 until 0 is tied");
        assert_eq!(ties.tie(0, 1, -0.5), None);
        let phases = [0, 1, 2, 3, 4].map(|unknown| ties.phase(unknown));
        assert_eq!(phases, [0.0, 0.5, 0.75, -1.0, 0.0]);
        assert_eq!(
            ties.tie(2, 3, 2.0),
            Some(0.25),
            "1.75 is what they are apart"
        );
        assert_eq!(ties.tie(3, 3, 0.0), Some(0.0));
    }
}
