//! The clients that send calls, known by their names, and what each is given.

use std::collections::BTreeSet;
use std::rc::Rc;

use smol_str::SmolStr;

use super::names;
use crate::eval::interpreter::libraries::Host;
use crate::eval::interpreter::{Clients, Library, Trace};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Closure, Place, Value};
use crate::source::Language;

/// A call as it is sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The method in upper case; `None` where it is not known.
    pub method: Option<String>,
    /// The address.
    pub url: Text,
    /// Where the address is given.
    pub place: Place,
    /// From there to where it is sent.
    pub way: Vec<Place>,
    /// The client.
    pub client: &'static str,
    /// Whether nothing calls the method that sends it, on the class that it is sent for.
    pub supposed: bool,
}

/// How a client takes its method and address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `fetch(url, { method })`, where an options object may have the address too.
    Options,
    /// `client.get(url)`: the method is the name.
    Verb,
    /// `client.request(method, url)`.
    MethodFirst,
    /// `client(url)`, always with this method.
    Fixed(&'static str),
    /// `form(action, method)`.
    MethodSecond,
}

/// Functions that are clients themselves.
const FUNCTIONS: &[(&str, &str, Form)] = &[
    ("fetch", "fetch", Form::Options),
    ("node-fetch", "fetch", Form::Options),
    ("cross-fetch", "fetch", Form::Options),
    ("cross-fetch.fetch", "fetch", Form::Options),
    ("isomorphic-fetch", "fetch", Form::Options),
    ("undici.fetch", "fetch", Form::Options),
    ("undici.request", "undici", Form::Options),
    ("$fetch", "ofetch", Form::Options),
    ("ofetch.ofetch", "ofetch", Form::Options),
    ("ofetch.$fetch", "ofetch", Form::Options),
    ("useFetch", "ofetch", Form::Options),
    ("useLazyFetch", "ofetch", Form::Options),
    ("#imports.$fetch", "ofetch", Form::Options),
    ("#imports.useFetch", "ofetch", Form::Options),
    ("#imports.useLazyFetch", "ofetch", Form::Options),
    ("axios", "axios", Form::Options),
    ("axios.default", "axios", Form::Options),
    ("axios.request", "axios", Form::Options),
    ("axios.create()", "axios", Form::Options),
    ("axios.create().request", "axios", Form::Options),
    ("ky", "ky", Form::Options),
    ("got", "got", Form::Options),
    ("$.ajax", "jquery", Form::Options),
    ("jQuery.ajax", "jquery", Form::Options),
    ("jquery.ajax", "jquery", Form::Options),
    ("XMLHttpRequest().open", "XMLHttpRequest", Form::MethodFirst),
    ("EventSource", "EventSource", Form::Fixed("GET")),
    ("WebSocket", "WebSocket", Form::Fixed("WS")),
    ("navigator.sendBeacon", "sendBeacon", Form::Fixed("POST")),
    ("urllib.request.urlopen", "urllib", Form::Fixed("GET")),
    ("requests.request", "requests", Form::MethodFirst),
    ("httpx.request", "httpx", Form::MethodFirst),
    ("reqwest.get", "reqwest", Form::Fixed("GET")),
    ("reqwest::get", "reqwest", Form::Fixed("GET")),
    ("page.form", "form", Form::MethodSecond),
    ("page.get", "htmx", Form::Verb),
    ("page.post", "htmx", Form::Verb),
    ("page.put", "htmx", Form::Verb),
    ("page.patch", "htmx", Form::Verb),
    ("page.delete", "htmx", Form::Verb),
    ("rtk.query", "rtk-query", Form::Options),
];

/// Objects whose methods are named like those of HTTP. A path begins with one of these and ends
/// with the method.
const OBJECTS: &[(&str, &str)] = &[
    ("axios", "axios"),
    ("ky", "ky"),
    ("got", "got"),
    ("superagent", "superagent"),
    ("supertest", "supertest"),
    ("$http", "angularjs"),
    ("$axios", "axios"),
    ("$", "jquery"),
    ("jQuery", "jquery"),
    ("jquery", "jquery"),
    ("@angular/common/http.HttpClient", "angular"),
    ("@nestjs/axios.HttpService", "axios"),
    ("@nuxtjs/axios.NuxtAxiosInstance", "axios"),
    ("openapi-fetch", "openapi-fetch"),
    ("requests", "requests"),
    // Those that stand in for it.
    ("advocate", "requests"),
    ("requests_cache", "requests"),
    ("requests_futures.sessions", "requests"),
    ("niquests", "requests"),
    ("curl_cffi.requests", "requests"),
    ("cloudscraper", "requests"),
    ("httpx", "httpx"),
    ("aiohttp.ClientSession", "aiohttp"),
    ("fastapi.testclient.TestClient", "test client"),
    ("starlette.testclient.TestClient", "test client"),
    ("django.test.Client", "test client"),
    ("test_client", "test client"),
    ("django.test.TestCase().client", "test client"),
    ("rest_framework.test.APITestCase().client", "test client"),
    ("unittest.TestCase().client", "test client"),
    ("rest_framework.test.APIClient", "test client"),
    ("reqwest", "reqwest"),
    ("unknown", FETCHES),
];

/// What a client is called of which nobody knows more than that it sends.
const FETCHES: &str = "unknown object";

/// The methods that clients have.
const VERBS: &[(&str, &str)] = &[
    ("get", "GET"),
    ("getJSON", "GET"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
    ("del", "DELETE"),
    ("head", "HEAD"),
    ("options", "OPTIONS"),
];

/// Functions that give the path of a route by its name.
const ROUTE_PATHS: &[&str] = &[
    "flask.url_for",
    "quart.url_for",
    "flask.helpers.url_for",
    "url_for",
    "url_path_for",
    "reverse",
    "reverse_lazy",
    "django.urls.reverse",
    "django.urls.reverse_lazy",
    "django.shortcuts.reverse",
    "rest_framework.reverse.reverse",
    "rest_framework.reverse.reverse_lazy",
];

/// Attributes of elements that hold an address which a browser asks for, with the name under
/// which the asking is recorded.
const ASKING: &[(&str, &str)] = &[
    ("hx-get", "page.get"),
    ("hx-post", "page.post"),
    ("hx-put", "page.put"),
    ("hx-patch", "page.patch"),
    ("hx-delete", "page.delete"),
];

/// What the evaluation is told of clients.
pub const FOLLOWED: Clients = Clients {
    methods: &[
        "get", "post", "put", "patch", "delete", "del", "head", "request", "fetch", "getJSON",
        "inject",
    ],
    element,
};

/// Clients whose sending is not told by the calls alone.
pub const LIBRARIES: &[Library] = &[Library { called, would_call, call }];

/// Whether a dotted path leads to a client.
#[must_use]
pub fn names_client(path: &str) -> bool {
    let path = unqualified(path);
    let begins = |name: &str| {
        path.strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '(', ':']))
    };
    FUNCTIONS.iter().any(|(name, ..)| begins(name))
        || OBJECTS.iter().any(|(name, _)| begins(name))
        || begins(SWR)
        || is_swr(path)
}

fn unqualified(path: &str) -> &str {
    // Nuxt hands its client out with the rest of its context.
    if let Some(at) = path.find(".$axios") {
        return &path[at + 1..];
    }
    ["window.", "globalThis.", "self.", "global."]
        .iter()
        .find_map(|global| path.strip_prefix(global))
        .unwrap_or(path)
}

/// The client that a path leads to, how it takes what it is given, and the method that its name
/// says.
fn client(path: &str) -> Option<(&'static str, Form, Option<&'static str>)> {
    let path = unqualified(path);
    // Flask and Quart: the client of whatever application.
    let path = path.find("test_client().").map_or(path, |at| &path[at..]);
    let last = path.rsplit(['.', ':']).next().unwrap_or(path);
    let plain = last.trim_start_matches('$');
    let verb =
        VERBS.iter().find(|(name, verb)| *name == plain || *verb == plain).map(|(_, verb)| *verb);
    if let Some((_, name, form)) = FUNCTIONS.iter().find(|(known, ..)| *known == path) {
        return Some((name, *form, verb.filter(|_| *form == Form::Verb)));
    }
    let known = OBJECTS.iter().find(|(object, _)| {
        path.strip_prefix(object).is_some_and(|rest| rest.starts_with(['.', '(', ':']))
    });
    // Who fetches has a server to fetch from.
    let Some((_, name)) = known else {
        return (last == "fetch" && path.contains('.')).then_some((FETCHES, Form::Options, None));
    };
    // What an answer holds is asked for with the same names.
    let sends = |name: &str| name == "request" || VERBS.iter().any(|(verb, _)| *verb == name);
    let before = path.strip_suffix(last).unwrap_or(path);
    if before.split(['.', ':']).filter_map(|part| part.strip_suffix("()")).any(sends) {
        return None;
    }
    match last {
        "inject" if *name == FETCHES => Some((name, Form::Options, None)),
        "request" if matches!(*name, "axios" | FETCHES) => Some((name, Form::Options, None)),
        "request" | "method" => Some((name, Form::MethodFirst, None)),
        "stream" if *name == "httpx" => Some((name, Form::MethodFirst, None)),
        "fetch" if *name == FETCHES => Some((name, Form::Options, None)),
        _ => verb.map(|verb| (*name, Form::Verb, Some(verb))),
    }
}

/// The calls of a run.
#[must_use]
pub fn read(trace: &Trace<'_>) -> Vec<Sent> {
    let mut out = Vec::new();
    for (id, record) in trace.records() {
        let path = trace.path_of(record);
        let Some((client, form, verb)) = client(&path) else { continue };
        let given = given(trace, record, client, form, verb);
        let Some(mut given) = given else { continue };
        let places = trace.way(id);
        if let Some(presumed) = trace.presumed(id) {
            // Between where the address is given and where it is sent, it may get a prefix.
            let url = presumed.entry("url").unwrap_or(presumed.clone()).to_text();
            let sender = format!("sent at {}:{}", record.place.file.0, record.place.span.start);
            let mut behind = Text::default();
            if !is_absolute(&url) {
                behind.push_hole(&sender);
            }
            behind.push(&url);
            given.url = Value::Text(Rc::new(behind));
            if matches!(given.method, Value::Unknown) || given.method.as_str() == Some("{}") {
                given.method = presumed.entry("method").unwrap_or_default();
            }
        }
        // An object outside that fetches is one by what it is given.
        let is_known = path.starts_with("unknown.") || client != FETCHES;
        if !is_known && given.url.to_text().starts_with("/") != Some(true) {
            continue;
        }
        let bases = bases(trace, record, client);
        let bases = if bases.is_empty() { vec![None] } else { bases.iter().map(Some).collect() };
        let supposed = trace.is_supposed(id);
        let place = places.last().copied().unwrap_or(record.place);
        let mut way: Vec<Place> = places.iter().rev().copied().collect();
        way.push(record.place);
        for url in urls(trace, &given.url, 0).into_iter().filter(is_of_web) {
            for (base, method) in bases
                .iter()
                .flat_map(|base| methods(&given.method).into_iter().map(|it| (*base, it)))
            {
                // What hands on all that it is given says nothing.
                if method.is_none() && names_nothing(&url) {
                    continue;
                }
                out.push(Sent {
                    method,
                    url: join(base, &url),
                    place,
                    way: way.clone(),
                    client,
                    supposed,
                });
            }
        }
    }
    out
}

/// What a client is given.
struct Given<'p> {
    url: Value<'p>,
    method: Value<'p>,
}

fn given<'p>(
    trace: &Trace<'p>,
    record: &CallRecord<'p>,
    client: &str,
    form: Form,
    verb: Option<&'static str>,
) -> Option<Given<'p>> {
    let args = &record.args;
    let first = args.positional.first().or_else(|| args.keyword("url"))?.clone();
    let second = args.positional.get(1);
    let by_default = |value: Option<Value<'p>>, default: &str| match value {
        None | Some(Value::None | Value::Absent) => Value::text(default),
        Some(value) => value,
    };
    Some(match form {
        Form::Fixed(method) => Given { url: first, method: Value::text(method) },
        Form::MethodFirst => Given { method: first, url: second?.clone() },
        Form::MethodSecond => {
            Given { url: first, method: second.cloned().unwrap_or_else(|| Value::text("GET")) }
        }
        Form::Verb => {
            let url = first.entry("url").unwrap_or(first);
            Given { url, method: Value::text(verb?) }
        }
        Form::Options => match &first {
            Value::Map(_) => Given {
                url: first.entry("url")?,
                method: by_default(
                    first.entry("method").or_else(|| first.entry("type")),
                    if is_open(&first) { "{}" } else { "GET" },
                ),
            },
            // The whole request is somebody else's, the method too.
            _ if takes_requests(client) && second.is_none() && !is_text(&first) => {
                Given { url: first, method: Value::Unknown }
            }
            _ => {
                let options = second.cloned().or_else(|| request(trace, &first, 1));
                let method = match &options {
                    Some(options @ Value::Map(_)) => by_default(
                        options.entry("method").or_else(|| options.entry("type")),
                        // Options that others were spread into may have one.
                        if is_open(options) { "{}" } else { "GET" },
                    ),
                    None | Some(Value::None | Value::Absent) => Value::text("GET"),
                    Some(Value::Choice(values)) => Value::choice(
                        values
                            .iter()
                            .map(|value| by_default(value.entry("method"), "GET"))
                            .collect(),
                    ),
                    Some(_) => Value::Unknown,
                };
                Given { url: request(trace, &first, 0).unwrap_or(first), method }
            }
        },
    })
}

/// Whether an address has no name in it, but marks between what is not known.
fn names_nothing(url: &Text) -> bool {
    !url.to_string().bytes().any(|byte| byte.is_ascii_alphanumeric())
}

/// Whether a client takes its address within an object of options, first.
fn takes_requests(client: &str) -> bool {
    matches!(client, "axios" | "jquery")
}

fn is_text(value: &Value<'_>) -> bool {
    value.alternatives().iter().any(|value| matches!(value, Value::Text(_)))
}

/// Whether something unknown was spread into a map.
fn is_open(options: &Value<'_>) -> bool {
    match options {
        Value::Map(entries) => entries.borrow().iter().any(|(key, _)| key.as_str().is_none()),
        _ => false,
    }
}

/// An argument of the request object that a client is given.
fn request<'p>(trace: &Trace<'p>, value: &Value<'p>, at: usize) -> Option<Value<'p>> {
    value.alternatives().iter().find_map(|value| {
        let made = trace.made(value)?;
        (made.path() == Some("Request")).then(|| made.args.positional.get(at).cloned()).flatten()
    })
}

/// The most base addresses that a client may have.
const MAX_BASES: usize = 4;

/// The base addresses that a call has, or else that the objects behind its client were made with.
fn bases<'p>(trace: &Trace<'p>, record: &CallRecord<'p>, client: &str) -> Vec<Text> {
    base(trace, record, client)
        .map(|base| of_either_scheme(urls(trace, &base, 0)).into_iter().take(MAX_BASES).collect())
        .unwrap_or_default()
}

/// Addresses without those that differ from another only in that they are not encrypted.
fn of_either_scheme(texts: Vec<Text>) -> Vec<Text> {
    let written: Vec<String> = texts.iter().map(Text::to_string).collect();
    let is_other = |text: &str| {
        let rest = text.strip_prefix("http://");
        rest.is_some_and(|rest| written.iter().any(|it| it.strip_prefix("https://") == Some(rest)))
    };
    let kept = texts.into_iter().zip(&written).filter(|(_, text)| !is_other(text));
    kept.map(|(text, _)| text).collect()
}

fn base<'p>(trace: &Trace<'p>, record: &CallRecord<'p>, client: &str) -> Option<Value<'p>> {
    let mut at = record.method().map(|(id, _)| id).or_else(|| record.applied());
    let names: &[&str] = match client {
        "axios" => &["baseURL"],
        "ky" | "got" => &["prefixUrl", "prefix"],
        "openapi-fetch" => &["baseUrl"],
        "httpx" | "aiohttp" => &["base_url"],
        _ => return None,
    };
    let of_call = names
        .iter()
        .find_map(|name| record.args.positional.iter().find_map(|option| option.entry(name)));
    if of_call.is_some() {
        return of_call;
    }
    for _ in 0..8 {
        let made = trace.call(at?)?;
        for name in names {
            let first = made.args.positional.first();
            let base = made.args.keyword(name).cloned();
            if let Some(base) = base.or_else(|| first.and_then(|first| first.entry(name))) {
                return Some(base);
            }
        }
        // aiohttp takes it as its first argument.
        if client == "aiohttp"
            && let Some(first @ Value::Text(_)) = made.args.positional.first()
        {
            return Some(first.clone());
        }
        at = made.method().map(|(id, _)| id).or_else(|| made.applied());
    }
    None
}

/// The texts that an address may be.
fn urls<'p>(trace: &Trace<'p>, url: &Value<'p>, depth: usize) -> Vec<Text> {
    match url {
        Value::Choice(values) if depth < 4 => {
            let texts = values.iter().flat_map(|value| urls(trace, value, depth + 1));
            // An arm of which nothing is known says nothing beside one that is.
            let (known, unknown): (Vec<_>, Vec<_>) =
                texts.partition(|text: &Text| !text.is_empty());
            if known.is_empty() { unknown } else { known }
        }
        // `new URL(path, base)`, and what is read of it.
        Value::Native(_) => match trace.made(url) {
            Some(made) if made.path().is_some_and(is_url) && depth < 4 => {
                let of = |at: usize| made.args.positional.get(at);
                let base = of(1).map(Value::to_text);
                let paths = of(0).map(|first| urls(trace, first, depth + 1)).unwrap_or_default();
                paths.iter().map(|path| join_url(base.as_ref(), path)).collect()
            }
            _ => vec![Text::hole("")],
        },
        Value::Method(method) if matches!(method.1.as_str(), "href" | "toString") && depth < 4 => {
            urls(trace, &method.0, depth + 1)
        }
        // A setting that is empty by default is set to something where it is used.
        Value::Text(text) if text.parts().is_empty() && !text.env().is_empty() => {
            vec![Text::hole("").from_env(&text.env()[0])]
        }
        other => vec![other.to_text()],
    }
}

fn methods(method: &Value<'_>) -> Vec<Option<String>> {
    method
        .alternatives()
        .iter()
        .map(|value| value.as_str().filter(|text| *text != "{}").map(str::to_ascii_uppercase))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// Whether an address needs no base.
fn is_absolute(url: &Text) -> bool {
    let text = url.to_string();
    text.contains("://") || text.starts_with("//")
}

/// Whether an address may be one of a server, and not `data:…`, `javascript:…` or the key of
/// something that is kept.
fn is_of_web(url: &Text) -> bool {
    let text = url.to_string();
    let Some((scheme, rest)) = text.split_once(':') else { return true };
    let is_scheme = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    !is_scheme || rest.starts_with("//") || rest.starts_with(|c: char| c.is_ascii_digit())
}

/// An address behind the base address of its client.
fn join(base: Option<&Text>, url: &Text) -> Text {
    match base {
        Some(base) if !is_absolute(url) && base.as_literal() != Some("") => {
            let mut out = base.trim_end(&['/']);
            out.push_literal("/");
            out.push(&url.trim_start(&['/']));
            out
        }
        _ => url.clone(),
    }
}

/// An address as a browser resolves it against another: one that begins with a slash keeps only
/// the other's host.
fn join_url(base: Option<&Text>, url: &Text) -> Text {
    let Some(base) = base.filter(|_| !is_absolute(url)) else { return url.clone() };
    if url.starts_with("/") != Some(true) {
        return join(Some(base), url);
    }
    let text = base.to_string();
    let host = text.find("://").map_or(0, |at| at + 3);
    match text[host..].find('/') {
        Some(end) if !text[..host + end].contains("{}") => {
            let mut out = Text::literal(&text[..host + end]);
            out.push(url);
            out
        }
        _ => join(Some(base), url),
    }
}

/// What a browser asks for because of an element: where a form is sent, and what htmx asks for.
fn element<'p>(tag: &str, attributes: &[(SmolStr, Value<'p>)]) -> Vec<(&'static str, Args<'p>)> {
    let is_address = |value: &Value<'p>| matches!(value, Value::Text(_) | Value::Choice(_));
    let named = |wanted: &str| {
        attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
    };
    let mut out = Vec::new();
    if tag == "form" {
        let method = named("method");
        let action = match named("action") {
            Some(action) => Some(action).filter(is_address),
            // It goes to the page's own address, whichever that is.
            None => (method.is_some() && !is_held(attributes))
                .then(|| Value::Text(Rc::new(Text::hole("page")))),
        };
        if let Some(action) = action {
            let method = method.unwrap_or_else(|| Value::text("get"));
            out.push(("page.form", Args::of(vec![action, method])));
        }
    }
    for (name, value) in attributes.iter().filter(|(_, value)| is_address(value)) {
        let plain = name.strip_prefix("data-").unwrap_or(name);
        if let Some((_, path)) = ASKING.iter().find(|(known, _)| *known == plain) {
            out.push((*path, Args::of(vec![value.clone()])));
        }
    }
    out
}

/// Whether a script takes hold of a form, and so may send it elsewhere.
fn is_held(attributes: &[(SmolStr, Value<'_>)]) -> bool {
    let holds = |name: &str| {
        matches!(name, "id" | "..." | "data-action") || name.to_ascii_lowercase().contains("submit")
    };
    attributes.iter().any(|(name, _)| holds(name))
}

/// What clients do while the program runs.
fn called<'p>(host: &mut Host<'_, 'p>, id: CallId) -> Option<Value<'p>> {
    let record: Rc<CallRecord<'p>> = host.record(id)?;
    let first = record.args.positional.first();
    if let Some(maker) = record.applied() {
        let made = host.record(maker)?;
        return match made.path()? {
            SIGNAL => {
                let first = made.args.positional.first().cloned();
                let begun = first.filter(|first| first.truth() != Some(false));
                // What it is before anybody has set it is asked for by nobody.
                let set = host.stored(maker, "value").map(|value| {
                    let is_set = |value: &Value<'p>| !matches!(value, Value::None);
                    Value::choice(value.alternatives().into_iter().filter(is_set).collect())
                });
                Some(set.or(begun).unwrap_or_default())
            }
            COMPUTED => {
                let function = made.args.positional.first()?.clone();
                Some(host.call(&function, None, Args::default(), record.place))
            }
            _ => None,
        };
    }
    if let Some((maker, method)) = record.method() {
        if matches!(method, "url_for" | "url_path_for") {
            let asked = names::asked(&record.args)?;
            return Some(Value::Text(Rc::new(Text::hole(&asked))));
        }
        let made = host.record(maker)?;
        match (made.path()?, method) {
            (path, "toString" | "toJSON") if is_url(path) => return host.stored(maker, "href"),
            (SIGNAL, "set") => host.store(maker, "value", first?.clone()),
            (path, "injectEndpoints") if makes_rtk(path) => {
                endpoints(host, first?, made.args.positional.first()?, record.place);
            }
            ("rtk.builder", "query" | "mutation" | "infiniteQuery") => {
                let query = first?.entry("query")?;
                let open = Args { open: true, ..Args::default() };
                let sent = host.call(&query, None, open, record.place);
                let base = made.args.positional.first().map(Value::to_text);
                let args = rtk_request(&sent, base.as_ref());
                host.record_call("rtk.query", args, record.place);
            }
            _ => {}
        }
        return None;
    }
    match record.path()? {
        // Angular hands out what is asked for by its class.
        "@angular/core.inject" => match first? {
            Value::External(path) => Some(Value::External(path.clone())),
            Value::Class(class) if !class.class.is_interface => Some(host.instance_of(class)),
            _ => None,
        },
        // What a client is given to and comes out of again is that client, only slower or bolder.
        path if !names_client(path) && first.is_some_and(|first| is_client(host, first)) => {
            first.cloned()
        }
        path if is_url(path) => {
            let texts = texts_of_url(host, id)?;
            host.store(id, "href", texts);
            None
        }
        "swr.SWRConfig" => {
            let fetcher = first?.entry("value")?.entry("fetcher")?;
            host.answer_later(SWR, fetcher);
            None
        }
        path if is_swr(path) => {
            ask_by_key(host, path, &record.args, record.place);
            None
        }
        path if makes_rtk(path) => {
            endpoints(host, first?, first?, record.place);
            None
        }
        // The address of a route by its name.
        path if ROUTE_PATHS.contains(&path) || path == "url" && is_template(host, record.place) => {
            let asked = names::asked(&record.args)?;
            Some(Value::Text(Rc::new(Text::hole(&asked))))
        }
        _ => None,
    }
}

/// Whether a place lies in a template, where `{% url … %}` is a tag.
fn is_template(host: &Host<'_, '_>, place: Place) -> bool {
    host.program().file(place.file).module.language == Language::Html
}

/// The keys of SWR, of which a component around them says what asks for them.
const SWR: &str = "swr";

/// Whether a function is one of SWR's that ask for what a key names.
fn is_swr(path: &str) -> bool {
    let path = path.strip_suffix(".default").unwrap_or(path);
    matches!(path, "swr" | "swr.useSWR" | "swr/immutable" | "swr.useSWRInfinite" | "swr/infinite")
}

/// The key of a query is what its fetcher is called with: its own, or the one of the components
/// around it.
fn ask_by_key<'p>(host: &mut Host<'_, 'p>, path: &str, args: &Args<'p>, place: Place) {
    let Some(first) = args.positional.first() else { return };
    let key = match first {
        Value::Function(_) => {
            let of_pages = path.to_ascii_lowercase().ends_with("infinite");
            // Which page is asked for, and what the one before was: the first has none.
            let given = if of_pages { vec![Value::Unknown, Value::None] } else { Vec::new() };
            host.call(first, None, Args::of(given), place)
        }
        key => key.clone(),
    };
    // Without a key nothing is asked.
    let keys: Vec<_> =
        key.alternatives().into_iter().filter(|key| key.truth() != Some(false)).collect();
    if keys.is_empty() {
        return;
    }
    let given = Args::of(vec![Value::choice(keys)]);
    match args.positional.get(1) {
        Some(fetcher @ Value::Function(_)) => {
            host.call(fetcher, None, given, place);
        }
        // Its options may have one, too.
        None | Some(Value::Map(_)) => host.later(SWR, given, place),
        Some(_) => {}
    }
}

/// Angular's variable that tells others of its changes, and the one that is made of such.
const SIGNAL: &str = "@angular/core.signal";
const COMPUTED: &str = "@angular/core.computed";

/// Whether a value is a client of a library, or one that the library has made.
fn is_client<'p>(host: &Host<'_, 'p>, value: &Value<'p>) -> bool {
    match value {
        Value::Native(id) => host.record(*id).is_some_and(|made| {
            made.path().is_some_and(|path| {
                matches!(
                    path,
                    "axios.create"
                        | "axios.default.create"
                        | "got.extend"
                        | "ky.create"
                        | "ky.extend"
                )
            })
        }),
        Value::External(path) => matches!(path.as_str(), "axios" | "axios.default" | "got" | "ky"),
        _ => false,
    }
}

/// Whether a path names the class of addresses that are made of parts.
fn is_url(path: &str) -> bool {
    matches!(unqualified(path), "URL" | "url.URL" | "node:url.URL")
}

/// The texts of an address that is made of parts.
fn texts_of_url<'p>(host: &Host<'_, 'p>, id: CallId) -> Option<Value<'p>> {
    let record = host.record(id)?;
    let of = |at: usize| record.args.positional.get(at);
    let base = of(1).map(Value::to_text);
    let text = |value: &Value<'p>| match value {
        Value::Text(text) => Value::Text(Rc::new(join_url(base.as_ref(), text))),
        // Another such, or something that nobody knows.
        Value::Native(id) => host.stored(*id, "href").unwrap_or_default(),
        _ => Value::Unknown,
    };
    Some(Value::choice(of(0)?.alternatives().iter().map(text).collect()))
}

/// Whether a function makes an API of Redux Toolkit.
fn makes_rtk(path: &str) -> bool {
    path.ends_with("/query/react.createApi") || path.ends_with("/query.createApi")
}

/// Lets an API of Redux Toolkit build its endpoints; its base address is that of the API.
fn endpoints<'p>(host: &mut Host<'_, 'p>, of: &Value<'p>, api: &Value<'p>, place: Place) {
    let Some(endpoints) = of.entry("endpoints") else { return };
    let base = match api.entry("baseQuery") {
        Some(Value::Native(id)) => host
            .record(id)
            .and_then(|made| made.args.positional.first()?.entry("baseUrl"))
            .unwrap_or_default(),
        _ => Value::Unknown,
    };
    let builder = host.record_call("rtk.builder", Args::of(vec![base]), place);
    host.call(&endpoints, None, Args::of(vec![Value::Native(builder)]), place);
}

/// What an endpoint of Redux Toolkit sends: an address, or a map with one.
fn rtk_request<'p>(sent: &Value<'p>, base: Option<&Text>) -> Args<'p> {
    let full = |url: &Value<'p>| Value::Text(Rc::new(join(base, &url.to_text())));
    match sent {
        Value::Map(_) => {
            let url = sent.entry("url").unwrap_or_default();
            let mut entries = vec![(Value::text("url"), full(&url))];
            entries.extend(sent.entry("method").map(|method| (Value::text("method"), method)));
            Args::of(vec![Value::map(entries)])
        }
        url => Args::of(vec![full(url)]),
    }
}

fn would_call<'p>(_: &Host<'_, 'p>, _: &Closure<'p>) -> bool {
    false
}

fn call<'p>(_: &mut Host<'_, 'p>, _: &Rc<Closure<'p>>) -> bool {
    false
}
