//! `router.resource('posts.comments', controller)`: seven routes under the name of what they serve.

use super::first;
use super::items::Route;
use super::params::Kinds;
use crate::eval::text::Text;
use crate::eval::value::{CallRecord, Place, Value};
use crate::inventory::routes::graph::{Layer, path_text};
use crate::inventory::routes::readers::scripts;

/// The actions of a resource: name, methods, whether it is about one thing, and what its path ends
/// with.
const ACTIONS: &[(&str, &[&str], bool, &str)] = &[
    ("index", &["GET"], false, ""),
    ("create", &["GET"], false, "create"),
    ("store", &["POST"], false, ""),
    ("show", &["GET"], true, ""),
    ("edit", &["GET"], true, "edit"),
    ("update", &["PUT", "PATCH"], true, ""),
    ("destroy", &["DELETE"], true, ""),
];
/// Actions that only show a form.
const FORMS: &[&str] = &["create", "edit"];

/// Nouns whose singular no rule gives.
const SINGULARS: &[(&str, &str)] = &[
    ("people", "person"),
    ("children", "child"),
    ("men", "man"),
    ("women", "woman"),
    ("movies", "movie"),
    ("cookies", "cookie"),
    ("caches", "cache"),
    ("indices", "index"),
    ("data", "datum"),
    ("media", "medium"),
    ("series", "series"),
    ("news", "news"),
];

/// A resource.
pub(super) struct Resource<'p> {
    /// What is served, the innermost last.
    tokens: Vec<Text>,
    /// The names of parameters that the program gives, by what they stand for.
    params: Vec<(String, String)>,
    controller: Value<'p>,
    shallow: bool,
    left: Vec<&'static str>,
    layers: Vec<(Option<String>, Layer<'p>)>,
    name: Option<String>,
    namespace: Option<Text>,
    /// What parameters look like.
    pub(super) kinds: Kinds,
    place: Place,
    conditional: bool,
}

impl<'p> Resource<'p> {
    pub(super) fn new(call: &CallRecord<'p>, shallow: bool) -> Self {
        let path = path_text(first(call));
        let tokens = match path.as_literal() {
            Some(path) => path.trim_matches('/').split('.').map(Text::literal).collect(),
            None => vec![path],
        };
        Self {
            tokens,
            params: Vec::new(),
            controller: call.args.positional.get(1).cloned().unwrap_or_default(),
            shallow,
            left: ACTIONS.iter().map(|(name, ..)| *name).collect(),
            layers: Vec::new(),
            name: None,
            namespace: None,
            kinds: Kinds::default(),
            place: call.place,
            conditional: call.conditional,
        }
    }

    /// Puts layers before some actions; `*` is all of them.
    pub(super) fn guard(&mut self, actions: &[Value<'p>], layers: &[Layer<'p>]) {
        for action in actions {
            let name = action.as_str().filter(|name| *name != "*").map(str::to_owned);
            // Nobody knows before which an unknown one is.
            let conditional = action.as_str().is_none();
            self.layers.extend(layers.iter().map(|layer| {
                let conditional = layer.conditional || conditional;
                (name.clone(), Layer { conditional, ..layer.clone() })
            }));
        }
    }

    pub(super) fn configure(&mut self, method: &str, call: &CallRecord<'p>) {
        let given = first(call).map(scripts::flat).unwrap_or_default();
        let names = |name: &str| given.iter().any(|given| given.as_str() == Some(name));
        match method {
            "apiOnly" => self.left.retain(|name| !FORMS.contains(name)),
            "only" => self.left.retain(|name| names(name)),
            "except" => self.left.retain(|name| !names(name)),
            "as" => self.name = first(call).and_then(Value::as_str).map(str::to_owned),
            "namespace" => self.namespace = first(call).map(Value::to_text),
            "paramFor" => {
                if let [Value::Text(of), Value::Text(name), ..] = call.args.positional.as_slice() {
                    self.params.push((of.to_string(), name.to_string()));
                }
            }
            "params" => {
                let Some(Value::Map(entries)) = first(call) else { return };
                let texts = |(of, name): &(Value<'p>, Value<'p>)| {
                    Some((of.as_str()?.to_owned(), name.as_str()?.to_owned()))
                };
                self.params.extend(entries.borrow().iter().filter_map(texts));
            }
            _ => {}
        }
    }

    /// `:post_id` of `posts`, or the name that the program gives.
    fn param(&self, token: &str, default: String) -> String {
        let given = self.params.iter().rev().find(|(of, _)| of == token);
        given.map_or(default, |(_, name)| name.clone())
    }

    /// The routes, in the order in which they are registered.
    pub(super) fn routes(&self) -> Vec<Route<'p>> {
        let Some((main, around)) = self.tokens.split_last() else { return Vec::new() };
        let mut base: Vec<Text> = Vec::new();
        for token in around {
            let shown = token.to_string();
            let id = self.param(&shown, format!("{}_id", snake_case(&singular(&shown))));
            base.push(token.clone());
            base.push(Text::literal(&format!(":{id}")));
        }
        base.push(main.clone());
        let id = Text::literal(&format!(":{}", self.param(&main.to_string(), "id".to_owned())));
        let named = self.tokens.iter().map(|token| snake_case(&token.to_string()));
        let name = self.name.clone().unwrap_or_else(|| named.collect::<Vec<_>>().join("."));
        let left = ACTIONS.iter().filter(|(action, ..)| self.left.contains(action));
        left.map(|(action, methods, is_of_one, ending)| {
            let mut parts =
                if *is_of_one && self.shallow { vec![main.clone()] } else { base.clone() };
            parts.extend(is_of_one.then(|| id.clone()));
            parts.push(Text::literal(ending));
            let fits = |of: &Option<String>| of.as_ref().is_none_or(|of| of == action);
            let layers = self.layers.iter().filter(|(of, _)| fits(of));
            Route {
                methods: (methods.iter().map(|method| (*method).to_owned()).collect(), true),
                path: scripts::below(&parts),
                target: Value::list(vec![self.controller.clone(), Value::text(action)]),
                layers: layers.map(|(_, layer)| layer.clone()).collect(),
                name: Some(format!("{name}.{action}")),
                domain: None,
                namespace: self.namespace.clone(),
                kinds: self.kinds.clone(),
                place: self.place,
                conditional: self.conditional,
            }
        })
        .collect()
    }
}

/// One of what a noun means several of.
fn singular(noun: &str) -> String {
    let begins = noun.rfind(['/', '_', '-']).map_or(0, |at| at + 1);
    let (before, last) = noun.split_at(begins);
    if let Some((_, one)) = SINGULARS.iter().find(|(many, _)| *many == last) {
        return format!("{before}{one}");
    }
    let with_es = ["sses", "shes", "ches", "xes", "zes", "tuses"];
    let one = if let Some(stem) = last.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        format!("{stem}y")
    } else if with_es.iter().any(|end| last.ends_with(end)) {
        last[..last.len() - 2].to_owned()
    } else if ["ss", "us", "is"].iter().any(|end| last.ends_with(end)) {
        last.to_owned()
    } else {
        last.strip_suffix('s').unwrap_or(last).to_owned()
    };
    format!("{before}{one}")
}

/// `boxOffice` and `box-office` as `box_office`.
fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut after_small = false;
    for c in name.chars() {
        if c.is_alphanumeric() {
            if c.is_uppercase() && after_small {
                out.push('_');
            }
            after_small = !c.is_uppercase();
            out.extend(c.to_lowercase());
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
            after_small = false;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{singular, snake_case};

    #[test]
    fn a_parameter_is_named_after_one_of_what_is_served() {
        for (many, one) in [
            ("posts", "post"),
            ("categories", "category"),
            ("addresses", "address"),
            ("boxes", "box"),
            ("statuses", "status"),
            ("houses", "house"),
            ("user_people", "user_person"),
            ("status", "status"),
            ("staff", "staff"),
        ] {
            assert_eq!(singular(many), one);
        }
        assert_eq!(snake_case("boxOffice-desks"), "box_office_desks");
    }
}
