//! Text that a language model writes on a chip, beside what it writes digitally.

use std::time::Instant;

use ndarray::{Array2, ArrayView1};
use serde::Serialize;

use crate::compile::Program;
use crate::error::{Error, Result};
use crate::field::Real;
use crate::hardware::Hardware;
use crate::mesh::Correction;
use crate::nn::{LanguageModel, Linears, Vocabulary};
use crate::processor::Processor;
use crate::rng::{Effect, Seed};
use crate::watch::Watch;

/// Most tokens that are written.
pub const LENGTH_LIMIT: usize = 1 << 16;

/// How the next token is chosen by its logits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Sampler {
    /// The one of the largest logit, of several the first.
    Greedy,
    /// One at random, with probability `softmax(logits / temperature)`.
    Softmax {
        /// Above 0: near it the largest logit always wins.
        temperature: f64,
    },
}

/// A text to be written on one chip.
#[derive(Debug, Clone, PartialEq)]
pub struct Writing {
    /// The kind of chip.
    pub hardware: Hardware,
    /// The seed from which the chip, its shots and what is sampled follow.
    pub seed: Seed,
    /// Which of the chips that follow from the seed.
    pub trial: u64,
    /// How the phases of the chip are chosen.
    pub correction: Correction,
    /// What the text begins with.
    pub prompt: Vec<usize>,
    /// Tokens to be written behind it; fewer where the text ends before.
    pub length: usize,
    /// How each of them is chosen.
    pub sampler: Sampler,
    /// The text by which chip and digital network are scored; where there is none the prompt and what is written digitally
    /// behind it.
    pub scored: Option<Vec<usize>>,
}

/// What came of a [`Writing`]; its JSON form is that of `lightloom generate --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Written {
    /// The kind of chip, with every default.
    pub hardware: Hardware,
    /// The seed.
    pub seed: Seed,
    /// The number of the chip.
    pub trial: u64,
    /// How its phases were chosen.
    pub correct: Correction,
    /// How tokens were chosen.
    pub sampler: Sampler,
    /// What the chip wrote, with the prompt in front.
    pub text: String,
    /// Its tokens, without that of the beginning.
    pub ids: Vec<usize>,
    /// What was written digitally.
    pub digital_text: String,
    /// Its tokens.
    pub digital_ids: Vec<usize>,
    /// Number of tokens of the prompt, with which both begin.
    pub prompt_tokens: usize,
    /// Number of tokens that were to be written behind it, where the work was stopped before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_of: Option<usize>,
    /// The place of the first token that differs, or that one of them lacks; null where none does.
    pub first_difference: Option<usize>,
    /// Number of tokens of the text by which both are scored.
    pub scored_tokens: usize,
    /// The mean negative log-likelihood of that text, nats a token, where all tokens before it are given.
    pub nll: Likelihood,
    /// Share of its tokens for which the chip's largest logit is that of the digital network, where all tokens before it are
    /// given.
    pub agreement: f64,
    /// Tokens that the chip wrote in a second.
    pub tokens_per_s: f64,
}

/// How likely a text is, digitally and on a chip.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Likelihood {
    /// To the network as it was trained.
    pub digital: f64,
    /// To the chip.
    pub chip: f64,
}

impl Sampler {
    /// The token that follows where its `logits` are these; `uniform` is drawn from [0, 1).
    fn choose(self, logits: ArrayView1<'_, f32>, uniform: f64) -> usize {
        let most = largest(logits);
        let Self::Softmax { temperature } = self else {
            return most;
        };
        let top = f64::from(logits[most]);
        let weights = logits
            .iter()
            .map(|logit| ((f64::from(*logit) - top) / temperature).exp());
        let mut left = uniform * weights.clone().sum::<f64>();
        for (token, weight) in weights.enumerate() {
            left -= weight;
            if left < 0.0 {
                return token;
            }
        }
        // Rounding left something of the last one.
        most
    }
}

impl Writing {
    /// Writes the text digitally and on the chip with `program`, at precision `T`; `watch` is told of every token of both.
    ///
    /// The whole text goes through the network for every token. Step `k`, from 1, is block `k` of the chip's shots, and the
    /// scored text is block 0. Both samplers draw the same numbers, so that texts part where logits differ. The ranges of
    /// modulators and converters just fit the scored text.
    ///
    /// # Errors
    /// Those of [`LanguageModel::new`]; [`Error::Value`] for more tokens than the network has places for, or than
    /// [`LENGTH_LIMIT`], for none, for ids that are no tokens, or for a temperature that is not above 0; [`Error::Stopped`] if `watch` stops the work
    /// before the chip has written a token; those of [`Processor::load_watched`].
    pub fn run<T: Real>(
        &self,
        program: &Program,
        vocabulary: &Vocabulary,
        watch: &impl Watch,
    ) -> Result<Written> {
        let network = program.network();
        let model = LanguageModel::new(network, vocabulary)?;
        let digital = network.digital::<T>()?;
        self.check(&model, &digital)?;

        watch.doing(Some("digital tokens"));
        let digital_ids = self.write(&model, &digital, watch)?;
        if watch.stops() {
            return Err(Error::Stopped);
        }
        let scored = self.scored.as_ref().unwrap_or(&digital_ids);
        let given = &scored[..scored.len() - 1];
        watch.doing(Some("scored text"));
        let on_digital = model.logits(given, &digital, 0)?;
        let chip = self.hardware.fabricate(self.seed, self.trial);
        let run = |with: &dyn Linears<T>| model.logits(given, with, 0).map(drop);
        let processor = Processor::<T>::load_watched(program, chip, self.correction, run, watch)?;
        let on_chip = model.logits(given, &processor, 0)?;
        watch.doing(Some("tokens of the chip"));

        let clock = Instant::now();
        let ids = self.write(&model, &processor, watch)?;
        let seconds = clock.elapsed().as_secs_f64();
        let count = ids.len() - self.prompt.len();
        if count == 0 {
            return Err(Error::Stopped);
        }
        let is_cut = watch.stops()
            && count < self.length
            && !ids.last().is_some_and(|id| vocabulary.ends(*id));
        Ok(Written {
            hardware: self.hardware.clone(),
            seed: self.seed,
            trial: self.trial,
            correct: self.correction,
            sampler: self.sampler,
            text: vocabulary.text(&ids),
            digital_text: vocabulary.text(&digital_ids),
            prompt_tokens: self.prompt.len(),
            stopped_of: is_cut.then_some(self.length),
            first_difference: match is_cut {
                true => first_difference(&ids, &digital_ids[..ids.len().min(digital_ids.len())]),
                false => first_difference(&ids, &digital_ids),
            },
            scored_tokens: scored.len(),
            nll: Likelihood {
                digital: mean_nll(&on_digital, scored),
                chip: mean_nll(&on_chip, scored),
            },
            agreement: agreement(&on_digital, &on_chip),
            tokens_per_s: count as f64 / seconds,
            ids,
            digital_ids,
        })
    }

    /// Fails unless there is something to write and to score, and the network has places for it.
    fn check<T: Real>(&self, model: &LanguageModel<'_>, digital: &impl Linears<T>) -> Result<()> {
        if !(1..=LENGTH_LIMIT).contains(&self.length) {
            let limit = format!("from 1 to {LENGTH_LIMIT} tokens");
            return Err(Error::value("length", self.length, limit));
        }
        if let Sampler::Softmax { temperature } = self.sampler
            && !(temperature > 0.0 && temperature.is_finite())
        {
            return Err(Error::value(
                "temperature",
                temperature,
                "finite and above 0",
            ));
        }
        model.vocabulary().check(&self.prompt)?;
        // The last token is given to nothing, and the beginning stands in front.
        let written = self.prompt.len() + self.length;
        model.check_length("tokens of prompt and length", written, digital)?;
        match self.scored.as_deref() {
            None => Ok(()),
            Some([]) => Err(Error::value("tokens of the scored text", 0, "at least 1")),
            Some(scored) => {
                model.vocabulary().check(scored)?;
                model.check_length("tokens of the scored text", scored.len(), digital)
            }
        }
    }

    /// The prompt and what is written behind it, until the text ends, has its length or is stopped.
    fn write<T: Real>(
        &self,
        model: &LanguageModel<'_>,
        with: &impl Linears<T>,
        watch: &impl Watch,
    ) -> Result<Vec<usize>> {
        let mut ids = self.prompt.clone();
        for step in 1..=self.length as u64 {
            if watch.stops() {
                break;
            }
            let logits = model.logits(&ids, with, step)?;
            let uniform = self.seed.stream(Effect::Token, 0, 0, step).uniform();
            let id = self.sampler.choose(logits.row(ids.len()), uniform);
            ids.push(id);
            watch.step();
            if model.vocabulary().ends(id) {
                break;
            }
        }
        Ok(ids)
    }
}

/// The first place where `a` and `b` differ, or that one of them lacks.
fn first_difference(a: &[usize], b: &[usize]) -> Option<usize> {
    (0..a.len().max(b.len())).find(|place| a.get(*place) != b.get(*place))
}

/// The place of the largest of `logits`, of several the first.
fn largest(logits: ArrayView1<'_, f32>) -> usize {
    let mut most = 0;
    for (token, logit) in logits.iter().enumerate() {
        if *logit > logits[most] {
            most = token;
        }
    }
    most
}

/// The mean of −ln softmax(logits)[id] over the `ids`, each with its row of `logits`.
fn mean_nll(logits: &Array2<f32>, ids: &[usize]) -> f64 {
    let rows = logits.rows().into_iter().zip(ids);
    let sum: f64 = rows
        .map(|(row, id)| {
            let top = f64::from(row[largest(row)]);
            let weights = row.iter().map(|logit| (f64::from(*logit) - top).exp());
            weights.sum::<f64>().ln() + top - f64::from(row[*id])
        })
        .sum();
    sum / ids.len() as f64
}

/// Share of rows whose largest logits are at one place.
fn agreement(a: &Array2<f32>, b: &Array2<f32>) -> f64 {
    let pairs = a.rows().into_iter().zip(b.rows());
    let agreed = pairs.filter(|(a, b)| largest(a.view()) == largest(b.view()));
    agreed.count() as f64 / a.nrows() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{arr1, arr2};

    /// Softmax of ln 1, ln 2, ln 5 is 1/8, 2/8, 5/8; at a temperature of ½ the weights are squared: 1/30, 4/30, 25/30.
    #[test]
    fn tokens_are_sampled_as_often_as_their_softmax_says() {
        let logits = arr1(&[1f32, 2.0, 5.0]).mapv(f32::ln);
        let shares = |temperature: f64, draws: usize| {
            let sampler = Sampler::Softmax { temperature };
            let mut counts = [0; 3];
            for draw in 0..draws {
                let uniform = (draw as f64 + 0.5) / draws as f64;
                counts[sampler.choose(logits.view(), uniform)] += 1;
            }
            counts
        };
        assert_eq!(shares(1.0, 8000), [1000, 2000, 5000]);
        assert_eq!(shares(0.5, 3000), [100, 400, 2500]);
        assert_eq!(shares(1e-9, 100), [0, 0, 100]);
        assert_eq!(
            Sampler::Greedy.choose(arr1(&[0.5, 2.0, 2.0]).view(), 0.9),
            1
        );
    }

    /// By hand: softmax of (0, ln 3) is (1/4, 3/4).
    #[test]
    fn likelihood_is_the_mean_of_minus_ln_softmax_of_what_follows() {
        let logits = arr2(&[[0.0, 3f32.ln()], [100.0 + 3f32.ln(), 100.0]]);
        let nll = mean_nll(&logits, &[1, 1]);
        assert!((nll + (0.75f64.ln() + 0.25f64.ln()) / 2.0).abs() < 1e-6);
        let other = arr2(&[[0.0, 1.0], [0.0, 1.0]]);
        assert_eq!(agreement(&logits, &other), 0.5);
    }

    #[test]
    fn texts_differ_where_one_of_them_ends() {
        assert_eq!(first_difference(&[1, 2], &[1, 2]), None);
        assert_eq!(first_difference(&[1, 2], &[1, 3, 4]), Some(1));
        assert_eq!(first_difference(&[1, 2], &[1, 2, 4]), Some(2));
        assert_eq!(first_difference(&[1], &[]), Some(0));
    }
}
