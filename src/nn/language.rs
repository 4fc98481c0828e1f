//! Language models: graphs that are given a text as tokens and say for each of them which one follows.

use ndarray::{Array2, ArrayD, Axis, Ix3, IxDyn};

use super::graph::Graph;
use super::linear::Linears;
use super::network::Network;
use super::port::Element;
use super::vocabulary::Vocabulary;
use crate::error::{Error, Result};
use crate::field::Real;

/// A graph that gives, for every token of a text, the logits of the one that follows, and the pieces that tokens stand for.
#[derive(Debug, Clone, Copy)]
pub struct LanguageModel<'a> {
    graph: &'a Graph,
    vocabulary: &'a Vocabulary,
}

impl<'a> LanguageModel<'a> {
    /// `network` as a model of texts in the tokens of `vocabulary`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] unless it is a graph of one input of integers `[1, time]` and one output of numbers
    /// `[1, time, vocabulary]`, with an open time; [`Error::Shape`] if the vocabulary has not one piece a logit.
    pub fn new(network: &'a Network, vocabulary: &'a Vocabulary) -> Result<Self> {
        let refused = |got: String| {
            let limit = "a language model is a graph of one input, integers [1, time] with an open time, \
                         and one output, numbers [1, time, vocabulary]";
            Err(Error::unsupported("network", got, limit))
        };
        let Some(graph) = network.graph() else {
            return refused("a chain of layers".to_owned());
        };
        let ([input], [output]) = (graph.inputs(), graph.outputs()) else {
            let (inputs, outputs) = (graph.inputs().len(), graph.outputs().len());
            return refused(format!("inputs: {inputs}, outputs: {outputs}"));
        };
        let is_one = |axis: Option<usize>| axis.is_none_or(|length| length == 1);
        let takes_tokens = match &input.shape[..] {
            [batch, None] => is_one(*batch) && input.element == Element::Integer,
            _ => false,
        };
        if !takes_tokens {
            return refused(format!("input {}", input.words_of_shape()));
        }
        let logits = match &output.shape[..] {
            [batch, _, logits] if is_one(*batch) && output.element == Element::Float => *logits,
            _ => return refused(format!("output {}", output.words_of_shape())),
        };
        let model = Self { graph, vocabulary };
        logits.map_or(Ok(()), |logits| model.check_logits(logits))?;
        Ok(model)
    }

    /// The pieces that tokens stand for.
    pub fn vocabulary(&self) -> &'a Vocabulary {
        self.vocabulary
    }

    fn check_logits(&self, logits: usize) -> Result<()> {
        if logits == self.vocabulary.len() {
            return Ok(());
        }
        let limit = format!("[{logits}], one piece for each logit of the network");
        Err(Error::shape("vocabulary", [self.vocabulary.len()], limit))
    }

    /// The logits, `[token, piece]`, of what follows the beginning of a text, in row 0, and each of its tokens `ids`: one
    /// row more than there are ids. `with` computes the products, as shots of number `block`.
    ///
    /// # Errors
    /// Those of `with`; [`Error::Value`] for ids that are no tokens; [`Error::Format`] if the graph cannot be computed for as
    /// many; [`Error::NotFinite`].
    pub fn logits<T: Real>(
        &self,
        ids: &[usize],
        with: &(impl Linears<T> + ?Sized),
        block: u64,
    ) -> Result<Array2<f32>> {
        self.vocabulary.check(ids)?;
        let tokens = std::iter::once(self.vocabulary.bos()).chain(ids.iter().copied());
        let tokens = tokens.map(|id| id as f32);
        let tokens = ArrayD::from_shape_vec(IxDyn(&[1, ids.len() + 1]), tokens.collect());
        let tokens = tokens.expect("one row of as many tokens");
        let mut outputs = self.graph.run_on(vec![tokens], with, block)?;
        let output = outputs.swap_remove(0);
        let shape = output.shape().to_vec();
        let logits = match shape[..] {
            [1, time, logits] if time == ids.len() + 1 => {
                self.check_logits(logits)?;
                output
                    .into_dimensionality::<Ix3>()
                    .expect("it has three axes")
            }
            _ => {
                let limit = format!("[1, {}, vocabulary]", ids.len() + 1);
                return Err(Error::shape("logits", shape, limit));
            }
        };
        let logits = logits.index_axis_move(Axis(0), 0);
        match logits.indexed_iter().find(|(_, logit)| !logit.is_finite()) {
            None => Ok(logits),
            Some(((token, piece), got)) => Err(Error::NotFinite {
                what: "logits".to_owned(),
                index: format!("[{token}, {piece}]"),
                got: got.to_string(),
            }),
        }
    }

    /// Fails unless a text of `count` tokens, its beginning among them, can be computed; says how many can be.
    ///
    /// # Errors
    /// [`Error::Value`], which calls the tokens `what`; those of the graph where it cannot be computed for a single token.
    pub fn check_length<T: Real>(
        &self,
        what: &str,
        count: usize,
        with: &(impl Linears<T> + ?Sized),
    ) -> Result<()> {
        let computes = |count: usize| {
            let ids = vec![self.vocabulary.bos(); count - 1];
            self.logits(&ids, with, 0).err()
        };
        if let Some(error) = computes(1) {
            return Err(error);
        }
        // Not all at once: what is beyond the places of the network may be beyond memory.
        let (mut most, mut beyond) = (1, None);
        while most < count && beyond.is_none() {
            let next = count.min(2 * most);
            match computes(next) {
                None => most = next,
                Some(error) => beyond = Some((next, error)),
            }
        }
        let Some((mut first, mut refusal)) = beyond else {
            return Ok(());
        };
        while first - most > 1 {
            let middle = most + (first - most) / 2;
            match computes(middle) {
                None => most = middle,
                Some(error) => (first, refusal) = (middle, error),
            }
        }
        let limit = format!("at most {most}, as the network cannot compute {first}: {refusal}");
        Err(Error::value(what, count, limit))
    }
}
