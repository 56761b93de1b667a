//! The smallest forms in which programs hand addresses and clients on, each with the calls that it
//! comes to.

use super::{Call, linked};

/// The calls of a program, as `GET /path status file:line`.
pub(super) fn calls(files: &[(&str, &str)]) -> Vec<String> {
    let linked = linked(files, &[]);
    let line = |call: &Call| {
        format!("{} {} {} {}:{}", call.method, call.url, call.status, call.file, call.line)
    };
    linked.iter().map(line).collect()
}

#[test]
fn what_is_passed_for_a_parameter_that_may_be_left_out_is_not_nothing() {
    let program = r#"
import { HttpClient } from "@angular/common/http";
export class Notes {
  constructor(private http: HttpClient) {}
  url(id: number = null, action: string = null): string {
    let url = `/api/notes/`;
    if (id !== null) { url += `${id}/`; }
    if (action) { url += `${action}/`; }
    return url;
  }
  list() { return this.http.get(this.url()); }
  close(id: number) { return this.http.post(this.url(id, "close"), {}); }
  edit(note: any) { return this.http.put(this.url(note.id), note); }
}
"#;
    assert_eq!(
        calls(&[("notes.ts", program)]),
        [
            "GET /api/notes/ missing notes.ts:11",
            "POST /api/notes/{}/close/ missing notes.ts:12",
            "PUT /api/notes/{}/ missing notes.ts:13",
        ]
    );
}

#[test]
fn an_inherited_method_sends_what_each_class_sets() {
    let program = r#"
import { HttpClient } from "@angular/common/http";
abstract class Base {
  protected name: string;
  constructor(protected http: HttpClient) {}
  list() { return this.http.get(`/api/${this.name}/`); }
}
export class Tags extends Base {
  constructor(http: HttpClient) { super(http); this.name = "tags"; }
}
export class Users extends Base {
  name = "users";
}
export class Drafts extends Base {
  name = "drafts";
}
"#;
    let server = r#"
const express = require("express");
const app = express();
app.get("/api/tags/", (request, response) => response.json(request.store.tags()));
app.get("/api/users/", (request, response) => response.json(request.store.users()));
app.listen(3000);
"#;
    // Nothing asks for drafts, and the server has none.
    assert_eq!(
        calls(&[("server.js", server), ("services.ts", program)]),
        ["GET /api/tags/ matched services.ts:6", "GET /api/users/ matched services.ts:6"]
    );
}

#[test]
fn an_address_comes_through_an_injected_service_a_getter_and_a_signal() {
    let program = r#"
import { HttpClient } from "@angular/common/http";
import { inject, signal } from "@angular/core";
export class Documents {
  previewUrl(id: number) { return `/api/documents/${id}/preview/`; }
}
export class Page {
  private http = inject(HttpClient);
  private documents = inject(Documents);
  shown = signal("");
  get link() { return this.documents.previewUrl(this.id); }
  a() { this.http.get(this.link); }
  b() { this.shown.set(this.documents.previewUrl(1)); this.http.head(this.shown()); }
  c() {
    let url = new URL(this.documents.previewUrl(2));
    url.searchParams.append("version", "3");
    this.http.post(url.toString(), {});
    this.http.put(url.href, {});
  }
}
"#;
    assert_eq!(
        calls(&[("page.ts", program)]),
        [
            "GET /api/documents/{}/preview/ missing page.ts:12",
            "HEAD /api/documents/1/preview/ missing page.ts:13",
            "POST /api/documents/2/preview/ missing page.ts:17",
            "PUT /api/documents/2/preview/ missing page.ts:18",
        ]
    );
}

#[test]
fn a_client_that_another_function_changes_is_still_one() {
    let program = r#"
import axios from "axios";
import rateLimit from "axios-rate-limit";
class Api {
  constructor(base, options = {}) {
    this.axios = axios.create({ baseURL: base });
    if (options.rateLimit) { this.axios = rateLimit(this.axios, { maxRPS: 50 }); }
  }
  get(path) { return this.axios.get(path); }
}
export class Films extends Api {
  constructor() { super("https://films.example.com/3", { rateLimit: true }); }
  search() { return this.get("/search"); }
}
"#;
    assert_eq!(
        calls(&[("films.js", program)]),
        ["GET https://films.example.com/3/search external films.js:13"]
    );
}

#[test]
fn a_function_for_each_item_of_a_list_or_of_none_is_run() {
    let program = r#"
import axios from "axios";
export async function ask(list) {
  await Promise.all((list ?? []).map(async (item) => { await axios.post("/api/requests", item); }));
}
"#;
    assert_eq!(calls(&[("ask.js", program)]), ["POST /api/requests missing ask.js:4"]);
}

#[test]
fn a_caller_gives_an_address_only_where_it_is_sent_to() {
    let program = r#"
import axios from "axios";
class Agent {
  base = "https://bots.example.com/";
  async send(message) { await axios.post(`${this.base}send`, { photo: message.image }); }
}
class Shouter {
  async send(message) { await axios.post(this.settings().hook, { photo: message.image }); }
}
export function notify() {
  [new Agent(), new Shouter()].forEach((agent) => agent.send({ image: "https://images.example.com/1" }));
}
"#;
    assert_eq!(
        calls(&[("agents.js", program)]),
        ["POST https://bots.example.com/send external agents.js:5", "POST {} dynamic agents.js:8"]
    );
}

#[test]
fn a_key_without_a_fetcher_is_asked_for_by_the_one_around_the_page() {
    let app = r#"
import axios from "axios";
import { SWRConfig } from "swr";
export const App = () => (
  <SWRConfig value={{ fetcher: (url) => axios.get(url).then((answer) => answer.data) }}><Page /></SWRConfig>
);
"#;
    let pages = r#"
import useSWR from "swr";
import useSWRInfinite from "swr/infinite";
const useFound = (address) => useSWRInfinite((page, before) => {
  if (before && !before.more) return null;
  return `${address}?page=${page + 1}`;
});
export const Page = ({ id }) => {
  const { data } = useSWR(id ? `/api/shows/${id}` : null, { revalidateOnFocus: false });
  return useFound("/api/films");
};
"#;
    assert_eq!(
        calls(&[("a-pages.jsx", pages), ("app.jsx", app)]),
        ["GET /api/shows/{} missing a-pages.jsx:9", "GET /api/films missing a-pages.jsx:10"]
    );
}

#[test]
fn a_base_of_unknown_parts_with_a_scheme_is_another_host() {
    let program = r#"
import axios from "axios";
export class Shows {
  constructor(at) {
    this.axios = axios.create({ baseURL: `${at.tls ? "https" : "http"}://${at.hostname}:${at.port}${at.base ?? ""}` });
  }
  all() { return this.axios.get("/api/v2"); }
  listed() { return this.axios.get("/list", { baseURL: "https://lists.example.com" }); }
}
export const domain = (space) => fetch(`https://${space}.example.com/api/data`);
"#;
    assert_eq!(
        calls(&[("shows.js", program)]),
        [
            "GET https://{}:{}{}/api/v2 external shows.js:7",
            "GET https://lists.example.com/list external shows.js:8",
            "GET https://{}.example.com/api/data external shows.js:10",
        ]
    );
}

#[test]
fn what_a_script_puts_on_the_window_is_there_for_all() {
    let main = r#"
class App { fetch(url, options) { return fetch(url, options); } }
window.App = new App();
"#;
    let page = r#"
const App = window.App;
export function load() { return App.fetch("/api/comments", { method: "GET" }); }
"#;
    assert_eq!(
        calls(&[("a-page.js", page), ("main.js", main)]),
        ["GET /api/comments missing a-page.js:3"]
    );
}

#[test]
fn a_script_that_uses_another_of_the_program_is_read() {
    use crate::source::{Encoding, Language, Role, Source};
    let asks = |text: &str| {
        crate::inventory::calls::can_call(&Source {
            path: "page.js".to_owned(),
            language: Language::JavaScript,
            role: Role::Production,
            text: text.to_owned(),
            encoding: Encoding::Utf8,
        })
    };
    assert!(asks("import App from \"../app\";\nApp.api.send({}, event);\n"));
    assert!(!asks("import App from \"../app\";\nconst title = App;\n"));
}

#[test]
fn what_keeps_values_by_their_keys_is_no_client() {
    let script = r#"
import NodeCache from "node-cache";
export class Api {
  private kept?: NodeCache;
  async rolling(path) { return this.kept?.get(`https://api.example.com/${path}`); }
  async cached(path) { return this.cache.get(`https://api.example.com/${path}`); }
}
"#;
    let python = r#"
import requests

def mark(info):
    return info.get("/Marked", False)
"#;
    assert!(calls(&[("api.ts", script), ("marks.py", python)]).is_empty());
}
