//! Functions that files define.

use tract_onnx::pb::{AttributeProto, FunctionProto};

use super::build::*;
use super::*;

fn function(
    name: &str,
    inputs: &[&str],
    outputs: &[&str],
    nodes: Vec<tract_onnx::pb::NodeProto>,
) -> FunctionProto {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    FunctionProto {
        name: Some(name.to_owned()),
        domain: Some("pkg".to_owned()),
        input: owned(inputs),
        output: owned(outputs),
        node: nodes,
        opset_import: vec![imports("", 18)],
        ..Default::default()
    }
}

/// An attribute `name` that stands for `given` of the call.
fn standing_for(
    mut node: tract_onnx::pb::NodeProto,
    name: &str,
    given: &str,
) -> tract_onnx::pb::NodeProto {
    node.attribute.push(AttributeProto {
        name: name.to_owned(),
        ref_attr_name: given.to_owned(),
        r#type: tract_onnx::pb::attribute_proto::AttributeType::Int.into(),
        ..Default::default()
    });
    node
}

/// y = relu(x Wᵀ), by a function that calls another, twice over.
fn calling() -> ModelProto {
    let mut model = dense();
    model.opset_import.push(imports("pkg", 1));
    let product = standing_for(node("gemm", "Gemm", &["a", "b"], "c"), "transB", "turned");
    let linear = function("Linear", &["a", "b"], &["c"], vec![product]);
    let inner = of("pkg", node("inner", "Linear", &["a", "w"], "h"));
    let inner = standing_for(inner, "turned", "turned");
    let layer = function(
        "Layer",
        &["a", "w"],
        &["out"],
        vec![inner, node("r", "Relu", &["h"], "out")],
    );
    model.functions = vec![layer, linear];
    let call = |name: &str, x: &str, w: &str, y: &str| {
        let call = of("pkg", node(name, "Layer", &[x, w], y));
        with_int(call, "turned", 1)
    };
    graph(&mut model).node = vec![call("first", "x", "w", "h"), call("second", "h", "v", "y")];
    graph(&mut model)
        .initializer
        .push(float_tensor("v", &[1, 3], &[1.0, 1.0, 0.5]));
    model
}

fn prepared(model: &ModelProto) -> Result<Prepared> {
    prepare(&Source::new("model", bytes(model)), &Choice::default())
}

#[test]
fn functions_are_inlined_with_names_of_their_own() {
    let prepared = prepared(&calling()).unwrap();
    let names: Vec<&str> = prepared
        .proto
        .graph
        .iter()
        .flat_map(|graph| &graph.node)
        .map(|node| &*node.name)
        .collect();
    assert_eq!(
        names,
        [
            "first/inner/gemm",
            "first/r",
            "second/inner/gemm",
            "second/r"
        ]
    );
    let x = io::Tensor::real("x", vec![2, 2], vec![1.0, 2.0, -1.0, 0.5]).unwrap();
    let relu = |x: f64| x.max(0.0);
    let expected = [[1.0, 2.0], [-1.0, 0.5]].map(|[a, b]| {
        let hidden = [relu(a - b), relu(0.5 * a + 2.0 * b), relu(b)];
        relu(hidden[0] + hidden[1] + 0.5 * hidden[2])
    });
    assert_close("y", &numbers(&run(&prepared, &[x])[0]), &expected);
}

/// Field 11 of a function, which tract does not decode: an attribute and its default.
#[test]
fn an_attribute_that_a_call_leaves_out_has_the_default_of_its_function() {
    let mut model = calling();
    for node in &mut graph(&mut model).node {
        node.attribute.clear();
    }
    assert!(prepared(&model).is_err(), "W is not turned");
    let default = with_int(node("", "", &[], ""), "turned", 1)
        .attribute
        .remove(0);
    let field = |tag: u8, bytes: Vec<u8>| {
        [
            vec![tag << 3 | 2],
            vec![u8::try_from(bytes.len()).unwrap()],
            bytes,
        ]
        .concat()
    };
    let layer = model.functions.remove(0);
    let linear = model.functions.remove(0);
    let mut bytes = bytes(&model);
    for (function, default) in [(layer, Some(default)), (linear, None)] {
        let mut body = function.encode_to_vec();
        body.extend(
            default
                .map(|default| field(11, default.encode_to_vec()))
                .unwrap_or_default(),
        );
        assert!(body.len() < 1 << 14);
        // Field 25 of the model, and a length of two bytes.
        bytes.extend([
            0xca,
            0x01,
            body.len() as u8 & 0x7f | 0x80,
            (body.len() >> 7) as u8,
        ]);
        bytes.extend(body);
    }
    let read = prepare(&Source::new("model", bytes), &Choice::default()).unwrap();
    assert!(read.proto == prepared(&calling()).unwrap().proto);
}

#[test]
fn functions_that_do_not_end_or_fit_are_refused() {
    use crate::error::compare::golden;
    let refused = |what: &str, change: &dyn Fn(&mut ModelProto)| {
        let mut model = calling();
        change(&mut model);
        golden(what, prepared(&model).unwrap_err());
    };
    refused("a call of itself", &|model| {
        model.functions[1].node[0] = of("pkg", node("", "Layer", &["a", "b"], "c"))
    });
    refused("too many inputs", &|model| {
        graph(model).node[0].input.push("w".to_owned())
    });
    refused("twice", &|model| {
        let twice = model.functions[0].clone();
        model.functions.push(twice);
    });
    refused("another operator set", &|model| {
        model.functions[1].opset_import[0].version = 12;
        model.functions[1]
            .node
            .push(node("s", "Softmax", &["c"], "s"));
    });
    // 2^40 nodes: each of 40 functions calls the next one twice.
    refused("functions that double", &|model| {
        let level = |index: usize| {
            let call = |a: &str, c: &str| {
                let next = format!("Level{}", index + 1);
                of("pkg", node("", &next, &[a], c))
            };
            function(
                &format!("Level{index}"),
                &["a"],
                &["c"],
                vec![call("a", "b"), call("b", "c")],
            )
        };
        model.functions.extend((0..40).map(level));
        model.functions.push(function(
            "Level40",
            &["a"],
            &["c"],
            vec![node("", "Relu", &["a"], "c")],
        ));
        graph(model)
            .node
            .push(of("pkg", node("", "Level0", &["x"], "z")));
    });
}
