//! How does a method that needs only measurements run a chip that lives in another process?
//!
//! The program starts itself once more as the driver of a bench, which has the chip and answers questions on a pipe, one
//! line of JSON each. `Piped` is what a driver of one's own looks like from here: an `Instrument`. Through it the chip
//! configures itself, and light measures a gradient inside of it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use lightloom::field::Fields;
use lightloom::hardware::{Driver, Instrument, Laboratory, Metered, Side};
use lightloom::mesh::{CellKind, Geometry, Mesh};
use lightloom::train::{Passes, in_situ};
use lightloom::{Error, Hardware, Result, Seed, rng::Effect};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Rows of numbers; what is no number is null.
type Rows = Vec<Vec<Option<f64>>>;

#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "lowercase")]
enum Question {
    Size,
    Set { phases: Vec<f64> },
    Send { forth: bool, re: Rows, im: Rows },
    Taps { forth: bool, re: Rows, im: Rows },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "lowercase")]
enum Answer {
    Size { ports: [usize; 2], heaters: usize },
    Done,
    Read { re: Rows, im: Rows, taps: Rows },
    Refused { why: String },
}

fn rows(part: &Array2<f64>) -> Rows {
    let rows = part.rows().into_iter();
    rows.map(|row| row.iter().copied().map(Some).collect())
        .collect()
}

fn array(rows: Rows) -> Result<Array2<f64>> {
    let shape = (rows.len(), rows.first().map_or(0, Vec::len));
    let numbers = rows.into_iter().flatten().map(|x| x.unwrap_or(f64::NAN));
    Array2::from_shape_vec(shape, numbers.collect())
        .map_err(|_| Error::format("instrument", "rows differ in length"))
}

fn fields(re: Rows, im: Rows) -> Result<Fields<f64>> {
    Fields::new(array(re)?.view(), array(im)?.view())
}

/// An instrument in another process.
pub struct Piped {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    ports: [usize; 2],
    heaters: usize,
}

impl Piped {
    /// The instrument that `command` is the driver of.
    pub fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command
            .spawn()
            .map_err(|error| Error::io("instrument", error))?;
        let mut piped = Self {
            to: process.stdin.take().expect("it is piped"),
            from: BufReader::new(process.stdout.take().expect("it is piped")),
            process,
            ports: [0; 2],
            heaters: 0,
        };
        if let Answer::Size { ports, heaters } = piped.ask(&Question::Size)? {
            (piped.ports, piped.heaters) = (ports, heaters);
        }
        Ok(piped)
    }

    fn ask(&mut self, question: &Question) -> Result<Answer> {
        let failed = |error| Error::io("instrument", error);
        let line = serde_json::to_string(question).expect("numbers are JSON");
        writeln!(self.to, "{line}").map_err(failed)?;
        let mut line = String::new();
        // What stands in front of an answer, such as greetings, is none.
        while !line.contains('{') {
            line.clear();
            if self.from.read_line(&mut line).map_err(failed)? == 0 {
                return Err(Error::format("instrument", "has ended"));
            }
        }
        let answer = &line[line.find('{').expect("it is there")..];
        match serde_json::from_str(answer) {
            Ok(Answer::Refused { why }) => Err(Error::format("instrument", why)),
            Ok(answer) => Ok(answer),
            Err(error) => Err(Error::json("answer of the instrument", answer, &error)),
        }
    }

    fn read(&mut self, question: &Question) -> Result<(Fields<f64>, Array2<f64>)> {
        match self.ask(question)? {
            Answer::Read { re, im, taps } => Ok((fields(re, im)?, array(taps)?)),
            _ => Err(Error::format("instrument", "answers what was not asked")),
        }
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Instrument for Piped {
    fn ports(&self, side: Side) -> usize {
        self.ports[usize::from(side == Side::Outputs)]
    }

    fn heaters(&self) -> usize {
        self.heaters
    }

    fn set(&mut self, phases: &[f64]) -> Result<()> {
        let phases = phases.to_vec();
        self.ask(&Question::Set { phases }).map(|_| ())
    }

    fn send(&mut self, side: Side, light: &Fields<f64>) -> Result<Fields<f64>> {
        let [re, im] = [light.re(), light.im()].map(|part| rows(&part.to_owned()));
        let forth = side == Side::Inputs;
        Ok(self.read(&Question::Send { forth, re, im })?.0)
    }

    fn taps(&mut self, side: Side, light: &Fields<f64>) -> Result<(Fields<f64>, Array2<f64>)> {
        let [re, im] = [light.re(), light.im()].map(|part| rows(&part.to_owned()));
        let forth = side == Side::Inputs;
        self.read(&Question::Taps { forth, re, im })
    }
}

/// What answers: has a rectangle of `words[0]` modes on the chip of seed `words[1]`, hardware as the other words say,
/// `KEY=VALUE` each. With `fault=short` or `fault=nan` a receiver says nothing, or no number.
pub fn serve(words: &[&str]) -> Result<()> {
    let number = |at: usize| {
        let word = words.get(at).copied().unwrap_or_default();
        word.parse::<u64>()
            .map_err(|_| Error::value("MODES SEED", word, "two whole numbers"))
    };
    let (modes, seed) = (number(0)?, number(1)?);
    let mut hardware = Hardware::default();
    let mut fault = "";
    for word in &words[2..] {
        match word.split_once('=') {
            Some(("fault", kind)) => fault = kind,
            Some((key, value)) => hardware = hardware.with(key, value)?,
            None => return Err(Error::value("setting", word, "KEY=VALUE")),
        }
    }
    let mesh = Mesh::bar(Geometry::Clements, modes as usize)?;
    let mut bench = Laboratory::new(hardware.fabricate(Seed(seed), 0), &mesh);
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| Error::io("questions", error))?;
        let question = serde_json::from_str(&line);
        let question = question.map_err(|error| Error::json("question", &line, &error));
        let mut answer = question.and_then(|question| answer(&mut bench, question));
        if let Ok(Answer::Read { re, im, .. }) = &mut answer {
            match fault {
                "short" => drop((re.pop(), im.pop())),
                "nan" => re[0][0] = Some(f64::NAN),
                _ => {}
            }
        }
        let answer = answer.unwrap_or_else(|error| Answer::Refused {
            why: error.to_string(),
        });
        let line = serde_json::to_string(&answer).expect("numbers are JSON");
        let mut out = std::io::stdout().lock();
        let written = writeln!(out, "{line}").and_then(|()| out.flush());
        written.map_err(|error| Error::io("answers", error))?;
    }
    Ok(())
}

fn answer(bench: &mut Laboratory, question: Question) -> Result<Answer> {
    let side = |forth| if forth { Side::Inputs } else { Side::Outputs };
    Ok(match question {
        Question::Size => Answer::Size {
            ports: [Side::Inputs, Side::Outputs].map(|side| bench.ports(side)),
            heaters: bench.heaters(),
        },
        Question::Set { phases } => {
            bench.set(&phases)?;
            Answer::Done
        }
        Question::Send { forth, re, im } => {
            let read = bench.send(side(forth), &fields(re, im)?)?;
            let [re, im] = [read.re(), read.im()].map(|part| rows(&part.to_owned()));
            let taps = Rows::new();
            Answer::Read { re, im, taps }
        }
        Question::Taps { forth, re, im } => {
            let (read, taps) = bench.taps(side(forth), &fields(re, im)?)?;
            let [re, im] = [read.re(), read.im()].map(|part| rows(&part.to_owned()));
            let taps = rows(&taps);
            Answer::Read { re, im, taps }
        }
    })
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["serve", words @ ..] = &words[..] {
        return serve(words);
    }
    let mut command = Command::new(std::env::current_exe().expect("it runs"));
    let errors = [
        "coupler.splitting_error_rad=0.01",
        "phase_shifter.offset_rad=6",
    ];
    command.args(["serve", "6", "1"]).args(errors);
    let mut bench = Metered::new(Piped::start(command)?);

    let mut stream = Seed(7).stream(Effect::Haar, 0, 0, 0);
    let target = Mesh::haar(Geometry::Clements, 6, &mut stream)?;
    let done = Driver::new(&target, CellKind::Mzi).self_configure(&mut bench, &target)?;
    let configured = bench.costs();
    println!("six modes in another process, {}", errors.join(", "));
    println!("                     settings  passes of light  result");
    println!(
        "self-configuration {:10} {:16}  matrix error {:.1e}",
        configured.settings, configured.passes, done.error
    );
    // L = ½ |y₀|² of light in the first input.
    let light = Fields::basis(6, 1);
    let mut by_outputs = bench.send(Side::Inputs, &light)?;
    by_outputs.scale_modes(&[1.0, 0.0, 0.0, 0.0, 0.0, 0.0].map(Into::into));
    let before = bench.costs();
    let gradient = in_situ(&mut bench, &light, &by_outputs, Passes::Three)?;
    let costs = bench.costs();
    let largest = gradient
        .phases
        .iter()
        .fold(0.0, |most: f64, x| x.abs().max(most));
    println!(
        "in-situ gradient   {:10} {:16}  {} slopes, the largest {largest:.3}",
        costs.settings - before.settings,
        costs.passes - before.passes,
        gradient.phases.len(),
    );
    Ok(())
}
