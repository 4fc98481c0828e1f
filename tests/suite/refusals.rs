//! What every reader says of files that are not what they should be.

use std::path::Path;

use crate::cli::{DEMO, haar, lightloom, ok, refused, write_npy};
use crate::sweep::{digits, experiment};

/// What belongs to libraries, operating systems and Rust, not to users.
const JARGON: [&str; 20] = [
    "os error",
    "EOCD",
    "EOF",
    "invalid type",
    "invalid value",
    "unknown variant",
    "unknown field",
    "missing field",
    "called `Result",
    "panicked",
    "usize",
    "f64",
    "u32",
    "struct",
    "enum",
    "failed to fill whole buffer",
    "varint",
    "protobuf",
    "decode",
    "utf-8 sequence",
];

/// Fails unless `args` exits with 2 and one sentence on stderr that names `file` and holds no jargon; returns it.
fn sentence(folder: &Path, args: &[&str], file: &str) -> String {
    let output = lightloom(folder, args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
    assert!(said.contains(file), "{args:?}: {said}");
    assert!(output.stdout.is_empty(), "{args:?}");
    // The path of a temporary folder may hold anything.
    let plain = said.replace(&*folder.to_string_lossy(), "");
    for word in JARGON {
        assert!(!plain.contains(word), "{args:?}: {word}: {said}");
    }
    said
}

/// A reader: its command with `FILE` where the file stands, the file's ending, and a valid file.
type Reader<'a> = (&'a [&'a str], &'a str, &'a str);

#[test]
fn every_reader_refuses_every_wrong_file_in_one_plain_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let copy = |from: &str, to: &str| {
        std::fs::copy(format!("{DEMO}/{from}"), folder.join(to)).unwrap();
    };
    copy("digits.safetensors", "net.safetensors");
    copy("digits.safetensors", "digits.safetensors");
    copy("network.toml", "net.toml");
    copy("digits.program.safetensors", "p.safetensors");
    copy("digits-test.npz", "data.npz");
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/torch");
    for (from, to) in [
        ("state_dict_zip.pt", "net.pt"),
        ("state_dict_legacy.pth", "net.pth"),
    ] {
        std::fs::copy(format!("{cases}/{from}"), folder.join(to)).unwrap();
    }
    write_npy(&folder.join("u.npy"), &haar(4));
    ok(folder, &["decompose", "u.npy", "-o", "u.mesh.json"]);
    std::fs::write(folder.join("data.csv"), "0.5,1,0\n2,3,1\n0.1,0.2,1\n").unwrap();
    std::fs::write(folder.join("hw.toml"), "[readout]\nadc_bits = 8\n").unwrap();
    let onnx = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/onnx");
    let onnx = std::fs::read_dir(onnx)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let onnx = onnx.filter(|path| {
        std::fs::copy(path, folder.join("net.onnx")).unwrap();
        lightloom(folder, &["inspect", "net.onnx"]).status.success()
    });
    assert!(onnx.count() > 0, "no ONNX file among the seeds");
    let images = [
        &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..],
        &[1, 2, 3, 4],
    ]
    .concat();
    std::fs::write(folder.join("t10k-images-idx3-ubyte"), images).unwrap();
    let ids: String = (0..16)
        .map(|id| format!("mesh.theta.0.{id},4.36\n"))
        .collect();
    std::fs::write(folder.join("cal.csv"), format!("id,v_pi_v\n{ids}")).unwrap();
    experiment(folder, &digits(1));
    ok(folder, &["sweep", "e.toml", "--out", "out"]);
    for name in ["rows.parquet", "rows.jsonl", "trials.journal"] {
        std::fs::copy(folder.join("out").join(name), folder.join(name)).unwrap();
    }

    let compile: &[&str] = &["compile", "FILE", "-o", "o.safetensors"];
    let infer: &[&str] = &["infer", "p.safetensors", "--data", "FILE"];
    let labelled: &[&str] = &[
        "infer",
        "p.safetensors",
        "--labels",
        "u.npy",
        "--data",
        "FILE",
    ];
    let inspect: &[&str] = &["inspect", "FILE"];
    let readers: [Reader; 25] = [
        (compile, "safetensors", "net.safetensors"),
        (compile, "npz", "data.npz"),
        (compile, "pt", "net.pt"),
        (compile, "pth", "net.pth"),
        (compile, "onnx", "net.onnx"),
        (compile, "toml", "net.toml"),
        (
            &["infer", "FILE", "--data", "data.npz"],
            "safetensors",
            "p.safetensors",
        ),
        (infer, "npz", "data.npz"),
        (labelled, "npy", "u.npy"),
        (infer, "csv", "data.csv"),
        (&["decompose", "FILE", "-o", "o.json"], "npy", "u.npy"),
        (&["matrix", "FILE", "-o", "o.npy"], "json", "u.mesh.json"),
        (
            &["matrix", "u.mesh.json", "-o", "o.npy", "--hardware", "FILE"],
            "toml",
            "hw.toml",
        ),
        (
            &["apply", "u.mesh.json", "FILE", "-o", "o.npy"],
            "npy",
            "u.npy",
        ),
        (&["draw", "FILE", "-o", "o.svg"], "json", "u.mesh.json"),
        (
            &["export", "FILE", "--format", "csv"],
            "safetensors",
            "p.safetensors",
        ),
        (
            &[
                "export",
                "u.mesh.json",
                "--format",
                "csv",
                "--calibration",
                "FILE",
            ],
            "csv",
            "cal.csv",
        ),
        (&["sweep", "FILE", "--out", "new"], "toml", "e.toml"),
        (inspect, "parquet", "rows.parquet"),
        (inspect, "jsonl", "rows.jsonl"),
        (inspect, "json", "u.mesh.json"),
        (inspect, "npz", "data.npz"),
        (inspect, "onnx", "net.onnx"),
        (inspect, "pt", "net.pt"),
        (inspect, "safetensors", "p.safetensors"),
    ];
    let print = std::env::var_os("LIGHTLOOM_SHOW_REFUSALS").is_some();
    for (command, ending, valid) in readers {
        let good = std::fs::read(folder.join(valid)).unwrap();
        // What a file holds counts, not its name: where that would be read, another kind.
        let is_read = matches!(ending, "npz" | "csv") || command == inspect;
        let other = match is_read {
            true => "net.onnx",
            false => "data.npz",
        };
        let mut other = std::fs::read(folder.join(other)).unwrap();
        if ending == "onnx" && is_read {
            other.insert(0, 0xff);
        }
        let text = b"Dear reader,\nthis is a letter, and no file of numbers.\n";
        // Of lines, so much that the last one is cut.
        let half = match ending {
            "jsonl" => &good[..good.len() - 4],
            _ => &good[..good.len() / 2],
        };
        for (name, bytes) in [
            ("empty", &b""[..]),
            ("half", half),
            ("text", text),
            ("other", &other),
        ] {
            let file = format!("{name}.{ending}");
            std::fs::write(folder.join(&file), bytes).unwrap();
            let args: Vec<&str> = command
                .iter()
                .map(|word| if *word == "FILE" { &*file } else { word })
                .collect();
            // A table cut between its lines is a shorter one, and hardware without a key is ideal.
            let is_whole = name == "half" && matches!(ending, "csv" | "toml");
            if is_whole || (name, valid) == ("empty", "hw.toml") {
                continue;
            }
            let said = sentence(folder, &args, &file);
            if print {
                println!("{said}");
            }
        }
        let wrong = |file: &str| -> String {
            let args: Vec<&str> = command
                .iter()
                .map(|word| if *word == "FILE" { file } else { word })
                .collect();
            let said = sentence(folder, &args, file);
            if print {
                println!("{said}");
            }
            said
        };
        let closed = format!("folder.{ending}");
        std::fs::create_dir_all(folder.join(&closed)).unwrap();
        wrong(&closed);
        assert!(!folder.join("new").exists() && !folder.join("o.safetensors").exists());
        let none = format!("nowhere.{ending}");
        wrong(&none);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let secret = format!("secret.{ending}");
            let path = folder.join(&secret);
            std::fs::write(&path, &good).unwrap();
            let mut mode = std::fs::metadata(&path).unwrap().permissions();
            mode.set_mode(0o000);
            std::fs::set_permissions(&path, mode.clone()).unwrap();
            // The superuser reads it all the same.
            if std::fs::read(&path).is_err() {
                let said = wrong(&secret);
                assert!(said.contains("ermission denied"), "{said}");
            }
            mode.set_mode(0o600);
            std::fs::set_permissions(&path, mode).unwrap();
        }
    }
}

/// Fields that go on to an optical activation are not read, so that no block of them has a scale.
#[test]
fn blocks_of_light_that_is_not_read_are_refused_before_a_program_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let mut archive = zip::ZipWriter::new(std::fs::File::create(folder.join("w.npz")).unwrap());
    for name in ["0.weight.npy", "1.weight.npy"] {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(name, options).unwrap();
        lightloom::io::npy::write(&mut archive, haar(3).view()).unwrap();
    }
    archive.finish().unwrap();
    let network = "weights = 'w.npz'\n[input]\nencoding = 'complex-halves'\n[[layers]]\nweight = '0.weight'\n\
                   activation = { kind = 'modrelu', bias = -0.1 }\n[[layers]]\nweight = '1.weight'\n\
                   [output]\nreadout = 'intensity'\n";
    std::fs::write(folder.join("net.toml"), network).unwrap();
    let compile = ["compile", "net.toml", "-o", "p.safetensors"];
    refused(folder, &[&compile[..], &["--weights", "abfp:6"]].concat());
    assert!(!folder.join("p.safetensors").exists());
    ok(folder, &[&compile[..], &["--weights", "fixed:6"]].concat());
    // Of one layer, whose fields are read, there are blocks.
    let (first, _) = network.split_once("activation").unwrap();
    let one = format!("{first}[output]\nreadout = 'intensity'\n");
    std::fs::write(folder.join("net.toml"), one).unwrap();
    ok(folder, &[&compile[..], &["--weights", "abfp:6"]].concat());
}
