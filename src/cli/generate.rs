//! Text of a language model on one drawn chip, beside what it writes digitally.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::common::args::{ChipArgs, Common, precisions};
use super::common::count::{any, count, number};
use super::common::output;
use super::common::watch::Terminal;
use super::infer::{corrections, say_of_chips};
use crate::compile::Program;
use crate::error::Error;
use crate::experiment::{LENGTH_LIMIT, Sampler, Writing, Written};
use crate::field::Precision;
use crate::mesh::Correction;
use crate::nn::Vocabulary;
use crate::rng::Seed;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom generate stories.program.safetensors --tokens tokens.json --length 256 --hardware thermo-optic --json -\n  lightloom generate stories.program.safetensors --tokens tokens.json --prompt Once --length 64 --set coupler.splitting_error_rad=0.02\n  lightloom generate stories.program.safetensors --tokens tokens.json --length 64 --sampler softmax --temperature 0.8"
)]
pub(super) struct GenerateArgs {
    /// Compiled language model: one input, tokens [1, time], and one output, logits [1, time, vocabulary]
    pub program: PathBuf,
    /// What tokens stand for, JSON: pieces, bos, eos, and scores where text is cut as sentencepiece does (docs/networks.md)
    #[arg(long, value_name = "FILE")]
    pub tokens: PathBuf,
    /// What the text begins with
    #[arg(
        long,
        default_value = "",
        value_name = "TEXT",
        allow_hyphen_values = true
    )]
    pub prompt: String,
    /// Tokens to write behind the prompt
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count::<usize>(1..=LENGTH_LIMIT as u64))]
    pub length: usize,
    /// How each token is chosen
    #[arg(long, value_enum, default_value_t)]
    pub sampler: SamplerArg,
    /// What logits are divided by in front of the softmax; 1 by default
    #[arg(long, value_name = "T", allow_negative_numbers = true, value_parser = number)]
    pub temperature: Option<f64>,
    /// A text as JSON, {"ids": […]}, whose likelihood is computed; without it, that of the digital text, whose
    /// prompt counts too
    #[arg(long, value_name = "FILE")]
    pub score: Option<PathBuf>,
    #[command(flatten)]
    pub chip: ChipArgs,
    /// Which of the chips that follow from the seed
    #[arg(long, default_value_t = 0, value_name = "T", allow_negative_numbers = true, value_parser = any::<u64>())]
    pub trial: u64,
    /// How phases are chosen; `local` and `progressive` know the chip's splitting errors, phase offsets and crosstalk
    #[arg(long, default_value = "none", value_parser = corrections())]
    pub correct: Correction,
    /// Precision of the arithmetic
    #[arg(long, default_value = "f32", value_parser = precisions())]
    pub precision: Precision,
    /// Also write the results as JSON to this file; - is stdout, without the table
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum SamplerArg {
    /// The most likely token
    #[default]
    Greedy,
    /// A token at random, as likely as the model says
    Softmax,
}

pub fn run(args: &GenerateArgs) -> Result<()> {
    let mut inputs = vec![args.program.as_path(), &args.tokens];
    inputs.extend(args.score.as_deref());
    let document = |written: &Written| output::json_of(&args.program, written);
    let print = |written: &Written| print(written, args.length);
    output::report(
        args.json.as_deref(),
        &inputs,
        || write(args),
        document,
        print,
    )
}

fn write(args: &GenerateArgs) -> Result<Written> {
    output::check_differs("--tokens", &args.tokens, &args.program, "the program")?;
    if let Some(score) = &args.score {
        output::check_differs("--score", score, &args.program, "the program")?;
    }
    let program = Program::read(&output::source(&args.program)?)?;
    let vocabulary = Vocabulary::read(&output::source(&args.tokens)?)?;
    let prompt = vocabulary.ids(&args.prompt);
    let scored = args
        .score
        .as_ref()
        .map(|path| vocabulary.read_ids(&output::source(path)?));
    let writing = Writing {
        hardware: args.chip.hardware()?,
        seed: Seed(args.chip.seed),
        trial: args.trial,
        correction: args.correct,
        prompt: prompt.map_err(|error| error.within("--prompt"))?,
        length: args.length,
        sampler: sampler(args)?,
        scored: scored.transpose()?,
    };
    let terminal = Terminal::new(&args.common, 2 * args.length, "tokens");
    let written = match args.precision {
        Precision::F32 => writing.run::<f32>(&program, &vocabulary, &terminal),
        Precision::F64 => writing.run::<f64>(&program, &vocabulary, &terminal),
    }?;
    terminal.finish();
    if let Some(asked) = written.stopped_of {
        terminal.say_if_stopped(written.ids.len() - written.prompt_tokens, asked);
    }
    if !args.common.quiet {
        say_of_chips(&program, &writing.hardware, writing.correction);
        if args.score.is_none() && written.prompt_tokens > 0 {
            eprintln!(
                "note: nll and agreement are of the digital text of {} tokens, {} of them the prompt's",
                written.scored_tokens, written.prompt_tokens
            );
        }
    }
    Ok(written)
}

fn sampler(args: &GenerateArgs) -> Result<Sampler> {
    match (args.sampler, args.temperature) {
        (SamplerArg::Greedy, None) => Ok(Sampler::Greedy),
        (SamplerArg::Greedy, Some(temperature)) => {
            let limit = "left out, or with --sampler softmax";
            Err(Error::value("--temperature", temperature, limit).into())
        }
        (SamplerArg::Softmax, temperature) => Ok(Sampler::Softmax {
            temperature: temperature.unwrap_or(1.0),
        }),
    }
}

/// A report for people on what was `written`, of which `length` tokens were asked for.
fn print(written: &Written, length: usize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "chip      {}", written.text)?;
    match written.first_difference {
        None => writeln!(out, "digital   the same")?,
        Some(place) => {
            writeln!(out, "digital   {}", written.digital_text)?;
            let of = written.prompt_tokens + length;
            writeln!(out, "differs   from token {} of {of} on", place + 1)?;
        }
    }
    writeln!(out)?;
    writeln!(
        out,
        "nll       digital {:.4}   chip {:.4}   (nats a token, {} tokens)",
        written.nll.digital, written.nll.chip, written.scored_tokens
    )?;
    writeln!(out, "agreement {:.2} %", 100.0 * written.agreement)?;
    writeln!(out, "speed     {:.1} tokens/s", written.tokens_per_s)?;
    Ok(())
}
