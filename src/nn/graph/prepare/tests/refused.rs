//! Files that are damaged, unsound or beyond what is evaluated: one sentence each.

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::{AttributeProto, NodeProto, StringStringEntryProto, TensorProto};

use super::build::*;
use super::*;
use crate::error::Error;
use crate::error::compare::{self, golden};

fn refused(model: &ModelProto, choice: &Choice) -> Error {
    prepare(&Source::new("model", bytes(model)), choice).unwrap_err()
}

/// The sentence for the dense network after `change`.
#[track_caller]
fn changed(what: &str, change: impl FnOnce(&mut ModelProto)) {
    let mut model = dense();
    change(&mut model);
    golden(what, refused(&model, &Choice::default()));
}

#[track_caller]
fn chosen(what: &str, choice: Choice) {
    golden(what, refused(&dense(), &choice));
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn given(name: &str, axes: &[Option<usize>]) -> Choice {
    Choice {
        shapes: vec![GivenShape {
            name: name.to_owned(),
            axes: axes.to_vec(),
        }],
        ..Choice::default()
    }
}

#[test]
fn unsound_graphs_are_refused_in_one_sentence() {
    changed("no graph", |model| model.graph = None);
    changed("no operator set", |model| model.opset_import.clear());
    changed("operator set 6", |model| model.opset_import[0].version = 6);
    changed("two operator sets", |model| {
        model.opset_import.push(imports("ai.onnx", 13))
    });
    changed("a value that nothing defines", |model| {
        graph(model).node[1].input[0] = "hh".to_owned()
    });
    changed("a value written twice", |model| {
        graph(model).node[1].output[0] = "h".to_owned()
    });
    changed("an input written", |model| {
        graph(model).node[0].output[0] = "x".to_owned()
    });
    changed("a node without operator", |model| {
        graph(model).node[0].op_type.clear()
    });
    changed("a node without outputs", |model| {
        graph(model).node[1].output.clear()
    });
    changed("a cycle", |model| {
        graph(model).node[0] = node("product", "MatMul", &["x", "y"], "h");
    });
    changed("a node of itself", |model| {
        graph(model).node[1].input[0] = "y".to_owned()
    });
    changed("an output that no node writes", |model| {
        graph(model).output[0].name = "z".to_owned()
    });
    changed("no output", |model| graph(model).output.clear());
    changed("an output that is an input", |model| {
        graph(model).output[0].name = "x".to_owned()
    });
    changed("a tensor twice", |model| {
        let twice = graph(model).initializer[0].clone();
        graph(model).initializer.push(twice);
    });
    changed("an input twice", |model| {
        graph(model).input.push(port("x", &[0, 2]))
    });
    changed("an attribute twice", |model| {
        let twice = graph(model).node[0].attribute[0].clone();
        graph(model).node[0].attribute.push(twice);
    });
    changed("an attribute of no function", |model| {
        graph(model).node[0].attribute[0].ref_attr_name = "turned".to_owned();
    });
    changed("a branch that reads what nothing defines", |model| {
        let branch = tract_onnx::pb::GraphProto {
            node: vec![node("inner", "Relu", &["none"], "out")],
            output: vec![open("out")],
            ..Default::default()
        };
        let choice = with_graph(
            node("choice", "If", &["c"], "y"),
            "then_branch",
            branch.clone(),
        );
        graph(model).node[1] = with_graph(choice, "else_branch", branch);
        graph(model).input.push(open("c"));
    });
}

/// tract reads all of these, and gives an error of its own as they run, no number, or a wrong one.
#[test]
fn shapes_that_do_not_fit_are_refused_as_they_are_read() {
    let stored = |nodes: Vec<NodeProto>, tensors: Vec<TensorProto>| {
        let mut model = model(nodes);
        graph(&mut model).initializer = tensors;
        refused(&model, &Choice::default())
    };
    let along_1 = |node: NodeProto| with_int(node, "axis", 1);
    for (what, indices) in [
        ("a place beyond an axis", [0, 2]),
        ("a place in front of an axis", [-3, 1]),
    ] {
        let pick = along_1(node("pick", "Gather", &["x", "i"], "y"));
        golden(what, stored(vec![pick], vec![int_tensor("i", &indices)]));
    }
    // Of constants tract computes it as it reads them.
    let table = vec![float_tensor("t", &[3, 2], &[0.0; 6]), int_tensor("i", &[3])];
    let pick = vec![
        node("pick", "Gather", &["t", "i"], "row"),
        node("sum", "Add", &["x", "row"], "y"),
    ];
    golden("a row beyond a table", stored(pick, table));

    let split = |outputs: &[&str], parts: &[i64]| {
        let mut cut = along_1(node("cut", "Split", &["x", "parts"], "y"));
        cut.output = names(outputs);
        stored(vec![cut], vec![int_tensor("parts", parts)])
    };
    golden("parts that leave something", split(&["y"], &[1]));
    golden("parts of more than there is", split(&["y", "z"], &[1, 2]));
    golden("more parts than outputs", split(&["y"], &[1, 1]));
    golden("a part below 0", split(&["y", "z"], &[3, -1]));

    let plane = || node("plane", "Reshape", &["x", "shape"], "p");
    let shape = || int_tensor("shape", &[0, 1, 1, 2]);
    let flat = || node("flat", "GlobalAveragePool", &["q"], "y");
    for pool in ["MaxPool", "AveragePool"] {
        let pool = with_ints(node("pool", pool, &["p"], "q"), "kernel_shape", &[1, 3]);
        let nodes = vec![plane(), pool, flat()];
        golden("a pool beyond a plane", stored(nodes, vec![shape()]));
    }
    let kernel = float_tensor("k", &[1, 1, 2, 2], &[1.0; 4]);
    let nodes = vec![plane(), node("conv", "Conv", &["p", "k"], "q"), flat()];
    golden(
        "a kernel beyond a plane",
        stored(nodes, vec![shape(), kernel]),
    );

    let recurrent = |width: usize, hidden: i64| {
        let mut layer = node("layer", "LSTM", &["t", "w", "r"], "all");
        layer.output = names(&["all", "last"]);
        let nodes = vec![
            node("time", "Unsqueeze", &["x", "first"], "t"),
            with_int(layer, "hidden_size", hidden),
            node("state", "Squeeze", &["last", "first"], "y"),
        ];
        let weights = vec![
            int_tensor("first", &[0]),
            float_tensor("w", &[1, 4, width], &vec![0.5; 4 * width]),
            float_tensor("r", &[1, 4, 1], &[0.5; 4]),
        ];
        stored(nodes, weights)
    };
    golden("a recurrent weight of another width", recurrent(3, 1));
    golden("another hidden size", recurrent(2, 2));

    let same = with_text(
        node("up", "ConvTranspose", &["p", "k"], "q"),
        "auto_pad",
        "SAME_UPPER",
    );
    let up = with_ints(same, "strides", &[1, 2]);
    let kernel = float_tensor("k", &[1, 1, 1, 1], &[1.0]);
    let nodes = vec![plane(), up, flat()];
    golden(
        "a stride beyond the kernel",
        stored(nodes, vec![shape(), kernel]),
    );

    let half = |name: &str, dims: &[i64]| TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: DataType::Float16.into(),
        raw_data: vec![0; 2 * dims.iter().product::<i64>() as usize],
        ..Default::default()
    };
    let mut product = node("product", "Gemm", &["h", "w", "b"], "y");
    product.attribute.push(AttributeProto {
        name: "alpha".to_owned(),
        r#type: AttributeType::Float.into(),
        f: 0.5,
        ..Default::default()
    });
    let down = with_int(node("down", "Cast", &["x"], "h"), "to", 10);
    let weights = vec![half("w", &[2, 3]), half("b", &[3])];
    golden(
        "a factor of half precision",
        stored(vec![down, product], weights),
    );
}

#[test]
fn operators_that_are_not_evaluated_are_named_all_at_once() {
    changed("two unknown operators", |model| {
        graph(model).node[1].op_type = "Relo".to_owned();
        graph(model).node[0].domain = "com.acme".to_owned();
    });
    changed("a lookup of texts as output", |model| {
        graph(model).node[1] = of("ai.onnx.ml", node("names", "LabelEncoder", &["h"], "y"));
    });
    changed("training mode", |model| {
        graph(model).node[1] = with_int(
            node(
                "norm",
                "BatchNormalization",
                &["h", "w", "w", "w", "w"],
                "y",
            ),
            "training_mode",
            1,
        );
    });
    changed("ten unknown operators", |model| {
        let read = |index: usize| match index {
            0 => "h".to_owned(),
            index => format!("z{}", index - 1),
        };
        let unknown = (0..10).map(|index| node("", "Foo", &[&read(index)], &format!("z{index}")));
        graph(model).node.extend(unknown);
        graph(model).output = vec![open("z9")];
    });
}

/// tract computes these as if nothing were said of them.
#[test]
fn attributes_that_are_not_evaluated_are_refused() {
    let with_alpha = |op: &str| {
        let mut node = node("bend", op, &["h"], "y");
        node.attribute.push(AttributeProto {
            name: "alpha".to_owned(),
            r#type: AttributeType::Float.into(),
            f: 2.0,
            ..Default::default()
        });
        node
    };
    for op in ["Celu", "Swish"] {
        changed(op, |model| graph(model).node[1] = with_alpha(op));
    }
    changed("a recurrent layer backwards", |model| {
        let layer = node("layer", "GRU", &["h", "w", "w"], "y");
        graph(model).node[1] = with_text(layer, "direction", "reverse");
    });
    changed("channels before blocks", |model| {
        let blocks = node("blocks", "SpaceToDepth", &["h"], "y");
        graph(model).node[1] = with_text(blocks, "mode", "CRD");
    });
    changed("a shift", |model| {
        graph(model).node[1] = node("shift", "BitShift", &["h", "h"], "y");
    });
}

#[test]
fn the_largest_of_no_numbers_is_refused() {
    let most = || with_int(node("most", "ReduceMax", &["none"], "m"), "keepdims", 0);
    changed("nothing stored", |model| {
        let graph = graph(model);
        graph.initializer.push(float_tensor("none", &[0], &[]));
        graph.node[1] = most();
        graph.node.push(node("sum", "Add", &["h", "m"], "y"));
    });
    changed("nothing computed", |model| {
        let graph = graph(model);
        graph.initializer.push(int_tensor("third", &[3]));
        graph.initializer.push(int_tensor("channels", &[1]));
        let slice = node(
            "slice",
            "Slice",
            &["h", "third", "third", "channels"],
            "none",
        );
        graph.node[1] = slice;
        graph.node.push(most());
        graph.node.push(node("sum", "Add", &["h", "m"], "y"));
    });
}

#[test]
fn tensors_that_claim_or_hold_what_cannot_be_are_refused_by_name() {
    let tensor = |what: &str, change: &dyn Fn(&mut TensorProto)| {
        changed(what, |model| change(&mut graph(model).initializer[0]));
    };
    tensor("a terabyte", &|tensor| tensor.dims = vec![1 << 20, 1 << 20]);
    tensor("more than memory", &|tensor| {
        tensor.dims = vec![1 << 40, 1 << 40]
    });
    tensor("more than memory times nothing", &|tensor| {
        tensor.dims = vec![0, 1 << 40, 1 << 40]
    });
    tensor("a negative length", &|tensor| tensor.dims = vec![-3, -2]);
    tensor("a byte too few", &|tensor| {
        tensor.raw_data.pop();
    });
    tensor("numbers too few", &|tensor| {
        tensor.raw_data.clear();
        tensor.float_data = vec![1.0];
    });
    tensor("an unknown type", &|tensor| tensor.data_type = 99);
    tensor("a type that is not evaluated", &|tensor| {
        tensor.data_type = DataType::Complex64.into()
    });
    tensor("NaN", &|tensor| {
        tensor.raw_data[8..12].copy_from_slice(&f32::NAN.to_le_bytes())
    });
    tensor("infinite", &|tensor| {
        tensor.raw_data[20..].copy_from_slice(&f32::INFINITY.to_le_bytes())
    });
}

/// A mask of attention is −∞ where nothing may be seen.
#[test]
fn an_infinite_constant_that_is_no_weight_is_kept() {
    let mut model = dense();
    graph(&mut model).node[1] = node("mask", "Add", &["h", "m"], "y");
    let mask = [0.0, f32::NEG_INFINITY, 0.0];
    graph(&mut model)
        .initializer
        .push(float_tensor("m", &[3], &mask));
    prepare(&Source::new("model", bytes(&model)), &Choice::default()).unwrap();
}

#[test]
fn names_and_shapes_that_do_not_fit_are_refused() {
    let outputs = |outputs: &[&str]| Choice {
        outputs: names(outputs),
        ..Choice::default()
    };
    let inputs = |inputs: &[&str]| Choice {
        inputs: names(inputs),
        ..Choice::default()
    };
    chosen("an unknown output", outputs(&["yy"]));
    chosen("an output twice", outputs(&["y", "y"]));
    chosen("an unknown input", inputs(&["xx"]));
    chosen("an input twice", inputs(&["x", "x"]));
    chosen("a shape of an unknown input", given("xx", &[None, Some(2)]));
    chosen("a shape of other rank", given("x", &[None]));
    chosen("a shape of other length", given("x", &[None, Some(3)]));
    let mut two = dense();
    graph(&mut two).input.push(port("b", &[0, 3]));
    graph(&mut two).node[1] = node("sum", "Add", &["h", "b"], "y");
    golden("an input left out", refused(&two, &inputs(&["b"])));
    let mut free = model(vec![node("bend", "Relu", &["x"], "y")]);
    graph(&mut free).input = vec![port("x", &[0, 0, 3])];
    golden("an open axis", refused(&free, &Choice::default()));
    graph(&mut free).input = vec![open("x")];
    golden("an open shape", refused(&free, &Choice::default()));
    let source = Source::new("model", bytes(&free));
    let settled = prepare(&source, &given("x", &[None, Some(4), Some(3)])).unwrap();
    assert_eq!(settled.inputs[0].shape, [None, Some(4), Some(3)]);
    graph(&mut free).input = vec![port("x", &[1 << 20, 1 << 20])];
    golden("a terabyte of input", refused(&free, &Choice::default()));
}

/// tract computes constants as it reads: these would take all memory.
#[test]
fn constants_that_grow_beyond_memory_are_refused_before_they_are_computed() {
    let grown = |what: &str, node: tract_onnx::pb::NodeProto, constants: Vec<TensorProto>| {
        let mut model = dense();
        graph(&mut model)
            .node
            .extend([node, view::node("sum", "Add", &["y", "big"], "z")]);
        graph(&mut model).initializer.extend(constants);
        graph(&mut model).output[0].name = "z".to_owned();
        golden(what, refused(&model, &Choice::default()));
    };
    let shape = || int_tensor("s", &[1 << 20, 1 << 20]);
    grown(
        "filled",
        node("fill", "ConstantOfShape", &["s"], "big"),
        vec![shape()],
    );
    grown(
        "expanded",
        node("expand", "Expand", &["w", "s"], "big"),
        vec![shape()],
    );
    grown(
        "tiled",
        node("tile", "Tile", &["w", "s"], "big"),
        vec![shape()],
    );
    let numbers = [0, 1 << 40, 1].map(|x| {
        let mut tensor = int_tensor(&format!("r{x}"), &[x]);
        tensor.dims.clear();
        tensor
    });
    let names: Vec<String> = numbers.iter().map(|tensor| tensor.name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    grown(
        "counted",
        node("count", "Range", &names, "big"),
        numbers.to_vec(),
    );
    let long = |name: &str, dims: &[usize]| float_tensor(name, dims, &vec![0.0; 1 << 16]);
    let sides = vec![long("a", &[1 << 16, 1]), long("b", &[1, 1 << 16])];
    grown(
        "broadcast",
        node("outer", "Add", &["a", "b"], "big"),
        sides.clone(),
    );
    grown(
        "multiplied",
        node("outer", "MatMul", &["a", "b"], "big"),
        sides,
    );
    let drawn = node("draw", "RandomNormal", &[], "big");
    let drawn = view::with_ints(drawn, "shape", &[1 << 20, 1 << 20]);
    grown("drawn", drawn, vec![]);
    let mut padded = model(vec![node("conv", "Conv", &["x", "k"], "y")]);
    graph(&mut padded).node[0] =
        view::with_ints(graph(&mut padded).node[0].clone(), "pads", &[1 << 40; 4]);
    graph(&mut padded)
        .initializer
        .push(float_tensor("k", &[1, 1, 1, 1], &[1.0]));
    graph(&mut padded).input = vec![port("x", &[0, 1, 4, 4])];
    golden("padded", refused(&padded, &Choice::default()));
}

#[test]
fn what_tract_refuses_is_one_sentence_with_node_and_operator() {
    changed("lengths that do not meet", |model| {
        graph(model).initializer[0].dims = vec![2, 3];
        graph(model).node[0] = with_int(node("product", "Gemm", &["x", "w"], "h"), "transB", 1);
    });
    changed("an axis that is not there", |model| {
        graph(model).node[1] = with_int(node("soft", "Softmax", &["h"], "y"), "axis", 7);
    });
    changed("a missing attribute", |model| {
        graph(model).node[1] = node("cast", "Cast", &["h"], "y")
    });
    changed("too few inputs", |model| {
        graph(model).node[0].input.pop();
    });
    let second = |what: &str, node: NodeProto, constant: TensorProto| {
        changed(what, |model| {
            graph(model).initializer.push(constant);
            graph(model).node[1] = node;
        });
    };
    let stored = float_tensor("c", &[5], &[0.5; 5]);
    let sum = node("sum", "Add", &["h", "c"], "y");
    second("lengths that do not broadcast", sum, stored.clone());
    let joined = node("joined", "Concat", &["h", "c"], "y");
    second("a list beside rows", with_int(joined, "axis", 1), stored);
    let shape = node("shape", "Reshape", &["h", "c"], "y");
    second(
        "a shape of more numbers",
        shape,
        int_tensor("c", &[0, 2, 4]),
    );
    let squeezed = node("squeezed", "Squeeze", &["h", "c"], "y");
    second("an axis that is not 1", squeezed, int_tensor("c", &[1]));
    // tract says no node of these.
    let mean = node("mean", "ReduceMean", &["h", "c"], "y");
    second(
        "a mean over an axis that is not there",
        mean,
        int_tensor("c", &[3]),
    );
    let flat = with_int(node("flat", "Flatten", &["h"], "y"), "axis", 5);
    second(
        "rows of an axis that is not there",
        flat,
        int_tensor("c", &[3]),
    );
}

/// The weight of the dense network, which lies in another file.
fn outside(folder: &Path, entries: &[(&str, &str)]) -> Result<Prepared> {
    let mut model = dense();
    let tensor = &mut graph(&mut model).initializer[0];
    tensor.raw_data.clear();
    tensor.data_location = Some(DataLocation::External.into());
    tensor.external_data = entries
        .iter()
        .map(|&(key, value)| StringStringEntryProto {
            key: key.to_owned(),
            value: value.to_owned(),
        })
        .collect();
    let path = folder.join("net.onnx");
    std::fs::write(&path, bytes(&model)).unwrap();
    prepare(&Source::open(&path).unwrap(), &Choice::default())
}

#[test]
fn weights_in_other_files_are_read_only_from_the_folder_of_the_graph() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("model");
    std::fs::create_dir(&folder).unwrap();
    let weight = graph(&mut dense()).initializer[0].raw_data.clone();
    let shifted = [&[0; 4][..], &weight].concat();
    std::fs::write(folder.join("w.data"), &shifted).unwrap();
    std::fs::write(parent.path().join("w.data"), &shifted).unwrap();
    std::fs::create_dir(folder.join("sub")).unwrap();
    let inside = outside(
        &folder,
        &[("location", "w.data"), ("offset", "4"), ("length", "24")],
    )
    .unwrap();
    let own = prepare(&Source::new("model", bytes(&dense())), &Choice::default()).unwrap();
    assert!(inside.proto == own.proto);
    let refused = |what: &str, entries: &[(&str, &str)]| {
        let error = outside(&folder, entries).unwrap_err().to_string();
        golden(
            what,
            error.replace(&parent.path().display().to_string(), "…"),
        );
    };
    refused("no location", &[("offset", "4")]);
    refused("a missing file", &[("location", "v.data")]);
    refused("the folder above", &[("location", "../w.data")]);
    let absolute = parent.path().join("w.data").display().to_string();
    refused("an absolute path", &[("location", &absolute)]);
    refused("a folder", &[("location", "sub")]);
    refused("beyond the end", &[("location", "w.data"), ("offset", "8")]);
    refused(
        "an offset beyond all",
        &[("location", "w.data"), ("offset", "18446744073709551615")],
    );
    refused(
        "an offset that is no number",
        &[("location", "w.data"), ("offset", "-1")],
    );
    refused(
        "a length that is not that of the shape",
        &[("location", "w.data"), ("length", "28")],
    );
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../w.data", folder.join("link")).unwrap();
        refused(
            "a link out of the folder",
            &[("location", "link"), ("offset", "4")],
        );
    }
    let mut streamed = dense();
    let tensor = &mut graph(&mut streamed).initializer[0];
    tensor.raw_data.clear();
    tensor.data_location = Some(DataLocation::External.into());
    let location = StringStringEntryProto {
        key: "location".to_owned(),
        value: "w.data".to_owned(),
    };
    tensor.external_data = vec![location];
    let refusal = refused_refusal(&streamed);
    assert_eq!(
        refusal,
        compare::unsupported("tensor `w`", "external data in w.data").within("model")
    );
}

fn refused_refusal(model: &ModelProto) -> compare::Refusal {
    refused(model, &Choice::default()).refusal()
}

/// Protobuf has no frame, so some cut files are whole smaller ones: what counts is that nothing panics or grows.
#[test]
fn no_cut_or_flipped_file_panics() {
    let mut model = dense();
    let conv = node("conv", "Conv", &["y", "k"], "z");
    graph(&mut model).node.push(conv);
    graph(&mut model)
        .initializer
        .push(float_tensor("k", &[1, 3, 1], &[1.0; 3]));
    for good in [bytes(&dense()), bytes(&model)] {
        let read = |bytes: &[u8]| {
            if let Err(error) = prepare(&Source::new("model", bytes), &Choice::default()) {
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        };
        (0..good.len()).for_each(|length| read(&good[..length]));
        let mut flipped = good.clone();
        for position in 0..good.len() {
            for wrong in [0, 0xff, 0x7f, good[position] ^ 1, good[position] ^ 0x80] {
                flipped[position] = wrong;
                read(&flipped);
            }
            flipped[position] = good[position];
        }
    }
}

/// Every real file, cut and with bytes flipped where it is small enough to be read many times.
#[test]
fn damaged_cases_are_refused_or_read() {
    for path in cases() {
        let good = std::fs::read(&path).unwrap();
        for part in 1..12 {
            let _ = prepare(
                &Source::new("cut", &good[..good.len() * part / 12]),
                &Choice::default(),
            );
            let mut flipped = good.clone();
            let position = good.len() * part / 12;
            flipped[position] ^= 1 << (part % 8);
            let _ = prepare(&Source::new("flipped", flipped), &Choice::default());
        }
    }
}

/// 2000 files, each a case with one to four places where bytes are put in, taken out or changed.
#[test]
fn mutated_cases_are_refused_in_one_line_or_prepared_to_themselves() {
    let names = [
        "sklearn_logreg_iris",
        "sklearn_pipeline_zipmap",
        "model_local_functions",
    ];
    let named = |path: &PathBuf| {
        names
            .iter()
            .any(|name| path.file_stem().is_some_and(|stem| stem == *name))
    };
    let seeds = cases()
        .into_iter()
        .filter(named)
        .map(|path| std::fs::read(path).unwrap());
    let seeds: Vec<Vec<u8>> = seeds.collect();
    assert_eq!(seeds.len(), names.len());
    // Knuth's linear congruential generator.
    let mut state = 1u64;
    let mut below = |limit: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    for round in 0..2000 {
        let mut file = seeds[round % seeds.len()].clone();
        for _ in 0..=below(4) {
            let (place, byte) = (below(file.len()), below(256) as u8);
            match below(4) {
                0 => file.insert(place, byte),
                1 => drop(file.remove(place)),
                2 => file[place] = byte,
                _ => file[place] ^= 1 << below(8),
            }
        }
        match prepare(&Source::new("model", file), &Choice::default()) {
            Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
            Ok(prepared) => {
                let source = Source::new("model", prepared.proto.encode_to_vec());
                let again = prepare(&source, &Choice::default()).unwrap();
                assert!(again.proto == prepared.proto, "round {round}");
            }
        }
    }
}

/// W x with x `[3, 2]` has four rows where x has three, a sum over all samples none; for one sample both are outputs.
#[test]
fn outputs_whose_first_axis_counts_no_samples_are_refused() {
    use crate::nn::graph::{Chosen, Graph};
    let read = |shape: &[i64], op: &str| {
        let mut file = match op {
            "MatMul" => model(vec![node("product", op, &["w", "x"], "y")]),
            _ => model(vec![with_int(node("sum", op, &["x"], "y"), "keepdims", 0)]),
        };
        let weight = float_tensor("w", &[4, 3], &[1.0; 12]);
        graph(&mut file).initializer.push(weight);
        graph(&mut file).input = vec![port("x", shape)];
        let source = Source::new("model", bytes(&file));
        Graph::read(&source, &Choice::default(), &Chosen::default())
    };
    for (shape, op) in [(&[3, 2][..], "MatMul"), (&[0, 2], "ReduceSum")] {
        let error = read(shape, op).unwrap_err();
        assert!(matches!(error.root(), Error::Unsupported { .. }), "{error}");
    }
    assert_eq!(read(&[1, 3, 2], "MatMul").unwrap().width(), 8);
    // A list alone is one sample, whose four sums are not four samples.
    let sums = read(&[3], "MatMul").unwrap();
    assert_eq!((sums.features(), sums.width()), (3, 4));
    assert_eq!(read(&[1, 2], "ReduceSum").unwrap().features(), 2);
}

/// How many numbers are not 0 depends on the numbers; how many tokens come out on how many go in.
#[test]
fn outputs_whose_lengths_depend_on_values_are_refused() {
    use crate::nn::graph::{Chosen, Graph};
    let read = |op: &str| {
        let mut file = model(vec![node("places", op, &["x"], "y")]);
        graph(&mut file).input = vec![port("x", &[1, 2])];
        let source = Source::new("model", bytes(&file));
        Graph::read(&source, &Choice::default(), &Chosen::default())
    };
    golden("places of numbers", read("NonZero").unwrap_err());
    assert_eq!(read("Relu").unwrap().width(), 2);
}

/// The model of one node on `x` and constants.
fn one(node: NodeProto) -> ModelProto {
    let mut one = model(vec![node.clone()]);
    one.opset_import.push(imports("com.microsoft", 1));
    let constants = node.input.iter().filter(|name| *name != "x");
    let constants = constants.map(|name| float_tensor(name, &[1], &[0.5]));
    graph(&mut one).initializer.extend(constants);
    one
}

fn with_attribute(operator: &str, inputs: &[&str], attribute: AttributeProto) -> ModelProto {
    let mut node = node("node", operator, inputs, "y");
    node.attribute.push(attribute);
    one(node)
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: kind.into(),
        ..Default::default()
    }
}

#[test]
fn names_with_control_characters_are_refused() {
    changed("a bell in the name of a node", |model| {
        graph(model).node[0].name = "pro\u{7}duct".to_owned()
    });
}

#[test]
fn attributes_that_are_passed_over_are_refused() {
    let clip = AttributeProto {
        f: 3.0,
        ..attribute("clip", AttributeType::Float)
    };
    let activations = |names: &[&str]| AttributeProto {
        strings: names.iter().map(|name| name.as_bytes().to_vec()).collect(),
        ..attribute("activations", AttributeType::Strings)
    };
    let input_forget = AttributeProto {
        i: 1,
        ..attribute("input_forget", AttributeType::Int)
    };
    let crop = AttributeProto {
        s: b"tf_crop_and_resize".to_vec(),
        ..attribute("coordinate_transformation_mode", AttributeType::String)
    };
    let refusal = |what: &str, operator: &str, attribute: &AttributeProto| {
        let model = with_attribute(operator, &["x", "w", "r"], attribute.clone());
        golden(what, refused(&model, &Choice::default()));
    };
    refusal("cells that are clipped", "RNN", &clip);
    refusal(
        "other activations of cells",
        "LSTM",
        &activations(&["Relu", "Tanh", "Tanh"]),
    );
    refusal(
        "activations of two ways",
        "RNN",
        &activations(&["Tanh", "Tanh"]),
    );
    refusal("coupled gates", "LSTM", &input_forget);
    refusal("a resize of a part", "Resize", &crop);
    let own = with_attribute(
        "LSTM",
        &["x", "w", "r"],
        activations(&["Sigmoid", "Tanh", "Tanh"]),
    );
    let error = refused(&own, &Choice::default()).to_string();
    assert!(!error.contains("activations"), "{error}");
    let diagonal = node("node", "Einsum", &["x", "w"], "y");
    let diagonal = one(with_text(diagonal, "equation", "nii,ij->nj"));
    golden(
        "a diagonal of a factor",
        refused(&diagonal, &Choice::default()),
    );
    let norm = node(
        "node",
        "SkipSimplifiedLayerNormalization",
        &["x", "w", "g", "b"],
        "y",
    );
    golden(
        "a bias that is passed over",
        refused(&one(of("com.microsoft", norm)), &Choice::default()),
    );
}
