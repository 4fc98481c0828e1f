//! What a pickle may ask for by name, and what comes of it.

use super::machine::Machine;
use super::object::{Global, ONLY, Object, Place, STEPS, Storage, View, WHAT};
use crate::error::{Error, Result};
use crate::io::Dtype;

/// The most axes of a tensor; PyTorch has 64.
const AXES: usize = 64;

/// The longest name of a storage, in bytes; PyTorch numbers them.
const LONGEST_KEY: usize = 64;

impl<'a> Machine<'a> {
    /// What may be asked for by this name.
    pub(super) fn global(&self, module: &str, name: &str) -> Result<Global> {
        Ok(match (module, name) {
            ("collections", "OrderedDict") => Global::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Global::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Global::RebuildParameter,
            ("torch", "Size") => Global::Size,
            ("torch" | "torch.cuda", name) if storage_type(name).is_some() => {
                Global::Storage(storage_type(name).expect("it was just found"))
            }
            _ => return Err(asked(module, name, self.bytes)),
        })
    }

    /// What `callable` makes of `arguments`.
    pub(super) fn call(&mut self, callable: Place, arguments: Place) -> Result<Object<'a>> {
        let wrong = || Err(self.malformed(self.at - 1));
        let (Object::Global(global), Object::Tuple(places)) =
            (&self.objects[callable], &self.objects[arguments])
        else {
            return wrong();
        };
        // One long list may be the argument of many calls.
        let first = places.first().map(|first| &self.objects[*first]);
        let copied = match (global, first) {
            (
                Global::OrderedDict | Global::Size,
                Some(Object::List(list) | Object::Tuple(list)),
            ) => list.len(),
            _ => 0,
        };
        self.copied = self.copied.saturating_add(copied);
        if self.copied > STEPS {
            let limit = format!("at most {STEPS}");
            return Err(Error::value("copies within the pickle", "more", limit));
        }
        let wrong = || Err(self.malformed(self.at - 1));
        let arguments: Vec<&Object> = places.iter().map(|place| &self.objects[*place]).collect();
        match (global, &arguments[..]) {
            (Global::OrderedDict, []) => Ok(Object::Dict(Vec::new())),
            (Global::OrderedDict, [Object::List(pairs)]) => {
                let pairs = pairs.iter().map(|pair| match &self.objects[*pair] {
                    Object::Tuple(pair) | Object::List(pair) if pair.len() == 2 => {
                        Ok((pair[0], pair[1]))
                    }
                    _ => Err(self.malformed(self.at - 1)),
                });
                Ok(Object::Dict(pairs.collect::<Result<_>>()?))
            }
            (Global::RebuildTensor, [storage, offset, shape, strides, _, _, flags @ ..]) => {
                if !matches!(flags, [] | [Object::None]) && *flags != [&Object::Dict(Vec::new())] {
                    return Err(Error::unsupported(
                        WHAT,
                        "a tensor that is conjugated or negated when it is read",
                        ONLY,
                    ));
                }
                let Object::Storage(storage) = storage else {
                    return wrong();
                };
                let (Some(offset), Some(shape), Some(strides)) =
                    (count(offset), self.counts(shape), self.counts(strides))
                else {
                    return wrong();
                };
                if shape.len() != strides.len() {
                    return wrong();
                }
                Ok(Object::Tensor(View {
                    storage: storage.clone(),
                    offset,
                    shape,
                    strides,
                }))
            }
            (Global::RebuildParameter, [Object::Tensor(view), ..]) => {
                Ok(Object::Tensor(view.clone()))
            }
            (Global::Size, [Object::Tuple(lengths)]) => Ok(Object::Tuple(lengths.clone())),
            _ => wrong(),
        }
    }

    /// The storage that `id` names: `("storage", type, key, location, elements)`. Where it lay counts for nothing.
    pub(super) fn storage(&mut self, id: Place) -> Result<Storage<'a>> {
        let wrong = self.malformed(self.at - 1);
        let Object::Tuple(places) = &self.objects[id] else {
            return Err(wrong);
        };
        let id: Vec<&Object> = places.iter().map(|place| &self.objects[*place]).collect();
        let storage = match &id[..] {
            [
                Object::Text("storage"),
                Object::Global(Global::Storage(dtype)),
                Object::Text(key),
                _,
                elements,
                rest @ ..,
            ] => {
                if !matches!(rest, [] | [Object::None]) {
                    let got = "a storage inside another, as PyTorch 0.3 wrote it";
                    return Err(Error::unsupported(WHAT, got, ONLY));
                }
                let Some(elements) = count(elements).filter(|_| key.len() <= LONGEST_KEY) else {
                    return Err(wrong);
                };
                Storage {
                    key,
                    dtype: *dtype,
                    elements,
                }
            }
            _ => return Err(wrong),
        };
        if self.storages.insert(storage.key, storage.dtype).is_none() {
            self.order.push(storage.clone());
        }
        Ok(storage)
    }

    fn counts(&self, object: &Object) -> Option<Vec<usize>> {
        match object {
            Object::Tuple(places) | Object::List(places) if places.len() <= AXES => places
                .iter()
                .map(|place| count(&self.objects[*place]))
                .collect(),
            _ => None,
        }
    }
}

fn count(object: &Object) -> Option<usize> {
    match object {
        Object::Int(number) => usize::try_from(*number).ok(),
        _ => None,
    }
}

/// What a storage of PyTorch holds.
fn storage_type(name: &str) -> Option<Dtype> {
    Some(match name.strip_suffix("Storage")? {
        "Double" => Dtype::F64,
        "Float" => Dtype::F32,
        "Half" => Dtype::F16,
        "BFloat16" => Dtype::BF16,
        "Long" => Dtype::I64,
        "Int" => Dtype::I32,
        "Short" => Dtype::I16,
        "Char" => Dtype::I8,
        // True is 1 and false 0.
        "Byte" | "Bool" => Dtype::U8,
        "ComplexFloat" => Dtype::Complex64,
        "ComplexDouble" => Dtype::Complex128,
        _ => return None,
    })
}

/// The error for a pickle that asks for `module.name`.
fn asked(module: &str, name: &str, bytes: &[u8]) -> Error {
    let holds = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    let asked = format!("{module}.{name}");
    // Every module of PyTorch has these two among its attributes.
    if module.starts_with("torch.nn.modules") || holds(b"_parameters") && holds(b"_modules") {
        let reason = format!("is a whole model (it asks for `{asked}`): save model.state_dict()");
        return Error::format(WHAT, reason);
    }
    Error::format(WHAT, format!("asks for `{asked}`: {ONLY}"))
}
