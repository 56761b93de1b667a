//! What is different in Rust: modules and items that stand in any order, methods that are spread
//! over `impl` blocks, patterns, `?`, values that may be nothing, and macros. Everything else is
//! evaluated as it is for the other languages.

mod effort;
mod expressions;
mod extract;
mod items;
mod iterators;
mod macros;
mod names;
mod options;
mod outside;
mod patterns;
mod statements;
mod types;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use smol_str::SmolStr;

use crate::eval::value::{ClassValue, Closure, Env, FileId, Value};
use crate::module::{Expr, Function, Module};
use crate::source::Language;

use super::{Frame, Interpreter};
pub(super) use expressions::variant_of;

/// The most rules that one macro has, over all its definitions.
const MAX_RULES: usize = 64;

/// What is known of the modules of Rust.
#[derive(Default)]
pub(super) struct Modules<'p> {
    /// The modules inside files, by the file and the names that lead to them.
    inner: BTreeMap<(FileId, Vec<SmolStr>), Rc<Env<'p>>>,
    /// The names that lead to a module inside its file, by its scope.
    scopes: HashMap<*const Env<'p>, Vec<SmolStr>>,
    /// Methods that the program gives to types from outside, by name.
    extensions: BTreeMap<SmolStr, Vec<Rc<Closure<'p>>>>,
    /// The rules of the macros that the program defines, by name.
    macros: BTreeMap<SmolStr, Vec<Rule<'p>>>,
    /// Where names lead that were looked up before.
    known: HashMap<(*const Env<'p>, SmolStr), Value<'p>>,
    /// The attributes of modules inside files, by their scopes.
    attributes: HashMap<*const Env<'p>, Vec<Value<'p>>>,
    /// What was spent on functions.
    efforts: HashMap<*const Function, effort::Effort<'p>>,
    /// Files that are part of tests only.
    tests: BTreeSet<FileId>,
}

/// One rule of a macro.
#[derive(Clone, Copy)]
struct Rule<'p> {
    file: FileId,
    function: &'p Function,
}

impl<'p> Interpreter<'p> {
    /// Whether a class is one of Rust.
    pub(super) fn is_rust(&self, class: &ClassValue<'p>) -> bool {
        self.rust_file(class.env.file).is_some()
    }

    /// A type that a function declares.
    pub(super) fn type_within_function(
        &mut self,
        function: &Closure<'p>,
        of: &'p Expr,
    ) -> Value<'p> {
        let class = function.class.clone();
        let frame = Frame { env: Rc::clone(&function.env), this: None, class };
        let outer = std::mem::replace(&mut self.frame, frame);
        let value = self.type_value(of);
        self.frame = outer;
        value
    }

    pub(super) fn type_within_scope(&mut self, env: &Rc<Env<'p>>, of: &'p Expr) -> Value<'p> {
        let frame = Frame { env: Rc::clone(env), this: None, class: None };
        let outer = std::mem::replace(&mut self.frame, frame);
        let value = self.type_value(of);
        self.frame = outer;
        value
    }

    pub(super) fn module_attributes(&self, env: &Rc<Env<'p>>) -> Vec<Value<'p>> {
        self.rust.attributes.get(&Rc::as_ptr(&items::top(env))).cloned().unwrap_or_default()
    }

    pub(super) fn extensions(&self, name: &str) -> Vec<Rc<Closure<'p>>> {
        self.rust.extensions.get(name).cloned().unwrap_or_default()
    }

    pub(super) fn bound_method(&mut self, object: &Value<'p>, name: &str) -> Option<Value<'p>> {
        let class = match object {
            Value::Object(object) => Rc::clone(&object.class),
            Value::Class(class) => Rc::clone(class),
            Value::Variant(variant) => variant.class.clone()?,
            _ => return None,
        };
        self.method_of(&class, object, name)
    }

    /// Whether a file is one of Rust.
    pub(super) fn is_rust_file(&self, file: FileId) -> bool {
        self.rust_file(file).is_some()
    }

    fn rust_file(&self, file: FileId) -> Option<&'p Module> {
        let module = self.program.file(file).module;
        (module.language == Language::Rust).then_some(module)
    }
}
