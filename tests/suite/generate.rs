//! Text of language models: a small one whose letters are known by hand, and stories260k beside its reference.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use lightloom::compile::{Layout, Program, compile};
use lightloom::experiment::{Sampler, Writing, Written};
use lightloom::io::Source;
use lightloom::nn::{Choice, Chosen, Graph, LanguageModel, Network, Vocabulary};
use lightloom::{Correction, Error, Hardware, Seed, Watch};
use ndarray::Array2;
use serde::Deserialize;
use serde_json::{Value, json};
use tract_onnx::pb;

use crate::cli::{DEMO, lightloom, ok, refused};
use crate::mnist::shared;
use crate::onnx::{FLOAT, INT64, floats, node, onnx, port, tensor};

/// Tokens of the small model: 0 begins a text, 1 ends it, 2 to 4 are `a` to `c`.
const LETTERS: usize = 5;

/// Positions that the small model has.
const PLACES: usize = 8;

/// The small model: logits of what follows a token are a row of a matrix, 2 at the next letter and 0 elsewhere; behind `c` a
/// text ends. What stands at each of its places adds nothing.
fn letters() -> Vec<u8> {
    let mut follows = Array2::zeros((LETTERS, LETTERS));
    for (token, next) in [(0, 2), (2, 3), (3, 4), (4, 1)] {
        follows[[token, next]] = 2.0;
    }
    let index = |name: &str, value: i64| tensor(name, INT64, &[1], value.to_le_bytes().to_vec());
    onnx(pb::GraphProto {
        name: "letters".to_owned(),
        node: vec![
            node("Gather", &["embedding", "ids"], "h"),
            node("MatMul", &["h", "follows"], "product"),
            node("Shape", &["ids"], "shape"),
            node("Slice", &["shape", "one", "two"], "time"),
            node("Slice", &["places", "zero", "time", "zero"], "place"),
            node("Add", &["product", "place"], "logits"),
        ],
        initializer: vec![
            floats("embedding", Array2::eye(LETTERS).view()),
            floats("follows", follows.view()),
            floats("places", Array2::zeros((PLACES, LETTERS)).view()),
            index("zero", 0),
            index("one", 1),
            index("two", 2),
        ],
        input: vec![port("ids", INT64, &["batch", "time"])],
        output: vec![port("logits", FLOAT, &["batch", "time", "5"])],
        ..Default::default()
    })
}

/// A folder with the small model as `p.safetensors` and its tokens as `t.json`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("letters.onnx"), letters()).unwrap();
    ok(path, &["compile", "letters.onnx", "-o", "p.safetensors"]);
    let tokens =
        json!({"pieces": ["<s>", "</s>", "a", "b", "c"], "bos": 0, "eos": 1, "of": "letters"});
    std::fs::write(path.join("t.json"), tokens.to_string()).unwrap();
    folder
}

/// What `generate` says as JSON with `more` arguments.
fn generated(folder: &Path, more: &[&str]) -> Value {
    let args = [
        "generate",
        "p.safetensors",
        "--tokens",
        "t.json",
        "--json",
        "-",
        "--quiet",
    ];
    serde_json::from_str(&ok(folder, &[&args[..], more].concat())).unwrap()
}

fn is_near(value: &Value, expected: f64) -> bool {
    (value.as_f64().unwrap() - expected).abs() < 1e-6
}

/// By hand: −ln softmax of a logit 2 beside four of 0 is ln(4 + e²) − 2.
#[test]
fn letters_are_written_until_their_text_ends() {
    let folder = folder();
    let found = generated(folder.path(), &["--length", "7"]);
    assert_eq!(found["text"], "abc");
    assert_eq!(found["digital_text"], "abc");
    assert_eq!(found["ids"], json!([2, 3, 4, 1]));
    assert_eq!(found["digital_ids"], json!([2, 3, 4, 1]));
    assert_eq!(found["first_difference"], Value::Null);
    assert_eq!(found["agreement"], 1.0);
    assert!(found["tokens_per_s"].as_f64().unwrap() > 0.0);
    let nll = (4.0 + 2f64.exp()).ln() - 2.0;
    assert!(is_near(&found["nll"]["digital"], nll));
    assert!(is_near(&found["nll"]["chip"], nll));
    // The table says the same.
    let args = [
        "generate",
        "p.safetensors",
        "--tokens",
        "t.json",
        "--length",
        "2",
        "--quiet",
    ];
    let table = ok(folder.path(), &args);
    assert!(
        table.starts_with("chip      ab\ndigital   the same\n"),
        "{table}"
    );
}

#[test]
fn a_record_of_text_is_told_with_what_was_written() {
    let folder = folder();
    let args = [
        "generate",
        "p.safetensors",
        "--tokens=t.json",
        "--json=g.json",
        "--quiet",
    ];
    let near = ["--prompt=b", "--length=2"];
    let table = ok(folder.path(), &[&args[..], &near].concat());
    let said = ok(folder.path(), &["inspect", "g.json"]);
    // What is scored where no text is given has the prompt in it.
    let loud = ["generate", "p.safetensors", "--tokens=t.json"];
    let heard = lightloom(folder.path(), &[&loud[..], &near].concat()).stderr;
    let heard = String::from_utf8(heard).unwrap();
    let note = "nll and agreement are of the digital text of 3 tokens, 1 of them the prompt's";
    assert!(heard.contains(note), "{heard}");
    let first =
        "results of generate: 2 tokens behind a prompt of 1, p.safetensors on chip 0, seed 0\n";
    assert!(said.starts_with(first), "{said}");
    for start in ["chip", "digital", "nll", "agreement"] {
        let line = table.lines().find(|line| line.starts_with(start)).unwrap();
        assert!(said.lines().any(|other| other == line), "{said}\n{line}");
    }
    let record = ok(folder.path(), &["inspect", "g.json", "--json", "-"]);
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["kind"], "text");
    assert_eq!(record["text"], "bc");
    assert_eq!(record["prompt_tokens"], 1);
    // A text that parts from the digital one says where.
    let far = ["--set=coupler.splitting_error_rad=0.5", "--length=7"];
    ok(folder.path(), &[&args[..], &far].concat());
    let found = std::fs::read(folder.path().join("g.json")).unwrap();
    let found: Value = serde_json::from_slice(&found).unwrap();
    let place = found["first_difference"].as_u64().unwrap();
    let said = ok(folder.path(), &["inspect", "g.json"]);
    let line = format!("differs   from token {} on", place + 1);
    assert!(said.contains(&line), "{said}");
    let digital = found["digital_text"].as_str().unwrap();
    assert!(said.contains(&format!("digital   {digital}\n")), "{said}");
}

/// The prompt is the first part of the text, and what follows `b` is `c`.
#[test]
fn a_prompt_stands_in_front_of_what_is_written() {
    let folder = folder();
    let found = generated(folder.path(), &["--prompt", "bb", "--length", "1"]);
    assert_eq!(found["text"], "bbc");
    assert_eq!(found["ids"], json!([3, 3, 4]));
    assert_eq!(found["prompt_tokens"], 2);
}

/// By hand, as above: after the beginning `a` has the logit 2 and `b` has 0, after `b` so does `c`.
#[test]
fn a_given_text_is_scored_with_every_token_before_it_given() {
    let folder = folder();
    std::fs::write(
        folder.path().join("bc.json"),
        r#"{"ids": [3, 4], "text": "bc"}"#,
    )
    .unwrap();
    let found = generated(folder.path(), &["--length", "1", "--score", "bc.json"]);
    let nll = (4.0 + 2f64.exp()).ln() - 1.0;
    assert!(is_near(&found["nll"]["digital"], nll));
    assert!(is_near(&found["nll"]["chip"], nll));
    assert_eq!(found["scored_tokens"], 2);
    // What `--json` writes is a text, too.
    let start = [
        "generate",
        "p.safetensors",
        "--tokens",
        "t.json",
        "--length",
        "4",
    ];
    ok(
        folder.path(),
        &[&start[..], &["--json", "abc.json"]].concat(),
    );
    let found = generated(folder.path(), &["--length", "1", "--score", "abc.json"]);
    assert_eq!(found["scored_tokens"], 4);
    assert!(is_near(&found["nll"]["digital"], nll - 1.0));
}

#[test]
fn sampled_text_follows_from_its_seed_alone() {
    let folder = folder();
    let sampled = |seed: &str, temperature: &str| {
        let args = [
            "--length",
            "7",
            "--sampler",
            "softmax",
            "--temperature",
            temperature,
        ];
        generated(folder.path(), &[&args[..], &["--seed", seed]].concat())
    };
    let texts: Vec<Value> = ["0", "1", "2", "3"].map(|seed| sampled(seed, "1")).into();
    assert_eq!(texts[1]["ids"], sampled("1", "1")["ids"]);
    assert!(texts.iter().any(|text| text["ids"] != texts[0]["ids"]));
    // Chip and digital network draw the same numbers.
    assert!(texts.iter().all(|text| text["ids"] == text["digital_ids"]));
    // Near 0 the most likely token always follows.
    assert_eq!(sampled("0", "0.01")["text"], "abc");
}

#[test]
fn text_of_noisy_shots_is_the_same_on_any_number_of_threads() {
    let folder = folder();
    let noisy = |threads: &str, trial: &str| {
        let text = ["--length", "4", "--sampler", "softmax", "--prompt", "abab"];
        let chip = [
            "--hardware",
            "mit-pnp",
            "--threads",
            threads,
            "--trial",
            trial,
        ];
        let mut found = generated(folder.path(), &[&text[..], &chip].concat());
        found["tokens_per_s"].take();
        found
    };
    let found = noisy("1", "3");
    assert_eq!(noisy("2", "3"), found);
    assert_ne!(noisy("1", "4")["nll"]["chip"], found["nll"]["chip"]);
    let nll = |whose: &str| found["nll"][whose].as_f64().unwrap();
    assert!((nll("chip") - nll("digital")).abs() > 1e-6);
}

/// The small model and its tokens.
fn opened(folder: &Path) -> (Program, Vocabulary) {
    let source = |name: &str| Source::open(folder.join(name)).unwrap();
    let program = Program::read(&source("p.safetensors")).unwrap();
    (program, Vocabulary::read(&source("t.json")).unwrap())
}

/// At most seven letters on a perfect chip.
fn seven_letters() -> Writing {
    Writing {
        hardware: Hardware::default(),
        seed: Seed(0),
        trial: 0,
        correction: Correction::None,
        prompt: Vec::new(),
        length: 7,
        sampler: Sampler::Greedy,
        scored: None,
    }
}

/// Stops work after so many steps.
struct Patience {
    steps: AtomicUsize,
    limit: usize,
}

impl Watch for Patience {
    fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    fn stops(&self) -> bool {
        self.steps.load(Ordering::Relaxed) >= self.limit
    }
}

/// The digital text takes four steps, and so does that of the chip.
#[test]
fn stopped_work_keeps_what_the_chip_has_written() {
    let folder = folder();
    let (program, vocabulary) = opened(folder.path());
    let writing = seven_letters();
    let stopped = |limit| {
        let steps = AtomicUsize::new(0);
        writing.run::<f64>(&program, &vocabulary, &Patience { steps, limit })
    };
    for limit in 0..=4 {
        assert!(matches!(stopped(limit), Err(Error::Stopped)), "{limit}");
    }
    let cut = stopped(6).unwrap();
    assert_eq!((cut.text.as_str(), cut.ids.as_slice()), ("ab", &[2, 3][..]));
    assert_eq!((cut.stopped_of, cut.first_difference), (Some(7), None));
    assert_eq!(cut.digital_text, "abc");
    assert_eq!(stopped(8).unwrap().stopped_of, None);
}

#[test]
fn a_text_of_what_are_no_tokens_is_refused_by_the_library() {
    let folder = folder();
    let (program, vocabulary) = opened(folder.path());
    let with = |prompt: &[usize], scored: Option<&[usize]>| Writing {
        prompt: prompt.to_vec(),
        scored: scored.map(<[usize]>::to_vec),
        ..seven_letters()
    };
    for writing in [
        with(&[2, 5], None),
        with(&[], Some(&[2, 5])),
        with(&[], Some(&[])),
    ] {
        let error = writing.run::<f32>(&program, &vocabulary, &()).unwrap_err();
        assert!(matches!(error.root(), Error::Value { .. }), "{error}");
    }
}

#[test]
fn what_is_no_language_model_and_no_text_is_refused() {
    let folder = folder();
    let folder = folder.path();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("short.json", r#"{"pieces": ["a", "b"], "bos": 0}"#);
    write("bos.json", r#"{"pieces": ["a", "b"], "bos": 2}"#);
    write(
        "scores.json",
        r#"{"pieces": ["a", "b"], "bos": 0, "scores": [1.0]}"#,
    );
    write("nothing.json", r#"{"bos": 0}"#);
    write("words.json", "once upon a time");
    write("empty.json", r#"{"ids": []}"#);
    write("beyond.json", r#"{"ids": [2, 5]}"#);
    write("below.json", r#"{"ids": [-1]}"#);
    write("long.json", r#"{"ids": [2, 2, 2, 2, 2, 2, 2, 2, 2]}"#);
    std::fs::copy(
        format!("{DEMO}/digits.program.safetensors"),
        folder.join("digits.safetensors"),
    )
    .unwrap();
    let case = |tokens: &str, more: &[&str]| {
        let start = ["generate", "p.safetensors", "--tokens", tokens];
        refused(folder, &[&start[..], more].concat());
    };
    refused(folder, &["generate", "p.safetensors", "--length", "4"]);
    case("t.json", &[]);
    for tokens in ["short", "bos", "scores", "nothing", "words", "none"] {
        case(&format!("{tokens}.json"), &["--length", "4"]);
    }
    case("p.safetensors", &["--length", "4"]);
    for score in ["empty", "beyond", "below", "long", "words", "t"] {
        case(
            "t.json",
            &["--length", "4", "--score", &format!("{score}.json")],
        );
    }
    for length in ["0", "-1", "9", "70000"] {
        case("t.json", &["--length", length]);
    }
    for more in [
        &["--prompt", "abcabc"][..],
        &["--prompt", "abd"],
        &["--temperature", "0.5"],
        &["--sampler", "softmax", "--temperature", "0"],
        &["--sampler", "optical"],
        &["--correct", "self-configure"],
        &["--set", "coupler.splitting_error_rad=-1"],
    ] {
        case("t.json", &[more, &["--length", "4"]].concat());
    }
    let digits = [
        "generate",
        "digits.safetensors",
        "--tokens",
        "t.json",
        "--length",
        "4",
    ];
    refused(folder, &digits);
}

/// A model of `input` and `output` that looks every id up in a table.
fn lookup(input: &[&str], output: &[&str], kind: i32) -> Vec<u8> {
    let mut nodes = vec![
        node("Gather", &["table", "ids"], "h"),
        node("MatMul", &["h", "table"], "logits"),
    ];
    if kind == FLOAT {
        nodes = vec![node("MatMul", &["ids", "table"], "logits")];
    }
    onnx(pb::GraphProto {
        name: "lookup".to_owned(),
        node: nodes,
        initializer: vec![floats("table", Array2::eye(LETTERS).view())],
        input: vec![port("ids", kind, input)],
        output: vec![port("logits", FLOAT, output)],
        ..Default::default()
    })
}

#[test]
fn a_graph_of_other_inputs_or_outputs_is_no_language_model() {
    let folder = folder();
    let folder = folder.path();
    for (name, model) in [
        ("closed", lookup(&["1", "4"], &["1", "4", "5"], INT64)),
        ("pairs", lookup(&["2", "time"], &["2", "time", "5"], INT64)),
        ("list", lookup(&["time"], &["time", "5"], INT64)),
        ("numbers", lookup(&["batch", "5"], &["batch", "5"], FLOAT)),
    ] {
        std::fs::write(folder.join("other.onnx"), model).unwrap();
        let program = format!("{name}.safetensors");
        ok(folder, &["compile", "other.onnx", "-o", &program]);
        refused(
            folder,
            &["generate", &program, "--tokens", "t.json", "--length", "2"],
        );
    }
}

/// The tokens of stories260k, and the texts beside them.
#[derive(Deserialize)]
struct Reference {
    greedy: Text,
    sample: Text,
}

#[derive(Deserialize)]
struct Text {
    ids: Vec<usize>,
    text: String,
    mean_nll_nats: f64,
    #[serde(default)]
    nll_first10: Vec<f64>,
    #[serde(default)]
    argmax_hits: usize,
}

struct Stories {
    vocabulary: Vocabulary,
    reference: Reference,
    program: Program,
}

/// stories260k on tiles of 64 modes, and what ONNX Runtime 1.32 and llama2.c make of it; nothing where its files are not.
fn stories() -> Option<&'static Stories> {
    static STORIES: OnceLock<Option<Stories>> = OnceLock::new();
    let read = || {
        let tokens = Source::open(shared("models/stories260k.tokens.json")?).unwrap();
        let graph = Source::open(shared("models/stories260k.onnx")?).unwrap();
        let graph = Graph::read(&graph, &Choice::default(), &Chosen::default()).unwrap();
        let layout = Layout {
            tile: Some(64),
            ..Layout::default()
        };
        Some(Stories {
            vocabulary: Vocabulary::read(&tokens).unwrap(),
            reference: serde_json::from_slice(tokens.bytes()).unwrap(),
            program: compile(&Network::of_graph(graph), layout).unwrap(),
        })
    };
    STORIES.get_or_init(read).as_ref()
}

impl Stories {
    /// `length` tokens of greedy text on chip `trial` of this splitting error, and the likelihood of `scored`.
    fn written(
        &self,
        length: usize,
        sigma_rad: f64,
        trial: u64,
        scored: Option<&[usize]>,
    ) -> Written {
        let hardware = Hardware::default();
        let writing = Writing {
            hardware: hardware
                .with("coupler.splitting_error_rad", &sigma_rad.to_string())
                .unwrap(),
            seed: Seed(0),
            trial,
            correction: Correction::None,
            prompt: Vec::new(),
            length,
            sampler: Sampler::Greedy,
            scored: scored.map(<[usize]>::to_vec),
        };
        writing
            .run::<f32>(&self.program, &self.vocabulary, &())
            .unwrap()
    }
}

#[test]
fn text_is_cut_as_sentencepiece_does_and_put_together_again() {
    let Some(stories) = stories() else { return };
    let vocabulary = &stories.vocabulary;
    for text in [&stories.reference.greedy, &stories.reference.sample] {
        assert_eq!(vocabulary.text(&text.ids), text.text);
        assert_eq!(vocabulary.ids(&text.text).unwrap(), text.ids);
    }
    // Characters that are no pieces are bytes.
    for text in ["Zoë said: 你好 🦎", " two spaces", "\n"] {
        let ids = vocabulary.ids(text).unwrap();
        assert_eq!(vocabulary.text(&ids), text);
    }
    assert!(vocabulary.ids("").unwrap().is_empty());
}

/// The reference has its mean over 256 tokens to six digits, and each of the first ten; of the first 64 it is that of
/// `onnx.reference` 1.23.2.
#[test]
fn likelihood_of_the_reference_texts_is_that_of_onnx_runtime() {
    let Some(stories) = stories() else { return };
    for text in [&stories.reference.greedy, &stories.reference.sample] {
        let found = stories.written(1, 0.0, 0, Some(&text.ids));
        assert!((found.nll.digital - text.mean_nll_nats).abs() < 1e-4);
        assert!((found.nll.chip - text.mean_nll_nats).abs() < 1e-4);
        assert_eq!(found.scored_tokens, 256);
    }
    let part = stories.written(1, 0.0, 0, Some(&stories.reference.greedy.ids[..64]));
    assert!((part.nll.digital - 0.397_289).abs() < 1e-4);
    let network = stories.program.network();
    let digital = network.digital::<f32>().unwrap();
    let model = LanguageModel::new(network, &stories.vocabulary).unwrap();
    let logits = |text: &Text| {
        model
            .logits(&text.ids[..text.ids.len() - 1], &digital, 0)
            .unwrap()
    };
    let greedy = logits(&stories.reference.greedy);
    for (place, nll) in stories.reference.greedy.nll_first10.iter().enumerate() {
        let id = stories.reference.greedy.ids[place];
        let found = -softmax(greedy.row(place).iter())[id].ln();
        assert!((found - nll).abs() < 1e-4, "{place}");
    }
    let sample = logits(&stories.reference.sample);
    let best = |row: usize| {
        let pairs = sample.row(row).into_iter().enumerate();
        pairs.max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0
    };
    let ids = stories.reference.sample.ids.iter().enumerate();
    let hits = ids.filter(|(place, id)| best(*place) == **id).count();
    assert_eq!(hits, stories.reference.sample.argmax_hits);
}

fn softmax<'a>(logits: impl Iterator<Item = &'a f32> + Clone) -> Vec<f64> {
    let sum: f64 = logits.clone().map(|x| f64::from(*x).exp()).sum();
    logits.map(|x| f64::from(*x).exp() / sum).collect()
}

fn writes_the_reference(length: usize) {
    let Some(stories) = stories() else { return };
    let found = stories.written(length, 0.0, 0, None);
    let ids = &stories.reference.greedy.ids[..length];
    assert_eq!(found.digital_ids, ids);
    assert_eq!(found.ids, ids);
    assert_eq!(found.first_difference, None);
    assert!(stories.reference.greedy.text.starts_with(&found.text));
    assert_eq!(found.text, found.digital_text);
}

#[test]
fn a_story_is_that_of_llama2_c_to_the_letter() {
    writes_the_reference(32);
}

#[test]
#[ignore = "takes minutes without optimization"]
fn a_whole_story_is_that_of_llama2_c_to_the_letter() {
    writes_the_reference(256);
}

/// Against independent code, which has 0.458, 0.476 ± 0.012 and 0.606 ± 0.06, mean and deviation over chips: five deviations
/// of one chip.
#[test]
fn splitting_errors_make_a_story_less_likely_as_they_do_elsewhere() {
    let Some(stories) = stories() else { return };
    let ids = &stories.reference.greedy.ids;
    for (sigma_rad, expected, deviation) in [
        (0.002, 0.458, 0.001),
        (0.01, 0.476, 0.012),
        (0.02, 0.606, 0.06),
    ] {
        let found = stories.written(1, sigma_rad, 0, Some(ids));
        let nll = found.nll.chip;
        assert!(
            (nll - expected).abs() < 5.0 * deviation,
            "{sigma_rad}: {nll}"
        );
        assert!((found.nll.digital - 0.457346).abs() < 1e-4);
        assert!(found.agreement < 1.0, "{sigma_rad}");
    }
}

#[test]
fn more_tokens_than_a_model_has_places_are_refused_by_their_number() {
    let Some(stories) = stories() else { return };
    let model = LanguageModel::new(stories.program.network(), &stories.vocabulary).unwrap();
    let digital = stories.program.network().digital::<f32>().unwrap();
    model.check_length("tokens", 512, &digital).unwrap();
    let error = model.check_length("tokens", 700, &digital).unwrap_err();
    crate::golden::check_error(Path::new("/nowhere"), "700 tokens", &error);
}
